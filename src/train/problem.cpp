#include "lockstep/train/problem.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include <nlohmann/json.hpp>

#include "lockstep/comm/watchdog.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/core/log.hpp"
#include "lockstep/core/named.hpp"
#include "lockstep/core/text.hpp"
#include "lockstep/core/version.hpp"
#include "lockstep/nn/weights.hpp"
#include "lockstep/parallel/agreement.hpp"
#include "lockstep/parallel/shared_datasets.hpp"
#include "lockstep/train/run_directory.hpp"

namespace lockstep {

namespace {

Split make_split(const Config::Data& data, const Dataset& training) {
  const auto held_out =
      static_cast<Index>(std::llround(data.validation * static_cast<double>(training.size())));
  if (held_out >= training.size()) {
    fail_input("data.validation = {}: leaves none of the {} samples to train on; hold out less",
               data.validation, training.size());
  }
  return {data.source.synthetic.seed, training.size(), held_out};
}

/// Rank 0's normalisation on every rank.
Normalization share_normalization(const Config& config, const Dataset& training, const Split& split,
                                  Communicator& communicator) {
  std::string text;
  if (communicator.rank() == 0) {
    text = to_text(compute_normalization(config.data.normalize, training, split.training_size(),
                                         [&](Index i) { return split.training(i); }));
  }
  return normalization_from_text(broadcast_text(communicator, text, 0));
}

/// The loss that a weights file describes.
ChosenLoss saved_loss(const std::string& name, const std::map<std::string, std::string>& metadata, Task task,
                      const std::string& file) {
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
  return choose_loss(name, parameters, task);
}

std::string normalize_name(NormalizationKind kind) {
  if (kind == NormalizationKind::kNone) return "none";
  return kind == NormalizationKind::kUnit ? "unit" : "standard";
}

std::string names_to_text(const std::vector<std::string>& names) {
  return nlohmann::json(names).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::vector<std::string> names_from_text(const StoredTensors& stored, const std::string& key) {
  const auto text = stored.metadata.find(key);
  if (text == stored.metadata.end()) return {};
  const auto names = nlohmann::json::parse(text->second, nullptr, false);
  return names.is_array() ? names.get<std::vector<std::string>>() : std::vector<std::string>();
}

/// Errors: parameters from `file` that are not finite.
void check_finite(const Model& model, const std::string& file) {
  for (const ParameterTensor& tensor : model.layout().tensors()) {
    const auto values = model.parameters().subspan(static_cast<std::size_t>(tensor.range.offset),
                                                   static_cast<std::size_t>(tensor.range.size));
    const auto bad = std::find_if(values.begin(), values.end(), [](Real v) { return !std::isfinite(v); });
    if (bad == values.end()) continue;
    fail_input(
        "{}: {} holds {} as {}; weights have to be finite; give those of a training that did not diverge",
        file, tensor.name, std::isnan(*bad) ? "nan" : "inf", kRealName);
  }
}

std::string count_of(Index count, const std::string& what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

}  // namespace

void check_batch_size(const Config& config, const Split& split) {
  if (config.train.batch_size > split.training_size()) {
    fail_input("train.batch-size = {}: larger than the {} training samples; use at most that, or 'full'",
               config.train.batch_size, split.training_size());
  }
}

void check_outputs(const Model& model, const DatasetDescription& data) {
  const bool classifies = data.task == Task::kClassification;
  const Index expected = classifies ? data.classes : data.targets;
  if (model.outputs() == expected) return;
  fail_input("model.layers: the last layer gives {}, {} has {}; end the network with 'linear {}'",
             count_of(model.outputs(), "output"), data.name,
             classifies ? fmt::format("{} classes", expected) : count_of(expected, "target"), expected);
}

void check_fit(const SavedModel& saved, const DatasetDescription& data) {
  if (data.task != saved.task) {
    fail_input("{}: is a {} set, the weights were trained for {}; give data of that kind", data.name,
               task_name(data.task), task_name(saved.task));
  }
  if (data.features() != saved.model.inputs()) {
    fail_input("{}: has {} features, the weights expect {}; give data of the kind they were trained on",
               data.name, data.features(), saved.model.inputs());
  }
  check_outputs(saved.model, data);
  // The name of a single target leaves no doubt which one it is.
  if (data.targets > 1 && !data.target_names.empty() && !saved.target_names.empty() &&
      data.target_names != saved.target_names) {
    fail_input("{}: has the targets {}, the weights were trained for {}; set data.label to those", data.name,
               join(data.target_names), join(saved.target_names));
  }
}

Problem make_problem(const Config& config, Communicator& communicator) {
  const std::string different = differences(communicator, {config.resolved.begin(), config.resolved.end()});
  if (!different.empty()) fail_input("{}; start all ranks with the same configuration", different);
  set_watch_timeout(config.run.timeout);
  // A network that can't be built is said before any data are read.
  const Model buildable(config.model.layers, 1);
  std::vector<Dataset> parts = share_datasets(communicator, [&] {
    SourceParts read = read_source(config.data.source);
    std::vector<DatasetContent> contents;
    contents.push_back(std::move(read.training));
    if (read.test) contents.push_back(std::move(*read.test));
    return contents;
  });
  Split split = make_split(config.data, parts[0]);
  check_batch_size(config, split);
  ChosenLoss chosen =
      choose_loss(config.model.loss, config.model.loss_parameters, parts[0].description().task);
  return {.training = parts[0],
          .test = parts.size() > 1 ? std::optional(parts[1]) : std::nullopt,
          .split = split,
          .normalization = share_normalization(config, parts[0], split, communicator),
          .loss = std::move(chosen.loss),
          .loss_name = chosen.name,
          .loss_parameters = chosen.parameters,
          .normalize = normalize_name(config.data.normalize)};
}

void training_samples(const Problem& problem, const Sampler& sampler, const GlobalBatch& batch, Index first,
                      std::span<Index> samples) {
  sampler.samples(batch, first, samples);
  for (Index& sample : samples) sample = problem.split.training(sample);
}

void gather_rows(const Problem& problem, const Sampler& sampler, const GlobalBatch& batch, Interval rows,
                 Batch& into) {
  into.samples.resize(static_cast<std::size_t>(rows.size()));
  training_samples(problem, sampler, batch, rows.first, into.samples);
  gather(problem.training, problem.normalization, into);
}

std::vector<std::pair<std::string, Selection>> held_out_parts(const Problem& problem) {
  std::vector<std::pair<std::string, Selection>> parts;
  if (problem.split.validation_size() > 0) {
    parts.push_back({"validation", {problem.training, problem.split.validation_size(), [&problem](Index i) {
                                      return problem.split.validation(i);
                                    }}});
  }
  if (problem.test) parts.push_back({"test", all_of(*problem.test)});
  return parts;
}

Selection training_part(const Problem& problem) {
  return {problem.training, problem.split.training_size(),
          [&problem](Index i) { return problem.split.training(i); }};
}

Model make_model(const Config& config, const Problem& problem) {
  Model model(config.model.layers, problem.training.description().features());
  check_outputs(model, problem.training.description());
  if (config.model.init.empty()) {
    model.initialize(config.train.seed, config.model.initialization);
  } else {
    const std::string file = weights_file(config.model.init).string();
    const StoredTensors weights = read_safetensors(file);
    set_parameters(model, weights, file);
    check_finite(model, file);
    const std::string unused = left_out(model.layout(), weights);
    static std::set<std::string> said;  // models of one file are made more than once
    if (!unused.empty() && said.insert(file).second) {
      log::warn(fmt::format("lockstep: {}: {} is left out; the rest are the weights", file, unused));
    }
  }
  return model;
}

std::map<std::string, std::string> weights_metadata(const Model& model, const Problem& problem) {
  const DatasetDescription& data = problem.training.description();
  std::map<std::string, std::string> metadata = {{"format", "pt"},  // what PyTorch's own files say
                                                 {"lockstep", kVersion},
                                                 {"layers", model.text()},
                                                 {"inputs", std::to_string(model.inputs())},
                                                 {"task", task_name(data.task)},
                                                 {"loss", problem.loss_name},
                                                 {"normalization", to_text(problem.normalization)}};
  if (!problem.normalize.empty()) metadata["normalize"] = problem.normalize;
  for (const auto& [name, value] : problem.loss_parameters) metadata[name] = fmt::format("{}", value);
  if (!data.class_names.empty()) metadata["classes"] = names_to_text(data.class_names);
  if (!data.target_names.empty()) metadata["targets"] = names_to_text(data.target_names);
  return metadata;
}

std::map<std::string, std::string> settings_of(const StoredTensors& weights) {
  std::vector<std::pair<std::string, std::string>> keys = {{"layers", "model.layers"},
                                                           {"loss", "model.loss"},
                                                           {"task", "data.task"},
                                                           {"normalize", "data.normalize"}};
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
  const auto inputs = parse_integer(entry("inputs"));
  constexpr Index kMostInputs = Index{1} << 32U;
  if (!inputs || *inputs < 1 || *inputs > kMostInputs) {
    fail_input("{}: 'inputs' is no number from 1 to {}; is it damaged?", file.string(), kMostInputs);
  }
  const NamedTask* const named = find_named(tasks(), entry("task"));
  if (named == nullptr) fail_input("{}: 'task' is none that is known; is it damaged?", file.string());
  // What the file says of the network may ask for any amount of memory; what it holds does not.
  check_tensors(layout_of(entry("layers"), *inputs), entry("layers"), stored, file.string());
  const Normalization normalization = normalization_from_text(entry("normalization"));
  if (normalization.shift.size() > 1 && std::ssize(normalization.shift) != *inputs) {
    fail_input("{}: 'normalization' is of {} features, 'inputs' says {}; is it damaged?", file.string(),
               normalization.shift.size(), *inputs);
  }
  SavedModel saved{.model = Model(entry("layers"), *inputs),
                   .normalization = normalization,
                   .loss = saved_loss(entry("loss"), stored.metadata, named->task, file.string()).loss,
                   .task = named->task,
                   .class_names = names_from_text(stored, "classes"),
                   .target_names = names_from_text(stored, "targets")};
  set_parameters(saved.model, stored, file.string());
  return saved;
}

}  // namespace lockstep
