#include "comm/mpi_communicator.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <mpi.h>

#include "core/backoff.hpp"
#include "core/machine.hpp"
#include "core/rank_status.hpp"
#include "lockstep/comm/watchdog.hpp"
#include "lockstep/core/error.hpp"

namespace lockstep {

namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kSleep = std::chrono::milliseconds(1);

/// Exchanges that can be told apart: MPI promises so many tags.
constexpr std::size_t kMostExchanges = 32767;

/// Messages of an exchange that a rank sends at a time: while one ends, the next has begun, and no receiver
/// has more than a few at once.
constexpr std::size_t kSendsAtOnce = 2;

/// MPI counts are int; longer messages travel in pieces of this many bytes.
constexpr std::size_t kLargestPiece = std::size_t{1} << 30U;

/// Calls piece(offset, count) for consecutive pieces of `size`.
template <typename Function>
void in_pieces(std::size_t size, std::size_t largest, const Function& piece) {
  for (std::size_t offset = 0; offset < size; offset += largest) {
    piece(offset, static_cast<int>(std::min(largest, size - offset)));
  }
}

/// Of all ranks of the program, by the launcher's numbers.
using Names = std::shared_ptr<const std::vector<RankName>>;

class MpiCommunicator final : public Communicator {
 public:
  MpiCommunicator(MPI_Comm handle, bool owned, Names names)
      : handle_(handle), owned_(owned), names_(std::move(names)) {
    MPI_Comm_rank(handle_, &rank_);
    MPI_Comm_size(handle_, &size_);
  }
  MpiCommunicator(const MpiCommunicator&) = delete;
  MpiCommunicator& operator=(const MpiCommunicator&) = delete;
  ~MpiCommunicator() override {
    // MPI_Comm_free is collective; while an exception unwinds the others may not come.
    if (owned_ && std::uncaught_exceptions() == 0) MPI_Comm_free(&handle_);
  }

  int rank() const override { return rank_; }
  int size() const override { return size_; }

  RankName name(int rank) const override {
    MPI_Group mine = MPI_GROUP_NULL;
    MPI_Group all = MPI_GROUP_NULL;
    MPI_Comm_group(handle_, &mine);
    MPI_Comm_group(MPI_COMM_WORLD, &all);
    int number = 0;
    MPI_Group_translate_ranks(mine, 1, &rank, all, &number);
    MPI_Group_free(&mine);
    MPI_Group_free(&all);
    return names_->at(static_cast<std::size_t>(number));
  }

  void barrier() override {
    const Waiting waiting;
    MPI_Barrier(handle_);
  }

  bool idle_barrier(double seconds) override {
    const Waiting waiting;
    const auto begin = Clock::now();
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_Ibarrier(handle_, &request);
    int done = 0;
    while (true) {
      MPI_Test(&request, &done, MPI_STATUS_IGNORE);
      if (done != 0) return true;
      if (std::chrono::duration<double>(Clock::now() - begin).count() > seconds) return false;
      std::this_thread::sleep_for(kSleep);
    }
  }

  void broadcast(std::span<std::byte> bytes, int root) override {
    const Waiting waiting;
    in_pieces(bytes.size(), kLargestPiece, [&](std::size_t offset, int count) {
      MPI_Bcast(bytes.data() + offset, count, MPI_BYTE, root, handle_);
    });
  }

  void all_gather(std::span<const std::byte> mine, std::span<std::byte> all) override {
    const Waiting waiting;
    LOCKSTEP_CHECK(all.size() == mine.size() * static_cast<std::size_t>(size_) &&
                   mine.size() < kLargestPiece);
    const int count = static_cast<int>(mine.size());
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_Iallgather(mine.data(), count, MPI_BYTE, all.data(), count, MPI_BYTE, handle_, &request);
    int done = 0;
    for (Backoff backoff; MPI_Test(&request, &done, MPI_STATUS_IGNORE), done == 0;) backoff.pause();
    MPI_Wait(&request, MPI_STATUS_IGNORE);  // returns at once
  }

  void begin_exchange(std::size_t number, std::span<const OutgoingMessage> outgoing,
                      std::span<const IncomingMessage> incoming) override {
    LOCKSTEP_CHECK(number <= kMostExchanges);
    if (exchanges_.size() <= number) exchanges_.resize(number + 1);
    Exchange& exchange = exchanges_[number];
    exchange.receives.clear();
    exchange.pieces.clear();
    exchange.begun = 0;
    for (const IncomingMessage& message : incoming) {
      in_pieces(message.bytes.size(), kLargestPiece, [&](std::size_t offset, int count) {
        MPI_Irecv(message.bytes.data() + offset, count, MPI_BYTE, message.peer, static_cast<int>(number),
                  handle_, &exchange.receives.emplace_back());
      });
    }
    for (const OutgoingMessage& message : outgoing) {
      LOCKSTEP_CHECK(message.room >= message.bytes.size());
      // As many pieces as the receiver has room for, of which the last ones may be empty.
      in_pieces(message.room, kLargestPiece, [&](std::size_t offset, int count) {
        const std::size_t begin = std::min(offset, message.bytes.size());
        const std::size_t left = message.bytes.size() - begin;
        exchange.pieces.push_back({message.bytes.data() + begin,
                                   static_cast<int>(std::min(left, static_cast<std::size_t>(count))),
                                   message.peer});
      });
    }
    send_next(number);
  }

