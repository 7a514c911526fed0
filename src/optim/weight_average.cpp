#include "lockstep/optim/weight_average.hpp"

#include <algorithm>

#include "lockstep/core/multiversion.hpp"

namespace lockstep {

namespace {

LOCKSTEP_MULTIVERSION
void average(Real* e, const Real* x, Index n, Real decay, Real rest) {
  for (Index i = 0; i < n; ++i) e[i] = decay * e[i] + rest * x[i];
}

}  // namespace

WeightAverage::WeightAverage(double decay, Index size)
    : decay_(decay), values_(static_cast<std::size_t>(size)) {}

void WeightAverage::add(std::span<const Real> x) {
  if (empty_) {
    std::copy(x.begin(), x.end(), values_.begin());
    empty_ = false;
    return;
  }
  average(values_.data(), x.data(), static_cast<Index>(x.size()), static_cast<Real>(decay_),
          static_cast<Real>(1 - decay_));
}

}  // namespace lockstep
