#include "train/run/resume.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "core/digest.hpp"
#include "core/json.hpp"
#include "core/text.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/core/log.hpp"
#include "lockstep/core/version.hpp"
#include "lockstep/nn/products.hpp"
#include "lockstep/parallel/agreement.hpp"
#include "lockstep/train/training_plan.hpp"
#include "train/checkpoint/checkpoint_store.hpp"
#include "train/run/best_weights.hpp"
#include "train/run/early_stopping.hpp"
#include "train/run/run_directory.hpp"

namespace lockstep {

namespace {

/// What a run that has begun left in its folder.
struct Record {
  Facts settings;                        ///< those it was started with
  std::optional<Checkpoint> checkpoint;  ///< its newest; the vectors on rank 0 alone
  bool has_ended = false;                ///< without a checkpoint, but with its weights
  bool has_metrics = false;              ///< of steps that are lost without a checkpoint
};

/// Whether a run may go on with another value of `key`: it changes no bit of the steps that are done, or
/// others see to it (data_digest, check_steps, check_patience).
bool may_change(const std::string& key, const Config& config) {
  constexpr std::array kFree = {"train.epochs",       "train.steps",
                                "train.patience",     "train.exchange",
                                "train.compression",  "train.check-every",
                                "train.on-nonfinite", "train.nonfinite-limit",
                                "train.threads",      "train.activation-memory",
                                "data.source",        "data.test",
                                "data.prefix",        "data.scratch"};
  const bool is_fast = config.training.reduction == Reduction::kFast;
  return key.starts_with("checkpoint.") || key.starts_with("run.") ||
         std::find(kFree.begin(), kFree.end(), key) != kFree.end() ||
         (is_fast && key == "train.micro-batches");
}

/// Errors: values of `now` with which the run of `record` in `folder` can't go on: they would have made
/// another run of it (all differences are named).
void check_settings(const Record& record, const Facts& now, const Config& config) {
  Facts all = record.settings;
  all.insert(now.begin(), now.end());
  const auto value = [](const Facts& settings, const std::string& key) {
    const auto found = settings.find(key);
    return found == settings.end() ? std::string("not set") : found->second;
  };
  // Runs keep their files by absolute paths.
  const auto is_same_file = [](const std::string& a, const std::string& b) {
    return std::filesystem::absolute(a) == std::filesystem::absolute(b);
  };
  std::vector<std::string> found;
  for (const auto& [key, unused] : all) {
    const bool is_length = key == "train.epochs" || key == "train.steps" || key == "train.patience";
    if (may_change(key, config) && !(record.has_ended && is_length)) continue;
    const std::string was = value(record.settings, key);
    const std::string is = value(now, key);
    const bool is_open = key == "train.micro-batches" && is == "auto";          // then it stays
    const bool is_new = !record.settings.contains(key) && is_default(key, is);  // since an older version
    if (is_open || is_new || is_same_value(was, is) || (key == "model.init" && is_same_file(was, is)))
      continue;
    found.push_back(fmt::format("{} was {}, is {}", key, was, is));
  }
  if (found.empty()) return;
  if (record.has_ended) {
    fail_input(
        "run.dir = {}: its run has ended and left no checkpoint to go on from, and {}; give another run.dir",
        config.run.dir, fmt::join(found, ", "));
  }
  fail_input(
      "run.dir = {}: its run was started with another configuration: {}; go on with that one, or give "
      "another run.dir",
      config.run.dir, fmt::join(found, ", "));
}

/// What the config.cfg of a run says, which to_text wrote.
Facts recorded_settings(const std::filesystem::path& folder) {
  Facts settings;
  std::ifstream file(folder / "config.cfg");
  std::string section;
  for (std::string line; std::getline(file, line);) {
    const std::size_t equals = line.find('=');
    if (line.starts_with('[')) {
      section = line.substr(1, line.find(']') - 1);
    } else if (equals != std::string::npos) {
      settings[fmt::format("{}.{}", section, trim(line.substr(0, equals)))] = trim(line.substr(equals + 1));
    }
  }
  return settings;
}

/// Reads what stands in `folder`. Collective.
Record read_record(const std::string& folder, Communicator& communicator) {
  Record record;
  nlohmann::json shared;
  together(communicator, [&] {
    if (communicator.rank() != 0) return;
    std::error_code error;
    const std::filesystem::path path = folder;
    record.checkpoint = newest_checkpoint(folder);
    if (record.checkpoint) {
      shared["checkpoint"] = to_metadata(*record.checkpoint);
      return;
    }
    const bool has_ended = lockstep::has_ended(path);
    shared["has_ended"] = has_ended && std::filesystem::exists(path / "weights.safetensors", error);
    shared["has_metrics"] = !has_ended && std::filesystem::exists(path / "metrics.jsonl", error);
    shared["settings"] = recorded_settings(path);
  });
  shared = parse_json<nlohmann::json>(broadcast_text(communicator, json_text(shared), 0));
  if (shared.contains("checkpoint")) {
    if (communicator.rank() != 0) {
      record.checkpoint = checkpoint_from_metadata(shared.at("checkpoint").get<Facts>(), folder);
    }
    record.settings = record.checkpoint->run.config;
  } else {
    record.has_ended = shared.at("has_ended");
    record.has_metrics = shared.at("has_metrics");
    record.settings = shared.at("settings").get<Facts>();
  }
  return record;
}

/// Errors: another number of steps than `before` that would have made other steps of those that are done.
void check_steps(const Checkpoint& checkpoint, const Config& before, const Config& config,
                 Index training_samples) {
  const std::uint64_t done = checkpoint.state.steps_done;
  const std::uint64_t planned = plan_training(before.training, training_samples).total_steps;
  const std::uint64_t total = plan_training(config.training, training_samples).total_steps;
  if (total < done) {
    fail_input(
        "train.steps, train.epochs: {} steps are asked for, the run has done {}; give at least as many",
        total, done);
  }
  const Schedule old_schedule(config.training.schedule, planned);
  const Schedule new_schedule(config.training.schedule, total);
  for (std::uint64_t step = 0; planned != total && step < done; ++step) {
    if (old_schedule.multiplier(step) == new_schedule.multiplier(step)) continue;
    fail_input(
        "train.steps, train.epochs: {} steps in place of {} would have changed the learning rate of step "
        "{}, which is done: schedule '{}' depends on them; keep the number, or start anew",
        total, planned, step + 1, config.training.schedule.name);
  }
}

/// The settings of the run itself, but for those that are `given`.
GivenValues completed(GivenValues given, const Facts& settings, const std::string& folder) {
  for (const auto& [key, value] : settings) {
    given.try_emplace(key, GivenValue{value, "in " + folder, GivenBy::kRun});
  }
  return given;
}

/// Errors: another host of this run has the folder of the run that is to go on, and that of rank 0, which
/// writes it, has not. Collective.
void check_first_host(const std::string& folder, Communicator& communicator) {
  std::error_code error;
  const bool is_here = std::filesystem::exists(std::filesystem::path(folder) / "config.cfg", error);
  const std::vector<char> found = all_gather(communicator, static_cast<char>(is_here));
  const auto first = std::ranges::find(found, 1);
  if (first == found.begin() || first == found.end()) return;
  const std::string has = communicator.name(static_cast<int>(first - found.begin())).host;
  const std::string writes = communicator.name(0).host;
  if (has == writes) return;
  fail_input(
      "run.dir = {0}: is on {1} and not on {2}, where rank 0 would write it; name {1} first among the "
      "hosts, or copy the folder to {2}",
      folder, has, writes);
}

/// Versions that did not know the key trained on targets as they are.
void add_unknown_settings(Facts& settings, const std::string& folder) {
  if (settings.contains("data.normalize-targets")) return;
  const Facts all = facts_of(make_config(completed({}, settings, folder)));
  if (all.contains("data.normalize-targets")) settings["data.normalize-targets"] = "none";
}

/// Lets `start` go on with the run in run.dir, if there is one. With `is_named` there has to be, and its
/// settings stand for those that were not given. Collective. Errors: those of check_settings and make_config;
/// no run.
void go_on(RunStart& start, const GivenValues& given, bool is_named, Communicator& communicator) {
  Config& config = start.config;
  const std::string folder = config.run.dir;
  check_first_host(folder, communicator);
  Record record = read_record(folder, communicator);
  const bool has_run = record.checkpoint || record.has_ended;
  if (is_named && !has_run) {
    const std::string host = communicator.name(0).host;
    fail_input("--resume {}: holds no checkpoint{}; give the directory of a run that has left one", folder,
               host.empty() ? "" : fmt::format(" on {}, where rank 0 is", host));
  }
  start.has_ended = record.has_ended;
  start.replaces = record.has_metrics;
  if (!has_run) return;
  add_unknown_settings(record.settings, folder);
  const GivenValues all = completed(given, record.settings, folder);
  Facts now;
  for (const auto& [key, value] : all) now[key] = value.text;
  check_settings(record, is_named ? now : facts_of(config), config);
  if (record.has_ended) return;
  if (is_named) {
    config = make_config(all);
    config.run.dir = folder;
    config.run.resume = true;
  }
  const auto settled = record.settings.find("train.micro-batches");
  if (config.training.micro_batches == 0 && settled != record.settings.end()) {
    config.training.micro_batches = static_cast<int>(parse_integer(settled->second).value_or(0));
  }
  start.checkpoint = std::move(record.checkpoint);
}

/// The keys whose data have changed, with their values; empty where none have. A digest is that of the
/// training part, and that of the test part after it where there is one.
std::string changed_data(const std::string& before, const std::string& now, const DataSource& source) {
  constexpr std::size_t kOne = Digest::kTextBytes;
  std::vector<std::string> changed;
  if (before.substr(0, kOne) != now.substr(0, kOne)) changed.push_back("data.source = " + source.source);
  const bool test_changed =
      before.substr(std::min(kOne, before.size())) != now.substr(std::min(kOne, now.size()));
  if (test_changed && is_path(source.source) && !(source.test.empty() && now.size() > kOne)) {
    changed.push_back("data.test = " + (source.test.empty() ? "(none)" : source.test));
  } else if (test_changed && changed.empty()) {
    changed.push_back(fmt::format("the test part of data.source = {}", source.source));
  }
  return join(changed);
}

}  // namespace

RunStart start_run(const GivenValues& given, const std::string& resume, Communicator& communicator) {
  RunStart start;
  Config& config = start.config;
  if (resume.empty()) {
    config = make_config(given);
    if (config.run.resume && config.run.dir.empty()) {
      fail_input("run.resume = true: needs run.dir, the folder of the run to go on with");
    }
  } else {
    if (given.contains("run.dir")) {
      fail_input("run.dir ({}): --resume names the run directory already; remove one",
                 given.at("run.dir").origin);
    }
    config.run = {.dir = resume, .resume = true};
  }
  if (config.run.resume) go_on(start, given, !resume.empty(), communicator);
  if (start.has_ended) return start;
  resolve_micro_batches(config, communicator.size());
  return start;
}

Network make_model(const RunStart& start, const Problem& problem) {
  Config config = start.config;
  if (start.checkpoint) config.model.init.clear();
  return make_model(config, problem);
}

void check_goes_on(const Checkpoint& checkpoint, const RunIdentity& now, const Config& config,
                   Index training_samples) {
  const std::string changed = changed_data(checkpoint.run.data_digest, now.data_digest, config.data.source);
  if (!changed.empty()) {
    fail_input("{}: holds other data than when the run began; restore those, or start anew", changed);
  }
  const Config before = make_config(completed({}, checkpoint.run.config, "the checkpoint"));
  check_steps(checkpoint, before, config, training_samples);
  check_patience(before.stopping, config.stopping);
  check_best_weights(config.run.dir, checkpoint.standing,
                     plan_training(config.training, training_samples).total_steps);
  if (checkpoint.run.version != now.version) {
    log::warn(
        fmt::format("lockstep: the version was '{}' and is '{}': the bits from here on may not be those of a "
                    "run that never stopped",
                    checkpoint.run.version, now.version));
  }
}

RunIdentity identify(const Config& config, const Problem& problem) {
  return {.config = facts_of(with_absolute_paths(config)),
          .data_digest = digest(problem.training) + (problem.test ? digest(*problem.test) : ""),
          .version = kVersion};
}

}  // namespace lockstep
