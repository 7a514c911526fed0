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

void Norm::backward(const RowBlock& block, Inputs x, ConstMatrixView /*y*/, ConstMatrixView dy,
                    InputGradients dx, GradientSink& sink) {
  const Index count = std::ssize(block.micro_batches);
  const auto sums_of = [&](Index i) { return by_parameters_.data() + i * 2 * channels_; };
  by_parameters_.resize(std::max(by_parameters_.size(), static_cast<std::size_t>(count * 2 * channels_)));
  for_each_part(count, [&](Index i) {
    std::fill_n(sums_of(i), 2 * channels_, 0.0);
    backward_of(block, i, x[0], dy, dx[0], sums_of(i));
  });
  const auto write = [&](const MicroBatchRows& m, Real* gradient) {
    const auto place = std::ranges::lower_bound(block.micro_batches, m.first, {}, &MicroBatchRows::first);
    const double* const sums = sums_of(place - block.micro_batches.begin());
    for (Index c = 0; c < 2 * channels_; ++c) gradient[c] = static_cast<Real>(sums[c]);
  };
  sink.add(block, range_, std::ref(write));
  sink.done(range_);
}

}  // namespace lockstep::inline LOCKSTEP_REAL
