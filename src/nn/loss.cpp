#include "lockstep/nn/loss.hpp"

#include <algorithm>
#include <cmath>

#include "lockstep/core/error.hpp"

namespace lockstep {

void Loss::evaluate(const RowBlock& block, ConstMatrixView outputs, const Targets& targets,
                    std::span<double> sums, MatrixView gradient) const {
  LOCKSTEP_CHECK(sums.size() == block.micro_batches.size());
  const auto width = static_cast<std::size_t>(outputs.cols());
  for (std::size_t i = 0; i < sums.size(); ++i) {
    const MicroBatchRows& m = block.micro_batches[i];
    sums[i] = 0;
    for (Index r = m.first; r < m.first + m.count; ++r) {
      Real* const row_gradient = gradient.rows() > 0 ? gradient.data() + r * gradient.cols() : nullptr;
      sums[i] += row({outputs.data() + r * outputs.cols(), width}, targets, r, row_gradient);
    }
  }
}

void Loss::row_hessian(std::span<const Real> /*outputs*/, double* /*hessian*/) const {
  LOCKSTEP_CHECK(has_hessian());
}

namespace {

class CrossEntropy final : public Loss {
 public:
  explicit CrossEntropy(double smoothing) : smoothing_(smoothing) {}

 private:
  double row(std::span<const Real> outputs, const Targets& targets, Index row,
             Real* gradient) const override {
    const auto label = static_cast<std::size_t>(targets.labels[static_cast<std::size_t>(row)]);
    const auto classes = static_cast<double>(outputs.size());
    const double largest = *std::max_element(outputs.begin(), outputs.end());
    double exponentials = 0;
    double total = 0;
    for (const Real output : outputs) {
      exponentials += std::exp(output - largest);
      total += output;
    }
    const double log_sum_exp = largest + std::log(exponentials);
    if (gradient != nullptr) {
      for (std::size_t k = 0; k < outputs.size(); ++k) {
        const double target = smoothing_ / classes + (k == label ? 1 - smoothing_ : 0);
        gradient[k] = static_cast<Real>(std::exp(outputs[k] - log_sum_exp) - target);
      }
    }
    return log_sum_exp - (1 - smoothing_) * outputs[label] - smoothing_ * total / classes;
  }

  double smoothing_;
};

class MeanSquaredError final : public Loss {
  double row(std::span<const Real> outputs, const Targets& targets, Index row,
             Real* gradient) const override {
    const auto count = static_cast<double>(outputs.size());
    const Real* const target = targets.values.data() + row * static_cast<Index>(outputs.size());
    double sum = 0;
    for (std::size_t k = 0; k < outputs.size(); ++k) {
      const double difference = static_cast<double>(outputs[k]) - target[k];
      sum += difference * difference;
      if (gradient != nullptr) gradient[k] = static_cast<Real>(2 * difference / count);
    }
    return sum / count;
  }
};

}  // namespace

std::unique_ptr<Loss> make_cross_entropy(double label_smoothing) {
  return std::make_unique<CrossEntropy>(label_smoothing);
}

std::unique_ptr<Loss> make_mean_squared_error() { return std::make_unique<MeanSquaredError>(); }

Index count_correct(ConstMatrixView outputs, std::span<const std::int32_t> labels) {
  Index correct = 0;
  for (Index i = 0; i < outputs.rows(); ++i) {
    Index largest = 0;
    outputs.row(i).maxCoeff(&largest);
    correct += largest == labels[static_cast<std::size_t>(i)] ? 1 : 0;
  }
  return correct;
}

}  // namespace lockstep
