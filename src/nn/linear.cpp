#include <fmt/format.h>

#include "lockstep/nn/layers.hpp"
#include "lockstep/nn/products.hpp"
#include "lockstep/nn/row_invariance.hpp"

namespace lockstep {

namespace {

class Linear final : public Layer {
 public:
  Linear(Index inputs, Index outputs)
      : inputs_(inputs), outputs_(outputs), row_invariance_(inputs, outputs) {}

  std::string text() const override { return fmt::format("linear {}", outputs_); }
  Index outputs() const override { return outputs_; }

  void declare(ParameterLayout& layout, const std::string& position) override {
    const ParameterRange weight =
        layout.add(position + ".weight", {outputs_, inputs_}, ParameterKind::kWeight);
    const ParameterRange bias = layout.add(position + ".bias", {outputs_}, ParameterKind::kBias);
    range_ = {weight.offset, weight.size + bias.size};
  }

  void bind(std::span<Real> parameters) override { parameters_ = parameters.data() + range_.offset; }

  void forward(const RowBlock& block, ConstMatrixView x, MatrixView y) override {
    if (row_invariance_.of(block).forward) return multiply_forward(x, weight(), bias(), y);
    for (const MicroBatchRows& m : block.micro_batches) {
      multiply_forward(rows(x, m.first, m.count), weight(), bias(), rows(y, m.first, m.count));
    }
  }

  void backward(const RowBlock& block, ConstMatrixView x, ConstMatrixView /*y*/, ConstMatrixView dy,
                MatrixView dx, GradientSink& sink) override {
    for (const MicroBatchRows& m : block.micro_batches) {
      const ConstMatrixView dy_m = rows(dy, m.first, m.count);
      Real* const gradient = sink.buffer(range_, m.micro_batch);
      multiply_weight_gradient(dy_m, rows(x, m.first, m.count), MatrixView(gradient, outputs_, inputs_));
      sum_rows(dy_m, gradient + outputs_ * inputs_);
      sink.add(range_, m.micro_batch);
    }
    if (dx.rows() > 0) input_gradient(block, dy, dx);
  }

 private:
  ConstMatrixView weight() const { return {parameters_, outputs_, inputs_}; }
  const Real* bias() const { return parameters_ + outputs_ * inputs_; }

  void input_gradient(const RowBlock& block, ConstMatrixView dy, MatrixView dx) {
    if (row_invariance_.of(block).input_gradient) return multiply_input_gradient(dy, weight(), dx);
    for (const MicroBatchRows& m : block.micro_batches) {
      multiply_input_gradient(rows(dy, m.first, m.count), weight(), rows(dx, m.first, m.count));
    }
  }

  /// sums[j] = Σ_i matrix(i, j), in row order.
  static void sum_rows(ConstMatrixView matrix, Real* sums) {
    Eigen::Map<Eigen::Array<Real, 1, Eigen::Dynamic>> total(sums, matrix.cols());
    total = matrix.row(0).array();
    for (Index i = 1; i < matrix.rows(); ++i) total += matrix.row(i).array();
  }

  Index inputs_;
  Index outputs_;
  RowInvariance row_invariance_;
  ParameterRange range_;
  const Real* parameters_ = nullptr;
};

}  // namespace

std::unique_ptr<Layer> make_linear(Index inputs, Index outputs) {
  return std::make_unique<Linear>(inputs, outputs);
}

}  // namespace lockstep
