#include <optional>

#include <nlohmann/json.hpp>

#include "cli/commands.hpp"
#include "cli/evaluation_text.hpp"
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

/// What --part may be; where it is not given, kTest if the data have such a part, else kAll.
constexpr const char* kValidation = "validation";
constexpr const char* kTest = "test";
constexpr const char* kAll = "all";  // but test samples

std::string part_option(const Arguments& arguments) {
  const auto part = arguments.options.find("part");
  if (part == arguments.options.end()) return "";
  if (part->second == kValidation || part->second == kTest || part->second == kAll) return part->second;
  fail_input("--part {}: expected {}, {} or {}", part->second, kValidation, kTest, kAll);
}

/// Errors (exit code 3), after what is printed: a loss that is not finite.
void print(const Evaluated& evaluated, bool as_json) {
  const Evaluation& evaluation = evaluated.evaluation;
  log::info(as_json ? json_text(evaluation_json(evaluated)) : evaluation_text(evaluated));
  const std::string reason = nonfinite_text(evaluation);
  if (reason.empty()) return;
  fail_guard("{}: the loss is not finite: {}; look at {}", evaluated.data.name, reason,
             evaluation.nonfinite.count < evaluation.samples ? "the data there" : "the weights and the data");
}

/// Where all samples are evaluated, as there is no test part and nobody said which. Errors: a person holds
/// out some of them, in a file that describes the training too.
void check_nothing_is_held_out(const GivenValues& given) {
  for (const auto& [key, off] : {std::pair("data.validation", "0"), {"data.fold", "none"}}) {
    const auto value = given.find(key);
    if (value == given.end() || is_default(key, value->second.text)) continue;
    const std::string what = fmt::format(
        "{} = {} ({}): has no effect on 'evaluate', which takes all samples where there is no "
        "test part, those held out and those trained on",
        key, value->second.text, value->second.origin);
    if (value->second.by != GivenBy::kRun) fail_input("{}; remove it, or add --{} {}", what, key, off);
    log::warn_once(fmt::format("lockstep: {}", what));
  }
}

/// `part` of the data, or the one to take where it is empty. Errors: the data have no test part, or samples
/// that are to be held out would be taken too.
std::string choose_part(const std::string& part, const DataSource& source, bool has_test,
                        const GivenValues& given) {
  if (part == kTest && !has_test) {
    fail_input(
        "--part test: data.source = {} has no test part; give one as data.test, or choose another part",
        source.source);
  }
  if (!part.empty()) return part;
  if (has_test) return kTest;
  check_nothing_is_held_out(given);
  return kAll;
}

/// The samples of `part` in the problem of a training. Errors: there are none.
Selection select(const Problem& problem, const std::string& part) {
  if (part == kAll) return all_of(problem.training);
  for (const auto& [name, selection] : held_out_parts(problem)) {
    if (name == part) return selection;
  }
  fail_input("--part {}: the training held out no samples (data.validation, data.fold); choose another part",
             part);
}

/// Weights that Lockstep saved say themselves which network and normalisation they belong to.
Evaluated evaluate_described(const std::string& file, const std::string& part, const std::string& loss,
                             const Config& config, const GivenValues& given, Communicator& world) {
  SavedModel saved = load_model(file);
  choose_loss(loss, config.model.loss_parameters, saved.data.task);  // refuses those of other losses
  DataSource source = config.data.source;
  source.task = saved.data.task;
  std::string chosen;  // on the ranks that read, of which rank 0, which prints it, is one
  const std::vector<Dataset> data = share_datasets(world, [&] {
    chosen = choose_part(part, source, has_test_part(source), given);
    std::vector<DatasetContent> contents;
    contents.push_back(
        read_for_evaluation(source, saved.data, chosen == kTest ? Part::kTest : Part::kTraining));
    return contents;
  });
  check_fit(saved, data[0].description());
  const SampleNormalization normalization =
      of_stored_values(saved.normalization, data[0].description().units);
  return {file, data[0].description(), chosen,
          evaluate(saved.model, *saved.loss, normalization, all_of(data[0]), world)};
}

/// The same on what the training of the weights held out, as `settings` of that training say.
Evaluated evaluate_held_out(const std::string& file, const GivenValues& settings, Communicator& world) {
  SavedModel saved = load_model(file);
  const Problem problem = make_problem(make_config(settings), world);
  use_data_of(saved, problem);
  return {file, problem.training.description(), kValidation,
          evaluate(saved.model, *saved.loss, saved.normalization, select(problem, kValidation), world)};
}

/// Weights of another program: the configuration says what they belong to.
Evaluated evaluate_by_config(const std::string& file, const std::string& part, Config config,
                             const GivenValues& given, Communicator& world) {
  config.model.init = file;
  config.training.batch_size = 1;
  const Problem problem = make_problem(config, world);
  const std::string chosen = choose_part(part, config.data.source, problem.test.has_value(), given);
  Network model = make_model(config, problem);
  const Selection selection = select(problem, chosen);
  return {file, selection.data.description(), chosen,
          evaluate(model, *problem.loss, problem.normalization, selection, world)};
}

Evaluated evaluate_asked(const Arguments& arguments, Communicator& world) {
  const std::string given = required_option(arguments, "weights");
  const std::string file = weights_file(given).string();
  const std::string part = part_option(arguments);
  const GivenValues settings = with_data_of_run(given, arguments.settings);
  if (part != kValidation) {
    refuse_unused(settings, {"data.validation", "data.hold-out", "data.fold"},
                  "'evaluate' without --part validation");
  }
  const Config config = make_config(settings);
  const StoredTensors weights = read_safetensors(file);
  if (is_described(weights)) {
    check_agreement(weights, file, config, settings);
    if (part == kValidation) {
      return evaluate_held_out(file, settings_of_training(given, arguments.settings), world);
    }
    return evaluate_described(file, part, settings_of(weights)["model.loss"], config, settings, world);
  }
  if (settings.contains("model.layers")) {
    return evaluate_by_config(file, part, config, settings, world);
  }
  fail_input(
      "{}: does not say which network it belongs to; give it as model.layers (and data.normalize and "
      "data.normalize-targets as it was trained)",
      file);
}

void run_evaluate(const Arguments& arguments, Communicator& world) {
  print(evaluate_asked(arguments, world), arguments.options.contains("json"));
}

}  // namespace

Command evaluate_command() {
  return {
      .name = "evaluate",
      .usage = "[--weights] FILE|RUN_DIR [--part PART] [--json] [--config FILE] [--data.source …]",
      .brief = "Prints loss and other measures of saved weights, with every sample counted once.",
      .details =
          "It takes the test part of data.source, or of the run's own data where none are given, or all of "
          "it where "
          "it has no test part; exit code 3 where the loss is not finite. --part validation is what the run "
          "of RUN_DIR held out of its data. "
          "Weights of other programs need model.layers, data.normalize and data.normalize-targets too.",
      .examples = {"lockstep evaluate runs/a --config runs/a/config.cfg",
                   "lockstep evaluate runs/a --data.source new.csv",
                   "mpirun -np 4 lockstep evaluate runs/a --part validation"},
      .options = {weights_option(),
                  {"part", "", "test, all (but test samples), or validation"},
                  {"json", "", "print one line of JSON instead", true}},
      .unused = {"data.augment", "model.init", "model.initialization", "train.", "optimizer.", "schedule.",
                 "checkpoint.", "run.dir", "run.resume", "run.name", "run.notes", "run.tags",
                 "run.tensorboard"},
      .prints_result = true,
      .run = run_evaluate};
}

}  // namespace lockstep
