#include "lockstep/train/config.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <filesystem>

#include <fmt/format.h>

#include "core/named.hpp"
#include "core/suggestion.hpp"
#include "core/text.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/core/log.hpp"
#include "lockstep/optim/algorithm.hpp"
#include "train/configuration/settings.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

constexpr int kDefaultMicroBatches = 8;

void check_keys(const std::vector<Setting>& settings, const GivenValues& given) {
  std::vector<std::string> known;
  known.reserve(settings.size());
  for (const Setting& setting : settings) known.push_back(setting.key);
  for (const auto& [key, value] : given) {
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      fail_input("{}: unknown key ({}){}", key, value.origin, suggestion(key, known));
    }
  }
}

/// config.cfg has to give the run again, and there '#' starts a comment and a line ends a value.
void check_text(const std::string& key, const GivenValue& value) {
  if (value.text.find_first_of("#\n\r") == std::string::npos) return;
  fail_input(
      "{} ({}): a value must not hold '#' or a line break, which configuration files cannot keep; write it "
      "without, or rename the file",
      key, value.origin);
}

/// Refuses hyperparameters of other `methods` than the `chosen` one from a person, and demands those that it
/// needs.
template <typename Methods>
void check_hyperparameters(const std::string& section, const Methods& methods, const std::string& chosen,
                           const Hyperparameters& values, const GivenValues& given) {
  for (const auto& method : methods) {
    for (const Hyperparameter& h : method.hyperparameters) {
      const auto value = given.find(section + "." + h.name);
      if (value == given.end() || value->second.by == GivenBy::kRun || values.contains(h.name)) continue;
      const std::vector<std::string> own = names_of(find_named(methods, chosen)->hyperparameters);
      const std::string name = section + ".name";
      fail_input("{} ({}): {} '{}' does not use it; remove it{}. It takes: {}", value->first,
                 value->second.origin, section, chosen,
                 given.contains(name) ? "" : fmt::format(", or set {}", name),
                 own.empty() ? "nothing" : join(own));
    }
  }
  for (const auto& [name, value] : values) {
    if (std::isnan(value))
      fail_input("{}.{}: {} '{}' needs it; give a number", section, name, section, chosen);
  }
}

/// Refuses what only makes sense beside another key.
void check_combinations(const Config& config) {
  const Hyperparameters& optimizer = config.training.optimizer.hyperparameters;
  if (optimizer.contains("nesterov") && optimizer.at("nesterov") != 0 && optimizer.at("momentum") == 0) {
    fail_input("optimizer.nesterov = true: needs optimizer.momentum above 0, such as 0.9");
  }
  if (find_algorithm(config.training.optimizer.name).needs_hessian && config.training.batch_size != 0) {
    fail_input(
        "optimizer.name = {}: needs train.batch-size = full; the Hessian of a part of the samples is "
        "singular",
        config.training.optimizer.name);
  }
  if (config.training.noise_scale && config.training.reduction == Reduction::kFast) {
    fail_input(
        "train.noise-scale = true: needs train.reduction = reproducible; with fast a rank has one "
        "micro-batch");
  }
  if (config.training.noise_scale &&
      (config.training.micro_batches == 1 || config.training.batch_size == 1)) {
    fail_input("train.noise-scale = true: compares micro-batches; needs {} of at least 2",
               config.training.micro_batches == 1 ? "train.micro-batches" : "train.batch-size");
  }
}

/// Whether weights decay, or a given value shows that they were meant to.
bool has_decay(const Config& config, const GivenValues& given) {
  const auto decay = config.training.optimizer.hyperparameters.find("weight-decay");
  return config.training.optimizer.l2 > 0 || given.contains("optimizer.l2") ||
         given.contains("optimizer.weight-decay") ||
         (decay != config.training.optimizer.hyperparameters.end() && decay->second > 0);
}

