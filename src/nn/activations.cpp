#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include <fmt/format.h>

#include "lockstep/core/threads.hpp"
#include "lockstep/nn/layers.hpp"

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
class Activation final : public Layer {
 public:
  Activation(std::string text, bool rectifies, Index features, Function function)
      : text_(std::move(text)), rectifies_(rectifies), features_(features), function_(function) {}

  std::string text() const override { return text_; }
  Index outputs() const override { return features_; }
  bool rectifies() const override { return rectifies_; }

  void forward(const RowBlock& /*block*/, ConstMatrixView x, MatrixView y) override {
    const Real* const in = x.data();
    Real* const out = y.data();
    for_each_range(x.size(), kGrain, [&](Index first, Index count) {
      for (Index i = first; i < first + count; ++i) out[i] = function_.value(in[i]);
    });
  }

  void backward(const RowBlock& /*block*/, ConstMatrixView x, ConstMatrixView y, ConstMatrixView dy,
                MatrixView dx, GradientSink& /*sink*/) override {
    const Real* const in = x.data();
    const Real* const out = y.data();
    const Real* const by_out = dy.data();
    Real* const by_in = dx.data();
    for_each_range(dx.size(), kGrain, [&](Index first, Index count) {
      for (Index i = first; i < first + count; ++i) by_in[i] = by_out[i] * function_.slope(in[i], out[i]);
    });
  }

 private:
  std::string text_;
  bool rectifies_;
  Index features_;
  Function function_;
};

template <typename Function>
std::unique_ptr<Layer> activation(std::string text, bool rectifies, Index features, Function function = {}) {
  return std::make_unique<Activation<Function>>(std::move(text), rectifies, features, function);
}

}  // namespace

std::unique_ptr<Layer> make_activation(std::string_view name, double slope, Index features) {
  const std::string text(name);
  if (name == "relu") return activation<Relu>(text, true, features);
  if (name == "leaky-relu") {
    return activation(fmt::format("{} {}", name, slope), true, features, LeakyRelu{static_cast<Real>(slope)});
  }
  if (name == "tanh") return activation<Tanh>(text, false, features);
  if (name == "sigmoid") return activation<Sigmoid>(text, false, features);
  if (name == "softplus") return activation<Softplus>(text, true, features);
  if (name == "gelu") return activation<Gelu>(text, true, features);
  if (name == "identity") return activation<Identity>(text, false, features);
  return nullptr;
}

}  // namespace lockstep::inline LOCKSTEP_REAL
