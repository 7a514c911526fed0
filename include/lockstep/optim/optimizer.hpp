#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "lockstep/nn/parameter_layout.hpp"
#include "lockstep/optim/algorithm.hpp"
#include "lockstep/optim/optimizer_options.hpp"
#include "lockstep/optim/state_layout.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// A vector that the optimizer keeps, under its algorithm's name for it.
struct NamedState {
  std::string name;
  std::span<Real> values;  ///< of what this optimizer owns
  StateLayout layout;      ///< of all values, whoever owns them
};

/// An algorithm with its state, for all of a parameter vector or for parts of it. Everything here is local.
class Optimizer {
 public:
  /// `owned`: what it steps, whole pieces, tensors or all as the algorithm's scope demands, in the order of
  /// the parameters. What it does to a parameter does not depend on what else it owns.
  Optimizer(OptimizerOptions options, const ParameterLayout& layout,
            const std::vector<ParameterRange>& owned);
  /// For all parameters.
  Optimizer(OptimizerOptions options, const ParameterLayout& layout)
      : Optimizer(std::move(options), layout, {{0, layout.size()}}) {}
  // Pieces point into the vectors.
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;
  Optimizer(Optimizer&&) = default;
  Optimizer& operator=(Optimizer&&) = delete;
  ~Optimizer() = default;

  /// Steps what it owns of `parameters` with `gradient` times `gradient_factor` (and the L2 term), both of
  /// the layout's size, at the configured learning rate times `multiplier`; `t` counts steps from 1.
  /// `hessian`, where needs_hessian(), is that of the loss by all parameters, [size x size]; the L2 term is
  /// added to it.
  void step(std::span<Real> parameters, std::span<const Real> gradient, double gradient_factor,
            double multiplier, std::uint64_t t, std::span<double> hessian = {});

  /// Whether a step takes two passes: the gradient that `step` gets is that between `perturb` and
  /// `move_back`.
  bool has_two_passes() const { return algorithm_.perturb != nullptr; }

  /// Moves what it owns of `parameters`, given their gradient and its norm over all parameters, to where the
  /// second gradient of a step is to be taken; `move_back` puts back the bits that stood there.
  void perturb(std::span<Real> parameters, std::span<const Real> gradient, double gradient_norm);
  void move_back(std::span<Real> parameters) const;

  bool needs_hessian() const { return algorithm_.needs_hessian; }

  double learning_rate() const;

  /// All vectors that it keeps from step to step, of what it owns: by name in the order in which the tensors
  /// bring them. Names and layouts depend on the network alone.
  std::vector<NamedState> state();

 private:
  /// A tensor, and what is kept for it.
  struct Kept {
    ParameterTensor tensor;
    std::size_t group = 0;
    std::vector<std::size_t> vectors;  // by their numbers, in the algorithm's order
  };
  /// Values of one name.
  struct Vector {
    std::string name;
    StateLayout layout;
    std::vector<Real> owned;
  };
  struct Piece {
    ParameterRange range;
    Index position = 0;  // among what it owns
    const Kept* kept;
    bool decays = false;
    std::vector<std::span<Real>> state = {};
  };

  void keep(const ParameterLayout& layout, const ParameterTensor& tensor);
  void add_pieces(const Kept& kept, ParameterRange owned);
  void set_state();
  void step_piece(const Piece& piece, std::span<Real> parameters, std::span<const Real> gradient,
                  double factor, Update update);
  void step_whole(std::span<Real> x, std::span<const Real> g, double factor, Update update,
                  std::span<double> hessian);

  OptimizerOptions options_;
  const Algorithm& algorithm_;
  double weight_decay_ = 0;  // where the algorithm has one
  std::vector<Kept> kept_;   // by tensor
  std::vector<Vector> vectors_;
  std::vector<Piece> pieces_;  // of uniform decay, as large as the algorithm's scope lets one call see
  Index owned_size_ = 0;
  std::vector<Real> unmoved_;                 // of two passes: what it owns, as it was before `perturb`
  std::vector<std::span<Real>> whole_state_;  // for an algorithm that steps all at once
  std::vector<std::vector<Real>> changed_;    // by thread: a piece of the gradient after clipping and L2
};

}  // namespace lockstep::inline LOCKSTEP_REAL
