#include "nn/norm.hpp"

#include <algorithm>
#include <functional>

#include "lockstep/core/threads.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

std::vector<TensorSpec> Norm::tensors() const {
  return {{.name = "weight", .shape = {channels_}, .role = TensorRole::kGain},
          {.name = "bias", .shape = {channels_}, .role = TensorRole::kBias}};
}

void Norm::place(std::size_t /*number*/, ParameterRange range) { range_ = range; }

void Norm::bind(const Real* parameters) { parameters_ = parameters; }

void Norm::start_backward(const RowBlock& block) {
  by_parameters_.assign(block.micro_batches.size() * static_cast<std::size_t>(2 * channels_), 0.0);
}

void Norm::end_backward(const RowBlock& block, GradientSink& sink) {
  const auto write = [&](const MicroBatchRows& m, Real* gradient) {
    const auto place = std::ranges::lower_bound(block.micro_batches, m.first, {}, &MicroBatchRows::first);
    const double* const sums = by_parameters(place - block.micro_batches.begin());
    for (Index c = 0; c < 2 * channels_; ++c) gradient[c] = static_cast<Real>(sums[c]);
  };
  sink.add(block, range_, std::ref(write));
  sink.done(range_);
}

void SampleNorm::backward(const RowBlock& block, Inputs x, ConstMatrixView /*y*/, ConstMatrixView dy,
                          InputGradients dx, GradientSink& sink) {
  start_backward(block);
  for_each_part(std::ssize(block.micro_batches), [&](Index i) {
    backward_of(block.micro_batches[static_cast<std::size_t>(i)], x[0], dy, dx[0], by_parameters(i));
  });
  end_backward(block, sink);
}

}  // namespace lockstep::inline LOCKSTEP_REAL
