#include "study/sweep/sweep_plan.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <set>
#include <string_view>

#include <fmt/format.h>

#include "core/digest.hpp"
#include "core/json.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/core/version.hpp"
#include "lockstep/parallel/partition.hpp"
#include "lockstep/train/trainer.hpp"
#include "study/curve.hpp"
#include "train/run/early_stopping.hpp"

namespace lockstep {

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kCommandLine = "on the command line";

/// Settings of the network alone: they change neither data nor loss.
constexpr std::array<std::string_view, 3> kOfModel = {"model.layers", "model.initialization", "model.init"};

/// Refuses keys that are swept and given as well; in a file they are the default that the sweep replaces.
void check_keys(const SweepRequest& request, const SweepGrid& grid) {
  for (const SweepAxis& axis : grid.axes()) {
    const auto given = request.settings.find(axis.key);
    if (axis.key.starts_with("run.")) {
      fail_input("--sweep {}: where runs are kept is no part of a point; give --run.dir for the whole sweep",
                 axis.key);
    }
    refuse_unused({{axis.key, {"swept", "in --sweep"}}}, unused_in_sweeps(), "what a sweep measures");
    if (given != request.settings.end() && given->second.origin == kCommandLine) {
      fail_input("{} ({}): is swept; remove it, or its --sweep", axis.key, kCommandLine);
    }
  }
}

/// Calls `action` and says at which point it failed.
template <typename Action>
auto at_point(const SweepGrid& grid, Index point, const Action& action) {
  try {
    return action();
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("point {} of {} ({}): {}", point + 1, grid.size(), grid.name(point),
                                          error.what()));
  }
}

Config config_of(const SweepRequest& request, const SweepGrid& grid, Index point) {
  std::map<std::string, GivenValue> settings = request.settings;
  for (const auto& [key, value] : grid.settings(point)) settings[key] = {value, "in --sweep"};
  Config config = make_measured_config(settings);
  if (config.training.reduction == Reduction::kFast) {
    fail_input("train.reduction = fast ({}): a point's result would depend on its number of ranks; remove it",
               settings.at("train.reduction").origin);
  }
  return config;
}

/// What make_problem depends on beside the batch size: points that agree in it share their data.
std::string data_key(const Config& config) {
  std::string text;
  for (const auto& [key, value] : settings_of(config)) {
    const bool counts =
        key.starts_with("data.") ||
        (key.starts_with("model.") && std::find(kOfModel.begin(), kOfModel.end(), key) == kOfModel.end());
    if (counts) text += fmt::format("{} = {}\n", key, value);
  }
  return text;
}

}  // namespace

const std::vector<std::string>& unused_in_sweeps() {
  static const std::vector<std::string> keys = {"checkpoint.",       "run.resume",    "run.name",
                                                "run.notes",         "run.tags",      "run.tensorboard",
                                                "train.noise-scale", "train.timeline"};
  return keys;
}

SweepPlan plan_sweep(const SweepRequest& request, int world_size) {
  if (request.groups > world_size) {
    fail_input("--groups {}: mpirun started {} rank{}; expected at most as many groups, or start more ranks",
               request.groups, world_size, world_size == 1 ? "" : "s");
  }
  SweepRequest settled = request;
  const SweepGrid grid(request.sweeps, request.samples);
  check_keys(request, grid);
  SweepPlan plan{
      grid, {}, request.evaluations, Halving(request.halving, grid.settings_count(), request.rungs), ""};
  plan.points.reserve(static_cast<std::size_t>(grid.size()));
  const Index most_ranks = (world_size + request.groups - 1) / request.groups;
  for (Index point = 0; point < grid.size(); ++point) {
    at_point(grid, point, [&] {
      Config config = config_of(settled, grid, point);
      const bool is_open = config.training.micro_batches == 0;
      resolve_micro_batches(config, static_cast<int>(most_ranks));
      if (is_open) {  // the same for all, and reported once
        settled.settings["train.micro-batches"] = {std::to_string(config.training.micro_batches),
                                                   "by the ranks", GivenBy::kRun};
      }
      plan.folder = config.run.dir;
      plan.points.push_back(std::move(config));
    });
  }
  return plan;
}

