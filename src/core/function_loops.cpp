#include "core/function_loops.hpp"

#include "core/function_definitions.hpp"

namespace lockstep::portable::detail {

namespace {

template <typename T>
constexpr double kSmallest = sizeof(T) == sizeof(float) ? 0x1p-126 : 0x1p-1022;  // the smallest normal number

/// x, or zero where x is below the smallest normal number. Compared in double, as processors that flush
/// results differ in whether they do so before or after rounding.
template <typename T>
LOCKSTEP_INLINE double flushed(double x) {
  return __builtin_fabs(x) < kSmallest<T> ? __builtin_copysign(0.0, x) : x;
}

template <auto kFunction, typename T>
LOCKSTEP_INLINE T value(T argument) {
  const double x = flushed<T>(argument);
  const double y = flushed<T>(kFunction(x));
  return static_cast<T>(x == x ? y : definition::kNan);
}

template <auto kFunction, typename T>
void loop(const T* x, T* y, Index n) {
#pragma omp simd
  for (Index i = 0; i < n; ++i) y[i] = value<kFunction>(x[i]);
}

template <auto kFunction>
constexpr FunctionLoop kLoop{loop<kFunction, float>, loop<kFunction, double>};

double pow(double base, double exponent) {
  return flushed<double>(definition::pow(flushed<double>(base), flushed<double>(exponent)));
}

constexpr FunctionLoops kLoops{.exp = kLoop<definition::exp>,
                               .log = kLoop<definition::log>,
                               .log1p = kLoop<definition::log1p>,
                               .tanh = kLoop<definition::tanh>,
                               .erfc = kLoop<definition::erfc>,
                               .logistic = kLoop<definition::logistic>,
                               .softplus = kLoop<definition::softplus>,
                               .gelu = kLoop<definition::gelu>,
                               .gelu_slope = kLoop<definition::gelu_slope>,
                               .cos_pi = kLoop<definition::cos_pi>,
                               .sin_pi = kLoop<definition::sin_pi>,
                               .pow = pow};

}  // namespace

template <>
const FunctionLoops& function_loops<LOCKSTEP_UNIT>() {
  return kLoops;
}

}  // namespace lockstep::portable::detail
