#include <algorithm>
#include <cmath>
#include <numbers>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "lockstep/core/threads.hpp"
#include "lockstep/nn/unit_forms.hpp"
#include "lockstep/nn/units.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

// Each function gives its value y = f(x) and its slope f'(x), for which y is at hand too.

struct Relu {
  // In this form NaN stays NaN, so that the guard of the run sees it.
  static Real value(Real x) { return x < 0 ? Real(0) : x; }
  static Real slope(Real x, Real /*y*/) { return x > 0 ? Real(1) : Real(0); }
};

struct LeakyRelu {
  Real negative_slope;
  Real value(Real x) const { return x > 0 ? x : negative_slope * x; }
  Real slope(Real x, Real /*y*/) const { return x > 0 ? Real(1) : negative_slope; }
};

struct Tanh {
  static Real value(Real x) { return std::tanh(x); }
  static Real slope(Real /*x*/, Real y) { return 1 - y * y; }
};

Real logistic(Real x) {
  // Of the two equal forms the one whose exponential cannot overflow.
  if (x >= 0) return 1 / (1 + std::exp(-x));
  const Real e = std::exp(x);
  return e / (1 + e);
}

struct Sigmoid {
  static Real value(Real x) { return logistic(x); }
  static Real slope(Real /*x*/, Real y) { return y * (1 - y); }
};

struct Softplus {
  static Real value(Real x) { return std::max(x, Real(0)) + std::log1p(std::exp(-std::abs(x))); }
  static Real slope(Real x, Real /*y*/) { return logistic(x); }
};

struct Gelu {
  static Real distribution(Real x) { return Real(0.5) * std::erfc(-x / std::numbers::sqrt2_v<Real>); }
  static Real density(Real x) {
    return std::exp(Real(-0.5) * x * x) * std::numbers::inv_sqrtpi_v<Real> / std::numbers::sqrt2_v<Real>;
  }
  static Real value(Real x) { return x * distribution(x); }
  static Real slope(Real x, Real /*y*/) { return distribution(x) + x * density(x); }
};

struct Identity {
  static Real value(Real x) { return x; }
  static Real slope(Real /*x*/, Real /*y*/) { return 1; }
};

constexpr Index kGrain = Index{1} << 14U;  // elements of one thread at a time

template <typename Function>
class Activation final : public Unit {
 public:
  Activation(std::string text, Response response, Function function)
      : text_(std::move(text)), response_(response), function_(function) {}

  std::string text() const override { return text_; }
  Response response() const override { return response_; }
  Shape connect(std::span<const Shape> inputs) override { return inputs[0]; }

  void forward(const RowBlock& /*block*/, Inputs x, MatrixView y) override {
    const Real* const in = x[0].data();
    Real* const out = y.data();
    for_each_range(y.size(), kGrain, [&](Index first, Index count) {
      for (Index i = first; i < first + count; ++i) out[i] = function_.value(in[i]);
    });
  }

  void backward(const RowBlock& /*block*/, Inputs x, ConstMatrixView y, ConstMatrixView dy,
                InputGradients by_inputs, GradientSink& /*sink*/) override {
    MatrixView dx = by_inputs[0];
    const Real* const in = x[0].data();
    const Real* const out = y.data();
    const Real* const by_out = dy.data();
    Real* const by_in = dx.data();
    for_each_range(dx.size(), kGrain, [&](Index first, Index count) {
      for (Index i = first; i < first + count; ++i) by_in[i] = by_out[i] * function_.slope(in[i], out[i]);
    });
  }

 private:
  std::string text_;
  Response response_;
  Function function_;
};

template <typename Function>
std::unique_ptr<Unit> activation(std::string text, Response response, Function function = {}) {
  return std::make_unique<Activation<Function>>(std::move(text), response, function);
}

std::unique_ptr<Unit> make_leaky_relu(const UnitWords& words) {
  const std::optional<double> slope = words.number(0);
  if (!slope) return leaky_relu();
  if (!(*slope >= 0 && *slope <= 1)) words.refuse("a slope from 0 to 1");
  return leaky_relu(*slope);
}

UnitForm plain_form(const std::string& name, std::unique_ptr<Unit> (*make)()) {
  return {.name = name, .make = [make](const UnitWords&) { return make(); }};
}

}  // namespace

std::unique_ptr<Unit> relu() { return activation<Relu>("relu", Response::kRectifies); }
std::unique_ptr<Unit> leaky_relu(double slope) {
  return activation(fmt::format("leaky-relu {}", slope), Response::kRectifies,
                    LeakyRelu{static_cast<Real>(slope)});
}
std::unique_ptr<Unit> tanh() { return activation<Tanh>("tanh", Response::kOther); }
std::unique_ptr<Unit> sigmoid() { return activation<Sigmoid>("sigmoid", Response::kOther); }
std::unique_ptr<Unit> gelu() { return activation<Gelu>("gelu", Response::kRectifies); }
std::unique_ptr<Unit> softplus() { return activation<Softplus>("softplus", Response::kRectifies); }
std::unique_ptr<Unit> identity() { return activation<Identity>("identity", Response::kPassesOn); }

std::vector<UnitForm> activation_forms() {
  return {plain_form("relu", relu),
          {.name = "leaky-relu", .values = {"[SLOPE]"}, .make = make_leaky_relu},
          plain_form("tanh", lockstep::tanh),
          plain_form("sigmoid", sigmoid),
          plain_form("gelu", gelu),
          plain_form("softplus", softplus),
          plain_form("identity", identity)};
}

}  // namespace lockstep::inline LOCKSTEP_REAL
