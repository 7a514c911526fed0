#include "study/sweep/sweep_weights.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <system_error>

#include <fmt/format.h>

#include "lockstep/core/error.hpp"
#include "lockstep/nn/weights.hpp"
#include "lockstep/train/problem.hpp"
#include "train/run/best_weights.hpp"

namespace lockstep {

namespace {

namespace fs = std::filesystem;

constexpr auto kPointWeights = "weights";

bool has_ended(const SweepPlan& plan, const Curve& curve) {
  return curve.diverged || (is_trained(curve) && curve.rung + 1 == plan.halving.rungs());
}

/// The points whose weights may be asked for, see may_win; those that are not trained yet aside.
std::vector<Index> candidates(const SweepPlan& plan, const std::vector<Curve>& results) {
  std::vector<Index> points;
  for (const SweepGroup& group : by_setting(plan, results)) {
    const bool is_whole = std::all_of(group.curves.begin(), group.curves.end(),
                                      [&](const Curve& curve) { return has_ended(plan, curve); });
    const bool any_diverged = std::any_of(group.curves.begin(), group.curves.end(),
                                          [](const Curve& curve) { return curve.diverged; });
    if (!is_whole && !any_diverged) points.push_back(group.points.front());
  }
  if (const auto best = winning_point(plan, results)) points.push_back(*best);
  return points;
}

/// Of the weights in `file`; empty where these can't be read.
std::string digest_in(const fs::path& file) {
  std::error_code error;
  if (!fs::exists(file, error)) return {};
  try {
    return weights_digest(load_model(file).model);
  } catch (const Error&) {
    return {};
  }
}

}  // namespace

fs::path point_weights(const SweepPlan& plan, Index point) {
  return fs::path(plan.folder) / kPointWeights / fmt::format("{}.safetensors", point + 1);
}

bool may_win(const SweepPlan& plan, const std::vector<Curve>& results, Index point) {
  const std::vector<Index> points = candidates(plan, results);
  return std::find(points.begin(), points.end(), point) != points.end();
}

void remove_losers(const SweepPlan& plan, const std::vector<Curve>& results) {
  const std::vector<Index> kept = candidates(plan, results);
  std::error_code ignored;
  for (std::size_t i = 0; i < results.size(); ++i) {
    const auto point = static_cast<Index>(i);
    if (!has_ended(plan, results[i]) || std::find(kept.begin(), kept.end(), point) != kept.end()) continue;
    fs::remove(point_weights(plan, point), ignored);
  }
}

bool take_weights(const SweepPlan& plan, const std::vector<Curve>& results, Index winner) {
  const fs::path best = fs::path(plan.folder) / kBestWeights;
  const std::string& digest = results[static_cast<std::size_t>(winner)].weights_digest;
  const fs::path own = point_weights(plan, winner);
  if (digest_in(own) == digest) {
    fs::rename(own, best);
    return true;
  }
  return digest_in(best) == digest;
}

void remove_point_weights(const SweepPlan& plan) {
  std::error_code ignored;
  fs::remove_all(fs::path(plan.folder) / kPointWeights, ignored);
}

}  // namespace lockstep
