#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "train/checkpoint/checkpoint.hpp"

namespace lockstep {

/// The checkpoints of a run directory: checkpoints/step-N.safetensors. Local; only one rank has it.
class CheckpointStore {
 public:
  /// Of the run in `run_folder`; keeps the newest `keep` and the best.
  CheckpointStore(const std::filesystem::path& run_folder, std::size_t keep, ParameterLayout layout,
                  std::map<std::string, std::string> weights_metadata);

  /// Writes `checkpoint` and then, and only then, removes those that are not kept, among them all of later
  /// steps: a run that went back to an earlier one has left them behind. The best is that of `checkpoint`, or
  /// the one before where that was never written. Errors: a folder that can't be
  /// written, a full disk; all that was there stays.
  void save(const Checkpoint& checkpoint);

 private:
  std::filesystem::path folder_;
  std::size_t keep_;
  ParameterLayout layout_;
  std::map<std::string, std::string> weights_metadata_;
  std::optional<std::uint64_t> best_;  // the last best one of which there is a file
};

/// The newest checkpoint of the run in `run_folder` that is whole; those that are not are warned of, and the
/// one before is taken. Nothing where there are none. Local. Errors: there are some, but none is whole.
std::optional<Checkpoint> newest_checkpoint(const std::filesystem::path& run_folder);

/// The steps of those of `steps` that need not be kept once that of `saved` is written. A pure function.
std::vector<std::uint64_t> outdated_steps(std::vector<std::uint64_t> steps, std::uint64_t saved,
                                          std::size_t keep, std::optional<std::uint64_t> best);

}  // namespace lockstep
