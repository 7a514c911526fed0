#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>

#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "core/json.hpp"
#include "core/named.hpp"
#include "core/text.hpp"
#include "data/column_units.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/core/log.hpp"
#include "lockstep/core/version.hpp"
#include "lockstep/nn/network_text.hpp"
#include "lockstep/nn/weights.hpp"
#include "lockstep/train/problem.hpp"
#include "train/evaluation/weights_names.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

constexpr const char* kWeightsOfClasses = "weights of classes";

/// Those that a weights file keeps, if any. Errors: something else stands there.
std::vector<double> saved_class_weights(const std::map<std::string, std::string>& metadata, Index outputs,
                                        const std::string& file) {
  const auto text = metadata.find(kWeightsOfClasses);
  if (text == metadata.end()) return {};
  const auto weights = parse_json_or_nothing<nlohmann::json>(text->second);
  const auto is_weight = [](const auto& value) { return value.is_number() && value >= 0; };
  const bool valid = weights.is_array() && static_cast<Index>(weights.size()) == outputs &&
                     std::all_of(weights.begin(), weights.end(), is_weight);
  if (!valid) {
    fail_input("{}: '{}' is no list of {} numbers of at least 0; is it damaged?", file, kWeightsOfClasses,
               outputs);
  }
  return weights.template get<std::vector<double>>();
}

/// The loss that a weights file describes.
ChosenLoss saved_loss(const std::string& name, const std::map<std::string, std::string>& metadata, Task task,
                      Index outputs, const std::string& file) {
  const LossForm* const form = find_named(losses(), name);
  if (form == nullptr) {
    fail_input("{}: its description names an unknown loss '{}'; was it saved by a newer Lockstep?", file,
               name);
  }
  Hyperparameters parameters;
  for (const Hyperparameter& parameter : form->hyperparameters) {
    const auto text = metadata.find(parameter.name);
    if (text == metadata.end()) continue;
    const auto value = parse_number(text->second);
    if (!value || !(*value >= parameter.lowest && *value <= parameter.highest)) {
      fail_input("{}: '{}' is no number from {} to {}; is it damaged?", file, parameter.name,
                 parameter.lowest, parameter.highest);
    }
    parameters[parameter.name] = *value;
  }
  return choose_loss(name, parameters, task, saved_class_weights(metadata, outputs, file));
}

std::string names_to_text(const std::vector<std::string>& names) { return json_text(nlohmann::json(names)); }

/// The names that a weights file keeps under `key`, if any. Errors: something else stands there.
std::vector<std::string> names_from_text(const StoredTensors& stored, const std::string& key,
                                         const std::string& file) {
  const auto text = stored.metadata.find(key);
  if (text == stored.metadata.end()) return {};
  const auto names = parse_json_or_nothing<nlohmann::json>(text->second);
  const bool valid = names.is_array() && std::all_of(names.begin(), names.end(),
                                                     [](const auto& name) { return name.is_string(); });
  if (!valid) fail_input("{}: '{}' is no list of names; is it damaged?", file, key);
  return names.template get<std::vector<std::string>>();
}

constexpr const char* kBetweenAxes = " x ";
constexpr Index kMostInputs = Index{1} << 32U;

/// "784" or "3 x 32 x 32"; nothing if it is none of this, or of more than kMostInputs values.
std::optional<std::vector<Index>> axes_from_text(const std::string& text) {
  std::vector<Index> axes;
  for (const std::string_view part : split(text, 'x')) {
    const auto axis = parse_integer(trim(part));
    if (!axis || *axis < 1) return std::nullopt;
    axes.push_back(*axis);
  }
  constexpr std::size_t kMostAxes = 4;
  const std::optional<Index> size = count_values(axes);
  if (axes.size() > kMostAxes || !size || *size > kMostInputs) return std::nullopt;
  return axes;
}

}  // namespace

void check_features(const SavedModel& saved, const DatasetDescription& data) {
  if (data.features() != saved.model.inputs()) {
    fail_input("{}: has {} features, the weights expect {}; give data of the kind they were trained on",
               data.name, data.features(), saved.model.inputs());
  }
  const bool are_pictures = data.feature_shape.size() > 1 && saved.data.feature_shape.size() > 1;
  if (are_pictures && data.feature_shape != saved.data.feature_shape) {
    fail_input("{}: has samples of {}, the weights expect {}; give data of the kind they were trained on",
               data.name, fmt::join(data.feature_shape, kBetweenAxes),
               fmt::join(saved.data.feature_shape, kBetweenAxes));
  }
  if (data.categories != saved.data.categories) {
    const auto text = [](Index categories) {
      return categories == 0 ? std::string("real numbers") : fmt::format("{} categories", categories);
    };
    fail_input("{}: has {}, the weights expect {}; give data of the kind they were trained on", data.name,
               text(data.categories), text(saved.data.categories));
  }
}

