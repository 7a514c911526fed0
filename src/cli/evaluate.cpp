#include <optional>

#include <nlohmann/json.hpp>

#include "cli/commands.hpp"
#include "cli/weights_settings.hpp"
#include "core/json.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/core/log.hpp"
#include "lockstep/train/evaluation.hpp"
#include "lockstep/train/problem.hpp"
#include "parallel/shared_datasets.hpp"
#include "train/run/run_directory.hpp"

namespace lockstep {

namespace {

using Json = nlohmann::ordered_json;

/// Errors (exit code 3), after the line: a loss that is not finite.
void print(const std::string& weights, const Dataset& data, const Evaluation& evaluation) {
  Json line = {{"event", "evaluation"}, {"weights", weights}, {"data", data.description().name}};
  add_results(line, evaluation);
  log::info(json_text(line));
  const std::string reason = nonfinite_text(evaluation);
  if (reason.empty()) return;
  fail_guard("{}: the loss is not finite: {}; look at {}", data.description().name, reason,
             evaluation.nonfinite.count < evaluation.samples ? "the data there" : "the weights and the data");
}

/// Where all samples are evaluated, as there is no test part. Errors: a person holds out some of them, in a
/// file that describes the training too.
void check_nothing_is_held_out(const GivenValues& given) {
  const auto value = given.find("data.validation");
  if (value == given.end() || is_default(value->first, value->second.text)) return;
  const std::string what = fmt::format(
      "data.validation = {} ({}): has no effect on 'evaluate', which takes all samples where there is no "
      "test part, those held out and those trained on",
      value->second.text, value->second.origin);
  if (value->second.by != GivenBy::kRun) fail_input("{}; remove it, or add --data.validation 0", what);
  log::warn_once(fmt::format("lockstep: {}", what));
}

/// Weights that Lockstep saved say themselves which network and normalisation they belong to.
void evaluate_described(const std::string& file, const std::string& loss, const Config& config,
                        const GivenValues& given, Communicator& world) {
  SavedModel saved = load_model(file);
  choose_loss(loss, config.model.loss_parameters, saved.data.task);  // refuses those of other losses
  DataSource source = config.data.source;
  source.task = saved.data.task;
  const std::vector<Dataset> data = share_datasets(world, [&] {
    if (!has_test_part(source)) check_nothing_is_held_out(given);
    std::vector<DatasetContent> contents;
    contents.push_back(read_for_evaluation(source, saved.data));
    return contents;
  });
  check_fit(saved, data[0].description());
  const Normalization normalization = of_stored_values(saved.normalization, data[0].description().units);
  print(file, data[0], evaluate(saved.model, *saved.loss, normalization, all_of(data[0]), world));
}

/// Weights of another program: the configuration says what they belong to.
void evaluate_by_config(const std::string& file, Config config, const GivenValues& given,
                        Communicator& world) {
  config.model.init = file;
  config.training.batch_size = 1;
  const Problem problem = make_problem(config, world);
  if (!problem.test) check_nothing_is_held_out(given);
  Network model = make_model(config, problem);
  const Dataset& data = problem.test ? *problem.test : problem.training;
  print(file, data, evaluate(model, *problem.loss, problem.normalization, all_of(data), world));
}

void run_evaluate(const Arguments& arguments, Communicator& world) {
  const std::string file = weights_file(required_option(arguments, "weights")).string();
  const Config config = make_config(arguments.settings);
  const StoredTensors weights = read_safetensors(file);
  if (is_described(weights)) {
    check_agreement(weights, file, config, arguments.settings);
    evaluate_described(file, settings_of(weights)["model.loss"], config, arguments.settings, world);
  } else if (arguments.settings.contains("model.layers")) {
    evaluate_by_config(file, config, arguments.settings, world);
  } else {
    fail_input(
        "{}: does not say which network it belongs to; give it as model.layers (and data.normalize as it was "
        "trained)",
        file);
  }
}

}  // namespace

Command evaluate_command() {
  return {
      .name = "evaluate",
      .usage = "--weights FILE|RUN_DIR [--config FILE] [--data.source … …]",
      .summary =
          "Prints loss and accuracy of saved weights on the test part of data.source, or on all of it where\n"
          "it has no test part; exit code 3 where the loss is not finite. Weights of other programs need\n"
          "model.layers and data.normalize too.",
      .options = {{"weights", "", "safetensors file to evaluate, or the directory of a run that has ended"}},
      .unused = {"data.validation", "model.init", "model.initialization", "train.", "optimizer.", "schedule.",
                 "checkpoint.", "run.dir", "run.resume"},
      .prints_result = true,
      .run = run_evaluate};
}

}  // namespace lockstep
