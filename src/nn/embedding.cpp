#include <algorithm>

#include <fmt/format.h>

#include "lockstep/core/error.hpp"
#include "lockstep/core/threads.hpp"
#include "lockstep/nn/unit_forms.hpp"
#include "lockstep/nn/units.hpp"
#include "nn/table_lookups.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

class Embedding final : public Unit {
 public:
  explicit Embedding(Index width) : width_(width) {}

  std::string text() const override { return fmt::format("embedding {}", width_); }
  bool takes_categories(std::size_t /*input*/) const override { return true; }

  Shape connect(std::span<const Shape> inputs) override {
    categories_ = inputs[0].categories();
    values_ = inputs[0].size();
    std::vector<Index> axes = inputs[0].axes();
    axes.push_back(width_);
    return axes;
  }

  /// A row of Glorot's initial weights has a norm of about 1.
  std::vector<TensorSpec> tensors() const override {
    return {{.name = "weight",
             .shape = {categories_, width_},
             .role = TensorRole::kTable,
             .fan_in = width_,
             .fan_out = width_}};
  }

  void place(std::size_t /*number*/, ParameterRange range) override { range_ = range; }
  void bind(const Real* parameters) override { parameters_ = parameters; }

  void forward(const RowBlock& block, Inputs x, MatrixView y) override {
    const Real* const numbers = x[0].data();
    LOCKSTEP_CHECK(std::all_of(numbers, numbers + x[0].size(), [&](Real number) {
      return number >= 0 && number < static_cast<Real>(categories_);
    }));
    for_each_part(block.rows(), [&](Index row) {
      for (Index i = 0; i < values_; ++i) {
        const auto category = static_cast<Index>(x[0](row, i));
        std::copy_n(parameters_ + category * width_, width_, y.data() + (row * values_ + i) * width_);
      }
    });
  }

  void backward(const RowBlock& block, Inputs x, ConstMatrixView /*y*/, ConstMatrixView dy,
                InputGradients /*dx*/, GradientSink& sink) override {
    lookups_.collect(block, [&](Index row, const auto& add) {
      for (Index i = 0; i < values_; ++i) add(static_cast<Index>(x[0](row, i)), row * values_ + i);
    });
    lookups_.hand_in(block, range_, width_, sink, [&](Index /*entry*/, Index position, Real* sum) {
      const Real* const values = dy.data() + position * width_;
      for (Index i = 0; i < width_; ++i) sum[i] += values[i];
    });
    sink.done(range_);
  }

  std::string add_operators(OperatorGraph& graph, std::span<const GraphValue> x) const override {
    if (x[0].shape.axes().size() > 1) fail_input("of categories along several axes it has no form in ONNX");
    const std::string numbers = graph.add("Cast", {x[0].name}, {{"to", OperatorGraph::kInt64}});
    return graph.add("Gather", {graph.tensor("weight"), numbers});
  }

 private:
  Index width_;
  Index categories_ = 0;
  Index values_ = 0;  // of a sample
  ParameterRange range_;
  const Real* parameters_ = nullptr;
  TableLookups lookups_;
};

}  // namespace

std::unique_ptr<Unit> embedding(Index width) { return std::make_unique<Embedding>(width); }

UnitForm embedding_form() {
  static constexpr Index kMostWidth = 1 << 24;
  return {.name = "embedding", .values = {"WIDTH"}, .make = [](const UnitWords& words) {
            return embedding(
                words.whole(0, 1, kMostWidth, fmt::format("a whole width from 1 to {}", kMostWidth)));
          }};
}

}  // namespace lockstep::inline LOCKSTEP_REAL
