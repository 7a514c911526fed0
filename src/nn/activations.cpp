#include <functional>
#include <numbers>
#include <optional>
#include <type_traits>
#include <utility>

#include <fmt/format.h>

#include "core/multiversion.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/core/functions.hpp"
#include "lockstep/core/threads.hpp"
#include "lockstep/nn/unit_forms.hpp"
#include "lockstep/nn/units.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

constexpr Index kGrain = Index{1} << 14U;  // elements of one thread at a time

/// Whether it is called for whole arrays, as f(x, y, n).
template <typename Function>
inline constexpr bool kIsOfArrays = std::is_invocable_v<Function, const Real*, Real*, Index>;

/// Adds the function to a graph, of the value of this name.
using Form = std::function<std::string(OperatorGraph& graph, const std::string& x)>;

/// That of a function which is an operator of ONNX.
Form one_operator(const char* type) {
  return [type](OperatorGraph& graph, const std::string& x) { return graph.add(type, {x}); };
}

/// Whether it takes whole arrays to the gradient by x, as f(y, dy, dx, n).
template <typename Function>
inline constexpr bool kIsOfGradients = std::is_invocable_v<Function, const Real*, const Real*, Real*, Index>;

/// y[i] = f(x[i]); y may be x, which has a loop of its own, as compilers use vectors only where arrays are
/// known to be one or apart.
template <typename Function>
[[gnu::always_inline]] inline void set_each(const Real* x, Real* y, Index n, const Function& f) {
  if (x == y) {
    for (Index i = 0; i < n; ++i) y[i] = f(y[i]);
  } else {
    for (Index i = 0; i < n; ++i) y[i] = f(x[i]);
  }
}

/// dx[i] = dy[i] · slope(y[i]); dx may be dy.
template <typename Function>
[[gnu::always_inline]] inline void set_gradients(const Real* y, const Real* dy, Real* dx, Index n,
                                                 const Function& slope) {
  if (dx == dy) {
    for (Index i = 0; i < n; ++i) dx[i] *= slope(y[i]);
  } else {
    for (Index i = 0; i < n; ++i) dx[i] = dy[i] * slope(y[i]);
  }
}

/// In this form NaN stays NaN, so that the guard of the run sees it.
LOCKSTEP_MULTIVERSION
void rectify(const Real* x, Real* y, Index n) {
  set_each(x, y, n, [](Real value) { return value < 0 ? Real(0) : value; });
}

LOCKSTEP_MULTIVERSION
void rectify_gradient(const Real* y, const Real* dy, Real* dx, Index n) {
  set_gradients(y, dy, dx, n, [](Real value) { return value > 0 ? Real(1) : Real(0); });
}

/// y = f(x) by `value`, and f'(x) by `slope`: each a function of arrays of x, as portable::Function is, or of
/// one number, which for the slope is y. Or, in the place of the slope, a function of whole gradients.
template <typename Value, typename Slope>
class Activation final : public Unit {
 public:
  Activation(std::string text, Response response, Form form, Value value, Slope slope)
      : text_(std::move(text)), response_(response), form_(std::move(form)), value_(value), slope_(slope) {}

  std::string text() const override { return text_; }
  Response response() const override { return response_; }
  UnitKind kind() const override { return UnitKind::kActivation; }
  bool works_in_place() const override { return !kIsOfArrays<Slope>; }
  bool reads_output() const override { return !kIsOfArrays<Slope>; }
  Shape connect(std::span<const Shape> inputs) override { return inputs[0]; }

  void forward(const RowBlock& /*block*/, Inputs inputs, MatrixView outputs) override {
    for_each_range(outputs.size(), kGrain, [&](Index first, Index count) {
      const Real* const x = inputs[0].data() + first;
      Real* const y = outputs.data() + first;
      if constexpr (kIsOfArrays<Value>) {
        value_(x, y, count);
      } else {
        set_each(x, y, count, value_);
      }
    });
  }

  void backward(const RowBlock& /*block*/, Inputs inputs, ConstMatrixView outputs, ConstMatrixView by_outputs,
                InputGradients by_inputs, GradientSink& /*sink*/) override {
    MatrixView by_input = by_inputs[0];
    for_each_range(by_input.size(), kGrain, [&](Index first, Index count) {
      const Real* const x = inputs[0].data() + first;
      const Real* const y = outputs.data() + first;
      const Real* const dy = by_outputs.data() + first;
      Real* const dx = by_input.data() + first;
      if constexpr (kIsOfGradients<Slope>) {
        slope_(y, dy, dx, count);
      } else if constexpr (kIsOfArrays<Slope>) {
        slope_(x, dx, count);
        for (Index i = 0; i < count; ++i) dx[i] *= dy[i];
      } else {
        set_gradients(y, dy, dx, count, slope_);
      }
    });
  }

