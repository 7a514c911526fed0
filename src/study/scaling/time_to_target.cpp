#include "study/scaling/time_to_target.hpp"

#include <algorithm>

namespace lockstep {

double TargetModel::steps(Index batch_size) const {
  return std::max(1.0, least_steps * (1 + critical_batch / static_cast<double>(batch_size)));
}

std::vector<TargetCell> predict_targets(const TargetModel& model, const std::vector<Index>& ranks,
                                        const std::vector<Index>& batches) {
  std::vector<TargetCell> cells;
  cells.reserve(ranks.size() * batches.size());
  for (const Index count : ranks) {
    for (const Index batch : batches) {
      const StepShape shape = shape_of(batch, model.micro_batches, model.cluster.nodes(count), model.traffic);
      cells.push_back({.ranks = count,
                       .cores = count * model.threads,
                       .batch_size = batch,
                       .steps = model.steps(batch),
                       .step_seconds = model.cluster.model.seconds(shape),
                       .has_measured_steps = model.measured_steps.contains(batch),
                       .has_measured_step_seconds = model.measured_step_seconds.contains({count, batch})});
    }
  }
  return cells;
}

const TargetCell& fastest(const std::vector<TargetCell>& cells) {
  return *std::min_element(cells.begin(), cells.end(),
                           [](const auto& a, const auto& b) { return a.seconds() < b.seconds(); });
}

const TargetCell& cheapest(const std::vector<TargetCell>& cells) {
  constexpr double kAlike = 1 + 1e-9;
  const auto least = std::min_element(cells.begin(), cells.end(), [](const auto& a, const auto& b) {
    return a.core_seconds() < b.core_seconds();
  });
  const double most = least->core_seconds() * kAlike;
  const TargetCell* best = &*least;
  for (const TargetCell& cell : cells) {
    if (cell.core_seconds() <= most && cell.seconds() < best->seconds()) best = &cell;
  }
  return *best;
}

std::vector<TargetCell> fastest_of_each(const std::vector<TargetCell>& cells) {
  std::vector<TargetCell> best;
  for (const TargetCell& cell : cells) {
    if (best.empty() || best.back().ranks != cell.ranks) {
      best.push_back(cell);
    } else if (cell.seconds() < best.back().seconds()) {
      best.back() = cell;
    }
  }
  return best;
}

}  // namespace lockstep
