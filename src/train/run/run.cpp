#include "lockstep/train/run.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/human.hpp"
#include "core/signals.hpp"
#include "core/text.hpp"
#include "lockstep/comm/launcher.hpp"
#include "lockstep/comm/watchdog.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/core/log.hpp"
#include "lockstep/nn/weights.hpp"
#include "lockstep/parallel/agreement.hpp"
#include "lockstep/train/trainer.hpp"
#include "lockstep/train/with_keys.hpp"
#include "train/checkpoint/checkpointing.hpp"
#include "train/evaluation/drawn_pictures.hpp"
#include "train/run/announcement.hpp"
#include "train/run/best_weights.hpp"
#include "train/run/early_stopping.hpp"
#include "train/run/epochs.hpp"
#include "train/run/metrics.hpp"
#include "train/run/progress.hpp"
#include "train/run/resume.hpp"
#include "train/run/run_directory.hpp"
#include "train/run/run_folder.hpp"
#include "train/step/nonfinite.hpp"

namespace lockstep {

namespace {

using Json = nlohmann::ordered_json;

/// One run as the person and the run directory see it; rank 0 alone writes.
class Run {
 public:
  Run(const RunStart& start, const Problem& problem, Communicator& communicator)
      : problem_(problem),
        communicator_(communicator),
        trainer_(communicator, make_model(start, problem), problem, start.config.training),
        epochs_(problem, trainer_, start.config.stopping,
                [this](const BestEvaluation& best) { save_best(best); }),
        progress_(trainer_.plan().total_steps, static_cast<std::uint64_t>(trainer_.plan().steps_per_epoch)),
        checkpointing_(start.config.checkpoint, communicator),
        checkpoints_best_(start.config.checkpoint.best) {
    together(communicator, [&] {
      if (communicator.rank() != 0) return;
      identity_ = identify(start.config, problem);
      folder_.emplace(start, identity_, problem, trainer_, checkpointing_);
    });
    run_dir_ = broadcast_text(communicator, folder_ ? folder_->path().string() : "", 0);
    if (start.checkpoint) resume(*start.checkpoint);
  }

