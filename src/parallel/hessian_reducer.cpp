#include "lockstep/parallel/hessian_reducer.hpp"

#include <functional>

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

Shares shares_of(Index size, bool replicated, int ranks) {
  ParameterLayout layout;
  layout.add(0, "hessian", {.shape = {size}});
  return replicated ? Shares::replicated(layout, ranks) : Shares(layout, Scope::kModel, ranks);
}

}  // namespace

HessianReducer::HessianReducer(const Network& model, const Loss& loss, bool replicated,
                               const Topology& topology)
    : hessian_(model, loss),
      shares_(shares_of(hessian_.size(), replicated, topology.all().size())),
      owns_(shares_.size_of(topology.all().rank()) > 0),
      reducer_(make_gradient_reducer(topology, shares_)) {}

void HessianReducer::add(const RowBlock& block, ConstMatrixView x, ConstMatrixView outputs,
                         std::span<const Real> weights) {
  const auto write = [&](const MicroBatchRows& m, Real* packed) {
    const auto own = weights.empty() ? weights
                                     : weights.subspan(static_cast<std::size_t>(m.first),
                                                       static_cast<std::size_t>(m.count));
    hessian_.compute(rows(x, m.first, m.count), rows(outputs, m.first, m.count), own, packed);
  };
  const ParameterRange all{0, hessian_.size()};
  reducer_->add(block, all, std::ref(write));
  reducer_->done(all);
}

Eigen::MatrixXd HessianReducer::finish() {
  reducer_->finish();
  return owns_ ? hessian_.unpack(reducer_->gradient()) : Eigen::MatrixXd();
}

}  // namespace lockstep::inline LOCKSTEP_REAL
