#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "lockstep/nn/parameter_layout.hpp"
#include "lockstep/optim/algorithm.hpp"

namespace lockstep {

/// Which parameters weight decay and L2 act on.
enum class DecayScope { kWeights, kAll };

struct OptimizerOptions {
  std::string name = "sgd";
  Hyperparameters hyperparameters;  ///< "learning-rate", "weight-decay" and the algorithm's own, all of them
  double l2 = 0;                    ///< λ of λ/2 ‖x‖² in the loss: g ← g + λ x
  DecayScope decay_scope = DecayScope::kWeights;
};

/// An algorithm with its state for one parameter vector. Everything here is local and the same on every rank.
class Optimizer {
 public:
  Optimizer(OptimizerOptions options, const ParameterLayout& layout);

  /// Steps `parameters` with `gradient` (whose L2 term is added in place), both of the layout's size, at the
  /// configured learning rate times `multiplier`; `t` counts steps from 1.
  void step(std::span<Real> parameters, std::span<Real> gradient, double multiplier, std::uint64_t t);

  double learning_rate() const;

 private:
  struct Range {
    ParameterRange range;
    bool decays;
  };

  OptimizerOptions options_;
  const Algorithm& algorithm_;
  std::vector<Range> ranges_;  // neighbours with the same decay joined
  std::vector<std::vector<Real>> state_;
};

/// √Σ g², a sum of fixed order in double: the same bits wherever the gradient has the same bits.
double norm(std::span<const Real> gradient);

/// g ← g · min(1, largest / (norm + 1e-6)). Pascanu et al., arXiv 1211.5063, as
/// torch.nn.utils.clip_grad_norm_.
void clip_norm(std::span<Real> gradient, double norm, double largest);

}  // namespace lockstep
