#include "lockstep/optim/methods.hpp"

namespace lockstep {

OptimizerOptions sgd(const Sgd& values) {
  return {.name = "sgd",
          .hyperparameters = {{"learning-rate", values.learning_rate},
                              {"weight-decay", values.weight_decay},
                              {"momentum", values.momentum},
                              {"nesterov", values.nesterov ? 1 : 0}}};
}

OptimizerOptions adagrad(const Adagrad& values) {
  return {.name = "adagrad",
          .hyperparameters = {{"learning-rate", values.learning_rate},
                              {"epsilon", values.epsilon},
                              {"epsilon-placement", values.epsilon_inside ? 1 : 0}}};
}

OptimizerOptions rmsprop(const Rmsprop& values) {
  return {.name = "rmsprop",
          .hyperparameters = {{"learning-rate", values.learning_rate},
                              {"beta", values.beta},
                              {"epsilon", values.epsilon},
                              {"epsilon-placement", values.epsilon_inside ? 1 : 0},
                              {"centered", values.centered ? 1 : 0},
                              {"momentum", values.momentum}}};
}

OptimizerOptions adam(const Adam& values) {
  return {.name = "adam",
          .hyperparameters = {{"learning-rate", values.learning_rate},
                              {"beta1", values.beta1},
                              {"beta2", values.beta2},
                              {"epsilon", values.epsilon},
                              {"amsgrad", values.amsgrad ? 1 : 0}}};
}

OptimizerOptions adamw(const AdamW& values) {
  return {.name = "adamw",
          .hyperparameters = {{"learning-rate", values.learning_rate},
                              {"beta1", values.beta1},
                              {"beta2", values.beta2},
                              {"epsilon", values.epsilon},
                              {"amsgrad", values.amsgrad ? 1 : 0},
                              {"weight-decay", values.weight_decay},
                              {"decay-scaling", values.decay_by_schedule ? 1 : 0}}};
}

OptimizerOptions lion(const Lion& values) {
  return {.name = "lion",
          .hyperparameters = {{"learning-rate", values.learning_rate},
                              {"beta1", values.beta1},
                              {"beta2", values.beta2},
                              {"weight-decay", values.weight_decay}}};
}

OptimizerOptions lars(const Lars& values) {
  return {.name = "lars",
          .hyperparameters = {{"learning-rate", values.learning_rate},
                              {"trust", values.trust},
                              {"momentum", values.momentum},
                              {"weight-decay", values.weight_decay}}};
}

OptimizerOptions lamb(const Lamb& values) {
  return {.name = "lamb",
          .hyperparameters = {{"learning-rate", values.learning_rate},
                              {"beta1", values.beta1},
                              {"beta2", values.beta2},
                              {"epsilon", values.epsilon},
                              {"weight-decay", values.weight_decay}}};
}

OptimizerOptions newton(const Newton& values) {
  return {.name = "newton",
          .hyperparameters = {{"learning-rate", values.learning_rate}, {"damping", values.damping}}};
}

OptimizerOptions muon(const Muon& values) {
  return {.name = "muon",
          .hyperparameters = {{"learning-rate", values.learning_rate},
                              {"momentum", values.momentum},
                              {"newton-schulz-steps", values.newton_schulz_steps},
                              {"adamw-ratio", values.adamw_ratio},
                              {"beta1", values.beta1},
                              {"beta2", values.beta2},
                              {"epsilon", values.epsilon},
                              {"amsgrad", values.amsgrad ? 1 : 0},
                              {"weight-decay", values.weight_decay},
                              {"decay-scaling", values.decay_by_schedule ? 1 : 0}}};
}

OptimizerOptions sam(OptimizerOptions base, double rho) {
  base.name = "sam-" + base.name;
  base.hyperparameters["rho"] = rho;
  return base;
}

}  // namespace lockstep
