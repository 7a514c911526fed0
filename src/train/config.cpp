#include "lockstep/train/config.hpp"

#include <algorithm>
#include <bit>
#include <set>

#include "settings.hpp"
#include <fmt/format.h>

#include "lockstep/core/error.hpp"
#include "lockstep/core/log.hpp"
#include "lockstep/core/named.hpp"
#include "lockstep/core/text.hpp"

namespace lockstep {

namespace {

constexpr int kDefaultMicroBatches = 8;

using GivenValues = std::map<std::string, GivenValue>;

void check_keys(const std::vector<Setting>& settings, const GivenValues& given) {
  std::vector<std::string> known;
  known.reserve(settings.size());
  for (const Setting& setting : settings) known.push_back(setting.key);
  for (const auto& [key, value] : given) {
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      fail_input("{}: unknown key ({}); did you mean '{}'?", key, value.origin, nearest(key, known));
    }
  }
}

/// config.cfg has to give the run again, and there '#' starts a comment and a line ends a value.
void check_text(const std::string& key, const GivenValue& value) {
  if (value.text.find_first_of("#\n\r") == std::string::npos) return;
  fail_input(
      "{} ({}): a value must not hold '#' or a line break, which configuration files cannot keep; rename it",
      key, value.origin);
}

/// The chosen algorithm's own keys and defaults; any other hyperparameter must not be given.
void settle_hyperparameters(Config& config, const GivenValues& given, std::set<std::string>& unused) {
  const Algorithm& algorithm = find_algorithm(config.optimizer.name);
  Hyperparameters chosen;
  for (const Hyperparameter& h : algorithm.hyperparameters) {
    const bool is_given = given.contains("optimizer." + h.name);
    chosen[h.name] = is_given ? config.optimizer.hyperparameters.at(h.name) : h.default_value;
  }
  for (const auto& [name, value] : config.optimizer.hyperparameters) {
    if (chosen.contains(name)) continue;
    const std::string key = "optimizer." + name;
    if (given.contains(key)) {
      fail_input("{} ({}): optimizer '{}' does not use it; remove it. It takes: {}", key,
                 given.at(key).origin, algorithm.name, join(names_of(algorithm.hyperparameters)));
    }
    unused.insert(key);
  }
  config.optimizer.hyperparameters = chosen;
  if (config.optimizer.name == "sgd" && chosen.at("nesterov") != 0 && chosen.at("momentum") == 0) {
    fail_input("optimizer.nesterov = true: needs optimizer.momentum above 0, as 0.9");
  }
}

std::string hyperparameter_text(const Config& config, const std::string& key) {
  const std::string name = key.substr(key.find('.') + 1);
  const double value = config.optimizer.hyperparameters.at(name);
  const Hyperparameter* const h = find_named(find_algorithm(config.optimizer.name).hyperparameters, name);
  if (!h->choices.empty()) return h->choices[static_cast<std::size_t>(value)];
  return fmt::format("{}", value);
}

void set_resolved(Config& config, const std::string& key, const std::string& value) {
  const auto entry = std::find_if(config.resolved.begin(), config.resolved.end(),
                                  [&](const auto& pair) { return pair.first == key; });
  if (entry != config.resolved.end()) {
    entry->second = value;
  } else {
    config.resolved.emplace_back(key, value);
  }
}

}  // namespace

std::vector<SettingHelp> setting_help() {
  Config unused;
  std::vector<SettingHelp> help;
  for (const Setting& setting : make_settings(unused)) {
    help.push_back({setting.key, setting.default_value, setting.help});
  }
  return help;
}

Config make_config(const std::map<std::string, GivenValue>& given) {
  Config config;
  // The table refers to `config`, so it must not outlive this function, nor `config` move while it is used.
  const std::vector<Setting> settings = make_settings(config);
  check_keys(settings, given);
  for (const Setting& setting : settings) {
    const auto value = given.find(setting.key);
    if (value != given.end()) {
      check_text(setting.key, value->second);
      const std::string expected = setting.assign(value->second.text);
      if (expected.empty()) continue;
      fail_input("{} = {} ({}): expected {}", setting.key, value->second.text, value->second.origin,
                 expected);
    }
    if (!setting.default_value.empty()) LOCKSTEP_CHECK(setting.assign(setting.default_value).empty());
  }

  std::set<std::string> unused;
  settle_hyperparameters(config, given, unused);
  for (const Setting& setting : settings) {
    if (unused.contains(setting.key)) continue;
    const auto value = given.find(setting.key);
    std::string text = value != given.end() ? value->second.text : setting.default_value;
    if (text.empty() && setting.key.starts_with("optimizer."))
      text = hyperparameter_text(config, setting.key);
    if (!text.empty() && setting.key != "run.dir") config.resolved.emplace_back(setting.key, text);
  }
  return config;
}

void resolve_micro_batches(Config& config, int world_size) {
  int& micro_batches = config.train.micro_batches;
  const int needed = static_cast<int>(std::bit_ceil(static_cast<unsigned>(world_size)));
  if (config.train.reduction == Reduction::kFast) {
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
  set_resolved(config, "train.micro-batches", std::to_string(micro_batches));
}

std::string to_text(const Config& config) {
  std::string text;
  std::string section;
  for (const auto& [key, value] : config.resolved) {
    const std::size_t dot = key.find('.');
    if (key.substr(0, dot) != section) {
      section = key.substr(0, dot);
      text += fmt::format("{}[{}]\n", text.empty() ? "" : "\n", section);
    }
    text += fmt::format("{} = {}\n", key.substr(dot + 1), value);
  }
  return text;
}

}  // namespace lockstep
