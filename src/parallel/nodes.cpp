#include "lockstep/parallel/nodes.hpp"

#include "lockstep/core/error.hpp"

namespace lockstep {

Nodes::Nodes(const std::vector<int>& sizes) {
  LOCKSTEP_CHECK(!sizes.empty());
  for (const int size : sizes) {
    LOCKSTEP_CHECK(size >= 1);
    const auto first = static_cast<Index>(node_of_.size());
    node_of_.insert(node_of_.end(), static_cast<std::size_t>(size), static_cast<int>(ranks_.size()));
    ranks_.push_back({first, first + size});
  }
}

int Nodes::handler(int owner, int node) const {
  const Interval owners = ranks_of(node_of(owner));
  const Interval handlers = ranks_of(node);
  return static_cast<int>(handlers.first + (owner - owners.first) * handlers.size() / owners.size());
}

}  // namespace lockstep
