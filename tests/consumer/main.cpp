// Trains a network with a unit of its own (scale.cpp) on data of its own, and prints the digest of the
// weights.
#include <cmath>
#include <cstdio>

#include "check_scale.hpp"
#include "scale.hpp"

#include "lockstep/comm/mpi.hpp"
#include "lockstep/core/denormals.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/nn/weights.hpp"
#include "lockstep/train/trainer.hpp"

namespace {

using namespace lockstep;

/// Points in a square, and whether they lie in the circle inside.
Dataset circle() {
  DatasetContent content;
  content.description = {
      .name = "circle", .storage = Storage::kFloats, .samples = 300, .feature_shape = {2}, .classes = 2};
  for (int i = 0; i < content.description.samples; ++i) {
    const double x = std::fmod(i * 0.618, 1) * 2 - 1;
    const double y = std::fmod(i * 0.414, 1) * 2 - 1;
    content.values.insert(content.values.end(), {static_cast<float>(x), static_cast<float>(y)});
    content.labels.push_back(x * x + y * y < 0.6 ? 1 : 0);
  }
  return make_dataset(std::move(content));
}

int train(Communicator& world) {
  register_unit(consumer::scale_form());
  Config config = make_config({{"data.source", {"blobs", "in main.cpp"}},
                               {"model.layers", {"linear 16, tanh, scale, linear 2", "in main.cpp"}},
                               {"optimizer.name", {"adamw", "in main.cpp"}},
                               {"optimizer.learning-rate", {"0.01", "in main.cpp"}},
                               {"train.batch-size", {"30", "in main.cpp"}},
                               {"train.epochs", {"40", "in main.cpp"}}});
  resolve_micro_batches(config, world.size());
  const Dataset data = circle();
  const ChosenLoss loss = choose_loss("auto", config.model.loss_parameters, Task::kClassification);
  const Problem problem{.training = data,
                        .test = std::nullopt,
                        .split = Split(1, data.size(), 0),
                        .normalization = {},
                        .loss = loss.loss,
                        .loss_name = loss.name};
  Trainer trainer(config, problem, world);
  while (trainer.steps_done() < trainer.plan().total_steps) trainer.step();
  const Evaluation evaluation = trainer.evaluate(training_part(problem));
  if (world.rank() == 0) {
    std::printf("error of gradients %.1e, accuracy %.3f, weights_digest %s\n", error_of_scale(),
                *evaluation.accuracy, weights_digest(trainer.model()).c_str());
  }
  return error_of_scale() < 1e-6 && *evaluation.accuracy > 0.9 ? 0 : 1;
}

}  // namespace

int main() {
  flush_denormals();  // before any thread that computes is started
  MpiSession session;
  try {
    return train(session.world());
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return static_cast<int>(error.code());
  }
}
