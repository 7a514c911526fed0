#pragma once

#include <memory>
#include <utility>

#include "configs.hpp"
#include "lockstep/comm/communicator.hpp"
#include "lockstep/train/trainer.hpp"

namespace lockstep::test {

/// Three blobs of 6 features, a small network, batches of 32 in 8 micro-batches; `changes` win.
inline Config blobs(const Texts& changes = {}) {
  return config_of(changed({{"data.source", "blobs"},
                            {"data.samples", "200"},
                            {"data.features", "6"},
                            {"data.classes", "3"},
                            {"train.batch-size", "32"},
                            {"train.micro-batches", "8"},
                            {"optimizer.name", "sgd"},
                            {"optimizer.momentum", "0.9"},
                            {"model.layers", "linear 16, relu, linear 3"},
                            {"optimizer.learning-rate", "0.05"}},
                           changes));
}

/// A trainer of one rank, with what it refers to.
struct TrainingRun {
  explicit TrainingRun(const Config& c) : TrainingRun(c, nullptr) {}
  /// With a problem of one's own in the place of the configured one.
  TrainingRun(const Config& c, Problem p) : TrainingRun(c, std::make_unique<Problem>(std::move(p))) {}

  Config config;
  std::unique_ptr<Communicator> communicator = make_single_communicator();
  std::unique_ptr<Problem> problem;
  Trainer trainer;

 private:
  TrainingRun(Config c, std::unique_ptr<Problem> p)
      : config(std::move(c)),
        problem(p ? std::move(p) : std::make_unique<Problem>(make_problem(config, *communicator))),
        trainer(*communicator, make_model(config, *problem), *problem, config.training) {}
};

}  // namespace lockstep::test
