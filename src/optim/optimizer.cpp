#include "lockstep/optim/optimizer.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "lockstep/core/error.hpp"
#include "lockstep/core/multiversion.hpp"

namespace lockstep {

namespace {

/// Parameters that are stepped together: their gradient stays in the cache between its change and its use.
constexpr Index kPiece = 4096;

template <typename T>
std::span<T> part(std::span<T> values, ParameterRange range) {
  return values.subspan(static_cast<std::size_t>(range.offset), static_cast<std::size_t>(range.size));
}

LOCKSTEP_MULTIVERSION
void change(Real* changed, const Real* g, const Real* x, Index n, Real factor, Real l2) {
  for (Index i = 0; i < n; ++i) changed[i] = factor * g[i] + l2 * x[i];
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
  state_part_.resize(algorithm_.state.size());
  changed_.resize(static_cast<std::size_t>(kPiece));
  state_.assign(algorithm_.state.size(), std::vector<Real>(static_cast<std::size_t>(layout.size())));
}

double Optimizer::learning_rate() const { return options_.hyperparameters.at("learning-rate"); }

std::span<const Real> Optimizer::effective_gradient(std::span<const Real> g, std::span<const Real> x,
                                                    double factor, double l2) {
  if (factor == 1 && l2 == 0) return g;
  change(changed_.data(), g.data(), x.data(), static_cast<Index>(g.size()), static_cast<Real>(factor),
         static_cast<Real>(l2));
  return std::span(changed_).first(g.size());
}

void Optimizer::step(std::span<Real> parameters, std::span<const Real> gradient, double gradient_factor,
                     double multiplier, std::uint64_t t) {
  for (const Range& r : ranges_) {
    const Index end = r.range.offset + r.range.size;
    for (Index offset = r.range.offset; offset < end; offset += kPiece) {
      const ParameterRange piece{offset, std::min(kPiece, end - offset)};
      for (std::size_t i = 0; i < state_.size(); ++i) state_part_[i] = part(std::span(state_[i]), piece);
      const std::span<Real> x = part(parameters, piece);
      algorithm_.update(
          options_.hyperparameters,
          {.x = x,
           .g = effective_gradient(part(gradient, piece), x, gradient_factor, r.decays ? options_.l2 : 0),
           .state = state_part_,
           .alpha = learning_rate() * multiplier,
           .lambda = r.decays ? options_.hyperparameters.at("weight-decay") : 0,
           .t = t});
    }
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

double clip_factor(double norm, double largest) {
  // The constant is PyTorch's.
  return std::min(1.0, largest / (norm + 1e-6));
}

}  // namespace lockstep
