#include "lockstep/core/functions.hpp"

#include "core/function_loops.hpp"

namespace lockstep::portable {

namespace {

const detail::FunctionLoops& loops_here() {
  return for_vector_unit(
      []<VectorUnit kUnit>() -> const detail::FunctionLoops& { return detail::function_loops<kUnit>(); });
}

}  // namespace

double Function::operator()(double x) const {
  (*this)(&x, &x, 1);
  return x;
}

float Function::operator()(float x) const {
  (*this)(&x, &x, 1);
  return x;
}

void Function::operator()(const double* x, double* y, Index n) const {
  (loops_here().*member_).in_double(x, y, n);
}

void Function::operator()(const float* x, float* y, Index n) const {
  (loops_here().*member_).in_float(x, y, n);
}

constinit const Function exp(&detail::FunctionLoops::exp);
constinit const Function log(&detail::FunctionLoops::log);
constinit const Function log1p(&detail::FunctionLoops::log1p);
constinit const Function tanh(&detail::FunctionLoops::tanh);
constinit const Function erfc(&detail::FunctionLoops::erfc);
constinit const Function logistic(&detail::FunctionLoops::logistic);
constinit const Function softplus(&detail::FunctionLoops::softplus);
constinit const Function gelu(&detail::FunctionLoops::gelu);
constinit const Function gelu_slope(&detail::FunctionLoops::gelu_slope);
constinit const Function cos_pi(&detail::FunctionLoops::cos_pi);
constinit const Function sin_pi(&detail::FunctionLoops::sin_pi);

double pow(double base, double exponent) { return loops_here().pow(base, exponent); }

}  // namespace lockstep::portable
