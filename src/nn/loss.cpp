#include "lockstep/nn/loss.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "lockstep/core/error.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

void Loss::evaluate(const RowBlock& block, ConstMatrixView outputs, const Targets& targets,
                    std::span<double> sums, MatrixView gradient) const {
  LOCKSTEP_CHECK(sums.size() == block.micro_batches.size());
  const auto width = static_cast<std::size_t>(outputs.cols());
  for (std::size_t i = 0; i < sums.size(); ++i) {
    const MicroBatchRows& m = block.micro_batches[i];
    sums[i] = 0;
    for (Index r = m.first; r < m.first + m.count; ++r) {
      Real* const row_gradient = gradient.rows() > 0 ? gradient.data() + r * gradient.cols() : nullptr;
      const std::span<const Real> row_outputs(outputs.data() + r * outputs.cols(), width);
      const double loss = targets.shares.empty() ? row(row_outputs, targets, r, row_gradient)
                                                 : mixed_row(row_outputs, targets, r, row_gradient);
      if (targets.weights.empty()) {
        sums[i] += loss;
        continue;
      }
      const Real weight = targets.weights[static_cast<std::size_t>(r)];
      sums[i] += weight * loss;
      if (row_gradient != nullptr) {
        for (std::size_t k = 0; k < width; ++k) row_gradient[k] *= weight;
      }
    }
  }
}

double Loss::mixed_row(std::span<const Real> outputs, const Targets& targets, Index row,
                       Real* gradient) const {
  thread_local std::vector<Real> other_gradient;
  other_gradient.resize(outputs.size());
  const Real share = targets.shares[static_cast<std::size_t>(row)];
  const Targets other{.labels = targets.partner_labels, .values = targets.values};
  const double own_loss = this->row(outputs, targets, row, gradient);
  const double other_loss =
      this->row(outputs, other, row, gradient == nullptr ? nullptr : other_gradient.data());
  for (std::size_t k = 0; gradient != nullptr && k < outputs.size(); ++k) {
    gradient[k] = share * gradient[k] + (1 - share) * other_gradient[k];
  }
  return share * own_loss + (1 - share) * other_loss;
}

double Loss::weight(const Targets& /*targets*/, Index /*row*/) const {
  LOCKSTEP_CHECK(!has_weights());
  return 1;
}

double Loss::total_weight(const Targets& targets, Index row) const {
  const double own = has_weights() ? weight(targets, row) : 1;
  return targets.weights.empty() ? own : own * targets.weights[static_cast<std::size_t>(row)];
}

void Loss::row_hessian(std::span<const Real> /*outputs*/, double* /*hessian*/) const {
  LOCKSTEP_CHECK(has_hessian());
}

void Loss::row_probabilities(std::span<const Real> /*outputs*/, std::span<double> /*probabilities*/) const {
  LOCKSTEP_CHECK(has_probabilities());
}

bool is_finite_row(ConstMatrixView matrix, Index row) {
  const Real* const first = matrix.data() + row * matrix.cols();
  return std::all_of(first, first + matrix.cols(), [](Real value) { return std::isfinite(value); });
}

std::optional<Index> predicted_class(ConstMatrixView outputs, Index row) {
  if (!is_finite_row(outputs, row)) return std::nullopt;
  Index largest = 0;
  outputs.row(row).maxCoeff(&largest);
  return largest;
}

Index count_correct(ConstMatrixView outputs, std::span<const std::int32_t> labels) {
  Index correct = 0;
  for (Index i = 0; i < outputs.rows(); ++i) {
    correct += predicted_class(outputs, i) == labels[static_cast<std::size_t>(i)] ? 1 : 0;
  }
  return correct;
}

Index count_correct(ConstMatrixView outputs, std::span<const Real> targets) {
  LOCKSTEP_CHECK(std::ssize(targets) == outputs.size());
  Index correct = 0;
  for (Index row = 0; row < outputs.rows(); ++row) {
    if (!is_finite_row(outputs, row)) continue;
    for (Index i = row * outputs.cols(); i < (row + 1) * outputs.cols(); ++i) {
      correct += (outputs.data()[i] > 0) == (targets[static_cast<std::size_t>(i)] > 0) ? 1 : 0;
    }
  }
  return correct;
}

}  // namespace lockstep::inline LOCKSTEP_REAL
