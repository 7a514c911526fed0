#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "lockstep/nn/loss.hpp"

namespace lockstep::test {

/// w_y Σ_k (output_k - [k = y])² for a sample of class y, which has the weight w_y; without weights 1.
class WeightedSquares final : public Loss {
 public:
  explicit WeightedSquares(std::vector<double> weights = {}) : weights_(std::move(weights)) {}

  bool has_weights() const override { return !weights_.empty(); }
  double weight(const Targets& targets, Index row) const override {
    return weights_[static_cast<std::size_t>(targets.labels[static_cast<std::size_t>(row)])];
  }

 private:
  double row(std::span<const Real> outputs, const Targets& targets, Index row,
             Real* gradient) const override {
    const auto label = static_cast<std::size_t>(targets.labels[static_cast<std::size_t>(row)]);
    const double w = has_weights() ? weights_[label] : 1;
    double sum = 0;
    for (std::size_t k = 0; k < outputs.size(); ++k) {
      const double d = static_cast<double>(outputs[k]) - (k == label ? 1 : 0);
      sum += d * d;
      if (gradient != nullptr) gradient[k] = static_cast<Real>(2 * w * d);
    }
    return w * sum;
  }

  std::vector<double> weights_;
};

}  // namespace lockstep::test
