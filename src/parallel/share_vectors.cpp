#include "lockstep/parallel/share_vectors.hpp"

#include <algorithm>
#include <utility>

#include "core/digest.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/parallel/agreement.hpp"
#include "lockstep/parallel/partition.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

/// A share's part of a vector.
struct Run {
  ParameterRange range;  // in the whole vector
  Index position = 0;    // in what the owner keeps of it
};

/// The parts of a vector that `rank` keeps, in their order.
std::vector<Run> runs_of(const Shares& shares, const StateLayout& layout, int rank) {
  std::vector<Run> runs;
  Index position = 0;
  for (const Share& share : shares.owned_by(rank)) {
    const ParameterRange range = layout.range_of(share.range);
    if (range.size > 0) runs.push_back({range, position});
    position += range.size;
  }
  return runs;
}

std::span<const Real> part(std::span<const Real> values, Index first, Index size) {
  return values.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(size));
}

}  // namespace

Index owned_size(const Shares& shares, const StateLayout& layout, int rank) {
  const std::vector<Run> runs = runs_of(shares, layout, rank);
  return runs.empty() ? 0 : runs.back().position + runs.back().range.size;
}

GatheredVectors::GatheredVectors(const Topology& topology, const Shares& shares, StateLayout statistics,
                                 std::vector<StateLayout> layouts)
    : communicator_(topology.all()),
      shares_(shares),
      statistics_layout_(std::move(statistics)),
      layouts_(std::move(layouts)) {
  Index end = shares.parameters() + statistics_layout_.size();
  for (const StateLayout& layout : layouts_) {
    begins_.push_back(end);
    end += layout.size();
  }
  const std::size_t size = static_cast<std::size_t>(end) * sizeof(Real);
  if (!shares.is_replicated() && topology.is_one_node()) {
    memory_.emplace(topology.node(), size, Pages::kLarge);
    counters_.emplace(topology.node(), 0);
    expect_shared(memory_->is_shared() && counters_->is_shared());
    return;
  }
  together(communicator_, [&] {
    if (communicator_.rank() == 0) memory_.emplace(*make_single_communicator(), size, Pages::kLarge);
  });
}

std::string GatheredVectors::gather(std::span<const Real> parameters, std::span<const Real> statistics,
                                    std::span<const std::span<const Real>> owned) {
  if (counters_) {
    counters_->barrier();  // nobody reads any more
    for (const Share& share : shares_.owned_by(communicator_.rank())) {
      put_parameters(parameters, share.range);
    }
    if (communicator_.rank() == 0) put_statistics(statistics);
    put(owned);
    counters_->barrier();
    return digest_together();
  }
  send(owned);
  if (communicator_.rank() != 0) return "";
  put_parameters(parameters, {0, shares_.parameters()});
  put_statistics(statistics);
  put(owned);
  return DigestBlocks(memory_->bytes()).digest();
}

/// Of the common memory: each rank digests a part of the blocks.
std::string GatheredVectors::digest_together() {
  const DigestBlocks blocks(memory_->bytes());
  const auto count = static_cast<Index>(blocks.count());
  const std::vector<Interval> parts = parts_of(count, communicator_.size());
  const Interval part = parts[static_cast<std::size_t>(communicator_.rank())];
  std::vector<DigestBlocks::BlockDigest> mine(static_cast<std::size_t>(part.size()));
  for (std::size_t i = 0; i < mine.size(); ++i) {
    mine[i] = blocks.digest(static_cast<std::size_t>(part.first) + i);
  }
  const auto all = gather_parts<DigestBlocks::BlockDigest>(communicator_, parts, mine);
  return communicator_.rank() == 0 ? DigestBlocks::digest(all) : "";
}

std::span<const Real> GatheredVectors::parameters() {
  if (communicator_.rank() != 0) return {};
  return place(0, {0, shares_.parameters()});
}

