#include "resume.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <system_error>
#include <utility>
#include <vector>

#include "checkpoint_store.hpp"
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "lockstep/core/digest.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/core/json.hpp"
#include "lockstep/core/log.hpp"
#include "lockstep/core/machine.hpp"
#include "lockstep/core/text.hpp"
#include "lockstep/core/version.hpp"
#include "lockstep/nn/products.hpp"
#include "lockstep/parallel/agreement.hpp"
#include "lockstep/train/run_directory.hpp"
#include "lockstep/train/training_plan.hpp"

namespace lockstep {

namespace {

using Texts = std::map<std::string, std::string>;

/// The newest checkpoint in `folder`, with its vectors on rank 0 alone. Collective.
std::optional<Checkpoint> share_newest_checkpoint(const std::string& folder, Communicator& communicator) {
  std::optional<Checkpoint> checkpoint;
  std::string text;
  together(communicator, [&] {
    if (communicator.rank() != 0) return;
    checkpoint = newest_checkpoint(folder);
    if (checkpoint) text = json_text(nlohmann::json(to_metadata(*checkpoint)));
  });
  text = broadcast_text(communicator, text, 0);
  if (communicator.rank() != 0 && !text.empty()) {
    checkpoint = checkpoint_from_metadata(parse_json<nlohmann::json>(text).get<Texts>(), folder);
  }
  return checkpoint;
}

/// Whether a run may go on with another value of `key`: it changes no bit of the steps that are done, or
/// others see to it (data_digest, check_steps).
bool may_change(const std::string& key, const Config& config) {
  constexpr std::array kFree = {"train.epochs",      "train.steps",        "train.exchange",
                                "train.check-every", "train.on-nonfinite", "train.nonfinite-limit",
                                "data.source",       "data.test",          "data.prefix"};
  const bool is_fast = config.training.reduction == Reduction::kFast;
  return key.starts_with("checkpoint.") || key.starts_with("run.") ||
         std::find(kFree.begin(), kFree.end(), key) != kFree.end() ||
         (is_fast && key == "train.micro-batches");
}

/// Where `now` has other values than `before`, of the keys for which `counts` holds: "train.seed was 1, is
/// 2".
template <typename Counts>
std::vector<std::string> differences(const Texts& before, const Texts& now, const Counts& counts) {
  Texts all = before;
  all.insert(now.begin(), now.end());
  const auto value = [](const Texts& texts, const std::string& key) {
    const auto found = texts.find(key);
    return found == texts.end() ? std::string("not set") : found->second;
  };
  // Runs keep their files by absolute paths.
  const auto is_same_file = [](const std::string& a, const std::string& b) {
    return std::filesystem::absolute(a) == std::filesystem::absolute(b);
  };
  std::vector<std::string> found;
  for (const auto& [key, unused] : all) {
    const std::string was = value(before, key);
    const std::string is = value(now, key);
    if (!counts(key) || is_same_value(was, is) || (key == "model.init" && is_same_file(was, is))) continue;
    found.push_back(fmt::format("{} was {}, is {}", key, was, is));
  }
  return found;
}

/// Errors: values of keys that a run can't go on with.
void check_config(const Texts& before, const Config& config) {
  const std::vector<std::string> found =
      differences(before, {config.resolved.begin(), config.resolved.end()},
                  [&](const std::string& key) { return !may_change(key, config); });
  if (found.empty()) return;
  fail_input(
      "run.dir = {}: its run was started with another configuration: {}; go on with that one, or give "
      "another run.dir",
      config.run.dir, fmt::join(found, ", "));
}

/// What the config.cfg of a run says, which to_text wrote.
Texts recorded_config(const std::filesystem::path& folder) {
  Texts texts;
  std::ifstream file(folder / "config.cfg");
  std::string section;
  for (std::string line; std::getline(file, line);) {
    const std::size_t equals = line.find('=');
    if (line.starts_with('[')) {
      section = line.substr(1, line.find(']') - 1);
    } else if (equals != std::string::npos) {
      texts[fmt::format("{}.{}", section, trim(line.substr(0, equals)))] = trim(line.substr(equals + 1));
    }
  }
  return texts;
}

/// Whether the run in `folder`, which has no checkpoint, has ended and left its weights. Errors: it has, and
/// `now` asks for another. Collective.
bool is_complete(const std::string& folder, const Texts& now, const Config& config,
                 Communicator& communicator) {
  std::string answer;
  together(communicator, [&] {
    std::error_code error;
    const std::filesystem::path path = folder;
    if (communicator.rank() != 0 || !has_ended(path) ||
        !std::filesystem::exists(path / "weights.safetensors", error))
      return;
    answer = "yes";
    const Texts before = recorded_config(path);
    const std::vector<std::string> found = differences(before, now, [&](const std::string& key) {
      const bool is_length = key == "train.epochs" || key == "train.steps";
      const bool is_open = key == "train.micro-batches" && now.contains(key) && now.at(key) == "auto";
      return now.contains(key) && (is_length || !may_change(key, config)) && !is_open;
    });
    if (found.empty()) return;
    fail_input(
        "run.dir = {}: its run has ended and left no checkpoint to go on from, and {}; give another run.dir",
        folder, fmt::join(found, ", "));
  });
  return !broadcast_text(communicator, answer, 0).empty();
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

/// The settings of the run itself, which those of `given` replace.
GivenValues settings_of(const RunIdentity& run, const std::string& folder, const GivenValues& given) {
  GivenValues settings = given;
  for (const auto& [key, value] : run.config)
    settings.try_emplace(key, GivenValue{value, "in " + folder, GivenBy::kRun});
  return settings;
}

/// Errors: keys in `given` that differ from those of `run`, before they can contradict each other.
void check_given(const RunIdentity& run, const GivenValues& given, const std::string& folder) {
  Config changed;
  changed.run.dir = folder;
  Texts now = run.config;
  for (const auto& [key, value] : given) {
    if (!key.starts_with("run.")) now[key] = value.text;
  }
  changed.resolved.assign(now.begin(), now.end());
  check_config(run.config, changed);
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

RunStart start_run(GivenValues given, const std::string& resume, Communicator& communicator) {
  RunStart start;
  if (resume.empty()) {
    start.config = make_config(given);
  } else {
    if (given.contains("run.dir")) {
      fail_input("run.dir ({}): --resume names the run directory already; remove one",
                 given.at("run.dir").origin);
    }
    start.config.run.dir = resume;
    start.config.run.resume = true;
  }
  if (start.config.run.resume) {
    const std::string folder = start.config.run.dir;
    if (folder.empty()) fail_input("run.resume = true: needs run.dir, the folder of the run to go on with");
    start.checkpoint = share_newest_checkpoint(folder, communicator);
  }
  if (!resume.empty()) {
    if (!start.checkpoint) {
      Texts now;
      for (const auto& [key, value] : given) now[key] = value.text;
      start.has_ended = is_complete(resume, now, start.config, communicator);
      if (start.has_ended) return start;
      fail_input("--resume {}: holds no checkpoint; give the directory of a run that has left one", resume);
    }
    check_given(start.checkpoint->run, given, resume);
    start.config = make_config(settings_of(start.checkpoint->run, resume, given));
    start.config.run.dir = resume;
    start.config.run.resume = true;
  }
  if (start.config.run.resume && !start.checkpoint) {
    start.has_ended =
        is_complete(start.config.run.dir, {start.config.resolved.begin(), start.config.resolved.end()},
                    start.config, communicator);
    if (start.has_ended) return start;
  }
  if (start.checkpoint) {
    const Texts& before = start.checkpoint->run.config;
    const auto settled = before.find("train.micro-batches");
    if (start.config.training.micro_batches == 0 && settled != before.end()) {
      start.config.training.micro_batches = static_cast<int>(parse_integer(settled->second).value_or(0));
    }
  }
  resolve_micro_batches(start.config, communicator.size());
  if (start.checkpoint) {
    start.config.model.init.clear();  // the weights come from the checkpoint
    check_config(start.checkpoint->run.config, start.config);
  } else if (start.config.run.resume) {
    together(communicator, [&] {
      if (communicator.rank() != 0) return;
      std::error_code error;
      start.replaces =
          std::filesystem::exists(std::filesystem::path(start.config.run.dir) / "metrics.jsonl", error) &&
          !has_ended(start.config.run.dir);
    });
  }
  return start;
}

void check_goes_on(const Checkpoint& checkpoint, const RunIdentity& now, const Config& config,
                   Index training_samples) {
  const std::string changed = changed_data(checkpoint.run.data_digest, now.data_digest, config.data.source);
  if (!changed.empty()) {
    fail_input("{}: holds other data than when the run began; restore those, or start anew", changed);
  }
  GivenValues before;
  for (const auto& [key, value] : checkpoint.run.config)
    before[key] = {value, "in the checkpoint", GivenBy::kRun};
  check_steps(checkpoint, make_config(before), config, training_samples);
  for (const auto& [what, value] : now.machine) {
    const auto found = checkpoint.run.machine.find(what);
    if (found == checkpoint.run.machine.end() || found->second == value) continue;
    log::warn(
        fmt::format("lockstep: the {} was '{}' and is '{}': the bits from here on may not be those of a run "
                    "that never stopped",
                    what, found->second, value));
  }
}

RunIdentity identify(const Config& config, const Problem& problem) {
  const auto recorded = with_absolute_paths(config).resolved;
  return {.config = {recorded.begin(), recorded.end()},
          .data_digest = digest(problem.training) + (problem.test ? digest(*problem.test) : ""),
          .machine = {{"version", kVersion}, {"CPU", cpu_model()}, {"product library", products_library()}}};
}

}  // namespace lockstep
