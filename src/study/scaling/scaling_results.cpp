#include <algorithm>
#include <numeric>

#include "lockstep/core/error.hpp"
#include "study/scaling/scaling.hpp"

namespace lockstep {

namespace {

/// At the batches that `batches_of` gives for a number of ranks.
template <typename Batches>
std::vector<Prediction> predictions_beyond(const ScalingResults& results, const Batches& batches_of) {
  std::vector<Prediction> predictions;
  for (const Index ranks : results.ranks_to_draw()) {
    if (ranks <= results.ranks.back()) continue;
    for (const Cluster& cluster : results.clusters) {
      for (const Index batch : batches_of(ranks)) {
        predictions.push_back({.ranks = ranks,
                               .nodes = cluster.nodes(ranks).count(),
                               .link = cluster.link,
                               .batch_size = batch,
                               .seconds = results.predicted(cluster, ranks, batch)});
      }
    }
  }
  return predictions;
}

}  // namespace

const ScalingCell& ScalingResults::cell(Index at_ranks, Index batch) const {
  const auto found = std::find_if(cells.begin(), cells.end(), [&](const ScalingCell& c) {
    return c.ranks == at_ranks && c.batch_size == batch;
  });
  LOCKSTEP_CHECK(found != cells.end());
  return *found;
}

Index ScalingResults::parameters() const {
  return std::accumulate(traffic.buckets.begin(), traffic.buckets.end(), Index{0});
}

double ScalingResults::predicted(Index at_ranks, Index batch) const {
  if (at_ranks > ranks.back()) return predicted(clusters.front(), at_ranks, batch);
  return model.seconds(
      shape_of(batch, micro_batches, hosts.first(at_ranks), traffic, hosts.crowd(at_ranks, threads)));
}

double ScalingResults::predicted(const Cluster& cluster, Index at_ranks, Index batch) const {
  return cluster.model.seconds(shape_of(batch, micro_batches, cluster.nodes(at_ranks), traffic));
}

double ScalingResults::speedup(Index at_ranks, Index batch) const {
  return cell(1, batch).seconds / cell(at_ranks, batch).seconds;
}

double ScalingResults::weak_efficiency(Index at_ranks) const {
  return cell(1, rank_batch).seconds / cell(at_ranks, at_ranks * rank_batch).seconds;
}

std::vector<Index> ScalingResults::ranks_to_draw() const {
  std::vector<Index> all = ranks;
  for (Index count = 1; count <= most_predicted; count *= 2) {
    if (count > ranks.back()) all.push_back(count);
  }
  return all;
}

std::vector<Prediction> ScalingResults::strong_predictions() const {
  return predictions_beyond(*this, [&](Index /*ranks*/) { return batches; });
}

std::vector<Prediction> ScalingResults::weak_predictions() const {
  return predictions_beyond(*this, [&](Index at_ranks) { return std::vector{at_ranks * rank_batch}; });
}

bool ScalingResults::allows(Index at_ranks, Index batch) const {
  return at_ranks <= micro_batches && batch <= samples;
}

bool ScalingResults::model_holds() const {
  constexpr double kLargestError = 0.25;
  constexpr std::size_t kFewestToCheck = 3;
  return ranks.size() < kFewestToCheck || largest_error(held_out) <= kLargestError;
}

std::vector<TimedStep> timed_steps(const ScalingResults& results) {
  std::vector<TimedStep> steps;
  steps.reserve(results.cells.size() + results.messages.size());
  for (const ScalingCell& cell : results.cells) {
    steps.push_back({cell.ranks, cell.nodes, cell.batch_size,
                     shape_of(cell.batch_size, results.micro_batches, results.hosts.first(cell.ranks),
                              results.traffic, cell.crowd),
                     cell.seconds});
  }
  for (const TimedMessage& message : results.messages) {
    steps.push_back({.ranks = 0,
                     .nodes = 2,
                     .shape = shape_of_message(static_cast<double>(message.bytes)),
                     .seconds = message.time.seconds});
  }
  return steps;
}

}  // namespace lockstep
