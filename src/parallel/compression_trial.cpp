#include "parallel/compression_trial.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <vector>

#include "lockstep/core/error.hpp"
#include "lockstep/core/stopwatch.hpp"
#include "parallel/compression.hpp"

namespace lockstep {

namespace {

/// That a node sends in a round.
constexpr Index kNodeBytes = Index{1} << 20U;
constexpr Index kFewestValues = 1024;
constexpr int kRounds = 3;
/// Other nodes that a rank sends to.
constexpr int kMostPeers = 8;
/// The part of the bytes that is usually saved, at least: an eighth of gradients, more of parameters.
constexpr double kSaved = 0.2;

/// Seconds of the fastest round on the slowest rank. Collective.
double time_of(Communicator& communicator, const std::function<void()>& round) {
  double fastest = std::numeric_limits<double>::infinity();
  for (int i = 0; i < kRounds; ++i) {
    communicator.barrier();
    Stopwatch watch;
    round();
    fastest = std::min(fastest, watch.lap());
  }
  return std::ranges::max(all_gather(communicator, fastest));
}

/// Between -1/2 and 1/2.
std::vector<float> scattered_values(Index count) {
  std::vector<float> values(static_cast<std::size_t>(count));
  constexpr std::uint32_t kStride = 0x9e3779b9;  // 2^32 over the golden ratio
  constexpr float kScale = 1.0F / 4294967296.0F;
  std::uint32_t place = 0;
  for (float& value : values) value = static_cast<float>(place += kStride) * kScale - 0.5F;
  return values;
}

/// As the ranks of a node send sums and parameters to the next nodes. Collective.
double time_of_messages(Communicator& communicator, const Nodes& nodes, std::vector<float>& values) {
  const int rank = communicator.rank();
  const int me = nodes.node_of(rank);
  const int peers = std::min(nodes.count() - 1, kMostPeers);
  const std::size_t size = values.size() / static_cast<std::size_t>(peers);
  std::vector<OutgoingMessage> outgoing;
  std::vector<int> senders;
  for (int i = 1; i <= peers; ++i) {
    const int peer = nodes.handler(rank, (me + i) % nodes.count());
    outgoing.push_back({peer, std::as_bytes(std::span(values).first(size))});
    const Interval others = nodes.ranks_of((me - i + nodes.count()) % nodes.count());
    for (Index other = others.first; other < others.last; ++other) {
      if (nodes.handler(static_cast<int>(other), me) == rank) senders.push_back(static_cast<int>(other));
    }
  }
  std::vector<float> received(senders.size() * size);
  std::vector<IncomingMessage> incoming;
  for (std::size_t i = 0; i < senders.size(); ++i) {
    incoming.push_back({senders[i], std::as_writable_bytes(std::span(received).subspan(i * size, size))});
  }
  communicator.exchange(outgoing, incoming);  // the first one also connects
  return time_of(communicator, [&] { communicator.exchange(outgoing, incoming); });
}

/// Collective.
double time_of_coding(Communicator& communicator, const std::vector<float>& values) {
  const CodedRun run{.count = std::ssize(values)};
  std::vector<std::byte> message(most_compressed_bytes(run));
  std::vector<float> back(values.size());
  return time_of(communicator, [&] {
    compress(run, values.data(), nullptr, message.data());
    decompress(run, message.data(), back.data());
  });
}

}  // namespace

bool compression_pays(Communicator& communicator, const Nodes& nodes) {
  LOCKSTEP_CHECK(nodes.count() > 1);
  const Index values_a_rank = kNodeBytes / static_cast<Index>(sizeof(float)) / nodes.most_ranks();
  std::vector<float> values = scattered_values(std::max(kFewestValues, values_a_rank));
  const double sending = time_of_messages(communicator, nodes, values);
  return time_of_coding(communicator, values) < kSaved * sending;
}

}  // namespace lockstep
