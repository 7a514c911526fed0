#pragma once

#include "lockstep/optim/optimizer_options.hpp"

namespace lockstep {

// The methods with their hyperparameters, for TrainingOptions::optimizer; algorithm.hpp has their equations
// and sources, and the keys of the configuration of the same names say what each hyperparameter means.

/// The hyperparameters of sgd.
struct Sgd {
  double learning_rate = 0.1;
  double weight_decay = 0;
  double momentum = 0;
  bool nesterov = false;
};
/// The method sgd.
OptimizerOptions sgd(const Sgd& values = {});

/// The hyperparameters of adagrad.
struct Adagrad {
  double learning_rate = 0.01;
  double epsilon = 1e-10;
  bool epsilon_inside = false;
};
/// The method adagrad.
OptimizerOptions adagrad(const Adagrad& values = {});

/// The hyperparameters of rmsprop.
struct Rmsprop {
  double learning_rate = 0.01;
  double beta = 0.99;
  double epsilon = 1e-8;
  bool epsilon_inside = false;
  bool centered = false;
  double momentum = 0;
};
/// The method rmsprop.
OptimizerOptions rmsprop(const Rmsprop& values = {});

/// The hyperparameters of adam.
struct Adam {
  double learning_rate = 0.001;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  bool amsgrad = false;
};
/// The method adam.
OptimizerOptions adam(const Adam& values = {});

/// The hyperparameters of adamw.
struct AdamW {
  double learning_rate = 0.001;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  bool amsgrad = false;
  double weight_decay = 0.01;
  bool decay_by_schedule = false;
};
/// The method adamw.
OptimizerOptions adamw(const AdamW& values = {});

/// The hyperparameters of lion.
struct Lion {
  double learning_rate = 0.0001;
  double beta1 = 0.9;
  double beta2 = 0.99;
  double weight_decay = 0;
};
/// The method lion.
OptimizerOptions lion(const Lion& values = {});

/// The hyperparameters of lars.
struct Lars {
  double learning_rate = 1;
  double trust = 0.001;
  double momentum = 0.9;
  double weight_decay = 0;
};
/// The method lars.
OptimizerOptions lars(const Lars& values = {});

/// The hyperparameters of lamb.
struct Lamb {
  double learning_rate = 0.001;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-6;
  double weight_decay = 0;
};
/// The method lamb.
OptimizerOptions lamb(const Lamb& values = {});

/// The hyperparameters of newton.
struct Newton {
  double learning_rate = 1;
  double damping = 1e-10;
};
/// The method newton.
OptimizerOptions newton(const Newton& values = {});

/// The hyperparameters of muon.
struct Muon {
  double learning_rate = 0.02;
  double momentum = 0.95;
  int newton_schulz_steps = 5;
  double adamw_ratio = 0.015;
  double beta1 = 0.9;
  double beta2 = 0.95;
  double epsilon = 1e-10;
  bool amsgrad = false;
  double weight_decay = 0;
  bool decay_by_schedule = false;
};
/// The method muon.
OptimizerOptions muon(const Muon& values = {});

/// Sharpness-aware minimisation around `base`, which is sgd or adamw: sam-sgd or sam-adamw.
OptimizerOptions sam(OptimizerOptions base, double rho = 0.05);

}  // namespace lockstep
