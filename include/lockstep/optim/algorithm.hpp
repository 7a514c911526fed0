#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <vector>

#include "lockstep/core/hyperparameter.hpp"
#include "lockstep/core/index.hpp"
#include "lockstep/core/real.hpp"
#include "lockstep/nn/parameter_layout.hpp"
#include "lockstep/optim/scope.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// What an algorithm sees of one step, for a range of parameters.
struct Update {
  std::span<Real> x = {};                       ///< the parameters, to be stepped
  std::span<const Real> g = {};                 ///< their gradient
  std::span<const std::span<Real>> state = {};  ///< what it keeps for them, in the order of Algorithm::state
  double alpha = 0;                             ///< learning rate of this step, schedule included
  double eta = 1;                               ///< schedule multiplier of this step, part of alpha
  double lambda = 0;                            ///< decoupled weight decay of this range
  std::uint64_t t = 1;                          ///< step, counted from 1
  std::span<const double> hessian = {};         ///< [n x n] for n parameters, for algorithms that need it
  const ParameterTensor* tensor = nullptr;      ///< that they are of, but for kModel
  std::size_t group = 0;                        ///< that it is in, see Algorithm::group
};

/// What an algorithm of two passes sees between them, for a range of parameters.
struct Perturbation {
  std::span<Real> x = {};        ///< the parameters, to be moved to where the second gradient is taken
  std::span<const Real> g = {};  ///< their gradient in the first pass
  double gradient_norm = 0;      ///< ‖g‖ over all parameters
};

/// Values that an algorithm keeps for a tensor from step to step, zero at first.
struct KeptValues {
  std::string name;  ///< "momentum"
  std::vector<Index> shape;
};

/// What most algorithms keep: under each of `names` one value for each parameter.
std::vector<KeptValues> one_per_parameter(const ParameterTensor& tensor,
                                          const std::vector<std::string>& names);

/// One optimization method. To add one: write its update function in a file of its own beside sgd.cpp,
/// describe it there, and list it in algorithms.cpp; configuration, help, trainer and tests take it from the
/// list.
struct Algorithm {
  std::string name;
  std::vector<Hyperparameter> hyperparameters;
  /// What it keeps for a tensor that is in group `group`. With kElements, parts of a tensor may be stepped by
  /// several ranks: a name has one value for each of its parameters, or none.
  std::vector<KeptValues> (*state)(const Hyperparameters& values, const ParameterTensor& tensor,
                                   std::size_t group) = nullptr;
  void (*update)(const Hyperparameters& values, const Update& update) = nullptr;
  Scope scope = Scope::kElements;
  bool needs_hessian = false;
  /// For an algorithm of two passes in a step: `update` gets the gradient, of the same samples, where this
  /// has moved the parameters, and finds the parameters back in their places. Element by element.
  void (*perturb)(const Hyperparameters& values, const Perturbation& perturbation) = nullptr;
  /// The group of parameters that a tensor of `layout` is in, where it does not treat all alike.
  std::size_t (*group)(const ParameterLayout& layout, const ParameterTensor& tensor) = nullptr;
};

/// All methods, in the order of their help.
const std::deque<Algorithm>& algorithms();

/// Makes another method known, also to configurations. Before the first configuration is read. Errors: a name
/// that is known, or no word.
void register_algorithm(Algorithm algorithm);

/// The method called `name`. Errors: an unknown name (the known ones are listed).
const Algorithm& find_algorithm(const std::string& name);

/// x ← (1 - αλ) x - α d, with d = g, or y, or g + γ y, where y ← γ y + g.
/// - SGD: γ = 0. Robbins, Monro: A stochastic approximation method. 1951.
/// - momentum: d = y. Polyak: Some methods of speeding up the convergence of iteration methods. 1964; without
///   dampening and with y = g at first, as torch.optim.SGD.
/// - nesterov: d = g + γ y, the gradient at the look-ahead point in the form of Sutskever et al., ICML
///   2013, and torch.optim.SGD.
/// The decay is decoupled; with α constant it equals the L2 penalty.
Algorithm sgd_algorithm();

/// v ← v + g²;  x ← x - α g / (√v + ε), or g / √(v + ε) with epsilon-placement = inside.
/// Duchi, Hazan, Singer: Adaptive subgradient methods. JMLR 12, 2011; as torch.optim.Adagrad.
Algorithm adagrad_algorithm();

/// v ← β v + (1-β) g²;  d = g / (√v + ε);  x ← x - α d, or with momentum y ← γ y + d, x ← x - α y.
/// centered: the variance v - ḡ², ḡ ← β ḡ + (1-β) g, takes the place of v.
/// Tieleman, Hinton: Lecture 6.5 (RMSProp), 2012; centered: Graves, arXiv 1308.0850, eq. 38 to 45; as
/// torch.optim.RMSprop, and with epsilon-placement = inside as the lecture's slide.
Algorithm rmsprop_algorithm();

