#include "lockstep/optim/optimizer.hpp"

#include <algorithm>
#include <utility>

#include "core/multiversion.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/core/threads.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

/// Elements that one call of an update steps: enough to make up for the call.
constexpr Index kPiece = 16384;

template <typename T>
std::span<T> part(std::span<T> values, Index offset, Index size) {
  return values.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(size));
}

LOCKSTEP_MULTIVERSION
void change(Real* changed, const Real* g, const Real* x, Index n, Real factor, Real l2) {
  for (Index i = 0; i < n; ++i) changed[i] = factor * g[i] + l2 * x[i];
}

/// What both have; its size is not positive where they have nothing.
ParameterRange common(ParameterRange a, ParameterRange b) {
  const Index first = std::max(a.offset, b.offset);
  return {first, std::min(a.offset + a.size, b.offset + b.size) - first};
}

}  // namespace

Optimizer::Optimizer(OptimizerOptions options, const ParameterLayout& layout,
                     const std::vector<ParameterRange>& owned)
    : options_(std::move(options)), algorithm_(find_algorithm(options_.name)) {
  const auto decay = options_.hyperparameters.find("weight-decay");
  if (decay != options_.hyperparameters.end()) weight_decay_ = decay->second;
  for (const ParameterTensor& tensor : layout.tensors()) keep(layout, tensor);
  for (const ParameterRange& range : owned) {
    for (const Kept& kept : kept_) add_pieces(kept, common(kept.tensor.range, range));
  }
  LOCKSTEP_CHECK(algorithm_.scope != Scope::kModel || owned_size_ == 0 || owned_size_ == layout.size());
  set_state();
  LOCKSTEP_CHECK(!has_two_passes() || !needs_hessian());
  if (has_two_passes()) unmoved_.resize(static_cast<std::size_t>(owned_size_));

  Index largest = algorithm_.scope == Scope::kModel ? owned_size_ : 0;
  for (const Piece& piece : pieces_) largest = std::max(largest, piece.range.size);
  changed_.assign(static_cast<std::size_t>(threads()), std::vector<Real>(static_cast<std::size_t>(largest)));
}

/// Finds out what the algorithm keeps for `tensor`, and where.
void Optimizer::keep(const ParameterLayout& layout, const ParameterTensor& tensor) {
  const std::size_t group = algorithm_.group == nullptr ? 0 : algorithm_.group(layout, tensor);
  Kept& kept = kept_.emplace_back(Kept{.tensor = tensor, .group = group, .vectors = {}});
  for (const KeptValues& values : algorithm_.state(options_.hyperparameters, tensor, group)) {
    auto vector = std::find_if(vectors_.begin(), vectors_.end(),
                               [&](const Vector& known) { return known.name == values.name; });
    if (vector == vectors_.end())
      vector = vectors_.insert(vector, {.name = values.name, .layout = {}, .owned = {}});
    const ParameterRange range = vector->layout.add(tensor, values.shape);
    LOCKSTEP_CHECK(algorithm_.scope != Scope::kElements || range.size == tensor.range.size);
    kept.vectors.push_back(static_cast<std::size_t>(vector - vectors_.begin()));
  }
}

void Optimizer::add_pieces(const Kept& kept, ParameterRange owned) {
  if (owned.size <= 0) return;
  const bool decays = options_.decay_scope == DecayScope::kAll || is_drawn(kept.tensor.role);
  LOCKSTEP_CHECK(algorithm_.scope == Scope::kElements || owned.size == kept.tensor.range.size);
  const std::vector<ParameterRange> ranges =
      algorithm_.scope == Scope::kElements ? pieces_of(owned, kPiece) : std::vector<ParameterRange>{owned};
  for (const ParameterRange& range : ranges) {
    pieces_.push_back({.range = range, .position = owned_size_, .kept = &kept, .decays = decays});
    owned_size_ += range.size;
  }
}

/// Makes the vectors, and shows every piece its parts of them.
void Optimizer::set_state() {
  std::vector<Index> sizes(vectors_.size());
  for (const Piece& piece : pieces_) {
    for (const std::size_t i : piece.kept->vectors) sizes[i] += vectors_[i].layout.range_of(piece.range).size;
  }
  for (std::size_t i = 0; i < vectors_.size(); ++i) {
    vectors_[i].owned.resize(static_cast<std::size_t>(sizes[i]));
    whole_state_.emplace_back(vectors_[i].owned);
  }
  std::vector<std::span<Real>> left = whole_state_;
  for (Piece& piece : pieces_) {
    for (const std::size_t i : piece.kept->vectors) {
      const auto size = static_cast<std::size_t>(vectors_[i].layout.range_of(piece.range).size);
      piece.state.push_back(left[i].first(size));
      left[i] = left[i].subspan(size);
    }
  }
}

