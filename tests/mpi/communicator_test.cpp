// Every verb of the MPI communicator against closed forms, over sizes from 0.

#include <algorithm>
#include <chrono>
#include <limits>
#include <memory>
#include <string>
#include <thread>

#include "mpi_test.hpp"

namespace lockstep::test {
namespace {

using Bytes = std::vector<std::byte>;

const std::vector<std::size_t> kSweptSizes = {0, 1, 2, 3, 7, 64, 1000, 65537};

class CommunicatorTest : public MpiTest {};

Bytes make_message(int from, int to, std::size_t message, std::size_t size) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = pattern(from, to, message, i);
  return bytes;
}

TEST_F(CommunicatorTest, RanksAreNumberedFromZero) {
  const std::vector<int> ranks = all_gather(world(), world().rank());
  EXPECT_EQ(ranks.size(), static_cast<std::size_t>(world().size()));
  for (std::size_t i = 0; i < ranks.size(); ++i) EXPECT_EQ(ranks[i], static_cast<int>(i));
}

TEST_F(CommunicatorTest, BroadcastGivesTheRootsBytesFromEveryRoot) {
  for (int root = 0; root < world().size(); ++root) {
    for (const std::size_t size : kSweptSizes) {
      const Bytes expected = make_message(root, 0, size, size);
      Bytes bytes = world().rank() == root ? expected : Bytes(size);
      world().broadcast(bytes, root);
      EXPECT_EQ(bytes, expected) << size << " bytes from " << root;
    }
  }
}

TEST_F(CommunicatorTest, AllGatherPutsBytesInRankOrder) {
  for (const std::size_t size : kSweptSizes) {
    Bytes expected;
    for (int rank = 0; rank < world().size(); ++rank) {
      const Bytes theirs = make_message(rank, 0, size, size);
      expected.insert(expected.end(), theirs.begin(), theirs.end());
    }
    Bytes all(expected.size());
    world().all_gather(make_message(world().rank(), 0, size, size), all);
    EXPECT_EQ(all, expected) << size << " bytes a rank";
  }
}

/// Sends every other rank `messages` messages and expects theirs; size(from, to, message) is known to both.
template <typename Size>
void expect_exchange(std::size_t messages, const Size& size) {
  const int me = world().rank();
  std::vector<Bytes> sent;
  std::vector<Bytes> received;
  std::vector<Bytes> expected;
  std::vector<OutgoingMessage> outgoing;
  std::vector<IncomingMessage> incoming;
  for (int peer = 0; peer < world().size(); ++peer) {
    for (std::size_t message = 0; peer != me && message < messages; ++message) {
      sent.push_back(make_message(me, peer, message, size(me, peer, message)));
      outgoing.push_back({peer, sent.back()});
      expected.push_back(make_message(peer, me, message, size(peer, me, message)));
      received.emplace_back(expected.back().size());
      incoming.push_back({peer, received.back()});
    }
  }
  world().exchange(outgoing, incoming);
  EXPECT_EQ(received, expected);
}

TEST_F(CommunicatorTest, ExchangeSendsToEveryOtherRank) {
  for (const std::size_t size : kSweptSizes) {
    expect_exchange(1, [&](int /*from*/, int /*to*/, std::size_t /*message*/) { return size; });
  }
}

TEST_F(CommunicatorTest, ExchangeKeepsTheOrderOfMessagesOfOnePair) {
  for (const std::size_t messages : {0, 2, 5}) {
    expect_exchange(messages, [&](int /*from*/, int /*to*/, std::size_t /*message*/) { return 100; });
  }
}

TEST_F(CommunicatorTest, ExchangeTakesEmptyMessagesBetweenOthers) {
  expect_exchange(6, [](int from, int to, std::size_t message) {
    return message % 2 == 0 ? std::size_t{0} : static_cast<std::size_t>(10 * from + to) + 1000 * message;
  });
  // Of different lengths a pair and direction, some pairs without a byte.
  expect_exchange(3, [](int from, int to, std::size_t message) {
    return static_cast<std::size_t>((from + 2 * to) % 3) * (message + 1) * 20000;
  });
}

// The second time there is room for two pieces of a message, of which the first has all its bytes.
TEST_F(CommunicatorTest, MessagesMayBeShorterThanTheRoomForThem) {
  const int me = world().rank();
  const int next = (me + 1) % world().size();
  const int before = (me + world().size() - 1) % world().size();
  if (next == me) return;
  constexpr std::size_t kMoreThanAPiece = (std::size_t{1} << 30U) + 10;
  for (const std::size_t room : {std::size_t{5}, std::size_t{100'000}, kMoreThanAPiece}) {
    const auto received = std::make_unique_for_overwrite<std::byte[]>(room);
    for (const std::size_t size : {0, 1, 5}) {
      const Bytes sent = make_message(me, next, 0, size);
      const std::vector<OutgoingMessage> outgoing = {{next, sent, room}, {next, sent}};
      Bytes second(size);
      const std::vector<IncomingMessage> incoming = {{before, {received.get(), room}}, {before, second}};
      world().exchange(outgoing, incoming);
      const Bytes expected = make_message(before, me, 0, size);
      EXPECT_EQ(Bytes(received.get(), received.get() + size), expected);
      EXPECT_EQ(second, expected);
    }
  }
}

TEST_F(CommunicatorTest, AllReduceSumsExactlyWhereSumsAreExact) {
  const auto size = static_cast<float>(world().size());
  for (const std::size_t count : kSweptSizes) {
    std::vector<float> values(count);
    for (std::size_t i = 0; i < count; ++i) {
      values[i] = static_cast<float>(i % 1000) + static_cast<float>(world().rank());
    }
    world().all_reduce_sum(values);
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < count; ++i) {
      wrong += values[i] == size * static_cast<float>(i % 1000) + size * (size - 1) / 2 ? 0 : 1;
    }
    EXPECT_EQ(wrong, 0U) << "of " << count;
  }
}

TEST_F(CommunicatorTest, SplitKeepsTheOrderOfRanks) {
  for (int colors = 1; colors <= world().size(); ++colors) {
    const int me = world().rank();
    const auto part = world().split(me % colors);
    EXPECT_EQ(part->size(), (world().size() - me % colors + colors - 1) / colors);
    EXPECT_EQ(part->rank(), me / colors);
    const std::vector<int> members = all_gather(*part, me);
    for (std::size_t i = 0; i < members.size(); ++i) {
      EXPECT_EQ(members[i], me % colors + static_cast<int>(i) * colors);
    }
    part->barrier();
  }
}

TEST_F(CommunicatorTest, PartsTalkWithoutDisturbingEachOtherOrTheWorld) {
  const auto part = world().split(world().rank() % 2);
  const auto part_of_part = part->split(0);
  for (int round = 0; round < 5; ++round) {
    EXPECT_EQ(broadcast_text(*part, std::to_string(world().rank() % 2), 0),
              std::to_string(world().rank() % 2));
    EXPECT_EQ(broadcast_text(world(), "world " + std::to_string(world().rank()), 0), "world 0");
    EXPECT_EQ(all_gather(*part_of_part, 1).size(), static_cast<std::size_t>(part->size()));
  }
}

TEST_F(CommunicatorTest, RanksKeepTheLaunchersNumbersInEveryGroup) {
  const int color = world().rank() % 2;
  const auto part = world().split(color);
  for (int rank = 0; rank < part->size(); ++rank) {
    EXPECT_EQ(part->name(rank).number, color + 2 * rank);
    EXPECT_EQ(part->name(rank).host, "");
  }
  EXPECT_EQ(names_of(world(), {0}), "rank 0");
  if (world().size() < 5) return;
  EXPECT_EQ(names_of(*world().split(color), {0, 1}), color == 0 ? "ranks 0 and 2" : "ranks 1 and 3");
}

TEST_F(CommunicatorTest, SplitByNodeGroupsThisMachine) {
  // Tests run on one machine.
  const auto node = world().split_by_node();
  EXPECT_EQ(node->size(), world().size());
  EXPECT_EQ(node->rank(), world().rank());
}

TEST_F(CommunicatorTest, BarrierWaitsForTheLast) {
  using Clock = std::chrono::steady_clock;
  constexpr std::chrono::milliseconds kLate(150);
  for (const bool idle : {false, true}) {
    world().barrier();
    // One machine: all ranks read the same clock.
    const Clock::duration started = Clock::now().time_since_epoch();
    if (world().rank() == world().size() - 1) std::this_thread::sleep_for(kLate);
    if (idle) {
      EXPECT_TRUE(world().idle_barrier(std::numeric_limits<double>::infinity()));
    } else {
      world().barrier();
    }
    const Clock::duration left = Clock::now().time_since_epoch();
    const auto starts = all_gather(world(), started.count());
    EXPECT_GE(left.count(), starts.back() + Clock::duration(kLate).count());
  }
}

TEST_F(CommunicatorTest, IdleBarrierGivesUpWhereOneDoesNotCome) {
  const auto group = world().split(0);
  const bool is_late = group->rank() == group->size() - 1;
  const auto begin = std::chrono::steady_clock::now();
  if (!is_late) {
    EXPECT_FALSE(group->idle_barrier(0.2));
    const std::chrono::duration<double> waited = std::chrono::steady_clock::now() - begin;
    EXPECT_GE(waited.count(), 0.2);
    EXPECT_LT(waited.count(), 5.0);
  }
  world().barrier();
  // The others have begun theirs, so the late one completes.
  if (is_late) {
    EXPECT_TRUE(group->idle_barrier(30));
  }
  world().barrier();
}

TEST_F(CommunicatorTest, TextsOfDifferentLengthsArrive) {
  const auto text_of = [](int rank, std::size_t unit) {
    return std::string(static_cast<std::size_t>(rank) * unit, static_cast<char>('a' + rank)) +
           std::string("é\0\n", 4);
  };
  for (const std::size_t unit : {0, 1, 1000}) {
    const std::vector<std::string> texts = all_gather_text(world(), text_of(world().rank(), unit));
    EXPECT_EQ(texts.size(), static_cast<std::size_t>(world().size()));
    for (std::size_t rank = 0; rank < texts.size(); ++rank) {
      EXPECT_EQ(texts[rank], text_of(static_cast<int>(rank), unit));
    }
    for (int root = 0; root < world().size(); ++root) {
      EXPECT_EQ(broadcast_text(world(), text_of(world().rank(), unit), root), text_of(root, unit));
    }
  }
}

TEST_F(CommunicatorTest, EmptyTextsArrive) {
  const bool last = world().rank() == world().size() - 1;
  for (const std::string& only : {std::string(), std::string("from the last")}) {
    std::vector<std::string> expected(static_cast<std::size_t>(world().size()));
    expected.back() = only;
    EXPECT_EQ(all_gather_text(world(), last ? only : ""), expected);
    EXPECT_EQ(broadcast_text(world(), last ? only : "something else", world().size() - 1), only);
  }
}

}  // namespace
}  // namespace lockstep::test
