#include "lockstep/comm/communicator.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <utility>

#include <fmt/ranges.h>

#include "lockstep/core/error.hpp"

namespace lockstep {

std::string names_of(const Communicator& communicator, const std::vector<int>& ranks) {
  std::vector<std::string> names;
  for (const int rank : ranks) {
    const auto& [number, host] = communicator.name(rank);
    names.push_back(host.empty() ? std::to_string(number) : fmt::format("{} ({})", number, host));
  }
  if (names.size() == 1) return "rank " + names.front();
  const std::string last = std::move(names.back());
  names.pop_back();
  return fmt::format("ranks {} and {}", fmt::join(names, ", "), last);
}

std::string broadcast_text(Communicator& communicator, const std::string& text, int root) {
  std::uint64_t size = text.size();
  communicator.broadcast(std::as_writable_bytes(std::span(&size, 1)), root);
  std::string result = communicator.rank() == root ? text : std::string(size, ' ');
  communicator.broadcast(std::as_writable_bytes(std::span(result)), root);
  return result;
}

std::vector<std::string> all_gather_text(Communicator& communicator, const std::string& text) {
  const auto sizes = all_gather(communicator, text.size());
  const std::size_t longest = *std::max_element(sizes.begin(), sizes.end());
  std::string padded = text;
  padded.resize(longest);
  std::string all(longest * sizes.size(), ' ');
  communicator.all_gather(std::as_bytes(std::span(padded)), std::as_writable_bytes(std::span(all)));
  std::vector<std::string> texts;
  for (std::size_t rank = 0; rank < sizes.size(); ++rank) {
    texts.push_back(all.substr(rank * longest, sizes[rank]));
  }
  return texts;
}

namespace {

class SingleCommunicator final : public Communicator {
 public:
  int rank() const override { return 0; }
  int size() const override { return 1; }
  void barrier() override {}
  bool idle_barrier(double /*seconds*/) override { return true; }
  void broadcast(std::span<std::byte> /*bytes*/, int /*root*/) override {}
  void all_gather(std::span<const std::byte> mine, std::span<std::byte> all) override {
    std::copy(mine.begin(), mine.end(), all.begin());
  }
  void begin_exchange(std::size_t /*number*/, std::span<const OutgoingMessage> outgoing,
                      std::span<const IncomingMessage> incoming) override {
    LOCKSTEP_CHECK(outgoing.empty() && incoming.empty());
  }
  bool test_exchange(std::size_t /*number*/) override { return true; }
  void wait_exchange(std::size_t /*number*/) override {}
  void all_reduce_sum(std::span<float> /*values*/) override {}
  void all_reduce_sum(std::span<double> /*values*/) override {}
  std::unique_ptr<Communicator> split(int /*color*/) override { return make_single_communicator(); }
  std::unique_ptr<Communicator> split_by_node() override { return make_single_communicator(); }
  void abort(int code) override { std::_Exit(code); }
};

}  // namespace

std::unique_ptr<Communicator> make_single_communicator() { return std::make_unique<SingleCommunicator>(); }

}  // namespace lockstep
