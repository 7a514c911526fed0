#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "lockstep/core/real.hpp"

namespace lockstep {

/// A number or flag that an algorithm takes from the [optimizer] section.
struct Hyperparameter {
  std::string name;
  double default_value = 0;
  double lowest = 0;
  double highest = 0;
  std::string help;
  bool is_flag = false;  ///< true or false, as 1 or 0
};

/// Values by name; an algorithm's own defaults where nothing was said.
using Hyperparameters = std::map<std::string, double, std::less<>>;

/// What an algorithm sees of one step, for a range of parameters.
struct Update {
  std::span<Real> x;                       ///< the parameters, to be stepped
  std::span<const Real> g;                 ///< their gradient
  std::span<const std::span<Real>> state;  ///< the algorithm's own vectors, in the order of Algorithm::state
  double alpha = 0;                        ///< learning rate of this step, schedule included
  double lambda = 0;                       ///< decoupled weight decay of this range
  std::uint64_t t = 1;                     ///< step, counted from 1
};

/// One optimization method. To add one: write its update function in a file of its own beside sgd.cpp,
/// describe it there, and list it in algorithms.cpp; configuration, help, trainer and tests take it from the
/// list.
struct Algorithm {
  std::string name;
  std::vector<Hyperparameter> hyperparameters;
  std::vector<std::string>
      state;  ///< names of the vectors it keeps, each as long as the parameters, zero at first
  void (*update)(const Hyperparameters& values, const Update& update) = nullptr;
};

/// All methods, in the order of their help.
const std::vector<Algorithm>& algorithms();

/// The method called `name`. Errors: an unknown name (the known ones are listed).
const Algorithm& find_algorithm(const std::string& name);

/// x ← (1 - αλ) x - α d, with d = g, or y, or g + γ y, where y ← γ y + g.
/// - SGD: γ = 0. Robbins, Monro: A stochastic approximation method. 1951.
/// - momentum: d = y. Polyak: Some methods of speeding up the convergence of iteration methods. 1964; without
///   dampening and with y = g at first, as torch.optim.SGD.
/// - nesterov: d = g + γ y, the gradient at the look-ahead point in the form of Sutskever et al., ICML 2013,
/// and
///   torch.optim.SGD.
/// The decay is decoupled; with α constant it equals the L2 penalty.
Algorithm sgd();

/// Algorithm 2 of Loshchilov, Hutter: Decoupled weight decay regularization, arXiv 1711.05101, with the decay
/// scaled by the learning rate as torch.optim.AdamW does:
///   m ← β₁ m + (1-β₁) g;  v ← β₂ v + (1-β₂) g²;  m̂ = m / (1-β₁ᵗ);  v̂ = v / (1-β₂ᵗ)
///   θ ← θ - α (m̂ / (√v̂ + ε) + λ θ)
Algorithm adamw();

}  // namespace lockstep
