#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "lockstep/train/problem.hpp"
#include "lockstep/train/trainer.hpp"
#include "train/checkpoint/checkpointing.hpp"
#include "train/run/live_page.hpp"
#include "train/run/resume.hpp"
#include "train/run/run_directory.hpp"

namespace lockstep {

/// The directory of a run for as long as the run goes on, and what the run leaves there. One rank has it.
class RunFolder {
 public:
  /// Makes the directory that `start` asks for, or goes on in it, and opens the checkpoints there. `problem`,
  /// `trainer` and `checkpointing` are those of the run, and outlive this. Errors: see check_goes_on and
  /// RunDirectory.
  RunFolder(const RunStart& start, const RunIdentity& identity, const Problem& problem,
            const Trainer& trainer, Checkpointing& checkpointing);

  std::filesystem::path path() const { return directory_->path(); }
  RunDirectory& directory() { return *directory_; }

  /// Appends the first line of the run's metrics, or where it goes on after step `resumed`, that it does.
  void begin(const nlohmann::ordered_json& start, const std::optional<std::uint64_t>& resumed);

  /// Makes the directory again where somebody has removed or moved it: the run is worth more. Errors: it
  /// can't be made, or holds another run by now; the weights are saved elsewhere then.
  void keep();

  /// Writes the weights of `network` to `name`, whole or not at all.
  void write_weights(const std::string& name, const Network& network);

  /// Leaves word of an early end, and the page of what there is.
  void leave(bool failed, const std::string& message);

  /// Writes the page, and prints where it is. The run is worth more than its page.
  void write_page() const;
  /// The same while the run goes on, now and then.
  void renew_page() { live_page_.renew(path()); }

 private:
  std::filesystem::path save_elsewhere() const;

  const Problem& problem_;
  const Trainer& trainer_;
  Checkpointing& checkpointing_;
  bool writes_events_;
  std::string run_dir_;
  std::string config_text_;
  nlohmann::ordered_json start_;
  std::optional<RunDirectory> directory_;
  LivePage live_page_;
};

}  // namespace lockstep
