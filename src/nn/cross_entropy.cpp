#include <algorithm>
#include <cmath>
#include <vector>

#include "lockstep/nn/loss.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

struct LogSumExp {
  double value;  ///< log Σ exp(output)
  double total;  ///< Σ output
};

LogSumExp log_sum_exp(std::span<const Real> outputs) {
  const double largest = *std::max_element(outputs.begin(), outputs.end());
  double exponentials = 0;
  double total = 0;
  for (const Real output : outputs) {
    exponentials += std::exp(output - largest);
    total += output;
  }
  return {largest + std::log(exponentials), total};
}

class CrossEntropy final : public Loss {
 public:
  explicit CrossEntropy(double smoothing) : smoothing_(smoothing) {}

  bool has_hessian() const override { return true; }

  /// diag(p) - p pᵀ with p = softmax(outputs).
  void row_hessian(std::span<const Real> outputs, double* hessian) const override {
    const double log_sum = log_sum_exp(outputs).value;
    std::vector<double> p;
    p.reserve(outputs.size());
    for (const Real output : outputs) p.push_back(std::exp(output - log_sum));
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
      for (std::size_t k = 0; k < outputs.size(); ++k) {
        const double target = smoothing_ / classes + (k == label ? 1 - smoothing_ : 0);
        gradient[k] = static_cast<Real>(std::exp(outputs[k] - log_sum.value) - target);
      }
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
