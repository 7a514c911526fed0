#include "train/checkpoint/checkpoint_cost.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <optional>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/signals.hpp"
#include "core/statistics.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/parallel/agreement.hpp"
#include "lockstep/train/problem.hpp"
#include "lockstep/train/trainer.hpp"
#include "train/checkpoint/checkpointing.hpp"
#include "train/run/metrics.hpp"
#include "train/run/resume.hpp"
#include "train/run/run_directory.hpp"

namespace lockstep {

namespace {

namespace fs = std::filesystem;

/// A folder that was not there before, and is gone afterwards.
class ScratchFolder {
 public:
  explicit ScratchFolder(const fs::path& parent)
      : path_(parent / fmt::format("lockstep-bench-{}", getpid())) {
    std::error_code error;
    if (!parent.empty() && !fs::is_directory(parent, error)) {
      fail_input("run.dir = {}: is no folder; give one on the disk whose checkpoints are to be measured",
                 parent.string());
    }
    if (fs::exists(path_, error)) fail_input("{}: is there already; remove it", path_.string());
  }
  ~ScratchFolder() {
    std::error_code error;
    fs::remove_all(path_, error);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

/// A run that is there for its checkpoints.
class MeasuredRun {
 public:
  MeasuredRun(const Config& config, const Problem& problem, Communicator& communicator)
      : communicator_(communicator),
        trainer_(communicator, make_model(config, problem), problem, config.training),
        checkpointing_(Config::Checkpoint{}, communicator) {
    together(communicator, [&] {
      if (communicator.rank() != 0) return;
      identity_ = identify(config, problem);
      scratch_.emplace(config.run.dir);
      directory_.emplace(scratch_->path());
      checkpointing_.open(
          CheckpointStore(directory_->path(), static_cast<std::size_t>(config.checkpoint.keep),
                          trainer_.network().layout(), weights_metadata(trainer_.network(), problem)),
          [this] { directory_->sync(); });
    });
  }

  /// Collective, as the next two.
  void steps(std::uint64_t count) {
    const auto after_step = [&](const StepReport& report) {
      if (directory_) directory_->metric(step_event(report));
      const int signal = checkpointing_.agree(report.step, requested_stop()).stop_signal;
      if (signal != 0) throw Error(ExitCode::kStopped, fmt::format("{}: stopped", signal_name(signal)));
    };
    trainer_.run(trainer_.steps_done() + count, {.after_step = after_step});
  }

  void begin_checkpoint() {
    trainer_.check_weights();
    checkpointing_.write([&] {
      Checkpoint checkpoint;
      checkpoint.state = trainer_.state();
      checkpoint.run = identity_;
      return checkpoint;
    });
  }

  void end_checkpoint() {
    together(communicator_, [&] {
      if (!directory_ || checkpointing_.wait()) return;
      fail_input("{}: no checkpoint can be written there; give another folder as run.dir",
                 directory_->path().string());
    });
  }

 private:
  const StopSignals signals_;
  Communicator& communicator_;
  Trainer trainer_;
  RunIdentity identity_;                  // rank 0 alone, as what follows
  std::optional<ScratchFolder> scratch_;  // outlives what writes into it
  std::optional<RunDirectory> directory_;
  Checkpointing checkpointing_;  // writes on a thread that uses the directory
};

/// Of at least one ratio.
CheckpointCost summary(std::uint64_t every, std::vector<double> ratios) {
  constexpr double kQuantile = 1.96;  // of the normal distribution, which the binomial one is close to
  std::sort(ratios.begin(), ratios.end());
  const auto count = static_cast<double>(ratios.size());
  const auto at = [&](double rank) {
    return ratios[static_cast<std::size_t>(std::clamp(rank, 0.0, count - 1))] - 1;
  };
  const double half = kQuantile * std::sqrt(count) / 2;
  return {.every = every,
          .pairs = ratios.size(),
          .share = median(ratios) - 1,
          .low = at(std::floor(count / 2 - half)),
          .high = at(std::ceil(count / 2 + half))};
}

}  // namespace

CheckpointCost measure_checkpoints(const Config& config, const Problem& problem, Communicator& communicator,
                                   std::size_t pairs) {
  using Clock = std::chrono::steady_clock;
  const std::uint64_t every = config.checkpoint.every;
  LOCKSTEP_CHECK(every > 0 && pairs > 0);
  MeasuredRun run(config, problem, communicator);
  std::vector<double> ratios;
  ratios.reserve(pairs);
  const auto pair = [&] {
    const auto begin = Clock::now();
    run.begin_checkpoint();
    run.steps(every);
    run.end_checkpoint();
    const auto middle = Clock::now();
    run.steps(every);
    return std::chrono::duration<double>(middle - begin) / (Clock::now() - middle);
  };
  pair();  // the first finds neither memory nor folder ready
  for (std::size_t i = 0; i < pairs; ++i) ratios.push_back(pair());
  return summary(every, std::move(ratios));
}

}  // namespace lockstep
