#include "train_helpers.hpp"

#include <cmath>
#include <span>

#include "lockstep/core/error.hpp"
#include "lockstep/nn/weights.hpp"

namespace lockstep::test {

Config make_test_config(const Texts& changes) {
  return config_of(changed({{"data.source", "blobs"},
                            {"data.samples", "90"},
                            {"data.features", "6"},
                            {"model.layers", "linear 9, relu, linear 4"},
                            {"train.batch-size", "32"},
                            {"train.epochs", "2"},
                            {"train.micro-batches", "8"},
                            {"train.check-every", "2"},
                            {"optimizer.name", "sgd"}},
                           changes));
}

PictureFolder::PictureFolder(Communicator& world) {
  if (world.rank() == 0) {
    folder_ = std::make_unique<TemporaryFolder>();
    write_pictures(*folder_);
    path_ = folder_->path().string();
  }
  path_ = broadcast_text(world, path_, 0);
}

RunResult train(const Config& config, Communicator& communicator) {
  const Problem problem = make_problem(config, communicator);
  Trainer trainer(communicator, make_model(config, problem), problem, config.training);
  return finish(trainer);
}

RunResult train_alone(const Config& config, Communicator& world) {
  constexpr double kPatience = 100;
  RunResult result;
  if (world.rank() == 0) result = train(config, *make_single_communicator());
  LOCKSTEP_CHECK(world.idle_barrier(kPatience));
  for (std::string* text : {&result.weights_digest, &result.average_digest}) {
    *text = broadcast_text(world, *text, 0);
  }
  for (std::vector<double>* values :
       {&result.losses, &result.gradient_norms, &result.learning_rates, &result.noise}) {
    *values = all_gather_list(world, std::span<const double>(*values));
  }
  return result;
}

RunResult finish(Trainer& trainer) {
  RunResult result;
  while (trainer.steps_done() < trainer.plan().total_steps) {
    const StepReport report = trainer.step();
    result.losses.push_back(report.loss);
    result.gradient_norms.push_back(report.gradient_norm);
    result.learning_rates.push_back(report.learning_rate);
    if (!report.noise || std::isnan(report.noise->estimate.square)) continue;
    const auto& [estimate, scale] = *report.noise;
    result.noise.insert(result.noise.end(), {estimate.square, estimate.variance, scale});
  }
  result.weights_digest = weights_digest(trainer.whole_network());
  if (trainer.has_average()) {
    trainer.with_average([&] { result.average_digest = weights_digest(trainer.whole_network()); });
  }
  return result;
}

}  // namespace lockstep::test
