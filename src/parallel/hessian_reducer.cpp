#include "lockstep/parallel/hessian_reducer.hpp"

namespace lockstep {

HessianReducer::HessianReducer(const Model& model, const Loss& loss, Reduction reduction,
                               Communicator& communicator, Exchange exchange)
    : hessian_(model, loss),
      reducer_(make_gradient_reducer(reduction, communicator, hessian_.size(), exchange)) {}

void HessianReducer::add(const RowBlock& block, ConstMatrixView x, ConstMatrixView outputs) {
  const ParameterRange all{0, hessian_.size()};
  for (const MicroBatchRows& m : block.micro_batches) {
    hessian_.compute(rows(x, m.first, m.count), rows(outputs, m.first, m.count),
                     reducer_->buffer(all, m.micro_batch));
    reducer_->add(all, m.micro_batch);
  }
}

}  // namespace lockstep