/// Whether train.epochs says how long a training is. train.steps takes its place, wherever both stand in one
/// place or train.steps is nearer to the person.
bool has_epochs(const Config& config, const GivenValues& given) {
  const auto epochs = given.find("train.epochs");
  const auto steps = given.find("train.steps");
  if (config.training.steps == 0 || epochs == given.end() || steps == given.end()) return true;
  return epochs->second.by != GivenBy::kPerson || epochs->second.origin == steps->second.origin;
}

/// Refuses values that have no effect beside those of other keys.
void check_effects(const Config& config, const GivenValues& given) {
  const auto check = [&](const std::string& key, bool has_effect, const std::string& why) {
    const auto value = given.find(key);
    if (has_effect || value == given.end() || value->second.by == GivenBy::kRun) return;
    if (is_default(key, value->second.text)) return;
    fail_input("{} ({}): has no effect {}", key, value->second.origin, why);
  };
  check("schedule.reference-batch", config.training.batch_scaling != BatchScaling::kNone,
        "without schedule.scaling; set that, or remove it");
  check("train.nonfinite-limit", config.training.on_nonfinite == OnNonFinite::kSkip,
        "without train.on-nonfinite = skip; set that, or remove it");
  check("train.compression", config.training.reduction != Reduction::kFast,
        "with train.reduction = fast, whose messages are the library's; remove it");
  check("train.wire-levels", config.training.wire == Wire::kBfloat16,
        "without train.wire = bf16; set that, or remove it");
  check("train.epochs", has_epochs(config, given),
        fmt::format("beside train.steps = {}; set that instead", config.training.steps));
  // Every config.cfg has the number that its run settled on.
  const auto micro_batches = given.find("train.micro-batches");
  check("train.micro-batches",
        config.training.reduction != Reduction::kFast || micro_batches == given.end() ||
            micro_batches->second.by != GivenBy::kPerson,
        "with train.reduction = fast, which has one micro-batch a rank; remove it");
  check("optimizer.weight-decay-on", has_decay(config, given),
        "where nothing decays; set optimizer.weight-decay or optimizer.l2, or remove it");
  check("model.initialization", config.model.init.empty(),
        "beside model.init, which has the initial weights; remove one of them");
  check("data.normalize-targets", task_of(config.data.source) == Task::kRegression,
        "on classes and labels of 0 and 1; remove it, or set data.task = regression");
  check("data.seed", is_synthetic(config.data.source.source) || config.data.holds_out(),
        "on data from files of which nothing is held out; set data.validation, or remove it");
  check("data.validation", config.data.fold.count == 0,
        "where a fold is held out (data.fold); set data.validation = 0");
  check("data.hold-out", config.data.holds_out(),
        "where nothing is held out; set data.validation or data.fold, or remove it");
}

}  // namespace

std::vector<SettingHelp> setting_help() {
  Config unused;
  std::vector<SettingHelp> help;
  for (const Setting& setting : make_settings(unused)) {
    help.push_back(
        {setting.key, setting.default_value, setting.help, setting.separator, setting.field.is_whole});
  }
  return help;
}

const std::vector<std::string>& usual_settings() {
  static const std::vector<std::string> keys = {
      "data.source",     "model.layers", "optimizer.name", "optimizer.learning-rate", "train.batch-size",
      "train.epochs",    "train.steps",  "train.seed",     "train.micro-batches",     "data.test",
      "data.validation", "model.loss",   "schedule.name",  "checkpoint.every",        "run.dir"};
  return keys;
}

bool is_same_value(const std::string& a, const std::string& b) {
  return a == b || (parse_number(a) && parse_number(a) == parse_number(b));
}

bool is_default(const std::string& key, const std::string& value) {
  static const std::vector<SettingHelp> all = setting_help();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const auto& setting) { return setting.key == key; });
  return found != all.end() && is_same_value(found->default_value, value);
}

bool is_key_among(const std::string& key, const std::vector<std::string>& names) {
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    return key == name || (name.ends_with('.') && key.starts_with(name));
  });
}

void refuse_unused(const GivenValues& given, const std::vector<std::string>& unused,
                   const std::string& command) {
  for (const auto& [key, value] : given) {
    if (!is_key_among(key, unused) || value.by != GivenBy::kPerson || is_default(key, value.text)) continue;
    fail_input("{} ({}): has no effect on {}; remove it", key, value.origin, command);
  }
}