void check_fit(const SavedModel& saved, const DatasetDescription& data) {
  if (data.task != saved.data.task) {
    fail_input("{}: is a {} set, the weights were trained for {}; give data of that kind", data.name,
               task_name(data.task), task_name(saved.data.task));
  }
  check_features(saved, data);
  check_outputs(saved.model, data);
  // The name of a single target leaves no doubt which one it is.
  if (data.targets > 1 && !data.target_names.empty() && !saved.data.target_names.empty() &&
      data.target_names != saved.data.target_names) {
    fail_input("{}: has the targets {}, the weights were trained for {}; set `label` to those", data.name,
               join(data.target_names), join(saved.data.target_names));
  }
}

void use_data_of(SavedModel& saved, const Problem& problem) {
  const DatasetDescription& data = problem.training.description();
  check_fit(saved, data);
  if (data.columns != saved.data.columns || data.class_names != saved.data.class_names ||
      data.feature_names != saved.data.feature_names) {
    fail_input(
        "{}: its columns, categories or classes are no longer those that the weights were trained on; which "
        "samples were held out then can't be told",
        data.name);
  }
  saved.normalization = of_stored_values(saved.normalization, data.units);
  if (saved.normalization == problem.normalization) return;
  fail_input(
      "{}: its training samples have other means and deviations than those that the weights were trained on; "
      "which samples were held out then can't be told; expected the same rows",
      data.name);
}

void check_names_of_init(const StoredTensors& weights, const DatasetDescription& data,
                         const std::string& file) {
  const auto check = [&](const std::string& key, const std::vector<std::string>& names) {
    const std::vector<std::string> before = names_from_text(weights, key, file);
    if (before.empty() || names.empty() || before == names) return;
    if (std::is_permutation(before.begin(), before.end(), names.begin(), names.end())) {
      fail_input(
          "model.init = {}: its {} are {}; those of {} are the same in another order; give data in the order "
          "of the weights",
          file, key, join(before), data.name);
    }
    const auto [was, is] = std::mismatch(before.begin(), before.end(), names.begin(), names.end());
    log::warn_once(
        fmt::format("lockstep: model.init = {}: trained with other {} than those of {}: {} there, {} here",
                    file, key, data.name, was == before.end() ? "none more" : "'" + *was + "'",
                    is == names.end() ? "none more" : "'" + *is + "'"));
  };
  check("features", data.feature_names);
  check("classes", data.class_names);
  if (data.targets > 1) check("targets", data.target_names);
}

std::map<std::string, std::string> weights_metadata(const Network& model, const Problem& problem) {
  const DatasetDescription& data = problem.training.description();
  std::map<std::string, std::string> metadata = {
      {"format", "pt"},  // what PyTorch's own files say
      {"lockstep", kVersion},
      {"layers", model.text()},
      {"inputs", fmt::format("{}", fmt::join(data.feature_shape, kBetweenAxes))},
      {"task", task_name(data.task)},
      {"loss", problem.loss_name},
      {"normalization", to_text(of_file_values(problem.normalization.features, data.units))}};
  if (!problem.normalize.empty()) metadata["normalize"] = problem.normalize;
  if (!problem.normalization.targets.shift.empty()) {
    metadata["target normalization"] = to_text(problem.normalization.targets);
  }
  if (!problem.normalize_targets.empty()) metadata["normalize-targets"] = problem.normalize_targets;
  for (const auto& [name, value] : problem.loss_parameters) metadata[name] = fmt::format("{}", value);
  if (data.task == Task::kClassification) {
    metadata["class-weights"] = problem.class_weights.empty() ? "none" : "balanced";
  }
  if (!problem.class_weights.empty()) {
    metadata[kWeightsOfClasses] = json_text(nlohmann::json(problem.class_weights));
  }
  if (!data.class_names.empty()) metadata["classes"] = names_to_text(data.class_names);
  if (!data.target_names.empty()) metadata["targets"] = names_to_text(data.target_names);
  if (!data.feature_names.empty()) metadata["features"] = names_to_text(data.feature_names);
  if (!data.group_name.empty()) metadata["group"] = data.group_name;
  if (!data.weight_name.empty()) metadata["weight"] = data.weight_name;
  if (data.transposed) metadata["transpose"] = "true";
  if (data.categories > 0) metadata["categories"] = std::to_string(data.categories);
  if (!data.columns.empty()) metadata["columns"] = columns_to_text(data.columns);
  if (!data.missing.empty()) metadata["missing"] = data.missing;
  if (!data.units.empty()) metadata["units"] = units_to_text(data.units);
  return metadata;
}

