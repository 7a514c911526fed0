#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "cli/commands.hpp"
#include "core/statistics.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/core/log.hpp"
#include "lockstep/nn/gradient_check_in_double.hpp"
#include "lockstep/parallel/agreement.hpp"
#include "lockstep/train/problem.hpp"

namespace lockstep {

namespace {

constexpr double kTolerance = 1e-6;

/// The first `count` training samples of the first epoch.
std::vector<Index> first_samples(const Config& config, const Problem& problem, Index count) {
  const Sampler sampler(config.training.seed, problem.split.training_size(), count);
  std::vector<Index> samples(static_cast<std::size_t>(count));
  training_samples(problem, sampler, sampler.batch(0), 0, samples);
  return samples;
}

void check(const Config& config, const Problem& problem, Index samples, Index per_tensor) {
  Network model = make_model(config, problem);
  if (!model.has_parameters()) model.initialize(config.training.seed, config.training.initialization);
  const std::vector<Index> rows = first_samples(config, problem, samples);
  const GradientCheckCase gradients{.layers = model.text(),
                                    .parameters = model.parameters(),
                                    .loss = problem.loss_name,
                                    .loss_parameters = problem.loss_parameters,
                                    .class_weights = problem.class_weights,
                                    .data = problem.training,
                                    .normalization = problem.normalization,
                                    .samples = rows,
                                    .seed = config.training.seed};

  log::info("tensor                checked  largest relative error");
  double worst = 0;
  for (const GradientCheck& c : check_gradients_in_double(gradients, per_tensor)) {
    log::info(fmt::format("{:20}  {:7}  {:.2e} (element {})", c.tensor, c.checked, c.largest_error,
                          c.worst_element));
    worst = larger(worst, c.largest_error);
  }
  if (!std::isfinite(worst)) {
    fail_guard(
        "gradcheck: a loss or a gradient is not finite, so that nothing can be compared; look at the data");
  }
  if (!(worst < kTolerance)) {
    fail_guard(
        "gradcheck: the largest relative error {:.2e} is not below {:.0e}; at a kink (relu at zero) central "
        "differences are no measure: try another train.seed before you suspect the unit",
        worst, kTolerance);
  }
  log::info(fmt::format("all gradients agree with central differences within {:.0e}", kTolerance));
}

void run_gradcheck(const Arguments& arguments, Communicator& world) {
  const Config config = make_config(arguments.settings);
  const Problem problem = make_problem(config, world);
  const Index samples = std::min<Index>(count_option(arguments, "samples"), problem.split.training_size());
  const Index per_tensor = count_option(arguments, "per-tensor");
  together(world, [&] {
    if (world.rank() == 0) check(config, problem, samples, per_tensor);
  });
}

}  // namespace

Command gradcheck_command() {
  std::vector<std::string> unused = settings_but("train.", {"train.seed", "train.batch-size"});
  unused.insert(unused.end(), {"data.augment", "optimizer.", "schedule.", "checkpoint.", "run.dir",
                               "run.resume", "run.name", "run.notes", "run.tags", "run.tensorboard"});
  return {.name = "gradcheck",
          .usage = "[--samples N] [--per-tensor N] [--config FILE] [--section.key VALUE …]",
          .brief = "Compares the gradients of the network with central differences, in double.",
          .details = "All tensors of the configured network are looked at, some elements of each.",
          .examples = {"lockstep gradcheck --config configs/images/lenet.cfg --samples 4",
                       "lockstep gradcheck --data.source blobs --model.layers \"linear 12, tanh, linear 4\" "
                       "--per-tensor 200"},
          .options = {{"samples", "8", "rows of the batch"},
                      {"per-tensor", "50", "elements compared in each tensor"}},
          .unused = unused,
          .prints_result = true,
          .needs_ranks = false,
          .run = run_gradcheck};
}

}  // namespace lockstep
