#include <algorithm>
#include <cmath>

#include "commands.hpp"
#include <fmt/format.h>

#include "lockstep/core/error.hpp"
#include "lockstep/core/log.hpp"
#include "lockstep/core/statistics.hpp"
#include "lockstep/data/batch.hpp"
#include "lockstep/nn/gradient_check.hpp"
#include "lockstep/parallel/agreement.hpp"
#include "lockstep/train/problem.hpp"

namespace lockstep {

namespace {

constexpr double kTolerance = 1e-6;

/// The first `count` training samples of the first epoch.
Batch first_batch(const Config& config, const Problem& problem, Index count) {
  const Sampler sampler(config.train.seed, problem.split.training_size(), count);
  Batch batch;
  batch.samples.resize(static_cast<std::size_t>(count));
  training_samples(problem, sampler, sampler.batch(0), 0, batch.samples);
  gather(problem.training, problem.normalization, batch);
  return batch;
}

void check(const Config& config, const Problem& problem, Index samples, Index per_tensor) {
  Model model = make_model(config, problem);
  const Batch batch = first_batch(config, problem, samples);
  const RowBlock block{
      .micro_batches = {}, .samples = batch.samples, .training = true, .seed = config.train.seed, .step = 0};
  const ConstMatrixView x(batch.features.data(), batch.rows(), model.inputs());

  log::info("tensor                checked  largest relative error");
  double worst = 0;
  for (const GradientCheck& c :
       check_gradients(model, *problem.loss, block, x, {batch.labels, batch.targets}, per_tensor)) {
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
        "differences are no measure: try another train.seed before you suspect the layer",
        worst, kTolerance);
  }
  log::info(fmt::format("all gradients agree with central differences within {:.0e}", kTolerance));
}

void run(const Arguments& arguments, Communicator& world) {
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
  unused.insert(unused.end(), {"optimizer.", "schedule.", "checkpoint.", "run.dir", "run.resume"});
  return {.name = "gradcheck",
          .usage = "[--samples N] [--per-tensor N] [--config FILE] [--section.key VALUE …]",
          .summary = "Compares the gradients of the configured network with central differences, in double.",
          .options = {{"samples", "8", "rows of the batch"},
                      {"per-tensor", "50", "elements compared in each tensor"}},
          .unused = unused,
          .prints_result = true,
          .needs_ranks = false,
          .run = run};
}

}  // namespace lockstep
