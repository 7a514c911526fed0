#include <algorithm>
#include <array>
#include <numeric>
#include <utility>
#include <vector>

#include "lockstep/core/functions.hpp"
#include "lockstep/nn/loss.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

struct LogSumExp {
  double value;  ///< log Σ exp(output)
  double total;  ///< Σ weight · output
};

/// Calls use(k, exp(outputs[k] - shift)) for k = 0, 1, …
template <typename Use>
void for_each_exponential(std::span<const Real> outputs, double shift, const Use& use) {
  constexpr std::size_t kBlock = 64;
  std::array<double, kBlock> block{};
  for (std::size_t first = 0; first < outputs.size(); first += kBlock) {
    const std::size_t count = std::min(kBlock, outputs.size() - first);
    for (std::size_t k = 0; k < count; ++k) block[k] = outputs[first + k] - shift;
    portable::exp(block.data(), block.data(), static_cast<Index>(count));
    for (std::size_t k = 0; k < count; ++k) use(first + k, block[k]);
  }
}

/// `weights` of the classes, or none: 1 each.
LogSumExp log_sum_exp(std::span<const Real> outputs, std::span<const double> weights = {}) {
  const double largest = *std::max_element(outputs.begin(), outputs.end());
  double exponentials = 0;
  double total = 0;
  for_each_exponential(outputs, largest, [&](std::size_t k, double exponential) {
    exponentials += exponential;
    total += weights.empty() ? outputs[k] : weights[k] * outputs[k];
  });
  return {largest + portable::log(exponentials), total};
}

class CrossEntropy final : public Loss {
 public:
  CrossEntropy(double smoothing, std::vector<double> weights)
      : smoothing_(smoothing), weights_(std::move(weights)) {
    if (weights_.empty()) return;
    mean_weight_ =
        std::accumulate(weights_.begin(), weights_.end(), 0.0) / static_cast<double>(weights_.size());
  }

  bool has_weights() const override { return !weights_.empty(); }

  double weight(const Targets& targets, Index row) const override {
    return weight_of(static_cast<std::size_t>(targets.labels[static_cast<std::size_t>(row)]));
  }

  bool has_probabilities() const override { return true; }

  /// softmax(outputs).
  void row_probabilities(std::span<const Real> outputs, std::span<double> probabilities) const override {
    for_each_exponential(outputs, log_sum_exp(outputs).value,
                         [&](std::size_t k, double probability) { probabilities[k] = probability; });
  }

  bool is_log_loss() const override { return smoothing_ == 0 && weights_.empty(); }

  bool has_hessian() const override { return weights_.empty(); }

  /// diag(p) - p pᵀ with p = softmax(outputs).
  void row_hessian(std::span<const Real> outputs, double* hessian) const override {
    std::vector<double> p(outputs.size());
    row_probabilities(outputs, p);
    for (std::size_t i = 0; i < p.size(); ++i) {
      for (std::size_t j = 0; j < p.size(); ++j) *hessian++ = (i == j ? p[i] : 0) - p[i] * p[j];
    }
  }

 private:
  double weight_of(std::size_t label) const { return weights_.empty() ? 1 : weights_[label]; }

  /// Σ_k t_k (log Σ exp(outputs) - output_k) with t_k = weight_k q_k. Without weights Σ_k t_k is exactly 1.
  double row(std::span<const Real> outputs, const Targets& targets, Index row,
             Real* gradient) const override {
    const auto label = static_cast<std::size_t>(targets.labels[static_cast<std::size_t>(row)]);
    const auto classes = static_cast<double>(outputs.size());
    const double of_label = (1 - smoothing_) * weight_of(label);
    const double all = of_label + smoothing_ * mean_weight_;
    const LogSumExp log_sum = log_sum_exp(outputs, weights_);
    if (gradient != nullptr) {
      for_each_exponential(outputs, log_sum.value, [&](std::size_t k, double probability) {
        const double target = smoothing_ / classes * weight_of(k) + (k == label ? of_label : 0);
        gradient[k] = static_cast<Real>(all * probability - target);
      });
    }
    return all * log_sum.value - of_label * outputs[label] - smoothing_ * log_sum.total / classes;
  }

  double smoothing_;
  std::vector<double> weights_;  // of the classes; empty: 1 each
  double mean_weight_ = 1;
};

}  // namespace

std::unique_ptr<Loss> make_cross_entropy(double label_smoothing, std::vector<double> class_weights) {
  return std::make_unique<CrossEntropy>(label_smoothing, std::move(class_weights));
}

}  // namespace lockstep::inline LOCKSTEP_REAL
