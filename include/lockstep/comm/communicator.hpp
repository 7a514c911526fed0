#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

namespace lockstep {

/// Bytes to one rank.
struct OutgoingMessage {
  int peer;
  std::span<const std::byte> bytes;
  /// What the receiver has for them: as many bytes, or more, where it does not know how many come.
  std::size_t room = bytes.size();
};
/// Room for the bytes that one rank sends.
struct IncomingMessage {
  int peer;
  std::span<std::byte> bytes;
};

/// What a person knows a rank by: the launcher's number of it, and its host, empty where all ranks are on
/// one.
struct RankName {
  int number = 0;
  std::string host = {};
};

/// A group of ranks that talk to each other. Every verb but `rank`, `size`, `name` and `abort` is collective:
/// all ranks of the group call it, in the same order, with arguments that fit. Verbs return when the caller's
/// part is done. Failures inside the message library end the whole program with a message.
class Communicator {
 public:
  virtual ~Communicator() = default;

  virtual int rank() const = 0;
  virtual int size() const = 0;

  /// Local.
  virtual RankName name(int rank) const { return {.number = rank}; }

  /// Returns when all ranks have called it.
  virtual void barrier() = 0;

  /// The same for long waits on busy machines: ranks sleep while they wait. False if not all came within
  /// `seconds`; the group is of no use then.
  virtual bool idle_barrier(double seconds) = 0;

  /// `bytes` of `root` to all ranks.
  virtual void broadcast(std::span<std::byte> bytes, int root) = 0;

  /// all = every rank's `mine`, in rank order; all ranks give the same number of bytes. For small amounts.
  virtual void all_gather(std::span<const std::byte> mine, std::span<std::byte> all) = 0;

  /// Begins to receive all messages at once, and to send them a few at a time in the order in which they are
  /// given; the memory belongs to the exchange until it is done.
  /// `number`, below 32768, tells exchanges apart that are under way at the same time. Messages of one
  /// number from one rank to another arrive in the order in which their exchanges were begun.
  virtual void begin_exchange(std::size_t number, std::span<const OutgoingMessage> outgoing,
                              std::span<const IncomingMessage> incoming) = 0;
  /// Whether this rank's part of exchange `number` is done; moves it on.
  virtual bool test_exchange(std::size_t number) = 0;
  /// Returns when it is.
  virtual void wait_exchange(std::size_t number) = 0;

  /// Begins exchange 0 and waits for it.
  void exchange(std::span<const OutgoingMessage> outgoing, std::span<const IncomingMessage> incoming) {
    begin_exchange(0, outgoing, incoming);
    wait_exchange(0);
  }

  /// values = the sum of every rank's `values`, by the library's algorithm: in no promised order.
  virtual void all_reduce_sum(std::span<float> values) = 0;
  virtual void all_reduce_sum(std::span<double> values) = 0;

  /// The ranks that gave the same `color`, in the order of their ranks here.
  virtual std::unique_ptr<Communicator> split(int color) = 0;

  /// The ranks of this group that run on the caller's node.
  virtual std::unique_ptr<Communicator> split_by_node() = 0;

  /// Ends all ranks of the program at once, with `code`. Local.
  [[noreturn]] virtual void abort(int code) = 0;
};

/// "rank 3", "ranks 3 and 5", or, where ranks are on several hosts, "ranks 3 (lab2) and 5 (lab3)". Local.
std::string names_of(const Communicator& communicator, const std::vector<int>& ranks);

/// The group of one process, without a message library.
std::unique_ptr<Communicator> make_single_communicator();

/// `value` of every rank, in rank order. Collective.
template <typename Value>
std::vector<Value> all_gather(Communicator& communicator, const Value& value) {
  static_assert(std::is_trivially_copyable_v<Value>);
  std::vector<Value> all(static_cast<std::size_t>(communicator.size()));
  communicator.all_gather(std::as_bytes(std::span(&value, 1)), std::as_writable_bytes(std::span(all)));
  return all;
}

/// `text` of `root`, on every rank. Collective.
std::string broadcast_text(Communicator& communicator, const std::string& text, int root);

/// `text` of every rank, in rank order. Collective.
std::vector<std::string> all_gather_text(Communicator& communicator, const std::string& text);

/// The `values` of all ranks, any number of them each, one rank after another. Collective.
template <typename Value>
std::vector<Value> all_gather_list(Communicator& communicator, std::span<const Value> values) {
  static_assert(std::is_trivially_copyable_v<Value>);
  const std::string bytes(reinterpret_cast<const char*>(values.data()), values.size_bytes());
  std::vector<Value> all;
  for (const std::string& part : all_gather_text(communicator, bytes)) {
    const std::size_t before = all.size();
    all.resize(before + part.size() / sizeof(Value));
    std::copy(part.begin(), part.end(), reinterpret_cast<char*>(all.data() + before));
  }
  return all;
}

}  // namespace lockstep
