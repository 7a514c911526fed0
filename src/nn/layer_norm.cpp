#include <algorithm>
#include <cmath>

#include "lockstep/core/error.hpp"
#include "lockstep/core/threads.hpp"
#include "lockstep/nn/unit_forms.hpp"
#include "lockstep/nn/units.hpp"
#include "nn/lanes.hpp"
#include "nn/norm.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

class LayerNorm final : public SampleNorm {
 public:
  std::string text() const override { return "layer-norm"; }

  Shape connect(std::span<const Shape> inputs) override {
    constexpr std::size_t kMostAxes = 2;
    const std::vector<Index>& axes = inputs[0].axes();
    if (axes.size() > kMostAxes) {
      fail_input("expected one axis of features, or vectors side by side; try 'group-norm 1' for a picture");
    }
    set_channels(axes.back());
    positions_ = inputs[0].size() / axes.back();
    return inputs[0];
  }

  void forward(const RowBlock& block, Inputs inputs, MatrixView outputs) override {
    standards_.resize(std::max(standards_.size(), static_cast<std::size_t>(block.rows() * positions_)));
    for_each_part(block.rows(), [&](Index row) {
      for (Index position = row * positions_; position < (row + 1) * positions_; ++position) {
        const Real* const x = inputs[0].data() + position * channels();
        standardize(x, standards_[static_cast<std::size_t>(position)],
                    outputs.data() + position * channels());
      }
      block.finish(row, 1);
    });
  }

  std::string add_operators(OperatorGraph& graph, std::span<const GraphValue> x) const override {
    return add_affine(graph, add_standardized(graph, x[0].name), x[0].shape);
  }

 private:
  /// x̂ = (x - centre) · scale.
  struct Standard {
    Real centre = 0;
    Real scale = 0;
  };

  void standardize(const Real* x, Standard& standard, Real* y) const {
    const Index count = channels();
    const auto size = static_cast<double>(count);
    const Real* const weight = parameters();
    const Real* const bias = weight + count;
    const double mean = sum_in_lanes(count, [&](Index i) { return x[i]; }) / size;
    const double variance = sum_in_lanes(count,
                                         [&](Index i) {
                                           const double distance = x[i] - mean;
                                           return distance * distance;
                                         }) /
                            size;
    standard = {static_cast<Real>(mean), static_cast<Real>(1 / std::sqrt(variance + kNormEpsilon))};
    const auto [centre, scale] = standard;
    for (Index i = 0; i < count; ++i) y[i] = (x[i] - centre) * scale * weight[i] + bias[i];
  }

  void backward_of(Index row, ConstMatrixView x, ConstMatrixView dy, MatrixView dx,
                   double* by_parameters) override {
    for (Index position = row * positions_; position < (row + 1) * positions_; ++position) {
      const Index first = position * channels();
      const Standard& standard = standards_[static_cast<std::size_t>(position)];
      add_parameter_gradients(x.data() + first, dy.data() + first, standard, by_parameters);
      if (dx.rows() > 0) input_gradient(x.data() + first, dy.data() + first, standard, dx.data() + first);
    }
  }

  void add_parameter_gradients(const Real* x, const Real* dy, Standard standard, double* sums) const {
    const Index count = channels();
    for (Index i = 0; i < count; ++i) {
      sums[i] += dy[i] * ((x[i] - standard.centre) * standard.scale);
      sums[count + i] += dy[i];
    }
  }

  /// With g = dy · weight and means over the position: dx = (g - mean(g) - x̂ · mean(g x̂)) · scale.
  void input_gradient(const Real* x, const Real* dy, Standard standard, Real* dx) const {
    const Index count = channels();
    const auto size = static_cast<double>(count);
    const Real* const weight = parameters();
    const Real scale = standard.scale;
    const auto normal = [&](Index i) { return (x[i] - standard.centre) * scale; };
    const auto mean =
        static_cast<Real>(sum_in_lanes(count, [&](Index i) { return dy[i] * weight[i]; }) / size);
    const auto product_mean =
        static_cast<Real>(sum_in_lanes(count, [&](Index i) { return dy[i] * weight[i] * normal(i); }) / size);
    for (Index i = 0; i < count; ++i) dx[i] = (dy[i] * weight[i] - mean - normal(i) * product_mean) * scale;
  }

  Index positions_ = 0;
  std::vector<Standard> standards_;  // of the last forward, [rows x positions]
};

}  // namespace

std::unique_ptr<Unit> layer_norm() { return std::make_unique<LayerNorm>(); }

UnitForm layer_norm_form() {
  return {.name = "layer-norm", .make = [](const UnitWords&) { return layer_norm(); }};
}

}  // namespace lockstep::inline LOCKSTEP_REAL
