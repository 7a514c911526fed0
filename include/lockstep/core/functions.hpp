#pragma once

#include "lockstep/core/index.hpp"

/// Elementary functions that are a definition: their results have the same bits on every processor, with
/// every vector unit, compiler and degree of optimisation, which those of the C library have not. Units and
/// losses that are to keep the promise of the same bits take them from here, and +, -, *, / and the square
/// root from C++.
///
/// Everything is computed in double, by these operations and fused multiply-adds, in the order in which
/// src/core/function_definitions.hpp writes them; polynomials are evaluated by Horner's rule. Their
/// coefficients are minimax fits by Sollya's fpminimax (Brisebarre, Chevillard: Efficient polynomial
/// L∞-approximations. 2007). A float function is the double one, rounded once: its error is below 0.51 ulp
/// (units in the last place).
///
/// Arguments and results below the smallest normal number of their type count as zero, whether or not the
/// processor flushes such numbers. NaN, and what has no value, gives the quiet NaN without payload;
/// infinities give the limits.
namespace lockstep::portable {

namespace detail {
struct FunctionLoop;
struct FunctionLoops;
}  // namespace detail

/// A function of one variable. Values alone and in arrays have the same bits. Local; no errors.
class Function {
 public:
  using Member = detail::FunctionLoop detail::FunctionLoops::*;
  constexpr explicit Function(Member member) : member_(member) {}

  double operator()(double x) const;
  float operator()(float x) const;

  /// y[i] = f(x[i]) for i = 0 … n - 1, which is many times faster than one by one; y may be x.
  void operator()(const double* x, double* y, Index n) const;
  void operator()(const float* x, float* y, Index n) const;

 private:
  Member member_;
};

// The numbers are the largest errors of double results that millions of arguments have shown, in ulp.

// NOLINTBEGIN(readability-identifier-naming): they are called as functions are.
extern const Function exp;         ///< eˣ; 0.65
extern const Function log;         ///< the natural logarithm; 0.85
extern const Function log1p;       ///< log(1 + x); 0.85
extern const Function tanh;        ///< the hyperbolic tangent; 0.9
extern const Function erfc;        ///< 1 - erf(x); 1.5
extern const Function logistic;    ///< 1 / (1 + e⁻ˣ); 1.5
extern const Function softplus;    ///< log(1 + eˣ); 1.6
extern const Function gelu;        ///< x Φ(x), Φ the standard normal distribution; 1.5
extern const Function gelu_slope;  ///< Φ(x) + x Φ'(x), gelu's derivative; 1.3, near its zero at -0.75 of 1/8
extern const Function cos_pi;      ///< cos(π x), of exactly this x; 1.3
extern const Function sin_pi;      ///< sin(π x), of exactly this x; 1.3
// NOLINTEND(readability-identifier-naming)

/// base to the power of `exponent`, for base >= 0; NaN for others. 0⁰ and 1 to any power are 1. 0.65 ulp,
/// also for 0.999 to the power of a million.
double pow(double base, double exponent);

}  // namespace lockstep::portable
