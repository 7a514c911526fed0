#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "core/function_loops.hpp"
#include "function_references.hpp"
#include "lockstep/core/functions.hpp"

namespace lockstep::test {

/// One of lockstep/core/functions.hpp, and what it is compared with.
struct FunctionCase {
  std::string name;
  const portable::Function& function;
  portable::Function::Member member;
  double (*of_double)(double);
  long double (*of_long_double)(long double);
  double ulps;                 // the bound for double that the header states
  double smallest_ulp_of = 0;  // … where an ulp is no smaller than that of this number
};

/// The bound for float that the header states, in ulps.
constexpr double kUlpsOfFloat = 0.51;

using Loops = portable::detail::FunctionLoops;
inline const std::vector<FunctionCase> kFunctionCases = {
    {"exp", portable::exp, &Loops::exp, std::exp, std::exp, 0.65},
    {"log", portable::log, &Loops::log, std::log, std::log, 0.85},
    {"log1p", portable::log1p, &Loops::log1p, std::log1p, std::log1p, 0.85},
    {"tanh", portable::tanh, &Loops::tanh, std::tanh, std::tanh, 0.9},
    {"erfc", portable::erfc, &Loops::erfc, std::erfc, std::erfc, 1.5},
    {"logistic", portable::logistic, &Loops::logistic, logistic, logistic, 1.5},
    {"softplus", portable::softplus, &Loops::softplus, softplus, softplus, 1.6},
    {"gelu", portable::gelu, &Loops::gelu, gelu, gelu, 1.5},
    {"gelu_slope", portable::gelu_slope, &Loops::gelu_slope,
     [](double x) {  // the terms cancel near its zero
       return std::abs(x + 0.75) < 0.125 ? static_cast<double>(gelu_slope<long double>(x)) : gelu_slope(x);
     },
     gelu_slope, 1.3, 0.125},
    {"cos_pi", portable::cos_pi, &Loops::cos_pi, cos_pi, cos_pi, 1.3},
    {"sin_pi", portable::sin_pi, &Loops::sin_pi, sin_pi, sin_pi, 1.3}};

/// More than any error of a number: that of what is no number, infinite or zero where the other is not.
constexpr double kWrong = 1e300;

/// How far y is from `expected`, in units of the last place that `expected` has in T.
template <typename T, typename Exact>
double error_in_ulps(T y, Exact expected, double smallest_ulp_of) {
  constexpr Exact kSmallest = std::numeric_limits<T>::min();
  if (std::isnan(expected)) return std::isnan(y) ? 0 : kWrong;
  const Exact size = std::abs(expected);
  if (size < kSmallest * (1 - Exact(0x1p-40))) return y == 0 ? 0 : kWrong;
  if (size < kSmallest * (1 + Exact(0x1p-40)) && y == 0) return 0;
  const auto nearest = static_cast<T>(expected);
  if (std::isinf(nearest)) return y == nearest ? 0 : kWrong;
  const auto measure = std::max(std::abs(nearest), static_cast<T>(smallest_ulp_of));
  const Exact ulp = std::ldexp(Exact(1), std::ilogb(measure) + 1 - std::numeric_limits<T>::digits);
  return static_cast<double>(std::abs(static_cast<Exact>(y) - expected) / ulp);
}

}  // namespace lockstep::test
