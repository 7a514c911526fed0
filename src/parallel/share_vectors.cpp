#include "lockstep/parallel/share_vectors.hpp"

#include <algorithm>

#include "transport.hpp"

#include "lockstep/core/digest.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/parallel/agreement.hpp"
#include "lockstep/parallel/partition.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

GatheredVectors::GatheredVectors(Communicator& communicator, const Shares& shares, std::size_t count,
                                 Exchange exchange)
    : communicator_(communicator), shares_(shares) {
  const std::size_t size = (1 + count) * static_cast<std::size_t>(shares.parameters()) * sizeof(Real);
  if (!shares.is_replicated() && shares_memory(exchange, communicator)) {
    memory_.emplace(communicator, size, Pages::kLarge);
    counters_.emplace(communicator, 0);
    expect_shared(memory_->is_shared() && counters_->is_shared());
    return;
  }
  together(communicator, [&] {
    if (communicator.rank() == 0) memory_.emplace(*make_single_communicator(), size, Pages::kLarge);
  });
}

std::string GatheredVectors::gather(std::span<const Real> parameters,
                                    std::span<const std::span<const Real>> owned) {
  if (counters_) {
    counters_->barrier();  // nobody reads any more
    for (const Share& share : shares_.owned_by(communicator_.rank())) {
      copy(parameters.subspan(static_cast<std::size_t>(share.range.offset)), 0, share.range);
    }
    put(owned);
    counters_->barrier();
    return digest_together();
  }
  send(owned);
  if (communicator_.rank() != 0) return "";
  copy(parameters, 0, {0, shares_.parameters()});
  put(owned);
  return DigestBlocks(memory_->bytes()).digest();
}

/// Of the common memory: each rank digests a part of the blocks.
std::string GatheredVectors::digest_together() {
  const DigestBlocks blocks(memory_->bytes());
  const auto count = static_cast<Index>(blocks.count());
  const Interval part = part_of(count, communicator_.size(), communicator_.rank());
  std::vector<DigestBlocks::BlockDigest> mine(static_cast<std::size_t>(part.size()));
  for (std::size_t i = 0; i < mine.size(); ++i) {
    mine[i] = blocks.digest(static_cast<std::size_t>(part.first) + i);
  }
  const auto all = gather_parts<DigestBlocks::BlockDigest>(communicator_, count, mine);
  return communicator_.rank() == 0 ? DigestBlocks::digest(all) : "";
}

std::span<const Real> GatheredVectors::vector(std::size_t i) {
  if (communicator_.rank() != 0) return {};
  return place(i, {0, shares_.parameters()});
}

/// What this rank owns into memory that it reaches.
void GatheredVectors::put(std::span<const std::span<const Real>> owned) {
  for (const Share& share : shares_.owned_by(communicator_.rank())) {
    for (std::size_t i = 0; i < owned.size(); ++i) {
      copy(owned[i].subspan(static_cast<std::size_t>(share.position)), i + 1, share.range);
    }
  }
}

/// What other ranks own to rank 0.
void GatheredVectors::send(std::span<const std::span<const Real>> owned) {
  std::vector<OutgoingMessage> outgoing;
  std::vector<IncomingMessage> incoming;
  for (int rank = 1; rank < communicator_.size() && !shares_.is_replicated(); ++rank) {
    for (const Share& share : shares_.owned_by(rank)) {
      for (std::size_t i = 0; i < owned.size(); ++i) {
        if (communicator_.rank() == 0) {
          incoming.push_back({rank, std::as_writable_bytes(place(i + 1, share.range))});
        } else if (communicator_.rank() == rank) {
          outgoing.push_back(
              {0, std::as_bytes(owned[i].subspan(static_cast<std::size_t>(share.position),
                                                 static_cast<std::size_t>(share.range.size)))});
        }
      }
    }
  }
  communicator_.exchange(outgoing, incoming);
}

void GatheredVectors::copy(std::span<const Real> from, std::size_t i, ParameterRange range) {
  std::copy_n(from.begin(), range.size, place(i, range).begin());
}

std::span<Real> GatheredVectors::place(std::size_t i, ParameterRange range) {
  Real* const first = reinterpret_cast<Real*>(memory_->bytes().data());
  return {first + i * static_cast<std::size_t>(shares_.parameters()) + range.offset,
          static_cast<std::size_t>(range.size)};
}

void deal_shares(Communicator& communicator, const Shares& shares, std::span<const Real> whole,
                 std::span<Real> owned) {
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
  LOCKSTEP_CHECK(static_cast<Index>(whole.size()) == shares.parameters());
  std::vector<std::vector<Real>> packed(static_cast<std::size_t>(shares.ranks()));
  for (int rank = 0; rank < shares.ranks(); ++rank) {
    std::vector<Real>& values = packed[static_cast<std::size_t>(rank)];
    values.resize(static_cast<std::size_t>(shares.size_of(rank)));
    for (const Share& share : shares.owned_by(rank)) {
      std::copy_n(whole.begin() + share.range.offset, share.range.size, values.begin() + share.position);
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
