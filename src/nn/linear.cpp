#include <algorithm>
#include <functional>

#include <fmt/format.h>

#include "lockstep/core/error.hpp"
#include "lockstep/core/threads.hpp"
#include "lockstep/nn/bfloat16_products.hpp"
#include "lockstep/nn/products.hpp"
#include "lockstep/nn/unit_forms.hpp"
#include "lockstep/nn/units.hpp"
#include "nn/bias_gradient.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

/// As a number of outputs: that is not known yet.
constexpr Index kAutomatic = 0;

class Linear final : public Unit {
 public:
  explicit Linear(Index outputs) : outputs_(outputs) {}

  std::string text() const override {
    return outputs_ == kAutomatic ? "linear auto" : fmt::format("linear {}", outputs_);
  }
  bool is_affine() const override { return true; }
  UnitKind kind() const override { return UnitKind::kLinear; }
  bool reads_output() const override { return false; }

  Shape connect(std::span<const Shape> inputs) override {
    if (outputs_ == kAutomatic) fail_input("'auto' needs data; expected a number of outputs");
    if (inputs[0].axes().size() > 2) fail_input("expected values along one axis; put 'flatten' before it");
    inputs_ = inputs[0].size();
    return outputs_;
  }

  std::vector<TensorSpec> tensors() const override {
    return {{.name = "weight",
             .shape = {outputs_, inputs_},
             .role = TensorRole::kWeight,
             .fan_in = inputs_,
             .fan_out = outputs_,
             .is_factor = true},
            {.name = "bias", .shape = {outputs_}, .role = TensorRole::kBias}};
  }

  void place(std::size_t /*number*/, ParameterRange range) override { range_ = range; }
  void bind(const Real* parameters) override { parameters_ = parameters; }

  void forward(const RowBlock& block, Inputs x, MatrixView y) override {
    if (block.precision == Precision::kFloat32) return multiply_forward(x[0], weight(), bias(), y);
    x16_.assign_rows(x[0]);
    weight16_.assign_rows(weight());
    multiply_forward(x16_.view(), weight16_.view(), bias(), y);
  }

  void backward(const RowBlock& block, Inputs x, ConstMatrixView /*y*/, ConstMatrixView dy, InputGradients dx,
                GradientSink& sink) override {
    add_bias_gradient(block, dy, 1, {range_.offset + outputs_ * inputs_, outputs_}, sink);
    if (block.precision == Precision::kFloat32) {
      weight_gradient(block, sink, [&](const MicroBatchRows& m, Index first, MatrixView dw, bool adds) {
        multiply_weight_gradient(rows(dy, m.first, m.count), first, rows(x[0], m.first, m.count), dw, adds);
      });
      if (dx[0].rows() > 0) multiply_input_gradient(dy, weight(), dx[0]);
      return;
    }
    x16_.assign_columns(x[0], block);
    dy16_.assign_columns(dy, block);
    weight_gradient(block, sink, [&](const MicroBatchRows& m, Index first, MatrixView dw, bool adds) {
      multiply_weight_gradient(dy16_.of(m), first, x16_.of(m), dw, adds);
    });
    if (dx[0].rows() == 0) return;
    dy16_.assign_rows(dy);
    weight16_.assign_columns(weight());
    multiply_input_gradient(dy16_.view(), weight16_.view(), dx[0]);
  }

  std::string add_operators(OperatorGraph& graph, std::span<const GraphValue> x) const override {
    const std::string features =
        x[0].shape.axes().size() == 1 ? x[0].name : graph.reshape(x[0].name, {inputs_});
    return graph.add("Gemm", {features, graph.tensor("weight"), graph.tensor("bias")},
                     {{"transB", std::int64_t{1}}});
  }

 private:
  ConstMatrixView weight() const { return {parameters_, outputs_, inputs_}; }
  const Real* bias() const { return parameters_ + outputs_ * inputs_; }

  /// In tiles of some outputs, so that a tile's micro-batches are summed in the cache. More rows take longer,
  /// and so are worth larger tiles, each of which reads x anew. `multiply`: of a micro-batch, from an output
  /// on.
  template <typename Multiply>
  void weight_gradient(const RowBlock& block, GradientSink& sink, const Multiply& multiply) {
    const Index rows_of_each = block.rows() / std::ssize(block.micro_batches);
    const Index size = std::clamp(kTileSizeOfRow * rows_of_each, kLeastTileSize, kMostTileSize);
    const Index tiles = (outputs_ * inputs_ + size - 1) / size;
    for_each_part(tiles, [&](Index tile) {
      const Index first = outputs_ * tile / tiles;
      const Index count = outputs_ * (tile + 1) / tiles - first;
      const auto write = [&](const MicroBatchRows& m, Real* gradient, bool adds) {
        multiply(m, first, MatrixView(gradient, count, inputs_), adds);
      };
      sink.add_in_place(block, {range_.offset + first * inputs_, count * inputs_}, std::ref(write));
    });
    sink.done(range_);
  }

  // Values. Several levels of the tree, of the least size, fit into a core's own cache.
  static constexpr Index kLeastTileSize = Index{1} << 15U;
  static constexpr Index kTileSizeOfRow = Index{1} << 11U;
  static constexpr Index kMostTileSize = Index{1} << 18U;

  Index outputs_;
  Index inputs_ = 0;
  ParameterRange range_;
  const Real* parameters_ = nullptr;
  Bfloat16Matrix x16_, weight16_, dy16_;  // of the product at hand
};

}  // namespace

std::unique_ptr<Unit> linear(Index outputs) { return std::make_unique<Linear>(outputs); }

UnitForm linear_form() {
  static constexpr Index kMostOutputs = 1 << 24;
  return {.name = "linear", .values = {"OUTPUTS"}, .make = [](const UnitWords& words) {
            if (words.is(0, "auto")) return linear(kAutomatic);
            return linear(words.whole(0, 1, kMostOutputs,
                                      fmt::format("a whole number of outputs from 1 to {}", kMostOutputs)));
          }};
}

}  // namespace lockstep::inline LOCKSTEP_REAL
