#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "lockstep/nn/parameter_layout.hpp"
#include "lockstep/optim/algorithm.hpp"
#include "lockstep/optim/optimizer_options.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// A vector that the optimizer keeps, under its algorithm's name for it.
struct NamedState {
  std::string name;
  std::span<Real> values;
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

  /// Steps what it owns of `parameters` with `gradient` times `gradient_factor` (and the L2 term), both of
  /// the layout's size, at the configured learning rate times `multiplier`; `t` counts steps from 1.
  /// `hessian`, where needs_hessian(), is that of the loss by all parameters, [size x size]; the L2 term is
  /// added to it.
  void step(std::span<Real> parameters, std::span<const Real> gradient, double gradient_factor,
            double multiplier, std::uint64_t t, std::span<double> hessian = {});

  bool needs_hessian() const { return algorithm_.needs_hessian; }

  double learning_rate() const;

  /// All vectors that it keeps from step to step, of what it owns, in the algorithm's order.
  std::vector<NamedState> state();

 private:
  struct Piece {
    ParameterRange range;
    Index state = 0;  // where its state begins
    bool decays = false;
  };
  /// What a thread works in.
  struct Scratch {
    std::vector<std::span<Real>> state;
    std::vector<Real> changed;  // a piece of the gradient after clipping and L2
  };

  void add_pieces(const ParameterTensor& tensor, ParameterRange owned);
  void step_piece(const Piece& piece, std::span<Real> parameters, std::span<const Real> gradient,
                  double factor, Update update);
  void step_whole(std::span<Real> x, std::span<const Real> g, double factor, Update update,
                  std::span<double> hessian);

  OptimizerOptions options_;
  const Algorithm& algorithm_;
  double weight_decay_ = 0;    // where the algorithm has one
  std::vector<Piece> pieces_;  // of uniform decay, as large as the algorithm's scope lets one call see
  Index owned_size_ = 0;
  std::vector<std::vector<Real>> state_;  // by its number, of owned_size_ values
  std::vector<Scratch> scratch_;          // by thread
};

}  // namespace lockstep::inline LOCKSTEP_REAL
