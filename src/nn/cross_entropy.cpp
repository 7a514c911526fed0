#include <algorithm>
#include <array>
#include <vector>

#include "lockstep/core/functions.hpp"
#include "lockstep/nn/loss.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

struct LogSumExp {
  double value;  ///< log Σ exp(output)
  double total;  ///< Σ output
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

LogSumExp log_sum_exp(std::span<const Real> outputs) {
  const double largest = *std::max_element(outputs.begin(), outputs.end());
  double exponentials = 0;
  double total = 0;
  for_each_exponential(outputs, largest, [&](std::size_t k, double exponential) {
    exponentials += exponential;
    total += outputs[k];
  });
  return {largest + portable::log(exponentials), total};
}

class CrossEntropy final : public Loss {
 public:
  explicit CrossEntropy(double smoothing) : smoothing_(smoothing) {}

  bool has_probabilities() const override { return true; }

  /// softmax(outputs).
  void row_probabilities(std::span<const Real> outputs, std::span<double> probabilities) const override {
    for_each_exponential(outputs, log_sum_exp(outputs).value,
                         [&](std::size_t k, double probability) { probabilities[k] = probability; });
  }

  bool is_log_loss() const override { return smoothing_ == 0; }

  bool has_hessian() const override { return true; }

  /// diag(p) - p pᵀ with p = softmax(outputs).
  void row_hessian(std::span<const Real> outputs, double* hessian) const override {
    std::vector<double> p(outputs.size());
    row_probabilities(outputs, p);
    for (std::size_t i = 0; i < p.size(); ++i) {
      for (std::size_t j = 0; j < p.size(); ++j) *hessian++ = (i == j ? p[i] : 0) - p[i] * p[j];
    }
  }

 private:
  double row(std::span<const Real> outputs, const Targets& targets, Index row,
             Real* gradient) const override {
    const auto label = static_cast<std::size_t>(targets.labels[static_cast<std::size_t>(row)]);
    const auto classes = static_cast<double>(outputs.size());
    const LogSumExp log_sum = log_sum_exp(outputs);
    if (gradient != nullptr) {
      for_each_exponential(outputs, log_sum.value, [&](std::size_t k, double probability) {
        const double target = smoothing_ / classes + (k == label ? 1 - smoothing_ : 0);
        gradient[k] = static_cast<Real>(probability - target);
      });
    }
    return log_sum.value - (1 - smoothing_) * outputs[label] - smoothing_ * log_sum.total / classes;
  }

  double smoothing_;
};

}  // namespace

std::unique_ptr<Loss> make_cross_entropy(double label_smoothing) {
  return std::make_unique<CrossEntropy>(label_smoothing);
}

}  // namespace lockstep::inline LOCKSTEP_REAL
