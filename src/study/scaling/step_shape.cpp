#include "study/scaling/step_shape.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <numeric>

#include "lockstep/parallel/partition.hpp"
#include "parallel/exchange_plan.hpp"

namespace lockstep {

namespace {

/// Of the rank that has most.
Index most_rows(Index batch_size, Index micro_batches, Index ranks) {
  const auto begin = [&](Index micro_batch) { return batch_size * micro_batch / micro_batches; };
  Index most = 0;
  for (Index rank = 0; rank < ranks; ++rank) {
    const Interval owned = part_of(micro_batches, ranks, rank);
    most = std::max(most, begin(owned.last) - begin(owned.first));
  }
  return most;
}

double tree_messages(int nodes) { return std::bit_width(static_cast<unsigned>(nodes - 1)); }

/// That a rank sends one after another for the sums of a bucket, or for its parameters.
double messages_of(Index bytes, int nodes) {
  return choose_route(bytes, nodes) == Route::kTree ? tree_messages(nodes) : nodes - 1;
}

}  // namespace

StepShape shape_of(Index batch_size, Index micro_batches, const Nodes& nodes, const StepTraffic& traffic,
                   double crowd) {
  const std::vector<Index>& buckets = traffic.buckets;
  const Index ranks = nodes.ranks();
  if (micro_batches < ranks)
    micro_batches = static_cast<Index>(std::bit_ceil(static_cast<std::uint64_t>(ranks)));
  const auto parameters = static_cast<double>(std::accumulate(buckets.begin(), buckets.end(), Index{0}));
  const double on_node = static_cast<double>(nodes.most_ranks());
  StepShape shape{.crowd = crowd,
                  .rows = static_cast<double>(most_rows(batch_size, micro_batches, ranks)),
                  .messages = 2 * (on_node - 1),
                  .bytes = 2 * (on_node - 1) / on_node * parameters * sizeof(Real),
                  .paths = {}};
  if (nodes.count() == 1) return shape;

  constexpr double kBackward = 2.0 / 3;  // of the work: gradients by activations, and by parameters
  const auto count = static_cast<double>(nodes.count());
  const auto sums = static_cast<double>(sums_between(micro_batches, nodes));
  const bool are_rounded = levels_between(micro_batches, nodes) <= traffic.rounded_levels;
  const double sum_bytes = traffic.compressed * (are_rounded ? kBfloat16Bytes : sizeof(Real));
  const double parameter_bytes = traffic.compressed * traffic.parameter_bytes;
  NetworkPath rest{.messages = tree_messages(nodes.count())};  // what ranks tell each other of the step
  for (const Index bucket : buckets) {                         // parameters come back
    const Index bytes = bucket * static_cast<Index>(sizeof(Real));
    rest.messages += messages_of(bytes, nodes.count());
    rest.bytes += (count - 1) / count * parameter_bytes * static_cast<double>(bucket);
  }
  Index before = 0;  // parameters whose gradient is still to come
  for (const Index bucket : buckets) {
    const Index bytes = bucket * static_cast<Index>(sizeof(Real));
    rest.messages += messages_of(bytes, nodes.count());
    rest.bytes += sums * (count - 1) / count * sum_bytes * static_cast<double>(bucket);
    rest.rows = kBackward * shape.rows * static_cast<double>(before) / parameters;
    before += bucket;
    shape.paths.push_back(rest);
  }
  std::ranges::reverse(shape.paths);
  shape.sent_messages = shape.paths.front().messages;
  shape.sent_bytes = shape.paths.front().bytes / on_node;
  return shape;
}

StepShape shape_of_message(double bytes) { return {.steps = 0, .paths = {{.messages = 1, .bytes = bytes}}}; }

}  // namespace lockstep
