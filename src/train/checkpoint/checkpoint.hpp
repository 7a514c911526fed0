#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "lockstep/nn/parameter_layout.hpp"
#include "lockstep/train/training_state.hpp"

namespace lockstep {

/// What has to be the same, or should be, where a run goes on.
struct RunIdentity {
  std::map<std::string, std::string> config = {};  ///< settings_of the Config
  std::string data_digest = {};                    ///< of all samples
  std::string version = {};                        ///< of the program
};

/// An evaluation of the validation samples that is better than all before it.
struct BestEvaluation {
  std::uint64_t step = 0;
  double epoch = 0;  ///< epochs done, in parts
  double value = 0;  ///< the mean loss, or the accuracy
};

/// How the evaluations so far compare.
struct Standing {
  std::optional<BestEvaluation> best = std::nullopt;  ///< none where no value was finite yet
  std::uint64_t since = 0;                            ///< how many have come after it
};

/// A run between two steps, with all that it takes to go on as if it had never stopped.
struct Checkpoint {
  TrainingState state = {};
  RunIdentity run = {};
  double epoch = 0;        ///< epochs done, in parts; for the reader of the file
  double loss_sum = 0;     ///< of the training samples since the last evaluation,
  double loss_weight = 0;  ///< and their number, or the sum of their weights
  Standing standing = {};
};

/// Writes `checkpoint` to `file`, whole or not at all, as safetensors: the metadata hold everything but the
/// vectors, and `weights_metadata` besides; each vector is cut into the tensors of its layout, or else of
/// `layout`, "optimizer.m/0.weight" and so on. A last tensor, "checksums", holds two XXH3 digests: of all
/// before the data, and the state's of the data before itself. Errors: a folder that can't be written, a full
/// disk.
void write_checkpoint(const std::filesystem::path& file, const Checkpoint& checkpoint,
                      const ParameterLayout& layout,
                      const std::map<std::string, std::string>& weights_metadata);

/// The checkpoint that the bytes of a file hold; `origin` names it in messages. Any byte that is changed,
/// missing or too many is found. Errors: such damage; a file that is no checkpoint, or one of another
/// precision.
Checkpoint parse_checkpoint(std::span<const std::byte> bytes, std::string_view origin);

/// All of `checkpoint` but its vectors as text, and the way back. Errors: entries that are missing or
/// unusable.
std::map<std::string, std::string> to_metadata(const Checkpoint& checkpoint);
Checkpoint checkpoint_from_metadata(const std::map<std::string, std::string>& metadata,
                                    std::string_view origin);

}  // namespace lockstep
