#include "lockstep/optim/schedule.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/commands.hpp"
#include "core/file.hpp"
#include "lockstep/core/log.hpp"
#include "lockstep/core/version.hpp"
#include "lockstep/parallel/agreement.hpp"
#include "lockstep/train/problem.hpp"
#include "lockstep/train/training_plan.hpp"
#include "report/page.hpp"

namespace lockstep {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::uint64_t kRows = 25;      // of the picture on the terminal
constexpr std::uint64_t kPoints = 1000;  // of the picture on the page
constexpr double kWidth = 60;

/// The plan of the configuration. Collective.
TrainingPlan plan_of(const Config& config, Communicator& world) {
  // The number of samples tells only what is not given: the steps of an epoch, or the size of a full batch.
  // Where both are given, the data need not be there, and an epoch of one batch stands for theirs.
  const bool needs_data = config.training.steps == 0 || config.training.batch_size <= 0;
  return plan_training(config.training, needs_data ? make_problem(config, world).split.training_size()
                                                   : config.training.batch_size);
}

/// About `count` steps from the first to the last.
std::vector<std::uint64_t> spread_steps(std::uint64_t total, std::uint64_t count) {
  std::vector<std::uint64_t> steps;
  const std::uint64_t parts = std::min(total, count) - 1;
  steps.reserve(parts + 1);
  for (std::uint64_t i = 0; i <= parts; ++i) steps.push_back(parts == 0 ? 0 : i * (total - 1) / parts);
  return steps;
}

void print(const TrainingPlan& plan, const Schedule& schedule) {
  double largest = 0;
  const std::vector<std::uint64_t> steps = spread_steps(plan.total_steps, kRows);
  for (const std::uint64_t step : steps) largest = std::max(largest, schedule.multiplier(step));
  log::info(fmt::format("{:>10}  {:>12}", "step", "rate"));
  for (const std::uint64_t step : steps) {
    const double multiplier = schedule.multiplier(step);
    std::string bar;
    const auto width = static_cast<int>(std::lround(largest > 0 ? kWidth * multiplier / largest : 0));
    for (int i = 0; i < width; ++i) bar += "█";
    log::info(fmt::format("{:10}  {:12.4g}  {}", step + 1, plan.learning_rate * multiplier, bar));
  }
}

Json document(const Config& config, const TrainingPlan& plan, const Schedule& schedule) {
  Json series = {{"name", config.training.schedule.name}, {"x", Json::array()}, {"y", Json::array()}};
  for (const std::uint64_t step : spread_steps(plan.total_steps, kPoints)) {
    series["x"].push_back(step + 1);
    series["y"].push_back(plan.learning_rate * schedule.multiplier(step));
  }
  const Json chart = {
      {"type", "chart"},
      {"id", "schedule"},
      {"title", "Learning rate"},
      {"description", fmt::format("{} steps of {} samples", plan.total_steps, plan.batch_size)},
      {"kind", "lines"},
      {"x", {{"title", "step"}, {"log", false}}},
      {"y", {{"title", "learning rate"}, {"log", false}}},
      {"series", Json::array({series})}};
  return {{"title", fmt::format("Schedule: {}", config.training.schedule.name)},
          {"subtitle", "the learning rate of each step, without training"},
          {"generator", fmt::format("lockstep {}", kVersion)},
          {"sections", Json::array({chart})}};
}

void run_schedule(const Arguments& arguments, Communicator& world) {
  const Config config = make_config(arguments.settings);
  const TrainingPlan plan = plan_of(config, world);
  const Schedule schedule(config.training.schedule, plan.total_steps);
  print(plan, schedule);
  const auto out = arguments.options.find("out");
  together(world, [&] {
    if (world.rank() != 0 || out == arguments.options.end()) return;
    write_file(out->second, page_html(document(config, plan, schedule)));
    log::info(out->second);
  });
}

}  // namespace

Command schedule_command() {
  std::vector<std::string> unused =
      settings_but("train.", {"train.batch-size", "train.epochs", "train.steps"});
  for (const std::string& key : settings_but("optimizer.", {"optimizer.name", "optimizer.learning-rate"})) {
    unused.push_back(key);
  }
  unused.insert(unused.end(), {"model.", "checkpoint.", "run.dir", "run.resume", "run.name", "run.notes",
                               "run.tags", "run.tensorboard"});
  return {
      .name = "schedule",
      .usage = "[--out FILE.html] [--config FILE] [--section.key VALUE …]",
      .brief = "Draws the learning rate of every step, without training.",
      .details = "The picture stands on the terminal, and with --out also on a page.",
      .examples = {"lockstep schedule --schedule.name cosine --schedule.warmup-steps 100 --train.steps 2000",
                   "lockstep schedule --config configs/images/resnet20.cfg --out schedule.html"},
      .options = {{"out", "", "page to write beside the picture on the terminal"}},
      .unused = unused,
      .prints_result = true,
      .needs_ranks = false,
      .run = run_schedule};
}

}  // namespace lockstep