  void train(const std::string& message_library) {
    survive_lost_readers();
    announce(message_library);
    advise();
    const auto begin = std::chrono::steady_clock::now();
    const TrainingPlan& plan = trainer_.plan();
    while (trainer_.steps_done() < plan.total_steps && !epochs_.has_to_stop()) {
      trainer_.run(plan.next_epoch_end(trainer_.steps_done()),
                   {.after_step = [&](const StepReport& report) { after_step(report); },
                    .on_failure = [&](const Error& error) { give_up(error); }});
    }
    finish(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }

 private:
  /// Collective. Errors (exit code 4): a signal has asked for the end.
  void after_step(const StepReport& report) {
    record(report);
    const TrainingPlan& plan = trainer_.plan();
    const bool ends_epoch = report.step == plan.next_epoch_end(report.step - 1);
    const bool is_best = ends_epoch && evaluate(report);
    if (folder_) folder_->renew_page();
    const bool ends_early = epochs_.has_to_stop() && report.step < plan.total_steps;
    if (ends_early) check(&Trainer::check_end);
    const bool is_last = ends_early || report.step == plan.total_steps;
    const auto verdict = checkpointing_.agree(report.step, requested_stop());
    const bool stops = verdict.stop_signal != 0 && !is_last;
    const bool saves_best = is_best && checkpoints_best_;
    if (verdict.is_due || saves_best || stops || ends_early || (is_last && checkpointing_.is_in_use()))
      save();
    if (stops) stop(verdict.stop_signal);
  }

  /// Collective.
  void resume(const Checkpoint& checkpoint) {
    trainer_.restore(checkpoint.state);
    resumed_ = checkpoint.state.steps_done;
    checkpointing_.resume();
    epochs_.restore(checkpoint);
  }

  /// Collective.
  Checkpoint snapshot() {
    Checkpoint checkpoint;
    checkpoint.state = trainer_.state();
    checkpoint.run = identity_;
    epochs_.save(checkpoint);
    return checkpoint;
  }

  /// Calls one of the trainer's checks; where that fails, the run ends. Collective.
  void check(void (Trainer::*what)()) {
    try {
      (trainer_.*what)();
    } catch (const Error& error) {
      if (error.code() != ExitCode::kGuard) throw;
      give_up(error);
    }
  }

  /// Begins to write a checkpoint. Collective. Errors (exit code 3): weights from which nothing goes on.
  void save() {
    check(&Trainer::check_weights);
    checkpointing_.write([&] { return snapshot(); });
    advise();
  }

  /// Ends the run on its own guard when all checkpoints are written; the state before a step that diverged is
  /// saved, unless its weights are not finite already. Collective.
  [[noreturn]] void give_up(const Error& error) {
    std::string message = error.what();
    const bool is_divergence = dynamic_cast<const Diverged*>(&error) != nullptr;
    const bool saves = is_divergence && nonfinite_weights(trainer_.whole_network()).empty();
    if (saves) checkpointing_.write([&] { return snapshot(); });
    together(communicator_, [&] {
      if (!folder_) return;
      const bool written = checkpointing_.wait();
      if (saves) {
        message += written ? fmt::format(". The state after step {} is saved; go on from it with: {}",
                                         trainer_.steps_done(), resume_command(folder_->path()))
                           : ". The state before it could not be saved";
      }
      folder_->leave(true, with_keys(message));
    });
    throw Error(ExitCode::kGuard, message);
  }

  /// Tells the watchdog how to go on if it has to end the run.
  void advise() const {
    set_watch_advice(checkpointing_.has_any()
                         ? fmt::format("go on from the newest checkpoint with: {}", resume_command(run_dir_))
                         : "there is no checkpoint yet: start the run again, with --run.resume true");
  }

  /// Ends the run after a checkpoint that has been begun. Collective.
  [[noreturn]] void stop(int signal) {
    std::string message = fmt::format("{}: stopped after step {} of {}", stop_cause(signal),
                                      trainer_.steps_done(), trainer_.plan().total_steps);
    together(communicator_, [&] {
      if (!folder_) return;
      message += checkpointing_.wait()
                     ? fmt::format("; go on with: {}", resume_command(folder_->path()))
                     : ", but the checkpoint of it could not be written; an older one may be there";
      folder_->leave(false, message);
    });
    throw Error(ExitCode::kStopped, message);
  }

  void announce(const std::string& message_library) {
    if (!folder_) return;
    folder_->begin(start_event(trainer_, problem_, communicator_.size(), message_library), resumed_);
    announce_run(trainer_, problem_, communicator_, folder_->path(), resumed_);
  }

  void record(const StepReport& report) {
    if (!folder_) return;
    epochs_.add(report);
    progress_.step(report, epochs_.best_loss());
    folder_->keep();
    folder_->directory().metric(step_event(report));
  }

  /// See Epochs. Collective.
  bool evaluate(const StepReport& report) {
    return epochs_.evaluate(report, progress_.present_samples_per_second(),
                            folder_ ? &folder_->directory() : nullptr);
  }

  /// Keeps the weights that the trainer holds. Collective.
  void save_best(const BestEvaluation& best) {
    const Network& network = trainer_.whole_network();
    together(communicator_, [&] {
      if (folder_) write_best_weights(folder_->path(), network, problem_, epochs_.facts_of(best));
    });
  }

  /// Collective.
  void finish(double seconds) {
    const auto parts = held_out_parts(problem_);
    const Json predictions =
        parts.empty() ? Json() : trainer_.examine(parts.back().second, parts.back().first);
    const std::optional<std::string> timeline = trainer_.timeline();
    const std::string digest = save_weights("weights.safetensors");
    Json end = {{"event", "end"},
                {"steps", trainer_.steps_done()},
                {"samples_per_second", progress_.samples_per_second()},
                {"weights_digest", digest}};
    epochs_.add_best(end);
    if (trainer_.has_average()) {
      trainer_.with_average([&] { end["average_digest"] = save_weights("average.safetensors"); });
    }
    together(communicator_, [&] {
      if (!folder_) return;
      RunDirectory& directory = folder_->directory();
      directory.metric(end);
      if (timeline) directory.write("timeline.json", *timeline);
      if (!predictions.is_null()) directory.write("predictions.json", to_line(predictions));
      const Json filters = first_filters(trainer_.network());
      if (!filters.is_null()) directory.write("filters.json", to_line(filters));
      epochs_.report_best(folder_->path());
      log::info(fmt::format("done     {} steps in {}, {:.0f} samples/s", trainer_.steps_done(),
                            duration_on_clock(seconds), progress_.samples_per_second()));
      log::info(fmt::format("weights  {}/weights.safetensors", folder_->path().string()));
      folder_->write_page();
      checkpointing_.wait();  // whatever it warns of comes before the end
      log::info(fmt::format("weights_digest {}", digest));
    });
  }

  /// Returns their digest. Collective.
  std::string save_weights(const std::string& name) {
    const Network& network = trainer_.whole_network();
    together(communicator_, [&] {
      if (folder_) folder_->write_weights(name, network);
    });
    return weights_digest(network);
  }

  const Problem& problem_;
  Communicator& communicator_;
  Trainer trainer_;
  Epochs epochs_;
  Progress progress_;
  std::string run_dir_;
  RunIdentity identity_;             // rank 0 alone
  std::optional<RunFolder> folder_;  // rank 0 alone
  Checkpointing checkpointing_;      // writes on a thread that uses the folder
  bool checkpoints_best_;
  std::optional<std::uint64_t> resumed_;  // step after which the run went on
};

/// Errors (exit code 4): a signal has asked for the end while MPI started or data were read. Collective.
void check_not_stopped(const RunStart& start, Communicator& communicator) {
  const int signal = agree_on_stop(communicator);
  if (signal == 0) return;
  throw Error(
      ExitCode::kStopped,
      start.checkpoint
          ? fmt::format("{}: stopped before step {}; go on with: {}", stop_cause(signal),
                        start.checkpoint->state.steps_done + 1, resume_command(start.config.run.dir))
          : fmt::format("{}: stopped before the first step, with nothing written; start the run again",
                        stop_cause(signal)));
}

}  // namespace

void run_training(const GivenValues& given, const std::string& resume, Communicator& communicator,
                  const std::string& message_library) {
  RunStart start = start_run(given, resume, communicator);
  if (start.has_ended) {
    return log::info(
        fmt::format("run      {0} has ended; its weights are {0}/weights.safetensors", start.config.run.dir));
  }
  set_watch_timeout(start.config.run.timeout);  // of a run that goes on, its own
  const Problem problem = make_problem(start.config, communicator);
  check_stopping(start.config.stopping, problem);
  if (start.config.checkpoint.best) refuse_without_validation("checkpoint.best = true", problem);
  check_not_stopped(start, communicator);
  Run run(start, problem, communicator);
  start.checkpoint.reset();  // as large as all that is trained
  run.train(message_library);
}

}  // namespace lockstep
