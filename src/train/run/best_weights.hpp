#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include <nlohmann/json_fwd.hpp>

#include "lockstep/train/problem.hpp"
#include "train/checkpoint/checkpoint.hpp"

namespace lockstep {

/// The weights of the best evaluation so far, in the folder of a run; in that of a sweep, which has ended,
/// those of its best point, and beside them that point's configuration.
inline constexpr auto kBestWeights = "best.safetensors";
inline constexpr auto kBestConfig = "best.cfg";

/// Writes those of `network`, whole or not at all, with `facts` as metadata. Where they can't be written,
/// that is a warning, once: the run is worth more. Local.
void write_best_weights(const std::filesystem::path& folder, const Network& network, const Problem& problem,
                        const nlohmann::ordered_json& facts);

/// The step after which those in `folder` were the weights of its run; nothing where there are none, or where
/// the file does not tell.
std::optional<std::uint64_t> step_of_best_weights(const std::filesystem::path& folder);

/// Looks at those in `folder` before its run goes on from where `standing` was. They are of a later step
/// where an evaluation after the checkpoint was better: the same steps bring them about again. Errors: these
/// are not all of the `total` steps that are asked for, and the best weights before are no more. Warns where
/// those of the best evaluation are missing.
void check_best_weights(const std::filesystem::path& folder, const Standing& standing, std::uint64_t total);

}  // namespace lockstep
