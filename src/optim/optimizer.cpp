#include "lockstep/optim/optimizer.hpp"

#include <algorithm>
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

}  // namespace

Optimizer::Optimizer(OptimizerOptions options, const ParameterLayout& layout)
    : options_(std::move(options)), algorithm_(find_algorithm(options_.name)) {
  const auto decay = options_.hyperparameters.find("weight-decay");
  if (decay != options_.hyperparameters.end()) weight_decay_ = decay->second;
  Index largest = algorithm_.scope == Scope::kModel ? layout.size() : 0;
  for (const ParameterTensor& tensor : layout.tensors()) {
    const bool decays = options_.decay_scope == DecayScope::kAll || tensor.kind == ParameterKind::kWeight;
    const Index end = tensor.range.offset + tensor.range.size;
    const Index most = algorithm_.scope == Scope::kElements ? kPiece : tensor.range.size;
    for (Index offset = tensor.range.offset; offset < end; offset += most) {
      pieces_.push_back({{offset, std::min(most, end - offset)}, decays});
      largest = std::max(largest, pieces_.back().range.size);
    }
  }
  const std::size_t vectors = algorithm_.state(options_.hyperparameters).size();
  state_part_.resize(vectors);
  changed_.resize(static_cast<std::size_t>(largest));
  state_.assign(vectors, std::vector<Real>(static_cast<std::size_t>(layout.size())));
}

double Optimizer::learning_rate() const { return options_.hyperparameters.at("learning-rate"); }

std::vector<NamedState> Optimizer::state() {
  std::vector<NamedState> named;
  named.reserve(state_.size());
  for (const std::string& name : algorithm_.state(options_.hyperparameters)) {
    named.push_back({name, state_[named.size()]});
  }
  return named;
}

std::span<const Real> Optimizer::effective_gradient(std::span<const Real> g, std::span<const Real> x,
                                                    double factor, double l2) {
  if (factor == 1 && l2 == 0) return g;
  change(changed_.data(), g.data(), x.data(), static_cast<Index>(g.size()), static_cast<Real>(factor),
         static_cast<Real>(l2));
  return std::span(changed_).first(g.size());
}

/// One call for all parameters, after the pieces have had their L2 terms.
void Optimizer::step_whole(std::span<Real> x, std::span<const Real> g, double factor, Update update,
                           std::span<double> hessian) {
  for (const Piece& piece : pieces_) {
    const double l2 = piece.decays ? options_.l2 : 0;
    const ParameterRange range = piece.range;
    change(changed_.data() + range.offset, g.data() + range.offset, x.data() + range.offset, range.size,
           static_cast<Real>(factor), static_cast<Real>(l2));
    for (std::size_t i = range.offset; i < static_cast<std::size_t>(range.offset + range.size); ++i) {
      if (!hessian.empty()) hessian[i * (x.size() + 1)] += l2;
    }
  }
  for (std::size_t i = 0; i < state_.size(); ++i) state_part_[i] = state_[i];
  update.x = x;
  update.g = changed_;
  update.state = state_part_;
  update.hessian = hessian;
  algorithm_.update(options_.hyperparameters, update);
}

void Optimizer::step(std::span<Real> parameters, std::span<const Real> gradient, double gradient_factor,
                     double multiplier, std::uint64_t t, std::span<double> hessian) {
  LOCKSTEP_CHECK(!needs_hessian() || hessian.size() == parameters.size() * parameters.size());
  Update update{.alpha = learning_rate() * multiplier, .eta = multiplier, .t = t};
  if (algorithm_.scope == Scope::kModel) {
    return step_whole(parameters, gradient, gradient_factor, update, hessian);
  }
  for (const Piece& piece : pieces_) {
    update.x = part(parameters, piece.range);
    update.g = effective_gradient(part(gradient, piece.range), update.x, gradient_factor,
                                  piece.decays ? options_.l2 : 0);
    for (std::size_t i = 0; i < state_.size(); ++i) state_part_[i] = part(std::span(state_[i]), piece.range);
    update.state = state_part_;
    update.lambda = piece.decays ? weight_decay_ : 0;
    algorithm_.update(options_.hyperparameters, update);
  }
}

}  // namespace lockstep
