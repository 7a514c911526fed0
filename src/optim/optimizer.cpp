#include "lockstep/optim/optimizer.hpp"

#include <array>
#include <cmath>
#include <utility>

#include "lockstep/core/error.hpp"
#include "lockstep/core/multiversion.hpp"

namespace lockstep {

namespace {

template <typename T>
std::span<T> part(std::span<T> values, ParameterRange range) {
  return values.subspan(static_cast<std::size_t>(range.offset), static_cast<std::size_t>(range.size));
}

LOCKSTEP_MULTIVERSION
void add_scaled(Real* g, const Real* x, Index n, Real factor) {
  for (Index i = 0; i < n; ++i) g[i] += factor * x[i];
}

// Sixteen running sums, so that the order is fixed and vector units still are of use.
constexpr Index kLanes = 16;

LOCKSTEP_MULTIVERSION
void add_squares(const Real* g, Index n, double* sums) {
  for (Index i = 0; i < n; i += kLanes) {
    for (Index lane = 0; lane < kLanes; ++lane) {
      const double value = g[i + lane];
      sums[lane] += value * value;
    }
  }
}

}  // namespace

Optimizer::Optimizer(OptimizerOptions options, const ParameterLayout& layout)
    : options_(std::move(options)), algorithm_(find_algorithm(options_.name)) {
  for (const ParameterTensor& tensor : layout.tensors()) {
    const bool decays = options_.decay_scope == DecayScope::kAll || tensor.kind == ParameterKind::kWeight;
    if (!ranges_.empty() && ranges_.back().decays == decays) {
      ranges_.back().range.size += tensor.range.size;
    } else {
      ranges_.push_back({tensor.range, decays});
    }
  }
  state_.assign(algorithm_.state.size(), std::vector<Real>(static_cast<std::size_t>(layout.size())));
}

double Optimizer::learning_rate() const { return options_.hyperparameters.at("learning-rate"); }

void Optimizer::step(std::span<Real> parameters, std::span<Real> gradient, double multiplier,
                     std::uint64_t t) {
  for (const Range& r : ranges_) {
    const std::span<Real> x = part(parameters, r.range);
    const std::span<Real> g = part(gradient, r.range);
    if (r.decays && options_.l2 != 0) {
      add_scaled(g.data(), x.data(), r.range.size, static_cast<Real>(options_.l2));
    }
    std::vector<std::span<Real>> state;
    state.reserve(state_.size());
    for (std::vector<Real>& vector : state_) state.push_back(part(std::span(vector), r.range));
    algorithm_.update(options_.hyperparameters,
                      {.x = x,
                       .g = g,
                       .state = state,
                       .alpha = learning_rate() * multiplier,
                       .lambda = r.decays ? options_.hyperparameters.at("weight-decay") : 0,
                       .t = t});
  }
}

double norm(std::span<const Real> gradient) {
  std::array<double, kLanes> sums{};
  const Index size = static_cast<Index>(gradient.size());
  const Index whole = size / kLanes * kLanes;
  add_squares(gradient.data(), whole, sums.data());
  for (Index i = whole; i < size; ++i) {
    const double value = gradient[static_cast<std::size_t>(i)];
    sums[static_cast<std::size_t>(i - whole)] += value * value;
  }
  double sum = 0;
  for (const double lane : sums) sum += lane;
  return std::sqrt(sum);
}

void clip_norm(std::span<Real> gradient, double norm, double largest) {
  // The constant is PyTorch's.
  const double factor = largest / (norm + 1e-6);
  if (factor >= 1) return;
  for (Real& value : gradient) value *= static_cast<Real>(factor);
}

}  // namespace lockstep
