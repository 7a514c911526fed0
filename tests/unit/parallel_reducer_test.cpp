#include <algorithm>
#include <cstring>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "lockstep/comm/communicator.hpp"
#include "lockstep/core/threads.hpp"
#include "lockstep/nn/matrix.hpp"
#include "lockstep/parallel/gradient_reducer.hpp"
#include "nn_helpers.hpp"

namespace lockstep {
namespace {

using test::random_values;
using Values = std::vector<Real>;

// More than the reducer takes at once.
constexpr Index kParameters = 10007;

Values gradient_of(Index micro_batch) {
  return random_values(kParameters, static_cast<std::uint64_t>(micro_batch) + 1);
}

/// The sum over micro-batches [first, last), which stand at `level`, as the tree's definition says, rounded
/// in the first `levels` levels below the root; empty where none has samples.
Values tree_sum_by_hand(const BatchPlan& plan, Index first, Index last, int levels, int level = 0) {
  Values sum;
  if (last - first == 1) {
    if (plan.rows(first).size() > 0) sum = gradient_of(first);
  } else {
    Index half = 1;
    while (2 * half < last - first) half *= 2;
    sum = tree_sum_by_hand(plan, first, first + half, levels, level + 1);
    const Values right = tree_sum_by_hand(plan, first + half, last, levels, level + 1);
    if (sum.empty()) sum.resize(right.size());
    for (std::size_t i = 0; i < right.size(); ++i) sum[i] += right[i];
  }
  if (level < 1 || level > levels) return sum;
  for (Real& value : sum) value = static_cast<Real>(Bfloat16(static_cast<float>(value)));
  return sum;
}

/// Layers of these sizes.
ParameterLayout layout_of(const std::vector<Index>& sizes) {
  ParameterLayout layout;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    layout.add(i, std::to_string(i) + ".weight", {.shape = {sizes[i]}});
  }
  return layout;
}

using HandInRange = std::function<void(GradientReducer& reducer, const RowBlock& rows, ParameterRange range)>;

void hand_in_range(GradientReducer& reducer, const RowBlock& rows, ParameterRange range) {
  reducer.add(rows, range, [&](const MicroBatchRows& m, Real* gradient) {
    const Values values = gradient_of(m.micro_batch);
    std::copy_n(values.begin() + range.offset, range.size, gradient);
  });
}

/// Of every range most micro-batches have nothing; what there is has some values of -0.
bool write_some(const MicroBatchRows& m, ParameterRange range, Real* gradient) {
  if ((m.micro_batch + range.offset) % 3 != 0) return false;
  const Values values = gradient_of(m.micro_batch);
  for (Index i = 0; i < range.size; ++i) {
    gradient[i] = i % 5 == 0 ? Real(-0.0) : values[static_cast<std::size_t>(range.offset + i)];
  }
  return true;
}

/// Hands in the gradients as buckets do: the last bucket first, each in ranges of at most `tile` parameters,
/// `block` micro-batches at a time.
void hand_in(GradientReducer& reducer, const BatchPlan& plan, const ParameterLayout& layout, Index tile,
             std::size_t block, const HandInRange& hand_in_range) {
  std::vector<MicroBatchRows> present;
  for (Index m = 0; m < plan.micro_batches(); ++m) {
    if (plan.rows(m).size() > 0) present.push_back({static_cast<int>(m), 0, plan.rows(m).size()});
  }
  const std::size_t blocks = (present.size() + block - 1) / block;
  reducer.start(plan, blocks, static_cast<double>(plan.batch_size()));
  for (std::size_t number = 0; number < blocks; ++number) {
    const std::size_t first = number * block;
    const RowBlock rows{
        .micro_batches = std::span(present).subspan(first, std::min(block, present.size() - first)),
        .samples = {}};
    for (std::size_t bucket = layout.tensors().size(); bucket-- > 0;) {
      const ParameterRange all = layout.tensors()[bucket].range;
      for (Index done = 0; done < all.size; done += tile) {
        const ParameterRange range{all.offset + done, std::min(tile, all.size - done)};
        hand_in_range(reducer, rows, range);
      }
      reducer.done(all);
    }
  }
  reducer.finish();
}

const std::vector<Index> kLayers = {1, 4999, 5007};
constexpr Index kTile = 3000;
constexpr std::size_t kAllInOneBlock = 1000;

void expect_tree_sum(GradientReducer& reducer, const BatchPlan& plan, const ParameterLayout& layout,
                     Index tile = kTile, std::size_t block = kAllInOneBlock, int levels = 0) {
  hand_in(reducer, plan, layout, tile, block, hand_in_range);
  Values expected = tree_sum_by_hand(plan, 0, plan.micro_batches(), levels);
  for (Real& value : expected) value /= static_cast<Real>(plan.batch_size());
  const std::span<const Real> result = reducer.gradient();
  EXPECT_EQ(Values(result.begin(), result.end()), expected)
      << plan.batch_size() << " rows in " << plan.micro_batches() << ", tile " << tile << ", block " << block;

  double squares = 0;
  for (const double square : reducer.squares()) squares += square;
  double exact = 0;
  for (const Real value : expected) exact += double{value} * value;
  EXPECT_NEAR(squares, exact, 1e-13 * exact);
}

class GradientReducerTest : public testing::Test {
 protected:
  std::unique_ptr<Communicator> communicator_ = make_single_communicator();
  ParameterLayout layout_ = layout_of(kLayers);
  Shares shares_{layout_, Scope::kElements, 1};
  Topology topology_{*communicator_};
  std::unique_ptr<GradientReducer> reducer_ = make_gradient_reducer(topology_, shares_);
};

TEST_F(GradientReducerTest, SumsByTheTreeBitForBit) {
  for (const Index micro_batches : {1, 2, 3, 5, 8, 13, 16}) {
    for (const Index batch : {1, 2, 3, 7, 8, 31, 64}) {
      const auto fresh = make_gradient_reducer(topology_, shares_);
      expect_tree_sum(*fresh, BatchPlan(batch, micro_batches, 1), layout_);
    }
  }
}

TEST_F(GradientReducerTest, SumsTheSameWhateverTilesAndBlocks) {
  for (const Index tile : {Index{1} << 20U, Index{4096}, Index{777}}) {
    for (const std::size_t block : {1, 2, 3, 5, 8}) {
      expect_tree_sum(*reducer_, BatchPlan(64, 8, 1), layout_, tile, block);
      expect_tree_sum(*reducer_, BatchPlan(5, 8, 1), layout_, tile, block);
    }
  }
}

TEST_F(GradientReducerTest, RoundsTheFirstLevelsBelowTheTotal) {
  for (const int levels : {1, 2, 3, 16}) {
    const auto rounding = make_gradient_reducer(topology_, shares_, levels);
    for (const Index micro_batches : {1, 2, 3, 8, 13}) {
      for (const Index batch : {1, 3, 8, 64}) {
        for (const std::size_t block : {std::size_t{3}, kAllInOneBlock})
          expect_tree_sum(*rounding, BatchPlan(batch, micro_batches, 1), layout_, kTile, block, levels);
      }
    }
  }
}

TEST_F(GradientReducerTest, SumsWhatIsNotWrittenAsZeros) {
  const auto sparse = [](GradientReducer& reducer, const RowBlock& rows, ParameterRange range) {
    reducer.add_sparse(
        rows, range, [&](const MicroBatchRows& m, Real* gradient) { return write_some(m, range, gradient); });
  };
  const auto zeros = [](GradientReducer& reducer, const RowBlock& rows, ParameterRange range) {
    reducer.add(rows, range, [&](const MicroBatchRows& m, Real* gradient) {
      if (!write_some(m, range, gradient)) std::fill_n(gradient, range.size, Real(0));
    });
  };
  for (const int levels : {0, 2, 16}) {
    const auto reducer = make_gradient_reducer(topology_, shares_, levels);
    const auto expected = make_gradient_reducer(topology_, shares_, levels);
    for (const Index micro_batches : {1, 3, 8, 13}) {
      for (const Index batch : {1, 5, 31, 64}) {
        const BatchPlan plan(batch, micro_batches, 1);
        for (const std::size_t block : {1, 2, 3, 5, 100}) {
          hand_in(*reducer, plan, layout_, 777, block, sparse);
          hand_in(*expected, plan, layout_, 777, block, zeros);
          const auto found = reducer->gradient();
          EXPECT_EQ(std::memcmp(found.data(), expected->gradient().data(), found.size_bytes()), 0)
              << levels << ", " << micro_batches << ", " << batch << ", " << block;
        }
      }
    }
  }
}

TEST_F(GradientReducerTest, SumsTheSameOnAnyNumberOfThreads) {
  set_threads(3);
  expect_tree_sum(*make_gradient_reducer(topology_, shares_), BatchPlan(64, 8, 1), layout_);
  set_threads(1);
}

TEST_F(GradientReducerTest, KeepsNothingFromTheStepBefore) {
  for (const Index batch : {64, 3, 1, 64, 5}) {
    expect_tree_sum(*reducer_, BatchPlan(batch, 8, 1), layout_);
    expect_tree_sum(*reducer_, BatchPlan(batch, 5, 1), layout_);
  }
}

TEST(FastReducer, OfOneRankIsItsGradient) {
  const auto communicator = make_single_communicator();
  const ParameterLayout layout = layout_of(kLayers);
  const Shares shares = Shares::replicated(layout, 1);
  const Topology topology(*communicator);
  const auto reducer = make_gradient_reducer(topology, shares);
  expect_tree_sum(*reducer, BatchPlan(7, 1, 1), layout);
  expect_tree_sum(*reducer, BatchPlan(1, 1, 1), layout);
}

}  // namespace
}  // namespace lockstep
