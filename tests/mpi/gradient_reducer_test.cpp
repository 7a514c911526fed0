// The reduction over ranks against the same reduction in one process, bit for bit.

#include "lockstep/parallel/gradient_reducer.hpp"

#include <cmath>
#include <cstring>
#include <limits>

#include "mpi_test.hpp"
#include <fmt/format.h>

#include "lockstep/core/random.hpp"

namespace lockstep::test {
namespace {

constexpr Index kMostParameters = 1000;
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

/// The gradient arrives as from a network: last range first, each for all micro-batches in rising order.
std::vector<Real> reduce(GradientReducer& reducer, const BatchPlan& plan, int rank, Index parameters) {
  reducer.start(plan);
  const Index half = parameters / 2;
  for (const ParameterRange range : {ParameterRange{half, parameters - half}, ParameterRange{0, half}}) {
    const Interval owned = plan.owned_by(rank);
    for (Index m = owned.first; m < owned.last; ++m) {
      if (plan.rows(m).size() == 0) continue;
      Real* const buffer = reducer.buffer(range, static_cast<int>(m));
      std::copy_n(kAllLeaves[static_cast<std::size_t>(m)].begin() + range.offset, range.size, buffer);
      reducer.add(range, static_cast<int>(m));
    }
  }
  const std::span<const Real> result = reducer.finish(static_cast<Real>(plan.batch_size()));
  return {result.begin(), result.end()};
}

/// Batches: fewer rows than ranks or micro-batches, ragged, even.
std::vector<Index> batch_sizes(Index micro_batches) {
  return {1, 2, 3, micro_batches - 1, micro_batches, micro_batches + 1, 5 * micro_batches + 3};
}

class ReproducibleReducerTest : public MpiTest,
                                public testing::WithParamInterface<std::tuple<Index, Exchange>> {};

TEST_P(ReproducibleReducerTest, GivesTheBitsOfOneProcess) {
  const auto [parameters, exchange] = GetParam();
  const auto single = make_single_communicator();
  const auto reducer = make_gradient_reducer(Reduction::kReproducible, world(), parameters, exchange);
  const auto alone = make_gradient_reducer(Reduction::kReproducible, *single, parameters);
  for (Index m = world().size(); m <= kMostMicroBatches; ++m) {
    for (const Index batch : batch_sizes(m)) {
      if (batch == 0) continue;
      const std::vector<Real> found =
          reduce(*reducer, BatchPlan(batch, m, world().size()), world().rank(), parameters);
      const std::vector<Real> expected = reduce(*alone, BatchPlan(batch, m, 1), 0, parameters);
      EXPECT_EQ(found.size(), expected.size());
      EXPECT_EQ(std::memcmp(found.data(), expected.data(), expected.size() * sizeof(Real)), 0)
          << fmt::format("M = {}, batch {}, {} parameters", m, batch, parameters);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(ParameterCounts, ReproducibleReducerTest,
                         testing::Combine(testing::Values(1, 2, 7, kMostParameters),
                                          testing::Values(Exchange::kAuto, Exchange::kMessages)),
                         [](const auto& test) {
                           const std::string way =
                               std::get<1>(test.param) == Exchange::kAuto ? "_auto" : "_messages";
                           return std::to_string(std::get<0>(test.param)) + way;
                         });

class ReducerTest : public MpiTest {};

TEST_F(ReducerTest, TheOrderOfAdditionsShowsInTheBits) {
  // Otherwise the tests here would compare nothing.
  const auto single = make_single_communicator();
  const auto reducer = make_gradient_reducer(Reduction::kReproducible, *single, kMostParameters);
  const std::vector<Real> tree = reduce(*reducer, BatchPlan(16, 16, 1), 0, kMostParameters);
  Index different = 0;
  for (std::size_t i = 0; i < tree.size(); ++i) {
    Real sum = 0;
    for (const std::vector<Real>& leaf : kAllLeaves) sum += leaf[i];
    different += tree[i] != sum / 16 ? 1 : 0;
  }
  EXPECT_GT(different, kMostParameters / 10);
}

TEST_F(ReducerTest, FastModeAgreesWithinRoundingAndOnAllRanks) {
  const auto reducer = make_gradient_reducer(Reduction::kFast, world(), kMostParameters);
  const Index ranks = world().size();
  for (const Index batch : batch_sizes(ranks)) {
    if (batch == 0) continue;
    const BatchPlan plan(batch, ranks, ranks);
    const std::vector<Real> found = reduce(*reducer, plan, world().rank(), kMostParameters);
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