  bool test_exchange(std::size_t number) override {
    std::vector<MPI_Request>& receives = exchanges_[number].receives;
    const bool sent = send_next(number);
    int received = 0;
    MPI_Testall(static_cast<int>(receives.size()), receives.data(), &received, MPI_STATUSES_IGNORE);
    return sent && received != 0;
  }

  void wait_exchange(std::size_t number) override {
    const Waiting waiting;
    for (Backoff backoff; !test_exchange(number);) backoff.pause();
  }

  void all_reduce_sum(std::span<float> values) override { sum(values, MPI_FLOAT); }
  void all_reduce_sum(std::span<double> values) override { sum(values, MPI_DOUBLE); }

  std::unique_ptr<Communicator> split(int color) override {
    const Waiting waiting;
    MPI_Comm part = MPI_COMM_NULL;
    MPI_Comm_split(handle_, color, rank_, &part);
    return std::make_unique<MpiCommunicator>(part, true, names_);
  }

  std::unique_ptr<Communicator> split_by_node() override {
    const Waiting waiting;
    MPI_Comm node = MPI_COMM_NULL;
    MPI_Comm_split_type(handle_, MPI_COMM_TYPE_SHARED, rank_, MPI_INFO_NULL, &node);
    return std::make_unique<MpiCommunicator>(node, true, names_);
  }

  void abort(int code) override {
    end_on_purpose();
    MPI_Abort(MPI_COMM_WORLD, code);
    std::_Exit(code);
  }

 private:
  template <typename Value>
  void sum(std::span<Value> values, MPI_Datatype type) {
    const Waiting waiting;
    in_pieces(values.size(), kLargestPiece, [&](std::size_t offset, int count) {
      MPI_Allreduce(MPI_IN_PLACE, values.data() + offset, count, type, MPI_SUM, handle_);
    });
  }

  /// A message that goes out, or a piece of one.
  struct Piece {
    const std::byte* data;
    int count;
    int peer;
  };
  struct Exchange {
    std::vector<MPI_Request> receives;  // a request that is done is null
    std::vector<Piece> pieces;
    std::size_t begun = 0;  // of the pieces
    std::array<MPI_Request, kSendsAtOnce> sends = {MPI_REQUEST_NULL, MPI_REQUEST_NULL};
  };

  /// Hands over as many pieces as there is room for; whether all are sent.
  bool send_next(std::size_t number) {
    Exchange& exchange = exchanges_[number];
    bool sent = true;
    for (MPI_Request& send : exchange.sends) {
      int done = 0;
      MPI_Test(&send, &done, MPI_STATUS_IGNORE);
      while (done != 0 && exchange.begun < exchange.pieces.size()) {
        const Piece& piece = exchange.pieces[exchange.begun++];
        MPI_Isend(piece.data, piece.count, MPI_BYTE, piece.peer, static_cast<int>(number), handle_, &send);
        MPI_Test(&send, &done, MPI_STATUS_IGNORE);
      }
      sent = sent && done != 0;
    }
    return sent;
  }

  MPI_Comm handle_;
  bool owned_;
  Names names_;
  int rank_ = 0;
  int size_ = 1;
  std::vector<Exchange> exchanges_;  // by number
};

/// Collective over all ranks of the program.
Names gather_names(Communicator& world) {
  std::vector<std::string> hosts = all_gather_text(world, host_name());
  const bool is_one = std::ranges::count(hosts, hosts.front()) == std::ssize(hosts);
  std::vector<RankName> names;
  names.reserve(hosts.size());
  for (std::string& host : hosts) {
    names.push_back({.number = static_cast<int>(names.size()), .host = is_one ? "" : std::move(host)});
  }
  return std::make_shared<const std::vector<RankName>>(std::move(names));
}

}  // namespace

std::unique_ptr<Communicator> ranks_by_node() {
  MpiCommunicator world(MPI_COMM_WORLD, false, nullptr);
  const Names names = gather_names(world);
  const int lowest = all_gather(*world.split_by_node(), world.rank()).front();
  const std::vector<int> lowest_of_all = all_gather(world, lowest);
  if (std::ranges::is_sorted(lowest_of_all)) {
    return std::make_unique<MpiCommunicator>(MPI_COMM_WORLD, false, names);
  }
  MPI_Comm ordered = MPI_COMM_NULL;
  MPI_Comm_split(MPI_COMM_WORLD, 0, lowest, &ordered);
  return std::make_unique<MpiCommunicator>(ordered, true, names);
}

}  // namespace lockstep