/// Algorithm 1 of Kingma, Ba: Adam, arXiv 1412.6980:
///   m ← β₁ m + (1-β₁) g;  v ← β₂ v + (1-β₂) g²;  m̂ = m / (1-β₁ᵗ);  v̂ = v / (1-β₂ᵗ);  θ ← θ - α m̂ / (√v̂ + ε)
/// amsgrad: the largest v so far takes the place of v (Reddi, Kale, Kumar, ICLR 2018), as torch.optim.Adam.
/// adamw decays too, decoupled: Algorithm 2 of Loshchilov, Hutter, arXiv 1711.05101. decay-scaling =
/// learning-rate takes α η_t λ θ off, as torch.optim.AdamW; decay-scaling = schedule takes η_t λ θ off, as
/// the paper.
Algorithm adam_algorithm();
Algorithm adamw_algorithm();

/// c = β₁ m + (1-β₁) g;  θ ← θ - α (sign(c) + λ θ);  m ← β₂ m + (1-β₂) g.
/// Algorithm 2 of Chen et al.: Symbolic discovery of optimization algorithms, arXiv 2302.06675.
Algorithm lion_algorithm();

/// Algorithm 1 of You, Gitman, Ginsburg: Large batch training of convolutional networks, arXiv 1708.03888,
/// tensor by tensor: local rate ρ = η ‖w‖ / (‖g‖ + λ ‖w‖), or 1 where that is no number;  v ← γ v + α ρ (g +
/// λ w);  w ← w - v.
Algorithm lars_algorithm();

/// Algorithm 2 of You et al.: Large batch optimization for deep learning (LAMB), arXiv 1904.00962, tensor by
/// tensor, with φ the identity: r = m̂ / (√v̂ + ε) as in Adam;  u = r + λ x;  x ← x - α (‖x‖ / ‖u‖) u, the
/// ratio 1 where a norm is 0.
Algorithm lamb_algorithm();

/// For weights that are matrices W [rows x columns] (of more axes: the first is the rows, the others together
/// the columns), but for those of the last unit:
///   B ← μ B + G;  D = G + μ B;  O = NewtonSchulz(D);  W ← (1 - αλ) W - α √max(1, rows / columns) O
/// where NewtonSchulz takes D = USVᵀ to about UVᵀ: X₀ = D / (‖D‖ + 1e-7) in Frobenius' norm, then five times
/// X ← a X + (b XXᵀ + c (XXᵀ)²) X with (a, b, c) = (3.4445, -4.7750, 2.0315), which leaves singular values
/// between about 0.7 and 1.2. Biases, gains and the last unit are AdamW's, at α times adamw-ratio: output
/// layers do better so, says the post. (Its other exception, a first layer that embeds symbols, is none
/// here: the first layer's inputs are features.) A step costs one thread of the owner 30 n³ operations for a
/// matrix of n x n, a quarter of a second for 1024 x 1024 in float. Jordan et al.: Muon: An optimizer for
/// hidden layers in neural networks, 2024, https://kellerjordan.github.io/posts/muon, with Nesterov's
/// momentum, the scaling by shape of https://github.com/KellerJordan/Muon (torch.optim.Muon's "original") and
/// that program's defaults.
Algorithm muon_algorithm();

/// x ← x - α (H + μ I)⁻¹ g, by Cholesky's decomposition in double; μ = damping · the largest element of H,
/// and ten times more, again and again, while H + μ I is not positive definite (Nocedal, Wright: Numerical
/// optimization, 2nd edition, section 3.4, algorithm 3.3). H is the exact Hessian of the global batch: for
/// networks of one linear unit.
Algorithm newton_algorithm();

/// Sharpness-aware minimization around `base`, which needs no Hessian: `base` steps from the weights w, but
/// by the gradient at w + ε of the same samples,
///   ε = ρ g / ‖g‖,  g the gradient at w, its norm over all parameters; ε = 0 where that is 0.
/// Algorithm 1 of Foret, Kleiner, Mobahi, Neyshabur: Sharpness-aware minimization for efficiently improving
/// generalization, arXiv 2010.01412, with p = 2. An L2 term is no part of g and ε, as in the paper's
/// objective; clipping acts on the second gradient, which the step is taken with. Two passes over the samples
/// make a step take twice as long. `base`'s name becomes "sam-NAME".
Algorithm sam_algorithm(Algorithm base);

}  // namespace lockstep::inline LOCKSTEP_REAL
