#include "lockstep/optim/weight_average.hpp"

#include <algorithm>
#include <utility>

#include "core/multiversion.hpp"
#include "lockstep/core/subnormal.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

LOCKSTEP_MULTIVERSION
void average(Real* e, const Real* x, Index n, Real decay, Real rest) {
  for (Index i = 0; i < n; ++i) e[i] = flushed(decay * e[i] + rest * x[i]);
}

}  // namespace

WeightAverage::WeightAverage(double decay, std::vector<ParameterRange> owned)
    : decay_(decay), owned_(std::move(owned)) {
  std::size_t size = 0;
  for (const ParameterRange& range : owned_) size += static_cast<std::size_t>(range.size);
  values_.resize(size);
}

void WeightAverage::add(std::span<const Real> x) {
  Real* e = values_.data();
  for (const ParameterRange& range : owned_) {
    if (empty_) {
      std::copy_n(x.data() + range.offset, range.size, e);
    } else {
      average(e, x.data() + range.offset, range.size, static_cast<Real>(decay_),
              static_cast<Real>(1 - decay_));
    }
    e += range.size;
  }
  empty_ = false;
}

void WeightAverage::swap(std::span<Real> x) {
  Real* e = values_.data();
  for (const ParameterRange& range : owned_) {
    std::swap_ranges(e, e + range.size, x.data() + range.offset);
    e += range.size;
  }
}

}  // namespace lockstep::inline LOCKSTEP_REAL