std::map<std::string, std::string> settings_of(const StoredTensors& weights) {
  std::vector<std::pair<std::string, std::string>> keys = {{"layers", "model.layers"},
                                                           {"loss", "model.loss"},
                                                           {"task", "data.task"},
                                                           {"transpose", "data.transpose"},
                                                           {"normalize", "data.normalize"},
                                                           {"normalize-targets", "data.normalize-targets"},
                                                           {"class-weights", "model.class-weights"}};
  for (const LossForm& form : losses()) {
    for (const Hyperparameter& h : form.hyperparameters) keys.emplace_back(h.name, "model." + h.name);
  }
  std::map<std::string, std::string> settings;
  for (const auto& [entry, key] : keys) {
    const auto found = weights.metadata.find(entry);
    if (found != weights.metadata.end()) settings[key] = found->second;
  }
  return settings;
}

bool is_described(const StoredTensors& weights) { return weights.metadata.contains("layers"); }

SavedModel load_model(const std::filesystem::path& file) {
  const StoredTensors stored = read_safetensors(file);
  const auto entry = [&](const std::string& key) {
    const auto found = stored.metadata.find(key);
    if (found == stored.metadata.end())
      fail_input("{}: does not say '{}'; is it damaged?", file.string(), key);
    return found->second;
  };
  const std::optional<std::vector<Index>> shape = axes_from_text(entry("inputs"));
  if (!shape) {
    fail_input("{}: 'inputs' is no number from 1 to {}, or several with ' x ' between them; is it damaged?",
               file.string(), kMostInputs);
  }
  const NamedTask* const named = find_named(tasks(), entry("task"));
  if (named == nullptr) fail_input("{}: 'task' is none that is known; is it damaged?", file.string());
  const Index categories =
      stored.metadata.contains("categories") ? parse_integer(entry("categories")).value_or(-1) : 0;
  if (categories < 0 || categories > kMostCategories)
    fail_input("{}: 'categories' is no number of them; is it damaged?", file.string());
  const DatasetDescription sample{.feature_shape = *shape, .categories = categories};
  SampleNormalization normalization = {normalization_from_text(entry("normalization"))};
  if (!fits(normalization.features, sample)) {
    fail_input("{}: 'normalization' is of {} features, 'inputs' says {}; is it damaged?", file.string(),
               normalization.features.shift.size(), entry("inputs"));
  }
  Network model(shape_of(sample));
  add_from_text(model, entry("layers"));
  // What the file says of the network may ask for any amount of memory; what it holds does not.
  set_parameters(model, stored, file.string());
  const Index outputs = model.outputs();
  if (stored.metadata.contains("target normalization")) {
    normalization.targets = normalization_from_text(entry("target normalization"));
    if (std::ssize(normalization.targets.shift) != outputs) {
      fail_input("{}: 'target normalization' is of {} targets, the network has {} outputs; is it damaged?",
                 file.string(), normalization.targets.shift.size(), outputs);
    }
  }
  const bool classifies = named->task == Task::kClassification;
  DatasetDescription data{.name = file.string(),
                          .task = named->task,
                          .feature_shape = *shape,
                          .classes = classifies ? outputs : 0,
                          .class_names = names_from_text(stored, "classes", file.string()),
                          .targets = classifies ? 1 : outputs,
                          .target_names = names_from_text(stored, "targets", file.string()),
                          .feature_names = names_from_text(stored, "features", file.string()),
                          .transposed = stored.metadata.contains("transpose"),
                          .categories = categories};
  if (stored.metadata.contains("group")) data.group_name = entry("group");
  if (stored.metadata.contains("weight")) data.weight_name = entry("weight");
  if (stored.metadata.contains("columns")) data.columns = columns_from_text(entry("columns"));
  if (stored.metadata.contains("missing")) data.missing = entry("missing");
  if (stored.metadata.contains("units")) data.units = units_from_text(entry("units"));
  const Index features = sample.features();
  for (const auto& [count, what, key, said] :
       {std::tuple(data.feature_names.size(), "features", "inputs", features),
        {are_indicators(data.columns).size(), "features", "inputs", features},
        {data.units.size(), "features", "inputs", features},
        {data.class_names.size(), "classes", "layers", data.classes},
        {data.target_names.size(), "targets", "layers", data.targets}}) {
    if (count == 0 || static_cast<Index>(count) == said) continue;
    fail_input("{}: its description is of {} {}, '{}' says {}; is it damaged?", file.string(), count, what,
               key, said);
  }
  if (!data.columns.empty() && normalization.features.missing.empty()) {
    fail_input("{}: 'normalization' does not say what stands for missing values; is it damaged?",
               file.string());
  }
  return {.model = std::move(model),
          .normalization = std::move(normalization),
          .loss = saved_loss(entry("loss"), stored.metadata, named->task, outputs, file.string()).loss,
          .data = std::move(data)};
}

}  // namespace lockstep::inline LOCKSTEP_REAL
