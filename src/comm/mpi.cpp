// The one file that knows MPI.

#include "lockstep/comm/mpi.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>
#include <mpi.h>

#include "comm/cross_memory.hpp"
#include "core/backoff.hpp"
#include "core/machine.hpp"
#include "core/rank_status.hpp"
#include "lockstep/comm/launcher.hpp"
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

/// What MPI calls when one of its functions fails: one line, then the end of all ranks.
void end_program(MPI_Comm* /*communicator*/, int* code, ...) {
  char text[MPI_MAX_ERROR_STRING] = "";
  int length = 0;
  MPI_Error_string(*code, text, &length);
  int rank = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  fmt::print(stderr,
             "lockstep: rank {} on {}: message passing failed ({}); check the nodes and their network\n",
             rank, host_name(), text);
  own_status().leaves = true;
  MPI_Abort(MPI_COMM_WORLD, static_cast<int>(ExitCode::kInternal));
}

/// Settings of Open MPI; what the person has set stays.
void choose_the_way_of_large_messages() {
  constexpr int kKeep = 0;
  // Over TCP the receiver of a large message would ask for it part by part, and its asking would stand behind
  // all that it sends itself in the same connection: two nodes that exchange 7.5 MB over 1 Gbit/s took 94 ms,
  // and take 68 where large messages are sent without being asked for, and 63 (the link's 60) where the
  // system's buffers don't hold much more than is under way.
  setenv("OMPI_MCA_btl_tcp_flags", "send", kKeep);
  setenv("OMPI_MCA_btl_tcp_sndbuf", "262144", kKeep);
  if (can_copy_across_processes()) return;
  // Where processes may not copy from each other's memory, Open MPI tries all the same, and complains of each
  // larger message that then takes another way.
  setenv("OMPI_MCA_btl_vader_single_copy_mechanism", "none", kKeep);  // Open MPI up to 4
  setenv("OMPI_MCA_smsc", "^cma", kKeep);                             // from 5 on
}

/// While MPI starts; see _exit below.
std::atomic<bool> is_starting = false;

[[noreturn]] void fail_to_start(const std::string& reason) {
  fmt::print(stderr, "lockstep: rank {}: MPI did not start: {}\n", read_launch().rank, reason);
  std::fflush(stderr);
  std::_Exit(static_cast<int>(ExitCode::kBadInput));
}

void start_mpi(std::chrono::seconds patience) {
  std::mutex mutex;
  std::condition_variable started;
  is_starting = true;
  std::thread guard([&] {
    std::unique_lock lock(mutex);
    for (auto waited = std::chrono::seconds(0); waited < patience; ++waited) {
      if (started.wait_for(lock, std::chrono::seconds(1), [] { return !is_starting; })) return;
    }
    fail_to_start(
        fmt::format("not all ranks have come within {} s; give all the same command, and each its own mpirun",
                    patience.count()));
  });
  int provided = 0;
  MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided);
  {
    const std::lock_guard lock(mutex);
    is_starting = false;
  }
  started.notify_one();
  guard.join();
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
      in_pieces(message.bytes.size(), kLargestPiece, [&](std::size_t offset, int count) {
        exchange.pieces.push_back({message.bytes.data() + offset, count, message.peer});
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
    own_status().leaves = true;
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

/// All ranks, those of a node next to each other: by the lowest rank of their node, then as the launcher
/// numbers them. Rank 0 stays rank 0. Collective.
std::unique_ptr<Communicator> order_by_node() {
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

}  // namespace

MpiSession::MpiSession(std::chrono::seconds patience) {
  choose_the_way_of_large_messages();
  start_mpi(patience);
  // Communicators inherit the handler from the one they are made of.
  MPI_Errhandler handler = MPI_ERRHANDLER_NULL;
  MPI_Comm_create_errhandler(end_program, &handler);
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, handler);
  world_ = order_by_node();
  arrivals_ = world_->split(0);
}

void MpiSession::watch() { watchdog_ = std::make_unique<Watchdog>(*world_); }

MpiSession::~MpiSession() {
  watchdog_.reset();
  arrivals_.reset();
  world_.reset();
  if (std::uncaught_exceptions() > 0) {
    MPI_Abort(MPI_COMM_WORLD, static_cast<int>(ExitCode::kInternal));
  } else {
    MPI_Finalize();
  }
}

bool MpiSession::all_arrive(double seconds) { return arrivals_->idle_barrier(seconds); }

std::string mpi_library() {
  char version[MPI_MAX_LIBRARY_VERSION_STRING];
  int length = 0;
  MPI_Get_library_version(version, &length);
  const std::string text(version, static_cast<std::size_t>(length));
  return text.substr(0, text.find_first_of(",\n"));
}

}  // namespace lockstep

// Where MPI can't start, Open MPI ends the process by _exit(1), and MPI has no way to hear of it before it
// has started. The library finds this function in place of the C library's.
extern "C" void _exit(int code) {
  if (lockstep::is_starting) {
    lockstep::fail_to_start(
        "see above; if the variables OMPI_*, PMIX_* or PMI_* are left over from another program, unset them, "
        "or give this one an mpirun of its own");
  }
  std::_Exit(code);
}
