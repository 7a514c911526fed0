#include "train/evaluation/predict.hpp"

#include <optional>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "cli/commands.hpp"
#include "cli/weights_settings.hpp"
#include "core/new_file.hpp"
#include "core/signals.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/core/log.hpp"
#include "lockstep/parallel/agreement.hpp"
#include "lockstep/train/problem.hpp"
#include "parallel/shared_datasets.hpp"
#include "train/run/run_directory.hpp"

namespace lockstep {

namespace {

/// Where rank 0 writes: standard output, or a file of which nothing is left where it does not become whole.
class PredictionOutput {
 public:
  /// Collective. Errors: a file that can't be written.
  PredictionOutput(const Arguments& arguments, Communicator& world) : world_(world) {
    const auto output = arguments.options.find("output");
    if (output == arguments.options.end()) return;
    stops_.emplace();
    together(world_, [&] {
      if (world_.rank() == 0) file_.emplace(output->second);
    });
  }

  /// `text` is whole lines, or nothing. Local. Errors: a full disk, an output that nobody reads any more; a
  /// signal asks for the end.
  void write(std::string_view text) {
    if (requested_stop() != 0) {
      throw Error(ExitCode::kStopped,
                  fmt::format("{}: stopped, with no file written; start the command again",
                              signal_name(requested_stop())));
    }
    if (text.empty()) return;
    if (file_) return file_->append(text);
    text.remove_suffix(1);  // the end of a line, which `info` adds
    log::info(text);
    refuse_lost_output();
  }

  /// Collective. Errors: the file can't be written.
  void finish() {
    together(world_, [&] {
      if (file_) file_->finish();
    });
  }

 private:
  Communicator& world_;
  std::optional<StopSignals> stops_;
  std::optional<NewFile> file_;
};

SavedModel load_described(const std::string& file, const Config& config, const GivenValues& given) {
  const StoredTensors weights = read_safetensors(file);
  check_described(weights, file, "predict");
  check_agreement(weights, file, config, given);
  return load_model(file);
}

void run_predict(const Arguments& arguments, Communicator& world) {
  const std::string file = weights_file(required_option(arguments, "weights")).string();
  if (!arguments.settings.contains("data.source")) {
    fail_input("data.source is missing; expected the data to predict, as --data.source FILE.csv");
  }
  const Config config = make_config(arguments.settings);
  SavedModel saved = load_described(file, config, arguments.settings);
  DataSource source = config.data.source;
  source.task = saved.data.task;
  const auto read = [&] {
    std::vector<DatasetContent> contents;
    contents.push_back(read_for_prediction(source, saved.data));
    return contents;
  };
  const Readers readers = source.source == kStandardInput ? Readers::kRankZero : Readers::kOneOfEachNode;
  const Dataset data = share_datasets(world, read, readers)[0];
  check_features(saved, data.description());

  PredictionOutput output(arguments, world);
  const NonFiniteSamples nonfinite = predict(
      saved.model, of_stored_values(saved.normalization, data.description().units), all_of(data),
      PredictionTable(saved.data, saved.loss, saved.normalization.targets, data.description().sample_names),
      world, [&](std::string_view text) { output.write(text); });
  output.finish();
  if (nonfinite.count == 0) return;
  fail_guard("{}: outputs of {} of {} samples are not finite ({}); look at {}", data.description().name,
             nonfinite.count, data.size(), name_samples(nonfinite.first, nonfinite.count),
             nonfinite.count < data.size() ? "the data there" : "the weights and the data");
}

}  // namespace

Command predict_command() {
  return {
      .name = "predict",
      .usage = "[--weights] FILE|RUN_DIR --data.source FILE|FOLDER|- [--output FILE]",
      .brief = "Prints what saved weights predict for each sample, as CSV.",
      .details =
          "A line has the row (from 0), or of pictures without labels the file, then\n  of classes     "
          "class, and the probability of each\n  of "
          "targets     their values\n  of labels      0 or 1, and the probability, of each.\nA table needs "
          "no labels: features are found by name where it and the weights have names, and other columns are "
          "left out; '-' is a table on standard input. Neither do IDX images, an array "
          "(FILE.npy; x_test, x_train or x of a set of arrays), a picture, or a folder of pictures anywhere "
          "below "
          "it. Of data with labels, which are read as for training, the test part is predicted, or all where "
          "there is none. Exit code 3: outputs are not finite.",
      .examples = {"lockstep predict runs/a --data.source new.csv --output predicted.csv",
                   "lockstep predict runs/b --data.source photos",
                   "cat new.csv | lockstep predict runs/a --data.source -"},
      .options = {weights_option(), {"output", "", "the file to write, instead of standard output"}},
      .unused = {"data.augment",
                 "data.columns",
                 "data.ignore",
                 "data.max-categories",
                 "data.categories",
                 "data.test",
                 "data.validation",
                 "data.hold-out",
                 "data.fold",
                 "model.init",
                 "model.initialization",
                 "train.",
                 "optimizer.",
                 "schedule.",
                 "checkpoint.",
                 "run.dir",
                 "run.resume",
                 "run.name",
                 "run.notes",
                 "run.tags",
                 "run.tensorboard"},
      .prints_result = true,
      .run = run_predict};
}

}  // namespace lockstep
