// The reduction over ranks against the same reduction in one process, bit for bit.

#include "lockstep/parallel/gradient_reducer.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <set>
#include <tuple>

#include <fmt/format.h>

#include "lockstep/core/random.hpp"
#include "mpi_test.hpp"
#include "topologies.hpp"

namespace lockstep::test {
namespace {

constexpr Index kMostParameters = 70000;  // two buckets of several pieces
constexpr Index kMostMicroBatches = 16;

/// leaf[m]: the gradient of micro-batch m, a pure function of m. Magnitudes differ widely, so that another
/// order of additions gives other bits.
std::vector<std::vector<Real>> make_leaves() {
  std::vector<std::vector<Real>> leaves;
  for (Index m = 0; m < kMostMicroBatches; ++m) {
    std::vector<Real>& leaf = leaves.emplace_back();
    for (Index i = 0; i < kMostParameters; ++i) {
      const RandomBits bits = random_bits(
          1, Purpose::kSynthetic, {static_cast<std::uint64_t>(m), static_cast<std::uint64_t>(i), 0, 0});
      leaf.push_back(static_cast<Real>(std::ldexp(2 * uniform(bits[0]) - 1, static_cast<int>(bits[1] % 20))));
    }
  }
  return leaves;
}

const std::vector<std::vector<Real>> kAllLeaves = make_leaves();

/// Two units.
ParameterLayout layout_of(Index parameters) {
  ParameterLayout layout;
  const Index half = parameters / 2;
  if (half > 0) layout.add(0, "0.weight", {.shape = {half}, .role = TensorRole::kWeight});
  layout.add(1, "1.weight", {.shape = {parameters - half}, .role = TensorRole::kWeight});
  return layout;
}

using HandIn = std::function<void(GradientReducer& reducer, const RowBlock& block, ParameterRange range)>;

/// All of kAllLeaves.
void hand_in_all(GradientReducer& reducer, const RowBlock& block, ParameterRange range) {
  reducer.add(block, range, [&](const MicroBatchRows& m, Real* gradient) {
    std::copy_n(kAllLeaves[static_cast<std::size_t>(m.micro_batch)].begin() + range.offset, range.size,
                gradient);
  });
}

/// The same, added where that is asked for.
void hand_in_place(GradientReducer& reducer, const RowBlock& block, ParameterRange range) {
  reducer.add_in_place(block, range, [&](const MicroBatchRows& m, Real* gradient, bool adds) {
    const Real* const leaf = kAllLeaves[static_cast<std::size_t>(m.micro_batch)].data() + range.offset;
    for (Index i = 0; i < range.size; ++i) gradient[i] = adds ? gradient[i] + leaf[i] : leaf[i];
  });
}

/// Two thirds of kAllLeaves, micro-batch by micro-batch and bucket by bucket, are zero; some values of the
/// others are -0.
bool write_sparse(const MicroBatchRows& m, ParameterRange range, Real* gradient) {
  if ((m.micro_batch + (range.offset > 0 ? 1 : 0)) % 3 != 0) return false;
  for (Index i = 0; i < range.size; ++i) {
    const Real value =
        kAllLeaves[static_cast<std::size_t>(m.micro_batch)][static_cast<std::size_t>(range.offset + i)];
    gradient[i] = i % 5 == 0 ? Real(-0.0) : value;
  }
  return true;
}

void hand_in_sparse(GradientReducer& reducer, const RowBlock& block, ParameterRange range) {
  reducer.add_sparse(block, range, [&](const MicroBatchRows& m, Real* gradient) {
    return write_sparse(m, range, gradient);
  });
}

void hand_in_zeros(GradientReducer& reducer, const RowBlock& block, ParameterRange range) {
  reducer.add(block, range, [&](const MicroBatchRows& m, Real* gradient) {
    if (!write_sparse(m, range, gradient)) std::fill_n(gradient, range.size, Real(0));
  });
}

/// The whole gradient; it arrives as from a network: last bucket first, each for all micro-batches in rising
/// order.
std::vector<Real> reduce(GradientReducer& reducer, const BatchPlan& plan, const ParameterLayout& layout,
                         const Shares& shares, Communicator& communicator,
                         const HandIn& hand_in = hand_in_all) {
  std::vector<MicroBatchRows> present;
  const Interval owned = plan.owned_by(communicator.rank());
  for (Index m = owned.first; m < owned.last; ++m) {
    if (plan.rows(m).size() > 0) present.push_back({static_cast<int>(m), 0, plan.rows(m).size()});
  }
  reducer.start(plan, present.empty() ? 0 : 1, static_cast<double>(plan.batch_size()));
  for (std::size_t bucket = layout.tensors().size(); bucket-- > 0 && !present.empty();) {
    const ParameterRange range = layout.tensors()[bucket].range;
    hand_in(reducer, {.micro_batches = present, .samples = {}}, range);
    reducer.done(range);
  }
  reducer.finish();
  return whole_gradient(reducer, shares, communicator);
}

/// Batches: fewer rows than ranks or micro-batches, ragged, even.
std::vector<Index> batch_sizes(Index micro_batches) {
  return {1, 2, 3, micro_batches - 1, micro_batches, micro_batches + 1, 5 * micro_batches + 3};
}

/// As many as ranks, one more, one less than a rank's two, two, an odd number that is not theirs, and the
/// most.
std::set<Index> micro_batch_counts() {
  const Index ranks = world().size();
  std::set<Index> counts = {ranks, ranks + 1, 2 * ranks - 1, 2 * ranks, 11, kMostMicroBatches};
  std::erase_if(counts, [&](Index count) { return count < ranks || count > kMostMicroBatches; });
  return counts;
}

class ReproducibleReducerTest
    : public MpiTest,
      public testing::WithParamInterface<std::tuple<Index, int, Scope, Compression>> {};

void expect_bits_of_one_process(const ReproducibleReducerTest::ParamType& parameter, const HandIn& together,
                                const HandIn& in_one) {
  const auto [parameters, ranks_a_node, scope, compression] = parameter;
  const auto single = make_single_communicator();
  const Topology topology = make_topology(world(), ranks_a_node, compression);
  const Topology one(*single);
  const ParameterLayout layout = layout_of(parameters);
  const Shares shares(layout, scope, world().size());
  const Shares all(layout, scope, 1);
  const int most_levels = scope == Scope::kElements ? 2 : 0;  // the others sum the same way
  for (int levels = 0; levels <= most_levels; levels += 2) {
    const auto reducer = make_gradient_reducer(topology, shares, levels);
    const auto alone = make_gradient_reducer(one, all, levels);
    for (const Index m : micro_batch_counts()) {
      for (const Index batch : batch_sizes(m)) {
        if (batch == 0) continue;
        const std::vector<Real> found =
            reduce(*reducer, BatchPlan(batch, m, world().size()), layout, shares, world(), together);
        const std::vector<Real> expected =
            reduce(*alone, BatchPlan(batch, m, 1), layout, all, *single, in_one);
        EXPECT_EQ(found.size(), expected.size());
        EXPECT_EQ(std::memcmp(found.data(), expected.data(), expected.size() * sizeof(Real)), 0)
            << fmt::format("M = {}, batch {}, {} parameters, {} levels rounded", m, batch, parameters,
                           levels);
      }
    }
  }
}

TEST_P(ReproducibleReducerTest, GivesTheBitsOfOneProcess) {
  expect_bits_of_one_process(GetParam(), hand_in_all, hand_in_all);
}

TEST_P(ReproducibleReducerTest, GivesTheSameBitsWhereGradientsAreAddedInPlace) {
  expect_bits_of_one_process(GetParam(), hand_in_place, hand_in_all);
}

TEST_P(ReproducibleReducerTest, GivesTheBitsOfZerosWhereNothingIsWritten) {
  expect_bits_of_one_process(GetParam(), hand_in_sparse, hand_in_zeros);
}

std::string case_name(const testing::TestParamInfo<ReproducibleReducerTest::ParamType>& test) {
  const auto& [parameters, ranks_a_node, scope, compression] = test.param;
  constexpr std::array kScopes = {"elements", "tensors", "model"};
  return fmt::format("{}_{}_{}{}", parameters,
                     ranks_a_node == kAllRanks ? "one_node" : fmt::format("nodes_of_{}", ranks_a_node),
                     kScopes[static_cast<std::size_t>(scope)],
                     compression == Compression::kOn ? "_compressed" : "");
}

INSTANTIATE_TEST_SUITE_P(ParameterCounts, ReproducibleReducerTest,
                         testing::Combine(testing::Values(1, 2, 7, kMostParameters),
                                          testing::Values(kAllRanks, 1, 2, 3),
                                          testing::Values(Scope::kElements, Scope::kTensor, Scope::kModel),
                                          testing::Values(Compression::kOff)),
                         case_name);

INSTANTIATE_TEST_SUITE_P(Compressed, ReproducibleReducerTest,
                         testing::Combine(testing::Values(7, kMostParameters), testing::Values(1, 2, 3),
                                          testing::Values(Scope::kElements, Scope::kTensor, Scope::kModel),
                                          testing::Values(Compression::kOn)),
                         case_name);

class ReducerTest : public MpiTest {};

TEST_F(ReducerTest, TheOrderOfAdditionsShowsInTheBits) {
  // Otherwise the tests here would compare nothing.
  const auto single = make_single_communicator();
  const ParameterLayout layout = layout_of(kMostParameters);
  const Shares shares(layout, Scope::kElements, 1);
  const Topology one(*single);
  const auto reducer = make_gradient_reducer(one, shares);
  const std::vector<Real> tree = reduce(*reducer, BatchPlan(16, 16, 1), layout, shares, *single);
  Index different = 0;
  for (std::size_t i = 0; i < tree.size(); ++i) {
    Real sum = 0;
    for (const std::vector<Real>& leaf : kAllLeaves) sum += leaf[i];
    different += tree[i] != sum / 16 ? 1 : 0;
  }
  EXPECT_GT(different, kMostParameters / 10);
}

TEST_F(ReducerTest, FastModeAgreesWithinRoundingAndOnAllRanks) {
  const ParameterLayout layout = layout_of(kMostParameters);
  const Shares shares = Shares::replicated(layout, world().size());
  const Topology topology(world());
  const auto reducer = make_gradient_reducer(topology, shares);
  const Index ranks = world().size();
  for (const Index batch : batch_sizes(ranks)) {
    if (batch == 0) continue;
    const BatchPlan plan(batch, ranks, ranks);
    const std::vector<Real> found = reduce(*reducer, plan, layout, shares, world());
    EXPECT_EQ(found.size(), static_cast<std::size_t>(kMostParameters));
    Index wrong = 0;
    for (std::size_t i = 0; i < found.size(); ++i) {
      double sum = 0;
      double scale = 0;
      for (Index m = 0; m < ranks; ++m) {
        if (plan.rows(m).size() == 0) continue;
        sum += kAllLeaves[static_cast<std::size_t>(m)][i];
        scale += std::abs(kAllLeaves[static_cast<std::size_t>(m)][i]);
      }
      const double tolerance = scale * static_cast<double>(ranks) * std::numeric_limits<Real>::epsilon();
      const double error = std::abs(static_cast<double>(found[i]) * static_cast<double>(batch) - sum);
      wrong += error <= tolerance ? 0 : 1;
    }
    EXPECT_EQ(wrong, 0) << "batch " << batch;
  }
}

}  // namespace
}  // namespace lockstep::test