double Optimizer::learning_rate() const { return options_.hyperparameters.at("learning-rate"); }

std::vector<NamedState> Optimizer::state() {
  std::vector<NamedState> named;
  named.reserve(vectors_.size());
  for (Vector& vector : vectors_) named.push_back({vector.name, vector.owned, vector.layout});
  return named;
}

void Optimizer::perturb(std::span<Real> parameters, std::span<const Real> gradient, double gradient_norm) {
  for_each_part(std::ssize(pieces_), [&](Index i) {
    const Piece& piece = pieces_[static_cast<std::size_t>(i)];
    const std::span<Real> x = part(parameters, piece.range.offset, piece.range.size);
    std::copy(x.begin(), x.end(), unmoved_.begin() + piece.position);
    algorithm_.perturb(
        options_.hyperparameters,
        {.x = x, .g = part(gradient, piece.range.offset, piece.range.size), .gradient_norm = gradient_norm});
  });
}

void Optimizer::move_back(std::span<Real> parameters) const {
  for (const Piece& piece : pieces_) {
    std::copy_n(unmoved_.begin() + piece.position, piece.range.size, parameters.begin() + piece.range.offset);
  }
}

/// One call for all parameters, after the pieces have had their L2 terms.
void Optimizer::step_whole(std::span<Real> x, std::span<const Real> g, double factor, Update update,
                           std::span<double> hessian) {
  std::vector<Real>& changed = changed_.front();
  for (const Piece& piece : pieces_) {
    const double l2 = piece.decays ? options_.l2 : 0;
    const ParameterRange range = piece.range;
    change(changed.data() + range.offset, g.data() + range.offset, x.data() + range.offset, range.size,
           static_cast<Real>(factor), static_cast<Real>(l2));
    for (std::size_t i = range.offset; i < static_cast<std::size_t>(range.offset + range.size); ++i) {
      if (!hessian.empty()) hessian[i * (x.size() + 1)] += l2;
    }
  }
  update.x = x;
  update.g = changed;
  update.state = whole_state_;
  update.hessian = hessian;
  algorithm_.update(options_.hyperparameters, update);
}

void Optimizer::step_piece(const Piece& piece, std::span<Real> parameters, std::span<const Real> gradient,
                           double factor, Update update) {
  std::vector<Real>& changed = changed_[static_cast<std::size_t>(thread_index())];
  const Index size = piece.range.size;
  update.x = part(parameters, piece.range.offset, size);
  update.g = part(gradient, piece.range.offset, size);
  const double l2 = piece.decays ? options_.l2 : 0;
  if (factor != 1 || l2 != 0) {
    change(changed.data(), update.g.data(), update.x.data(), size, static_cast<Real>(factor),
           static_cast<Real>(l2));
    update.g = std::span(changed).first(static_cast<std::size_t>(size));
  }
  update.state = piece.state;
  update.tensor = &piece.kept->tensor;
  update.group = piece.kept->group;
  update.lambda = piece.decays ? weight_decay_ : 0;
  algorithm_.update(options_.hyperparameters, update);
}

void Optimizer::step(std::span<Real> parameters, std::span<const Real> gradient, double gradient_factor,
                     double multiplier, std::uint64_t t, std::span<double> hessian) {
  if (owned_size_ == 0) return;
  LOCKSTEP_CHECK(!needs_hessian() || hessian.size() == parameters.size() * parameters.size());
  const Update update{.alpha = learning_rate() * multiplier, .eta = multiplier, .t = t};
  if (algorithm_.scope == Scope::kModel) {
    return step_whole(parameters, gradient, gradient_factor, update, hessian);
  }
  for_each_part(static_cast<Index>(pieces_.size()), [&](Index i) {
    step_piece(pieces_[static_cast<std::size_t>(i)], parameters, gradient, gradient_factor, update);
  });
}

}  // namespace lockstep::inline LOCKSTEP_REAL
