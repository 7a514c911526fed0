#include <vector>

#include <gtest/gtest.h>

#include "lockstep/core/real.hpp"
#include "study/scaling/step_shape.hpp"

namespace lockstep {
namespace {

constexpr Index kParameters = 1'000'000;
constexpr Index kLarge = 10'000'000;  // parameters that go straight to their owners, also by eight nodes
constexpr double kBytes = 1e6 * sizeof(Real);

StepShape on_one_node(Index batch, Index micro_batches, int ranks) {
  return shape_of(batch, micro_batches, Nodes({ranks}), {{kParameters}});
}

TEST(StepShape, IsThatOfTheSlowestRankAndOfReduceScatterAndAllGather) {
  const double bytes = static_cast<double>(kParameters) * sizeof(Real);
  const StepShape one = on_one_node(256, 8, 1);
  EXPECT_EQ(one.rows, 256);
  EXPECT_EQ(one.messages, 0);
  EXPECT_EQ(one.bytes, 0);
  const StepShape four = on_one_node(256, 8, 4);
  EXPECT_EQ(four.rows, 64);
  EXPECT_EQ(four.messages, 6);
  EXPECT_DOUBLE_EQ(four.bytes, 1.5 * bytes);
  EXPECT_EQ(on_one_node(256, 8, 3).rows, 96) << "eight micro-batches of 32 on three ranks: 2, 3 and 3";
  EXPECT_EQ(on_one_node(13, 8, 8).rows, 2) << "micro-batches of one and two samples";
  EXPECT_EQ(on_one_node(3, 8, 8).rows, 1);
  EXPECT_EQ(on_one_node(256, 8, 16).rows, 16) << "more ranks than micro-batches: as with 16 of them";
  EXPECT_EQ(on_one_node(96, 8, 12).rows, 12) << "16 micro-batches of 6 on 12 ranks: some have two";
}

/// `count` nodes of `ranks` ranks.
Nodes nodes_of(int count, int ranks) {
  return Nodes(std::vector<int>(static_cast<std::size_t>(count), ranks));
}

TEST(StepShape, HasBetweenNodesWhatTheySendOnce) {
  for (const int ranks : {1, 2, 4}) {
    const StepShape two = shape_of(256, 8, nodes_of(2, ranks), {{kParameters}});
    EXPECT_EQ(two.rows, 128.0 / ranks);
    ASSERT_EQ(two.paths.size(), 1U);
    EXPECT_EQ(two.paths[0].messages, 3) << "there and back, and what ranks tell each other";
    EXPECT_EQ(two.sent_messages, 3);
    EXPECT_DOUBLE_EQ(two.sent_bytes, kBytes / ranks);
    EXPECT_EQ(two.paths[0].rows, 0) << "nothing is computed once the only bucket is there";
    EXPECT_DOUBLE_EQ(two.paths[0].bytes, kBytes) << "2 (H - 1) / H · n, however many ranks a node has";
    EXPECT_EQ(two.messages, 2 * (ranks - 1)) << "inside a node";
    EXPECT_DOUBLE_EQ(two.bytes, 2.0 * (ranks - 1) / ranks * kBytes);
  }
  const StepShape four = shape_of(256, 8, nodes_of(4, 2), {{kParameters}});
  EXPECT_EQ(four.paths[0].messages, 3 * 2) << "by halves, back, and what ranks tell each other";
  EXPECT_DOUBLE_EQ(four.paths[0].bytes, 1.5 * kBytes);
  const StepShape large = shape_of(256, 8, nodes_of(4, 2), {{kLarge}});
  EXPECT_EQ(large.paths[0].messages, 2 * 3 + 2) << "straight to three owners, and back";
  EXPECT_EQ(shape_of(256, 8, Nodes({3, 1}), {{kParameters}}).messages, 4) << "the larger node's";
}

// Two bytes a value in place of four where the levels suffice: two of four nodes' sums stand on level 2.
TEST(StepShape, SendsHalfTheBytesAsBfloat16) {
  const auto bytes = [](const StepTraffic& traffic) {
    return shape_of(256, 8, nodes_of(4, 1), traffic).paths[0].bytes;
  };
  EXPECT_DOUBLE_EQ(bytes({{kParameters}}), 2 * 0.75 * 4 * kParameters);
  EXPECT_DOUBLE_EQ(bytes({{kParameters}, 2}), 0.75 * (2 + 4) * kParameters);
  EXPECT_DOUBLE_EQ(bytes({{kParameters}, 1}), 0.75 * (4 + 4) * kParameters) << "not all are rounded";
  EXPECT_DOUBLE_EQ(bytes({{kParameters}, 4, 2}), 0.75 * (2 + 2) * kParameters);
}

TEST(StepShape, SendsThePartThatCompressionLeaves) {
  const auto shape = [](double compressed) {
    return shape_of(256, 8, nodes_of(4, 2),
                    {.buckets = {kParameters}, .rounded_levels = 2, .compressed = compressed});
  };
  EXPECT_DOUBLE_EQ(shape(0.7).paths[0].bytes, 0.7 * shape(1).paths[0].bytes);
  EXPECT_DOUBLE_EQ(shape(0.7).bytes, shape(1).bytes) << "not inside a node";
}

// Sums there, parameters back, and once what ranks tell each other.
TEST(StepShape, HasThriceLog2OfTheNodesMessagesAlongTheTree) {
  const auto messages = [](int nodes, const std::vector<Index>& buckets) {
    return shape_of(256, 1024, nodes_of(nodes, 1), {buckets}).paths.front().messages;
  };
  EXPECT_EQ(messages(2, {1000}), 3 * 1);
  EXPECT_EQ(messages(4, {1000}), 3 * 2);
  EXPECT_EQ(messages(5, {1000}), 3 * 3) << "half a node more is a round more";
  EXPECT_EQ(messages(8, {1000}), 3 * 3);
  EXPECT_EQ(messages(1024, {1000}), 3 * 10);
  EXPECT_EQ(messages(8, {1000, kLarge}), 3 * 3 + 14) << "the large bucket straight to its owners";
}

TEST(StepShape, HasMoreSumsWhereMicroBatchesAreNoWholeSubtree) {
  EXPECT_DOUBLE_EQ(shape_of(256, 8, nodes_of(3, 1), {{kParameters}}).paths[0].bytes,
                   (2 + 1) * 2.0 / 3 * kBytes)
      << "of micro-batches 2, 3 and 4 the first two are a subtree";
  EXPECT_DOUBLE_EQ(shape_of(256, 12, nodes_of(3, 1), {{kParameters}}).paths[0].bytes, 2 * 2.0 / 3 * kBytes);
}

TEST(StepShape, HasAPathForEachBucket) {
  const StepShape shape = shape_of(256, 8, nodes_of(2, 1), {{200'000, 300'000, 500'000}});
  ASSERT_EQ(shape.paths.size(), 3U);
  const double back = kBytes / 2;
  EXPECT_DOUBLE_EQ(shape.paths[0].bytes, back + 0.5 * kBytes) << "the last bucket's gradient is there first";
  EXPECT_DOUBLE_EQ(shape.paths[1].bytes, back + 0.25 * kBytes);
  EXPECT_DOUBLE_EQ(shape.paths[2].bytes, back + 0.1 * kBytes);
  EXPECT_EQ(shape.paths[0].messages, 1 + 6);
  EXPECT_EQ(shape.paths[1].messages, 1 + 5);
  EXPECT_EQ(shape.paths[2].messages, 1 + 4);
  EXPECT_DOUBLE_EQ(shape.paths[0].rows, 2.0 / 3 * 128 * 0.5);
  EXPECT_DOUBLE_EQ(shape.paths[1].rows, 2.0 / 3 * 128 * 0.2);
  EXPECT_EQ(shape.paths[2].rows, 0);
}

}  // namespace
}  // namespace lockstep
