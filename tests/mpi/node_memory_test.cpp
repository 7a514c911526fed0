#include "lockstep/comm/node_memory.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <sys/resource.h>
#include <unistd.h>

#include <fmt/format.h>

#include "mpi_test.hpp"

namespace lockstep::test {
namespace {

class NodeMemoryTest : public MpiTest {
 protected:
  std::unique_ptr<Communicator> node_ = world().split_by_node();
};

std::size_t differing_bytes(const NodeMemory& memory, std::size_t version) {
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < memory.bytes().size(); ++i) {
    wrong += memory.bytes()[i] == pattern(0, 0, version, i) ? 0 : 1;
  }
  return wrong;
}

TEST_F(NodeMemoryTest, IsZeroAtFirstAndOfTheSizeThatRankZeroAskedFor) {
  for (const Pages pages : {Pages::kUsual, Pages::kLarge}) {
    for (const std::size_t size : {1, 4095, 4096, 4097, 1000000, 5000000}) {
      const NodeMemory memory(*node_, node_->rank() == 0 ? size : 1, pages);
      EXPECT_TRUE(memory.is_shared());
      EXPECT_EQ(memory.bytes().size(), size);
      EXPECT_TRUE(std::all_of(memory.bytes().begin(), memory.bytes().end(),
                              [](std::byte b) { return b == std::byte{0}; }));
      node_->barrier();
    }
  }
}

TEST_F(NodeMemoryTest, WritesAreSeenByAllAfterABarrier) {
  const NodeMemory usual(*node_, 100003);
  const NodeMemory large(*node_, 5000003, Pages::kLarge);
  for (const NodeMemory* const memory : {&usual, &large}) {
    for (std::size_t version = 1; version <= 3; ++version) {
      if (node_->rank() == 0) {
        for (std::size_t i = 0; i < memory->bytes().size(); ++i) {
          memory->bytes()[i] = pattern(0, 0, version, i);
        }
      }
      node_->barrier();
      EXPECT_EQ(differing_bytes(*memory, version), 0U);
      node_->barrier();
    }
  }
}

TEST_F(NodeMemoryTest, EveryRankMayWriteItsPlace) {
  const NodeMemory memory(*node_, static_cast<std::size_t>(node_->size()));
  memory.bytes()[static_cast<std::size_t>(node_->rank())] = pattern(node_->rank(), 1, 2, 3);
  node_->barrier();
  for (int rank = 0; rank < node_->size(); ++rank) {
    EXPECT_EQ(memory.bytes()[static_cast<std::size_t>(rank)], pattern(rank, 1, 2, 3));
  }
  node_->barrier();
}

TEST_F(NodeMemoryTest, OutlivesTheRankThatMadeIt) {
  std::optional<NodeMemory> memory;
  memory.emplace(*node_, 5000);
  if (node_->rank() == 0) {
    for (std::size_t i = 0; i < memory->bytes().size(); ++i) memory->bytes()[i] = pattern(0, 0, 9, i);
  }
  node_->barrier();
  if (node_->rank() == 0) memory.reset();
  node_->barrier();
  if (memory) {
    EXPECT_EQ(differing_bytes(*memory, 9), 0U);
  }
}

/// While it lives, no file can be opened here, nor memory be shared.
class NoFiles {
 public:
  NoFiles() {
    getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit none{0, before_.rlim_max};
    setrlimit(RLIMIT_NOFILE, &none);
  }
  ~NoFiles() { setrlimit(RLIMIT_NOFILE, &before_); }
  NoFiles(const NoFiles&) = delete;
  NoFiles& operator=(const NoFiles&) = delete;

 private:
  rlimit before_{};
};

// All ranks but the first stand for another node.
TEST_F(NodeMemoryTest, EveryNodeThatCannotShareWarnsOnceAndNamesItself) {
  const std::unique_ptr<Communicator> part = world().split(world().rank() == 0 ? 0 : 1);
  part->barrier();
  testing::internal::CaptureStderr();
  if (world().rank() > 0 && part->size() > 1) {
    const NoFiles refused;
    for (int time = 0; time < 2; ++time) {
      const NodeMemory memory(*part, 100);
      EXPECT_FALSE(memory.is_shared());
      EXPECT_EQ(memory.bytes().size(), 100U);
    }
  }
  // Without files, MPI's own thread may say something too.
  const std::string printed = testing::internal::GetCapturedStderr();
  const std::size_t first = printed.find("lockstep: ");
  const std::string warning = first == std::string::npos ? "" : printed.substr(first);
  EXPECT_EQ(printed.find("lockstep: ", first == std::string::npos ? first : first + 1), std::string::npos)
      << printed;
  if (world().rank() == 1 && part->size() > 1) {
    std::array<char, 256> host{};
    gethostname(host.data(), host.size() - 1);
    EXPECT_TRUE(warning.starts_with(fmt::format(
        "lockstep: {}: the ranks of this node cannot share memory: a file in memory (memfd_create) is "
        "refused (Too many open files)",
        host.data())))
        << printed;
  } else {
    EXPECT_EQ(warning, "");
  }
}

TEST_F(NodeMemoryTest, MayBeEmpty) {
  const NodeMemory memory(*node_, 0);
  EXPECT_TRUE(memory.bytes().empty());
}

TEST_F(NodeMemoryTest, ARefusedSizeIsTheSameErrorEverywhere) {
  // More than a file may have, so that the system refuses without trying.
  constexpr std::size_t kRefused = std::size_t{1} << 63U;
  const Caught caught = catch_error([&] { const NodeMemory memory(*node_, kRefused); });
  expect_same_error(caught, ExitCode::kBadInput, {"9223372036854775808 bytes", "could not be had"});
  const NodeMemory memory(*node_, 10);
  EXPECT_EQ(memory.bytes().size(), 10U);
}

}  // namespace
}  // namespace lockstep::test
