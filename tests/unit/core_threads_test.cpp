#include <atomic>
#include <cmath>
#include <limits>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "core/ieee.hpp"
#include "flush_to_zero.hpp"
#include "lockstep/core/threads.hpp"

namespace lockstep {
namespace {

TEST(Threads, TakeEveryPartOnce) {
  for (const int count : {1, 2, 3, 8}) {
    set_threads(count);
    for (const Index parts : {0, 1, 2, 7, 100}) {
      std::vector<int> taken(static_cast<std::size_t>(parts));
      for_each_part(parts, [&](Index part) { ++taken[static_cast<std::size_t>(part)]; });
      EXPECT_EQ(taken, std::vector<int>(static_cast<std::size_t>(parts), 1)) << count << " threads";
    }
  }
  set_threads(1);
}

TEST(Threads, HaveIndicesBelowTheirNumber) {
  set_threads(3);
  std::vector<int> indices(9, -1);
  for_each_part(9, [&](Index part) { indices[static_cast<std::size_t>(part)] = thread_index(); });
  EXPECT_EQ(indices, (std::vector<int>{0, 0, 0, 1, 1, 1, 2, 2, 2}));
  set_threads(1);
  for_each_part(1, [&](Index /*part*/) { EXPECT_EQ(thread_index(), 0); });
}

TEST(Threads, CutRangesWithoutGaps) {
  for (const int count : {1, 3}) {
    set_threads(count);
    for (const Index size : {0, 1, 10, 11, 100}) {
      std::vector<std::atomic<int>> covered(static_cast<std::size_t>(size));
      for_each_range(size, 10, [&](Index first, Index n) {
        for (Index i = first; i < first + n; ++i) ++covered[static_cast<std::size_t>(i)];
      });
      for (const std::atomic<int>& times : covered) EXPECT_EQ(times, 1);
    }
  }
  set_threads(1);
}

// As in a program of which some part was compiled with -ffast-math.
TEST(Ieee, SubnormalNumbersCountAlsoInNewThreads) {
  const auto half_of_smallest = [] {
    volatile float smallest = std::numeric_limits<float>::min();
    volatile float half = smallest / 2;
    return static_cast<float>(half);
  };
  float found = 0;
  std::thread([&] {
    test::flush_to_zero();
    EXPECT_EQ(half_of_smallest(), 0);
    use_ieee_arithmetic();
    std::thread([&] { found = half_of_smallest(); }).join();
  }).join();
  EXPECT_EQ(found, std::numeric_limits<float>::min() / 2);
}

}  // namespace
}  // namespace lockstep