  std::string add_operators(OperatorGraph& graph, std::span<const GraphValue> x) const override {
    return form_(graph, x[0].name);
  }

 private:
  std::string text_;
  Response response_;
  Form form_;
  Value value_;
  Slope slope_;
};

template <typename Value, typename Slope>
std::unique_ptr<Unit> activation(std::string text, Response response, Form form, Value value, Slope slope) {
  return std::make_unique<Activation<Value, Slope>>(std::move(text), response, std::move(form), value, slope);
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

std::unique_ptr<Unit> relu() {
  return activation("relu", Response::kRectifies, one_operator("Relu"), rectify, rectify_gradient);
}

std::unique_ptr<Unit> relu6() {
  return activation(
      "relu6", Response::kRectifies,
      [](OperatorGraph& graph, const std::string& x) {
        return graph.add("Clip", {x, graph.number(0), graph.number(6)});
      },
      [](Real x) { return x < 0   ? Real(0)
                          : x > 6 ? Real(6)
                                  : x; },
      [](Real y) { return y > 0 && y < 6 ? Real(1) : Real(0); });
}

std::unique_ptr<Unit> leaky_relu(double slope) {
  if (!(slope >= 0 && slope <= 1)) fail_input("leaky-relu: expected a slope from 0 to 1, not {}", slope);
  const auto below = static_cast<Real>(slope);
  return activation(
      fmt::format("leaky-relu {}", slope), Response::kRectifies,
      [below](OperatorGraph& graph, const std::string& x) {
        return graph.add("LeakyRelu", {x}, {{"alpha", static_cast<float>(below)}});
      },
      [below](Real x) { return x > 0 ? x : below * x; }, [below](Real y) { return y > 0 ? Real(1) : below; });
}

std::unique_ptr<Unit> tanh() {
  return activation("tanh", Response::kOther, one_operator("Tanh"), portable::tanh,
                    [](Real y) { return 1 - y * y; });
}

std::unique_ptr<Unit> sigmoid() {
  return activation("sigmoid", Response::kOther, one_operator("Sigmoid"), portable::logistic,
                    [](Real y) { return y * (1 - y); });
}

std::unique_ptr<Unit> gelu() {
  const Form form = [](OperatorGraph& graph, const std::string& x) {
    const std::string reduced =
        graph.add("Mul", {x, graph.number(static_cast<float>(std::numbers::sqrt2 / 2))});
    const std::string twice = graph.add("Add", {graph.add("Erf", {reduced}), graph.number(1)});  // 2 Φ(x)
    return graph.add("Mul", {graph.add("Mul", {x, twice}), graph.number(0.5F)});
  };
  return activation("gelu", Response::kRectifies, form, portable::gelu, portable::gelu_slope);
}

std::unique_ptr<Unit> silu() {
  return activation(
      "silu", Response::kRectifies,
      [](OperatorGraph& graph, const std::string& x) {
        return graph.add("Mul", {x, graph.add("Sigmoid", {x})});
      },
      [](const Real* x, Real* y, Index n) {
        portable::logistic(x, y, n);
        for (Index i = 0; i < n; ++i) y[i] *= x[i];
      },
      [](const Real* x, Real* slope, Index n) {
        portable::logistic(x, slope, n);
        for (Index i = 0; i < n; ++i) slope[i] *= 1 + x[i] * (1 - slope[i]);
      });
}

std::unique_ptr<Unit> softplus() {
  return activation("softplus", Response::kRectifies, one_operator("Softplus"), portable::softplus,
                    portable::logistic);
}

std::unique_ptr<Unit> identity() {
  return activation(
      "identity", Response::kPassesOn, [](OperatorGraph& /*graph*/, const std::string& x) { return x; },
      [](Real x) { return x; }, [](Real /*y*/) { return Real(1); });
}

std::vector<UnitForm> activation_forms() {
  return {plain_form("relu", relu),
          {.name = "leaky-relu", .values = {"[SLOPE]"}, .make = make_leaky_relu},
          plain_form("tanh", lockstep::tanh),
          plain_form("sigmoid", sigmoid),
          plain_form("gelu", gelu),
          plain_form("softplus", softplus),
          plain_form("silu", silu),
          plain_form("relu6", relu6),
          plain_form("identity", identity)};
}

}  // namespace lockstep::inline LOCKSTEP_REAL