std::span<const Real> GatheredVectors::statistics() {
  if (communicator_.rank() != 0) return {};
  return place(shares_.parameters(), {0, statistics_layout_.size()});
}

std::span<const Real> GatheredVectors::vector(std::size_t i) {
  if (communicator_.rank() != 0) return {};
  return place(begins_[i], {0, layouts_[i].size()});
}

/// What this rank owns into memory that it reaches.
void GatheredVectors::put(std::span<const std::span<const Real>> owned) {
  for (std::size_t i = 0; i < owned.size(); ++i) {
    for (const Run& run : runs_of(shares_, layouts_[i], communicator_.rank())) {
      std::copy_n(owned[i].begin() + run.position, run.range.size, place(begins_[i], run.range).begin());
    }
  }
}

/// What other ranks own to rank 0.
void GatheredVectors::send(std::span<const std::span<const Real>> owned) {
  std::vector<OutgoingMessage> outgoing;
  std::vector<IncomingMessage> incoming;
  for (int rank = 1; rank < communicator_.size() && !shares_.is_replicated(); ++rank) {
    for (std::size_t i = 0; i < owned.size(); ++i) {
      for (const Run& run : runs_of(shares_, layouts_[i], rank)) {
        if (communicator_.rank() == 0) {
          incoming.push_back({rank, std::as_writable_bytes(place(begins_[i], run.range))});
        } else if (communicator_.rank() == rank) {
          outgoing.push_back({0, std::as_bytes(part(owned[i], run.position, run.range.size))});
        }
      }
    }
  }
  communicator_.exchange(outgoing, incoming);
}

void GatheredVectors::put_parameters(std::span<const Real> parameters, ParameterRange range) {
  std::copy_n(parameters.begin() + range.offset, range.size, place(0, range).begin());
}

void GatheredVectors::put_statistics(std::span<const Real> statistics) {
  std::copy(statistics.begin(), statistics.end(),
            place(shares_.parameters(), {0, statistics_layout_.size()}).begin());
}

/// `range` of the vector that begins at `begin`.
std::span<Real> GatheredVectors::place(Index begin, ParameterRange range) {
  Real* const first = reinterpret_cast<Real*>(memory_->bytes().data());
  return {first + begin + range.offset, static_cast<std::size_t>(range.size)};
}

void deal_shares(Communicator& communicator, const Shares& shares, const StateLayout& layout,
                 std::span<const Real> whole, std::span<Real> owned) {
  if (shares.is_replicated()) {
    if (communicator.rank() == 0) std::copy(whole.begin(), whole.end(), owned.begin());
    communicator.broadcast(std::as_writable_bytes(owned), 0);
    return;
  }
  if (communicator.rank() != 0) {
    const IncomingMessage message{0, std::as_writable_bytes(owned)};
    communicator.exchange({}, {&message, 1});
    return;
  }
  LOCKSTEP_CHECK(std::ssize(whole) == layout.size());
  std::vector<std::vector<Real>> packed(static_cast<std::size_t>(shares.ranks()));
  for (int rank = 0; rank < shares.ranks(); ++rank) {
    std::vector<Real>& values = packed[static_cast<std::size_t>(rank)];
    values.reserve(static_cast<std::size_t>(owned_size(shares, layout, rank)));
    for (const Run& run : runs_of(shares, layout, rank)) {
      const std::span<const Real> run_values = part(whole, run.range.offset, run.range.size);
      values.insert(values.end(), run_values.begin(), run_values.end());
    }
  }
  std::vector<OutgoingMessage> messages;
  for (int rank = 1; rank < shares.ranks(); ++rank) {
    messages.push_back({rank, std::as_bytes(std::span(packed[static_cast<std::size_t>(rank)]))});
  }
  communicator.exchange(messages, {});
  std::copy(packed[0].begin(), packed[0].end(), owned.begin());
}

}  // namespace lockstep::inline LOCKSTEP_REAL
