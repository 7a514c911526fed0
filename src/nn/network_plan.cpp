// Where a network keeps its values and gradients, and which of its units compute together.

#include <algorithm>
#include <numeric>

#include "lockstep/core/error.hpp"
#include "lockstep/core/threads.hpp"
#include "lockstep/nn/network.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

Index Network::bytes_of_row() const {
  const Plan plan = make_plan(false);
  std::vector<Index> sizes(nodes_.size(), 0);
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    Index& size = sizes[plan.homes[i]];
    size = std::max(size, nodes_[i].output->size());
  }
  const auto sum = [](const std::vector<Index>& all) {
    return std::accumulate(all.begin(), all.end(), Index{0});
  };
  return (sum(sizes) + sum(plan.sizes)) * static_cast<Index>(sizeof(Real));
}

Index Network::rows_at_once() const {
  const Index bytes = threads() * (activation_memory_ << 20U);
  return std::max<Index>(1, bytes / std::max<Index>(1, bytes_of_row()));
}

void Network::bound_activations(Index mebibytes) {
  LOCKSTEP_CHECK(mebibytes >= 1 && mebibytes <= kMostActivationMemory);
  activation_memory_ = mebibytes;
}

Network::Plan Network::make_plan(bool keeps_outputs) const {
  Plan plan;
  plan.keeps_outputs = keeps_outputs;
  if (nodes_.empty()) return plan;
  plan_outputs(plan);
  if (!keeps_outputs) share_memory_of_segments(plan);
  plan_gradients(plan);
  return plan;
}

/// Where nobody else takes in its first input, a unit works in place if it can, and computes with the rows of
/// the one before it, if that goes by rows and is its first input. Neither is so where one of them is
/// computed anew for the way back and the other is not, as the same memory would change twice.
void Network::plan_outputs(Plan& plan) const {
  std::vector<Index> readers(nodes_.size(), 0);
  for (const Node& node : nodes_) {
    for (const std::size_t source : node.sources) {
      if (source != kInput) ++readers[source];
    }
  }
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    plan.homes.push_back(i);
    plan.leaders.push_back(i);
    const std::size_t source = nodes_[i].sources[0];
    const bool is_alone = !plan.keeps_outputs && source != kInput && readers[source] == 1 &&
                          nodes_[source].segment == nodes_[i].segment;
    plan.in_place.push_back(is_alone && nodes_[i].unit->works_in_place() &&
                            !nodes_[source].unit->reads_output());
    if (plan.in_place[i]) plan.homes[i] = plan.homes[source];
    if (!is_alone || source + 1 != i) continue;
    const std::size_t leader = plan.leaders[source];
    if (nodes_[i].unit->follows_rows() && nodes_[leader].unit->goes_by_rows()) plan.leaders[i] = leader;
  }
}

/// Nodes at the same place of their segments have one memory, but for those whose memory holds what a segment
/// gives.
void Network::share_memory_of_segments(Plan& plan) const {
  std::vector<std::size_t> shared;
  for (const Segment& segment : segments_) {
    const std::size_t kept = plan.homes[segment.last];
    shared.resize(std::max(shared.size(), segment.last - segment.first), kInput);
    for (std::size_t i = segment.first; i <= segment.last; ++i) {
      if (plan.homes[i] == kept) continue;
      if (plan.in_place[i]) {
        plan.homes[i] = plan.homes[nodes_[i].sources[0]];
        continue;
      }
      std::size_t& home = shared[i - segment.first];
      if (home == kInput) home = i;
      plan.homes[i] = home;
    }
  }
}

/// From the last node to the first: each writes the gradients by its inputs where nothing else is kept, and
/// its own is free then, when the node has computed whose rows it computes with. What several nodes take in
/// is written by the last of them, and the others add theirs.
void Network::plan_gradients(Plan& plan) const {
  constexpr auto kNone = static_cast<std::size_t>(-1);
  plan.places.assign(nodes_.size(), kNone);
  plan.by_inputs.resize(nodes_.size());
  plan.adds.resize(nodes_.size());
  std::vector<std::size_t> free;
  std::vector<std::size_t> free_after_leader;
  const auto take = [&](std::size_t source) {
    if (free.empty()) {
      free.push_back(plan.sizes.size());
      plan.sizes.push_back(0);
    }
    const std::size_t place = free.back();
    free.pop_back();
    plan.sizes[place] = std::max(plan.sizes[place], shape_of(source).size());
    return place;
  };
  plan.places[last_] = take(last_);
  for (std::size_t i = nodes_.size(); i-- > 0;) {
    for (std::size_t k = 0; k < nodes_[i].sources.size(); ++k) {
      const std::size_t source = nodes_[i].sources[k];
      const bool is_in_place = k == 0 && plan.in_place[i];
      const bool adds = source != kInput && plan.places[source] != kNone;
      const std::size_t place = is_in_place ? plan.places[i] : take(source);
      if (source == kInput || adds) free_after_leader.push_back(place);
      if (source != kInput && !adds) plan.places[source] = place;
      plan.by_inputs[i].push_back(place);
      plan.adds[i].push_back(adds);
    }
    if (!plan.in_place[i]) free_after_leader.push_back(plan.places[i]);
    if (plan.leaders[i] != i) continue;
    free.insert(free.end(), free_after_leader.begin(), free_after_leader.end());
    free_after_leader.clear();
  }
}

}  // namespace lockstep::inline LOCKSTEP_REAL
