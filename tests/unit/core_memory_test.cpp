#include <filesystem>
#include <limits>
#include <string>

#include <gtest/gtest.h>

#include "core/memory.hpp"
#include "temporary_folder.hpp"

namespace lockstep {
namespace {

constexpr std::uint64_t kMega = std::uint64_t{1} << 20U;

/// A system of which 100 MB are available.
class AvailableMemory : public testing::Test {
 protected:
  AvailableMemory() {
    write("proc/meminfo", "MemTotal: 900000 kB\nMemFree: 1 kB\nMemAvailable:  102400 kB\n");
  }

  void write(const std::string& file, const std::string& text) const {
    std::filesystem::create_directories((folder_.path() / file).parent_path());
    folder_.write(file, text);
  }
  std::uint64_t available() const { return available_memory(folder_.path()); }

  test::TemporaryFolder folder_;
};

TEST_F(AvailableMemory, IsWhatTheSystemHas) {
  EXPECT_EQ(available(), 100 * kMega);
  write("proc/self/cgroup", "0::/a\n");
  write("sys/fs/cgroup/a/memory.max", "max\n");
  write("sys/fs/cgroup/a/memory.current", "5\n");
  EXPECT_EQ(available(), 100 * kMega);
}

TEST_F(AvailableMemory, IsWhatAGroupLeavesThatHoldsThisOne) {
  write("proc/self/cgroup", "0::/a/b\n");
  write("sys/fs/cgroup/a/b/memory.max", std::to_string(90 * kMega));
  write("sys/fs/cgroup/a/b/memory.current", std::to_string(10 * kMega));
  EXPECT_EQ(available(), 80 * kMega);
  write("sys/fs/cgroup/a/memory.max", std::to_string(60 * kMega));
  write("sys/fs/cgroup/a/memory.current", std::to_string(50 * kMega));
  EXPECT_EQ(available(), 10 * kMega);
}

TEST_F(AvailableMemory, CountsWhatAGroupHoldsOfFilesAsFree) {
  write("proc/self/cgroup", "4:cpu,cpuacct:/x\n7:memory:/outside/of/the/container\n0::/\n");
  write("sys/fs/cgroup/memory/memory.limit_in_bytes", std::to_string(50 * kMega));
  write("sys/fs/cgroup/memory/memory.usage_in_bytes", std::to_string(40 * kMega));
  EXPECT_EQ(available(), 10 * kMega);
  write("sys/fs/cgroup/memory/memory.stat", "cache 7\nactive_file 1\ntotal_inactive_file " +
                                                std::to_string(20 * kMega) + "\ntotal_active_file " +
                                                std::to_string(5 * kMega) + "\n");
  EXPECT_EQ(available(), 35 * kMega);
}

TEST_F(AvailableMemory, OfAGroupBeyondItsLimitIsNone) {
  write("proc/self/cgroup", "0::/\n");
  write("sys/fs/cgroup/memory.max", std::to_string(50 * kMega));
  write("sys/fs/cgroup/memory.current", std::to_string(51 * kMega));
  EXPECT_EQ(available(), 0U);
}

TEST(AvailableMemoryHere, IsSome) {
  EXPECT_GT(available_memory(), kMega);
  EXPECT_LT(available_memory(), std::numeric_limits<std::uint64_t>::max() / 2);
}

}  // namespace
}  // namespace lockstep
