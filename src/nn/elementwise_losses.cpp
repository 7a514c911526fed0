#include <algorithm>
#include <cmath>

#include "lockstep/core/error.hpp"
#include "lockstep/core/functions.hpp"
#include "lockstep/nn/loss.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

/// A loss of one output, and its derivative by that output.
struct Term {
  double value;
  double slope;
};

/// Terms whose second derivative serves Newton's method.
template <typename Formula>
concept Curved = requires(const Formula& formula) {
  formula.curvature(0.0);
};

/// Terms of an output that is a probability in another form.
template <typename Formula>
concept OfProbability = requires(const Formula& formula) {
  formula.probability(0.0);
};

/// The mean over the outputs of formula(output, target).
template <typename Formula>
class MeanOverOutputs final : public Loss {
 public:
  explicit MeanOverOutputs(Formula formula) : formula_(formula) {}

  bool has_probabilities() const override { return OfProbability<Formula>; }

  void row_probabilities(std::span<const Real> outputs, std::span<double> probabilities) const override {
    LOCKSTEP_CHECK(has_probabilities());
    if constexpr (OfProbability<Formula>) {
      std::transform(outputs.begin(), outputs.end(), probabilities.begin(),
                     [this](Real output) { return formula_.probability(output); });
    }
  }

  bool has_hessian() const override { return Curved<Formula>; }

  /// Diagonal: no term depends on two outputs.
  void row_hessian(std::span<const Real> outputs, double* hessian) const override {
    LOCKSTEP_CHECK(has_hessian());
    if constexpr (Curved<Formula>) {
      const auto count = static_cast<double>(outputs.size());
      std::fill_n(hessian, outputs.size() * outputs.size(), 0.0);
      for (std::size_t k = 0; k < outputs.size(); ++k) {
        hessian[k * outputs.size() + k] = formula_.curvature(outputs[k]) / count;
      }
    }
  }

 private:
  double row(std::span<const Real> outputs, const Targets& targets, Index row,
             Real* gradient) const override {
    const auto count = static_cast<double>(outputs.size());
    const Real* const target = targets.values.data() + row * static_cast<Index>(outputs.size());
    double sum = 0;
    for (std::size_t k = 0; k < outputs.size(); ++k) {
      const Term term = formula_(outputs[k], target[k]);
      sum += term.value;
      if (gradient != nullptr) gradient[k] = static_cast<Real>(term.slope / count);
    }
    return sum / count;
  }

  Formula formula_;
};

struct SquaredError {
  Term operator()(double output, double target) const {
    const double d = output - target;
    return {d * d, 2 * d};
  }
  double curvature(double /*output*/) const { return 2; }
};

struct AbsoluteError {
  Term operator()(double output, double target) const {
    const double d = output - target;
    return {std::abs(d), d == 0 ? 0 : std::copysign(1, d)};
  }
};

struct Huber {
  double delta;

  Term operator()(double output, double target) const {
    const double d = output - target;
    if (std::abs(d) <= delta) return {d * d / 2, d};
    return {delta * (std::abs(d) - delta / 2), std::copysign(delta, d)};
  }
};

struct BinaryCrossEntropy {
  Term operator()(double output, double target) const {
    const double small = portable::exp(-std::abs(output));
    const double probability = (output < 0 ? small : 1) / (1 + small);
    return {std::max(output, 0.0) - output * target + portable::log1p(small), probability - target};
  }
  double probability(double output) const { return portable::logistic(output); }
  /// σ (1 - σ), which is the same for x and -x.
  double curvature(double output) const {
    const double small = portable::exp(-std::abs(output));
    return small / ((1 + small) * (1 + small));
  }
};

}  // namespace

std::unique_ptr<Loss> make_mean_squared_error() {
  return std::make_unique<MeanOverOutputs<SquaredError>>(SquaredError{});
}

std::unique_ptr<Loss> make_mean_absolute_error() {
  return std::make_unique<MeanOverOutputs<AbsoluteError>>(AbsoluteError{});
}

std::unique_ptr<Loss> make_huber(double delta) {
  LOCKSTEP_CHECK(delta > 0);
  return std::make_unique<MeanOverOutputs<Huber>>(Huber{delta});
}

std::unique_ptr<Loss> make_binary_cross_entropy() {
  return std::make_unique<MeanOverOutputs<BinaryCrossEntropy>>(BinaryCrossEntropy{});
}

}  // namespace lockstep::inline LOCKSTEP_REAL
