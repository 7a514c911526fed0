#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "study/curve.hpp"
#include "study/study.hpp"
#include "study/trainings_progress.hpp"
#include "train/run/run_directory.hpp"

namespace lockstep {

using Json = nlohmann::ordered_json;

/// A study while it runs: what was asked for, the directory that keeps the data, and the page as it grows.
class StudyRun {
 public:
  /// Settles options and configuration. Collective. Errors: see run_study.
  StudyRun(const Study& study, StudyRequest request, Communicator& communicator);

  const Config& config() const { return config_; }
  Communicator& communicator() { return communicator_; }
  /// Refuses settings that the study makes itself or that have no effect on it, those for which `is_used` is
  /// false, and leaves them out of what it writes; those that a run wrote are left out, and named. Local.
  void allow_only(const std::function<bool(const std::string& key)>& is_used);

  /// An option of the study as text, as a whole number of at least 1, as numbers separated by commas.
  const std::string& option(const std::string& name) const { return options_.at(name); }
  Index count(const std::string& name) const;
  std::vector<double> numbers(const std::string& name) const;

  /// The shared configuration with the settings of `variant`. Errors: those of make_config.
  Config config_of(const Variant& variant) const;

  /// The problem of the shared configuration with the settings of `variant`, to see before any training that
  /// it can be made and has a part that is not trained on. Collective. Errors: those of make_problem; no such
  /// part.
  Problem make_problem_with_held_out(const Variant& variant = {}) const;

  /// Trains `variant` once for each of --seeds, seeds counted up from those of the configuration (train.seed
  /// and data.seed together), and keeps the data. Collective.
  std::vector<Curve> train(const Variant& variant);
  /// The same for the first seed alone.
  Curve train_once(const Variant& variant);
  /// Says that `variants` will be trained in all, for the time that is left. Local.
  void expect(std::size_t variants) {
    progress_.expect(static_cast<Index>(variants) * (options_.contains("seeds") ? count("seeds") : 1));
  }

  /// How far it is, for trainings that the study makes itself.
  TrainingsProgress& progress() { return progress_; }

  /// After each step of a training: tells the person how far it is. Collective. Errors: see stop_if_asked.
  void step(const StepReport& report, const TrainingPlan& plan);
  /// After each training: prints what came of it, `loss` as TrainingsProgress::end takes it, and keeps it for
  /// the page of a study that is stopped. Local.
  void tell(const std::string& training, const std::string& outcome, double loss);

  /// Collective. Errors: with exit code 4 a requested_stop, after which the folder, if it is there, has a
  /// page of what is measured. `where`: "after 3 of 12 trainings".
  void stop_if_asked(const std::string& where);

  /// Makes the run directory, unless it is there. The first training does it when it has ended: what fails at
  /// once leaves nothing behind. Where somebody has removed or moved it since, it is made again with all its
  /// data. Collective. Errors: that can't be; the data are saved elsewhere then.
  void open();
  /// One more line of data for metrics.jsonl. Local.
  void record(const Json& line);
  /// A file beside metrics.jsonl, at the end of the study. Local.
  void write(const std::string& name, const std::string& text) const;
  /// A finding: printed, and a paragraph at the top of the page. Local.
  void say(const std::string& sentence);
  /// The next section of the page. Local.
  void show(Json section);

  /// Writes the page. Collective.
  void finish();

 private:
  // The directory: on rank 0.
  void make_directory(const std::string& folder);
  void keep_directory();
  std::filesystem::path save_elsewhere() const;
  /// Makes config_ of the request.
  void settle();
  Curve train_seed(const Variant& variant, Index number);
  Json trainings_table() const;
  void write_page();
  /// The settings that all its trainings share, as they are written down.
  SettingTexts shared_settings() const;

  const Study& study_;
  StudyRequest request_;
  Communicator& communicator_;
  std::map<std::string, std::string> options_;
  Config config_;
  std::function<bool(const std::string& key)> is_used_ = [](const std::string& /*key*/) { return true; };
  TrainingsProgress progress_;
  std::optional<RunDirectory> directory_;                       // rank 0 alone
  std::vector<Json> lines_;                                     // rank 0 alone: what stands in its metrics
  std::vector<std::pair<std::string, std::string>> trainings_;  // and what came of them
  std::vector<std::string> findings_;
  std::vector<Json> sections_;
};

}  // namespace lockstep
