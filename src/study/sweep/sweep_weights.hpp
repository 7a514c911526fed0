#pragma once

#include <filesystem>
#include <vector>

#include "study/sweep/sweep_results.hpp"

namespace lockstep {

/// The weights of the best setting's first seed: best.safetensors in the sweep's folder, with the bytes that
/// the training of that point alone leaves as weights.safetensors. While the sweep goes on, a training that
/// may turn out to be that point leaves its weights beside, where they stay as long as this may be. All verbs
/// are local; errors: a file system that refuses.

/// Where the weights of `point` stand meanwhile.
std::filesystem::path point_weights(const SweepPlan& plan, Index point);

/// Whether the weights of `point`, which was trained to its end, may be those of the best setting: it is the
/// first of its setting, and this is the best so far by `results`, or has seeds that are to be trained yet.
bool may_win(const SweepPlan& plan, const std::vector<Curve>& results, Index point);

/// Removes the weights of points that were trained to their ends and can't win any more.
void remove_losers(const SweepPlan& plan, const std::vector<Curve>& results);

/// Gives the weights of `winner` their name. Whether they are there; they are not where all that was trained
/// to its end diverged and an earlier rung won, or where somebody has removed or damaged them.
bool take_weights(const SweepPlan& plan, const std::vector<Curve>& results, Index winner);

/// Removes those that are left.
void remove_point_weights(const SweepPlan& plan);

}  // namespace lockstep
