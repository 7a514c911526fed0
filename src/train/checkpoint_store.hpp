#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lockstep/train/checkpoint.hpp"

namespace lockstep {

/// The checkpoints of a run directory: checkpoints/step-N.safetensors. Local; only one rank has it.
class CheckpointStore {
 public:
  /// Of the run in `run_folder`; keeps the newest `keep` and the best.
  CheckpointStore(const std::filesystem::path& run_folder, std::size_t keep, ParameterLayout layout,
                  std::map<std::string, std::string> weights_metadata);

  /// Writes `checkpoint` and then, and only then, removes those that are not kept, among them all of later
  /// steps: a run that went back to an earlier one has left them behind. Errors: a folder that can't be
  /// written, a full disk; all that was there stays.
  void save(const Checkpoint& checkpoint) const;

 private:
  std::filesystem::path folder_;
  std::size_t keep_;
  ParameterLayout layout_;
  std::map<std::string, std::string> weights_metadata_;
};

/// The newest checkpoint of the run in `run_folder` that is whole; those that are not are warned of, and the
/// one before is taken. Nothing where there are none. Local. Errors: there are some, but none is whole.
std::optional<Checkpoint> newest_checkpoint(const std::filesystem::path& run_folder);

/// The steps of those of `steps` that need not be kept once that of `saved` is written. A pure function.
std::vector<std::uint64_t> outdated_steps(std::vector<std::uint64_t> steps, std::uint64_t saved,
                                          std::size_t keep, const std::optional<BestEvaluation>& best);

}  // namespace lockstep
