#include "scale.hpp"

#include <functional>

namespace consumer::inline LOCKSTEP_REAL {

namespace {

using namespace lockstep;

class Scale final : public Unit {
 public:
  std::string text() const override { return "scale"; }

  Shape connect(std::span<const Shape> inputs) override {
    values_ = inputs[0].size();
    return inputs[0];
  }

  std::vector<TensorSpec> tensors() const override {
    return {{.name = "gain", .shape = {values_}, .role = TensorRole::kGain}};
  }

  void place(std::size_t /*number*/, ParameterRange range) override { range_ = range; }
  void bind(const Real* parameters) override { gain_ = parameters; }

  void forward(const RowBlock& /*block*/, Inputs x, MatrixView y) override {
    for (Index row = 0; row < y.rows(); ++row) {
      for (Index i = 0; i < values_; ++i) y(row, i) = gain_[i] * x[0](row, i);
    }
  }

  void backward(const RowBlock& block, Inputs x, ConstMatrixView /*y*/, ConstMatrixView dy, InputGradients dx,
                GradientSink& sink) override {
    const auto write = [&](const MicroBatchRows& m, Real* gradient) {
      for (Index i = 0; i < values_; ++i) gradient[i] = 0;
      for (Index row = m.first; row < m.first + m.count; ++row) {
        for (Index i = 0; i < values_; ++i) gradient[i] += dy(row, i) * x[0](row, i);
      }
    };
    sink.add(block, range_, std::ref(write));
    sink.done(range_);
    MatrixView by_input = dx[0];
    for (Index row = 0; row < by_input.rows(); ++row) {
      for (Index i = 0; i < values_; ++i) by_input(row, i) = gain_[i] * dy(row, i);
    }
  }

 private:
  Index values_ = 0;
  ParameterRange range_;
  const Real* gain_ = nullptr;
};

}  // namespace

std::unique_ptr<Unit> scale() { return std::make_unique<Scale>(); }

}  // namespace consumer::inline LOCKSTEP_REAL
