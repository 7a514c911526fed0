// Sums over a global batch while it passes through the network.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <thread>
#include <vector>

#include "lockstep/parallel/shared_batch_sums.hpp"
#include "mpi_test.hpp"
#include "topologies.hpp"

namespace lockstep::test {
namespace {

class BatchSumsTest : public MpiTest, public testing::WithParamInterface<int> {};

/// That of micro-batch `m`; no order of additions but the tree's gives the same bits.
double value_of(Index m, std::size_t i, int call) {
  return std::sin(static_cast<double>(m * 31 + call) + 0.37 * static_cast<double>(i));
}

TEST_P(BatchSumsTest, AreTheTreesOnEveryRank) {
  const Topology topology = make_topology(world(), GetParam());
  SharedBatchSums sums(topology);
  int call = 0;
  for (const Index micro_batches : {8, 11, 64}) {
    // With the last, most ranks have no samples.
    for (const Index batch_size : {64, 7, 1}) {
      const BatchPlan plan(batch_size, micro_batches, world().size());
      std::vector<Index> own;
      const Interval owned = plan.owned_by(world().rank());
      for (Index m = owned.first; m < owned.last; ++m) {
        if (plan.rows(m).size() > 0) own.push_back(m);
      }
      sums.start(plan);
      EXPECT_EQ(sums.samples(), batch_size);
      for (const std::size_t size : {std::size_t{3}, std::size_t{40}, std::size_t{1}}) {
        ++call;
        std::vector<double> totals(size);
        std::size_t written = 0;
        const auto write = [&](std::size_t i, std::span<double> values) {
          EXPECT_EQ(i, written++);
          for (std::size_t k = 0; k < size; ++k) values[k] = value_of(own[i], k, call);
        };
        sums.add_up(write, totals);
        EXPECT_EQ(written, own.size());
        for (std::size_t k = 0; k < size; ++k) {
          std::vector<double> each;
          for (Index m = 0; m < micro_batches; ++m) each.push_back(value_of(m, k, call));
          EXPECT_EQ(totals[k], tree_sum(each, plan.presence())) << micro_batches << " " << batch_size;
        }
      }
    }
  }
  EXPECT_GE(sums.take_seconds_waited(), 0);
}

// A rank that is late still reads the sums of one call while others write those of the next, of another size.
TEST_P(BatchSumsTest, StayWhereASlowRankReadsThem) {
  const Topology topology = make_topology(world(), GetParam());
  SharedBatchSums sums(topology);
  const BatchPlan plan(64, 16, world().size());
  const Interval owned = plan.owned_by(world().rank());
  sums.start(plan);
  for (int call = 0; call < 60; ++call) {
    const bool is_late = call % world().size() == world().rank();
    const std::size_t size = call % 3 == 0 ? 300 : 100;
    std::vector<double> totals(size);
    const auto write = [&](std::size_t i, std::span<double> values) {
      if (is_late && i == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      std::fill(values.begin(), values.end(),
                static_cast<double>(owned.first + static_cast<Index>(i) + call));
    };
    sums.add_up(write, totals);
    EXPECT_EQ(totals, std::vector<double>(size, 16.0 * 15 / 2 + 16.0 * call)) << call;
  }
}

INSTANTIATE_TEST_SUITE_P(Nodes, BatchSumsTest, testing::Values(kAllRanks, 1, 2, 3));

}  // namespace
}  // namespace lockstep::test
