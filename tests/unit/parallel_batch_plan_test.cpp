#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

#include "lockstep/core/error.hpp"
#include "lockstep/parallel/batch_plan.hpp"

namespace lockstep {
namespace {

TEST(PartOf, PartsAreContiguousAndOfNearlyEqualSize) {
  for (const Index total : {0, 1, 2, 7, 8, 100, 1000003}) {
    for (const Index parts : {1, 2, 3, 7, 8, 64}) {
      Index position = 0;
      for (Index i = 0; i < parts; ++i) {
        const Interval part = part_of(total, parts, i);
        EXPECT_EQ(part.first, position);
        EXPECT_GE(part.size(), total / parts);
        EXPECT_LE(part.size(), (total + parts - 1) / parts);
        position = part.last;
      }
      EXPECT_EQ(position, total) << total << " in " << parts;
    }
  }
}

TEST(PartOf, IsTheFormulaOfTheDesign) {
  EXPECT_EQ(part_of(8, 3, 0), (Interval{0, 2}));
  EXPECT_EQ(part_of(8, 3, 1), (Interval{2, 5}));
  EXPECT_EQ(part_of(8, 3, 2), (Interval{5, 8}));
  EXPECT_EQ(part_of(Index{1} << 40U, 8, 7).last, Index{1} << 40U);
}

template <typename Action>
void for_all_plans(Action action) {
  for (const Index batch : {1, 2, 3, 7, 8, 9, 31, 64, 250}) {
    for (const Index micro_batches : {1, 2, 3, 8, 13, 16}) {
      for (Index ranks = 1; ranks <= micro_batches; ++ranks) action(BatchPlan(batch, micro_batches, ranks));
    }
  }
}

TEST(BatchPlan, GivesEveryRowToOneMicroBatchAndEveryMicroBatchToOneRank) {
  for_all_plans([](const BatchPlan& plan) {
    Index row = 0;
    for (Index m = 0; m < plan.micro_batches(); ++m) {
      EXPECT_EQ(plan.rows(m).first, row);
      row = plan.rows(m).last;
    }
    EXPECT_EQ(row, plan.batch_size());
    std::vector<int> owners(static_cast<std::size_t>(plan.micro_batches()));
    for (Index rank = 0; rank < plan.ranks(); ++rank) {
      EXPECT_GT(plan.owned_by(rank).size(), 0);
      for (Index m = plan.owned_by(rank).first; m < plan.owned_by(rank).last; ++m) {
        ++owners[static_cast<std::size_t>(m)];
        EXPECT_EQ(plan.owner(m), rank);
      }
    }
    EXPECT_EQ(owners, std::vector<int>(owners.size(), 1));
  });
}

TEST(BatchPlan, RowsOfAMicroBatchDoNotDependOnTheRanks) {
  for_all_plans([](const BatchPlan& plan) {
    const BatchPlan single(plan.batch_size(), plan.micro_batches(), 1);
    for (Index m = 0; m < plan.micro_batches(); ++m) EXPECT_EQ(plan.rows(m), single.rows(m));
    EXPECT_EQ(plan.presence(), single.presence());
  });
}

TEST(BatchPlan, LeavesMicroBatchesEmptyWhereTheBatchIsSmaller) {
  for_all_plans([](const BatchPlan& plan) {
    const Presence& present = plan.presence();
    EXPECT_EQ(std::count(present.begin(), present.end(), true),
              std::min(plan.batch_size(), plan.micro_batches()));
    for (Index m = 0; m < plan.micro_batches(); ++m) {
      EXPECT_EQ(present[static_cast<std::size_t>(m)], plan.rows(m).size() > 0);
    }
  });
  EXPECT_EQ(BatchPlan(2, 4, 1).presence(), (Presence{false, true, false, true}));
}

TEST(BatchPlan, RefusesMoreRanksThanMicroBatchesAndEmptyBatches) {
  EXPECT_THROW(BatchPlan(8, 4, 5), Error);
  EXPECT_THROW(BatchPlan(8, 4, 0), Error);
  EXPECT_THROW(BatchPlan(0, 4, 1), Error);
}

TEST(Blocks, HoldTheRanksRowsOnceInOrder) {
  for_all_plans([](const BatchPlan& plan) {
    for (Index rank = 0; rank < plan.ranks(); ++rank) {
      for (const Index most_rows : {1, 5, 16, 1000}) {
        Index m = plan.owned_by(rank).first;
        for (const Block& block : cut_into_blocks(plan, rank, most_rows)) {
          ASSERT_FALSE(block.micro_batches.empty());
          Index row = 0;
          for (const MicroBatchRows& rows : block.micro_batches) {
            while (plan.rows(m).size() == 0) ++m;
            EXPECT_EQ(rows.micro_batch, m);
            EXPECT_EQ(rows.first, row);
            EXPECT_EQ(rows.count, plan.rows(m).size());
            EXPECT_EQ(block.rows.first + rows.first, plan.rows(m).first);
            row += rows.count;
            ++m;
          }
          EXPECT_EQ(block.rows.size(), row);
        }
        while (m < plan.owned_by(rank).last && plan.rows(m).size() == 0) ++m;
        EXPECT_EQ(m, plan.owned_by(rank).last);
      }
    }
  });
}

TEST(Blocks, AreAsLargeAsAllowed) {
  for_all_plans([](const BatchPlan& plan) {
    for (const Index most_rows : {1, 5, 16, 1000}) {
      const std::vector<Block> blocks = cut_into_blocks(plan, 0, most_rows);
      for (std::size_t i = 0; i < blocks.size(); ++i) {
        EXPECT_TRUE(blocks[i].rows.size() <= most_rows || blocks[i].micro_batches.size() == 1);
        // The next micro-batch would not have fitted.
        if (i + 1 == blocks.size()) continue;
        EXPECT_GT(blocks[i].rows.size() + blocks[i + 1].micro_batches[0].count, most_rows);
      }
    }
  });
}

TEST(Blocks, AreNoneForARankWithoutSamples) {
  // One sample in four micro-batches: it is in the last.
  const BatchPlan plan(1, 4, 4);
  for (const Index rank : {0, 1, 2}) EXPECT_TRUE(cut_into_blocks(plan, rank, 100).empty());
  EXPECT_EQ(cut_into_blocks(plan, 3, 100).size(), 1U);
}

}  // namespace
}  // namespace lockstep