SweepPlan first_samples(const SweepPlan& plan, Index samples) {
  SweepPlan first = plan;
  first.grid = plan.grid.first(samples);
  first.points.resize(static_cast<std::size_t>(first.grid.size()));
  return first;
}

SettingTexts shared_settings(const SweepPlan& plan) {
  SettingTexts shared = settings_of(plan.points.front());
  for (const Config& config : plan.points) {
    const SettingTexts all = settings_of(config);
    const std::set<std::pair<std::string, std::string>> own(all.begin(), all.end());
    std::erase_if(shared, [&](const auto& entry) { return !own.contains(entry); });
  }
  return shared;
}

Json describe(const SweepPlan& plan) {
  Json sweeps = Json::object();
  for (const SweepAxis& axis : plan.grid.given()) {
    sweeps[axis.key] = axis.range ? Json(axis.range->text) : Json(axis.values);
  }
  Json shared = Json::object();
  for (const auto& [key, value] : shared_settings(plan)) shared[key] = value;
  Digest digest;
  for (const Config& config : plan.points) digest.add(to_text(settings_of(with_absolute_paths(config))));
  Json description = {{"event", "sweep"},
                      {"version", kVersion},
                      {"evaluations", plan.evaluations},
                      {"points", plan.grid.size()},
                      {"sweeps", sweeps},
                      {"shared", shared},
                      {"points_digest", digest.text()}};
  if (plan.halving.is_on()) {
    description["halving"] = {{"eta", plan.halving.eta()}, {"rungs", plan.halving.rungs()}};
  }
  if (plan.grid.is_drawn()) {
    const Samples& samples = plan.grid.samples();
    description["samples"] = {
        {"count", samples.count}, {"sampling", to_text(samples.sampling)}, {"seed", samples.seed}};
  }
  return description;
}

bool is_beginning(const Json& there, const SweepPlan& plan) {
  const Index samples = there.contains("samples") ? there.at("samples").value("count", Index{0}) : Index{0};
  if (plan.halving.is_on() || samples < 1 || samples >= plan.grid.samples().count) return false;
  return first_difference(there, describe(first_samples(plan, samples))).empty();
}

std::string first_difference(const Json& there, const Json& here) {
  const Json flat_there = there.flatten();
  const Json flat_here = here.flatten();
  const auto text = [](const Json& all, const std::string& key) {
    if (!all.contains(key)) return std::string("nothing");
    return all[key].is_string() ? all[key].get<std::string>() : json_text(all[key]);
  };
  for (const Json& keys : {flat_here, flat_there}) {
    for (const auto& item : keys.items()) {
      const std::string a = text(flat_there, item.key());
      const std::string b = text(flat_here, item.key());
      if (a != b) return fmt::format("{}: {} there, {} here", item.key().substr(1), a, b);
    }
  }
  return {};
}

const Problem& PointProblems::of(const Config& config) {
  if (!problem_ || data_key(config) != key_) {
    problem_.reset();  // never two data sets at once
    problem_.emplace(make_problem(config, communicator_));
    key_ = data_key(config);
  }
  return *problem_;
}

void check_points(const SweepPlan& plan) {
  const std::unique_ptr<Communicator> alone = make_single_communicator();
  PointProblems problems(*alone);
  for (Index point = 0; point < plan.grid.size(); ++point) {
    const Config& config = plan.points[static_cast<std::size_t>(point)];
    at_point(plan.grid, point, [&] {
      const Problem& problem = problems.of(config);
      check_training(make_model(config, problem), problem, config.training);
      check_stopping(config.stopping, problem);
    });
  }
}

}  // namespace lockstep
