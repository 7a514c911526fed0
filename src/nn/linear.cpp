#include <functional>

#include <fmt/format.h>

#include "lockstep/core/threads.hpp"
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
    parameter_gradients(block, x, dy, sink);
    sink.done(range_);
    if (dx.rows() > 0) input_gradient(block, dy, dx);
  }

 private:
  ConstMatrixView weight() const { return {parameters_, outputs_, inputs_}; }
  const Real* bias() const { return parameters_ + outputs_ * inputs_; }

  /// The weights' gradient goes in tiles of some outputs, so that a tile's micro-batches are summed in the
  /// cache.
  void parameter_gradients(const RowBlock& block, ConstMatrixView x, ConstMatrixView dy, GradientSink& sink) {
    const Index tiles = (outputs_ * inputs_ + kTileSize - 1) / kTileSize;
    for_each_part(tiles, [&](Index tile) {
      const Index first = outputs_ * tile / tiles;
      const Index count = outputs_ * (tile + 1) / tiles - first;
      const auto write = [&](const MicroBatchRows& m, Real* gradient) {
        multiply_weight_gradient(rows(dy, m.first, m.count), first, rows(x, m.first, m.count),
                                 MatrixView(gradient, count, inputs_));
      };
      sink.add(block, {range_.offset + first * inputs_, count * inputs_}, std::ref(write));
    });
    const auto write = [&](const MicroBatchRows& m, Real* gradient) {
      sum_rows(rows(dy, m.first, m.count), gradient);
    };
    sink.add(block, {range_.offset + outputs_ * inputs_, outputs_}, std::ref(write));
  }

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

  static constexpr Index kTileSize = Index{1} << 18U;  // values: of the order of a core's own cache

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
