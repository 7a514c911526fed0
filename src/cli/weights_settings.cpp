#include "cli/weights_settings.hpp"

#include <algorithm>
#include <filesystem>
#include <optional>

#include "lockstep/core/error.hpp"
#include "lockstep/train/problem.hpp"
#include "train/run/best_weights.hpp"
#include "train/run/run_directory.hpp"

namespace lockstep {

namespace {

/// Whether both name the same data, of which a run keeps the whole path.
bool is_same_setting(const std::string& key, const std::string& given, const std::string& kept) {
  if (is_same_value(given, kept)) return true;
  if (key != "data.source" && key != "data.test") return false;
  return std::filesystem::absolute(given).lexically_normal() ==
         std::filesystem::path(kept).lexically_normal();
}

/// Whether the layers of `config` are those that the weights in `file` say of themselves.
bool is_same_network(const Config& config, const std::string& own, const std::string& file) {
  const std::string text = outline_network(config).text();
  return text == own || outline_network(config, from_data(load_model(file).data)).text() == own;
}

/// The settings of the run in the folder `weights`, if it is one, or of the best point of the sweep.
std::optional<GivenValues> kept_settings(const std::string& weights) {
  const std::filesystem::path folder = weights;
  const bool is_sweep =
      is_config_of_run(folder / kBestConfig) && std::filesystem::exists(folder / kBestConfig);
  const std::filesystem::path config = folder / (is_sweep ? kBestConfig : "config.cfg");
  if (!is_config_of_run(config)) return std::nullopt;
  return parse_arguments({"--config", config.string()}, {}).settings;
}

/// The same. Errors: `given` are other data than its own.
std::optional<GivenValues> settings_of_run(const std::string& weights, const GivenValues& given) {
  std::optional<GivenValues> own = kept_settings(weights);
  if (!own) return own;
  for (const auto& [key, value] : given) {
    const auto before = own->find(key);
    if (!key.starts_with("data.") || before == own->end()) continue;
    if (is_same_setting(key, value.text, before->second.text)) continue;
    fail_input("{} = {} ({}): the run held samples out of its own data, with {}; remove it", key, value.text,
               value.origin, before->second.text);
  }
  return own;
}

}  // namespace

CommandOption weights_option() {
  return {
      .name = "weights",
      .default_value = "",
      .help =
          "safetensors file, or the directory of an ended run or sweep: its best, else its last weights; the "
          "name --weights may be left out",
      .is_subject = true};
}

void check_described(const StoredTensors& weights, const std::string& file, const std::string& command) {
  if (is_described(weights)) return;
  fail_input(
      "{}: does not say which network and data it belongs to, as files of 'train' do; train with "
      "--model.init {} and {} with the weights of that run",
      file, file, command);
}

void check_agreement(const StoredTensors& weights, const std::string& file, const Config& config,
                     const GivenValues& given) {
  if (!given.contains("model.layers")) {
    refuse_unused(given, {"model.block"}, "weights that name their network themselves");
  }
  for (const auto& [key, own] : settings_of(weights)) {
    const auto value = given.find(key);
    if (value == given.end()) continue;
    const std::string& text = value->second.text;
    const bool is_free = key == "model.loss" && text == "auto";
    const bool is_same =
        key == "model.layers" ? is_same_network(config, own, file) : is_same_value(text, own);
    if (is_free || is_same) continue;
    fail_input("{} = {} ({}): {} was trained with '{}', which cannot be changed afterwards; remove it", key,
               text, value->second.origin, file, own);
  }
}

GivenValues settings_of_training(const std::string& weights, const GivenValues& given) {
  if (const auto own = settings_of_run(weights, given)) return *own;
  if (given.contains("data.validation") || given.contains("data.fold")) return given;
  fail_input(
      "--part validation: {} alone does not say which samples were held out; give the directory of its run "
      "as --weights, or its config.cfg as --config",
      weights);
}

GivenValues settings_with_weights(const std::string& weights, const GivenValues& given) {
  const std::string file = weights_file(weights).string();
  const StoredTensors stored = read_safetensors(file);
  check_described(stored, file, "go on");
  GivenValues all = given;
  const std::optional<GivenValues> own = settings_of_run(weights, given);
  if (!own && !given.contains("data.source")) {
    fail_input(
        "--weights {}: does not say which data the weights were trained on; give the directory of their run, "
        "or its config.cfg as --config",
        weights);
  }
  for (const auto& [key, text] : settings_of(stored)) {
    all.try_emplace(key, GivenValue{text, "in " + file, GivenBy::kRun});
  }
  for (const auto& entry : own.value_or(GivenValues())) {  // but of its network, which the weights describe
    if (!entry.first.starts_with("model.")) all.insert(entry);
  }
  std::erase_if(all, [](const auto& entry) {
    const bool is_of_data = is_key_among(entry.first, {"data.", "model.", "train.seed"});
    return entry.second.by != GivenBy::kPerson && !is_of_data;
  });
  check_agreement(stored, file, make_config(all), all);
  return all;
}

GivenValues with_data_of_run(const std::string& weights, const GivenValues& given) {
  const bool has_data =
      std::ranges::any_of(given, [](const auto& entry) { return entry.first.starts_with("data."); });
  GivenValues all = given;
  const std::optional<GivenValues> own = has_data ? std::nullopt : kept_settings(weights);
  if (!own) return all;
  for (const auto& [key, value] : *own) {
    if (key.starts_with("data.")) all.emplace(key, value);
  }
  return all;
}

}  // namespace lockstep
