#include "lockstep/nn/loss.hpp"

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

Index count_correct(ConstMatrixView outputs, std::span<const std::int32_t> labels) {
  Index correct = 0;
  for (Index i = 0; i < outputs.rows(); ++i) {
    Index largest = 0;
    outputs.row(i).maxCoeff(&largest);
    correct += largest == labels[static_cast<std::size_t>(i)] ? 1 : 0;
  }
  return correct;
}

Index count_correct(ConstMatrixView outputs, std::span<const Real> targets) {
  LOCKSTEP_CHECK(std::ssize(targets) == outputs.size());
  Index correct = 0;
  for (Index i = 0; i < outputs.size(); ++i) {
    correct += (outputs.data()[i] > 0) == (targets[static_cast<std::size_t>(i)] > 0) ? 1 : 0;
  }
  return correct;
}

}  // namespace lockstep
