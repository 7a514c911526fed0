#include "lockstep/parallel/share_vectors.hpp"

#include <algorithm>

#include "lockstep/core/error.hpp"

namespace lockstep {

namespace {

/// What each rank owns, packed; nothing of ranks that hold the same as rank 0.
std::vector<std::vector<Real>> rooms(const Shares& shares) {
  std::vector<std::vector<Real>> packed(static_cast<std::size_t>(shares.ranks()));
  for (int rank = 0; rank < shares.ranks(); ++rank) {
    if (rank > 0 && shares.is_replicated()) break;
    packed[static_cast<std::size_t>(rank)].resize(static_cast<std::size_t>(shares.size_of(rank)));
  }
  return packed;
}

/// Calls action(share, packed values) for every share of every rank that has some.
template <typename Action>
void for_each_share(const Shares& shares, std::vector<std::vector<Real>>& packed, const Action& action) {
  for (int rank = 0; rank < shares.ranks(); ++rank) {
    std::vector<Real>& values = packed[static_cast<std::size_t>(rank)];
    if (values.empty()) continue;
    for (const Share& share : shares.owned_by(rank)) action(share.range, values.begin() + share.position);
  }
}

}  // namespace

std::vector<Real> collect_shares(Communicator& communicator, const Shares& shares,
                                 std::span<const Real> owned) {
  if (communicator.rank() != 0) {
    const OutgoingMessage message{0, std::as_bytes(owned)};
    communicator.exchange({&message, shares.is_replicated() ? 0U : 1U}, {});
    return {};
  }
  std::vector<std::vector<Real>> packed = rooms(shares);
  std::copy(owned.begin(), owned.end(), packed[0].begin());
  std::vector<IncomingMessage> messages;
  for (int rank = 1; rank < shares.ranks() && !shares.is_replicated(); ++rank) {
    messages.push_back({rank, std::as_writable_bytes(std::span(packed[static_cast<std::size_t>(rank)]))});
  }
  communicator.exchange({}, messages);
  std::vector<Real> whole(static_cast<std::size_t>(shares.parameters()));
  for_each_share(shares, packed, [&](ParameterRange range, auto values) {
    std::copy_n(values, range.size, whole.begin() + range.offset);
  });
  return whole;
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
  std::vector<std::vector<Real>> packed = rooms(shares);
  for_each_share(shares, packed, [&](ParameterRange range, auto values) {
    std::copy_n(whole.begin() + range.offset, range.size, values);
  });
  std::vector<OutgoingMessage> messages;
  for (int rank = 1; rank < shares.ranks(); ++rank) {
    messages.push_back({rank, std::as_bytes(std::span(packed[static_cast<std::size_t>(rank)]))});
  }
  communicator.exchange(messages, {});
  std::copy(packed[0].begin(), packed[0].end(), owned.begin());
}

}  // namespace lockstep