Config make_config(const GivenValues& given) {
  Config config;
  const std::vector<Setting> settings = make_settings(config);
  check_keys(settings, given);
  for (const Setting& setting : settings) {
    const auto value = given.find(setting.key);
    if (value != given.end()) {
      check_text(setting.key, value->second);
      const std::string expected = setting.field.assign(value->second.text);
      if (expected.empty()) continue;
      fail_input("{} = {} ({}): expected {}", setting.key, value->second.text, value->second.origin,
                 expected);
    }
    if (!setting.default_value.empty()) LOCKSTEP_CHECK(setting.field.assign(setting.default_value).empty());
  }
  const TrainingOptions& training = config.training;
  check_hyperparameters("optimizer", algorithms(), training.optimizer.name,
                        training.optimizer.hyperparameters, given);
  check_hyperparameters("schedule", schedule_shapes(), training.schedule.name,
                        training.schedule.hyperparameters, given);
  check_combinations(config);
  check_effects(config, given);
  return config;
}

SettingTexts settings_of(Config config) {
  SettingTexts texts;
  for (const Setting& setting : make_settings(config)) {
    const bool is_of_one_start = setting.key == "run.dir" || setting.key == "run.resume";
    const bool is_unused =
        (setting.key == "schedule.reference-batch" && config.training.batch_scaling == BatchScaling::kNone) ||
        (setting.key == "data.task" && is_synthetic(config.data.source.source)) ||
        (setting.key == "data.normalize-targets" && task_of(config.data.source) != Task::kRegression);
    if (is_of_one_start || is_unused) continue;
    const std::string text = setting.field.text();
    if (!text.empty() || !setting.default_value.empty()) texts.emplace_back(setting.key, text);
  }
  return texts;
}

std::map<std::string, std::string> facts_of(const Config& config) {
  const SettingTexts settings = settings_of(config);
  return {settings.begin(), settings.end()};
}

void resolve_micro_batches(Config& config, int world_size) {
  int& micro_batches = config.training.micro_batches;
  const int needed = static_cast<int>(std::bit_ceil(static_cast<unsigned>(world_size)));
  if (config.training.reduction == Reduction::kFast) {
    micro_batches = world_size;
    return;
  }
  if (micro_batches == 0) {
    micro_batches = std::max(kDefaultMicroBatches, needed);
    if (micro_batches != kDefaultMicroBatches) {
      log::info(fmt::format(
          "train.micro-batches is {} because there are {} ranks; set it to keep the bits at other "
          "rank counts",
          micro_batches, world_size));
    }
  }
  if (micro_batches < world_size) {
    fail_input(
        "train.micro-batches = {}: allows at most {} ranks, {} were started; start fewer, or set "
        "train.micro-batches = {} (another configuration, with other bits)",
        micro_batches, micro_batches, world_size, needed);
  }
}

Config with_absolute_paths(Config config) {
  const auto make_absolute = [](std::string& file) {
    if (file.empty()) return;
    const std::string path = std::filesystem::absolute(file).string();
    if (path.find_first_of("#\n\r") == std::string::npos) file = path;  // else a file could not keep it
  };
  if (is_path(config.data.source.source)) make_absolute(config.data.source.source);
  make_absolute(config.data.source.test);
  make_absolute(config.data.source.scratch.folder);
  make_absolute(config.model.init);
  return config;
}

std::string to_text(const SettingTexts& settings) {
  std::string text;
  std::string section;
  for (const auto& [key, value] : settings) {
    const std::size_t dot = key.find('.');
    if (key.substr(0, dot) != section) {
      section = key.substr(0, dot);
      text += fmt::format("{}[{}]\n", text.empty() ? "" : "\n", section);
    }
    text += fmt::format("{} = {}\n", key.substr(dot + 1), value);
  }
  return text;
}

}  // namespace lockstep::inline LOCKSTEP_REAL
