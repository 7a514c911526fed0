// Parameters that their owners write and all ranks read.

#include "lockstep/parallel/replica.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <string>
#include <tuple>
#include <vector>

#include "core/digest.hpp"
#include "lockstep/nn/matrix.hpp"
#include "lockstep/parallel/share_vectors.hpp"
#include "mpi_test.hpp"
#include "topologies.hpp"

namespace lockstep::test {
namespace {

class ReplicaTest : public MpiTest, public testing::WithParamInterface<std::tuple<int, Scope, Compression>> {
 protected:
  ReplicaTest() {
    layout_.add(0, "0.weight", {.shape = {500, 400}, .role = TensorRole::kWeight});
    layout_.add(1, "1.weight", {.shape = {3}, .role = TensorRole::kWeight});
  }
  ParameterLayout layout_;
};

/// The value of parameter `i` in round `round`, whoever writes it.
Real value_of(Index i, int round) { return static_cast<Real>(i % 1000 + Index{1000} * round); }

TEST_P(ReplicaTest, ShowsAllRanksWhatTheOwnersWrote) {
  const auto [ranks_a_node, scope, compression] = GetParam();
  const Shares shares(layout_, scope, world().size());
  const Topology topology = make_topology(world(), ranks_a_node, compression);
  const auto replica = make_replica(topology, shares);
  for (int round = 0; round < 20; ++round) {
    for (const Share& share : shares.owned_by(world().rank())) {
      for (Index i = share.range.offset; i < share.range.offset + share.range.size; ++i) {
        replica->values()[static_cast<std::size_t>(i)] = value_of(i, round);
      }
    }
    replica->publish();
    Index wrong = 0;
    for (Index i = 0; i < layout_.size(); ++i) {
      wrong += replica->values()[static_cast<std::size_t>(i)] == value_of(i, round) ? 0 : 1;
    }
    EXPECT_EQ(wrong, 0) << "round " << round;
    replica->publish();  // before anybody writes again
  }
  EXPECT_GE(replica->seconds_waited(), 0);
}

// All but the first hundred and the last: seven digits do not fit bfloat16's eight bits.
TEST_P(ReplicaTest, SendsRoundedRangesAndCompletesThem) {
  const auto [ranks_a_node, scope, compression] = GetParam();
  const Shares shares(layout_, scope, world().size());
  const Topology topology = make_topology(world(), ranks_a_node, compression);
  const ParameterRange range{100, layout_.size() - 101};
  const auto replica = make_replica(topology, shares, {range});
  const auto value = [](Index i, int round) { return static_cast<Real>(1000001 + 2 * i + round); };
  const Nodes& nodes = topology.nodes();
  const int node = nodes.node_of(world().rank());
  for (int round = 0; round < 3; ++round) {
    for (const Share& share : shares.owned_by(world().rank())) {
      for (Index i = share.range.offset; i < share.range.offset + share.range.size; ++i)
        replica->values()[static_cast<std::size_t>(i)] = value(i, round);
    }
    replica->publish();
    EXPECT_EQ(replica->is_complete(), topology.is_one_node());
    Index wrong = 0;
    for (std::size_t bucket = 0; bucket < shares.buckets(); ++bucket) {
      for (const Share& share : shares.of_bucket(bucket)) {
        const bool comes_rounded = nodes.node_of(share.owner) != node;
        for (Index i = share.range.offset; i < share.range.offset + share.range.size; ++i) {
          const Real exact = value(i, round);
          const bool is_rounded = comes_rounded && range.offset <= i && i < range.offset + range.size;
          const Real expected = is_rounded ? static_cast<Real>(Bfloat16(static_cast<float>(exact))) : exact;
          wrong += replica->values()[static_cast<std::size_t>(i)] == expected ? 0 : 1;
        }
      }
    }
    EXPECT_EQ(wrong, 0) << "round " << round;
    replica->complete();
    EXPECT_TRUE(replica->is_complete());
    for (Index i = 0; i < layout_.size(); ++i)
      wrong += replica->values()[static_cast<std::size_t>(i)] == value(i, round) ? 0 : 1;
    EXPECT_EQ(wrong, 0) << "round " << round;
    replica->publish();  // before anybody writes again
  }
}

TEST_P(ReplicaTest, SharesAreDealtAndGathered) {
  const auto& [ranks_a_node, scope, compression] = GetParam();
  const Shares shares(layout_, scope, world().size());
  std::vector<Real> whole(static_cast<std::size_t>(layout_.size()));
  std::iota(whole.begin(), whole.end(), Real(0));
  std::vector<Real> owned(static_cast<std::size_t>(shares.size_of(world().rank())), Real(-1));
  deal_shares(world(), shares, StateLayout(layout_),
              world().rank() == 0 ? std::span<const Real>(whole) : std::span<const Real>(), owned);
  for (const Share& share : shares.owned_by(world().rank())) {
    for (Index i = 0; i < share.range.size; ++i) {
      EXPECT_EQ(owned[static_cast<std::size_t>(share.position + i)],
                static_cast<Real>(share.range.offset + i));
    }
  }
  const std::vector<Real> parameters(whole.rbegin(), whole.rend());
  std::vector<Real> multiplied(owned.size());
  ParameterLayout three;
  three.add(0, "0.running_mean", {.shape = {3}, .role = TensorRole::kStatistic});
  const Topology topology = make_topology(world(), ranks_a_node, compression);
  GatheredVectors gathered(topology, shares, StateLayout(three),
                           {StateLayout(layout_), StateLayout(layout_)});
  const auto expect = [&](std::span<const Real> vector, const std::vector<Real>& expected) {
    EXPECT_EQ(std::vector<Real>(vector.begin(), vector.end()),
              world().rank() == 0 ? expected : std::vector<Real>());
  };
  for (const int factor : {2, 3}) {  // the second time over the first
    const auto times = [&](Real value) { return static_cast<Real>(factor) * value; };
    std::transform(owned.begin(), owned.end(), multiplied.begin(), times);
    const std::array<std::span<const Real>, 2> vectors = {owned, multiplied};
    const std::vector<Real> statistics = {7, 8, times(9)};
    const std::string digest = gathered.gather(parameters, statistics, vectors);
    std::vector<Real> multiple(whole.size());
    std::transform(whole.begin(), whole.end(), multiple.begin(), times);
    std::vector<Real> all = parameters;
    for (const auto& vector : {statistics, whole, multiple})
      all.insert(all.end(), vector.begin(), vector.end());
    const DigestBlocks blocks(std::as_bytes(std::span(all)));
    EXPECT_GT(blocks.count(), 2U);
    EXPECT_EQ(digest, world().rank() == 0 ? blocks.digest() : "");
    expect(gathered.parameters(), parameters);
    expect(gathered.statistics(), statistics);
    expect(gathered.vector(0), whole);
    expect(gathered.vector(1), multiple);
  }
}

// For every second tensor two values and three times its own, for the others nothing: what only owners of
// whole tensors can keep.
TEST_P(ReplicaTest, StateOfAnyShapeIsDealtAndGathered) {
  const auto& [ranks_a_node, scope, compression] = GetParam();
  if (scope == Scope::kElements) return;
  const Shares shares(layout_, scope, world().size());
  StateLayout two;
  StateLayout thrice;
  for (std::size_t i = 0; i < layout_.tensors().size(); i += 2) {
    const ParameterTensor& tensor = layout_.tensors()[i];
    two.add(tensor, {2});
    thrice.add(tensor, {3, tensor.range.size});
  }
  std::vector<Real> whole(static_cast<std::size_t>(thrice.size()));
  std::iota(whole.begin(), whole.end(), Real(0));
  const std::span<const Real> first = std::span(whole).first(static_cast<std::size_t>(two.size()));
  const auto deal = [&](const StateLayout& layout, std::span<const Real> values) {
    std::vector<Real> owned(static_cast<std::size_t>(owned_size(shares, layout, world().rank())), Real(-1));
    deal_shares(world(), shares, layout, world().rank() == 0 ? values : std::span<const Real>(), owned);
    return owned;
  };
  const std::vector<Real> owned_first = deal(two, first);
  const std::vector<Real> owned_whole = deal(thrice, whole);
  std::size_t position = 0;
  for (const Share& share : shares.owned_by(world().rank())) {
    const ParameterRange range = thrice.range_of(share.range);
    EXPECT_EQ(range.size, two.range_of(share.range).size > 0 ? 3 * share.range.size : 0);
    for (Index k = 0; k < range.size; ++k) {
      EXPECT_EQ(owned_whole[position++], static_cast<Real>(range.offset + k));
    }
  }
  EXPECT_EQ(position, owned_whole.size());

  std::vector<Real> all(static_cast<std::size_t>(layout_.size()), Real(7));
  const Topology topology = make_topology(world(), ranks_a_node, compression);
  GatheredVectors gathered(topology, shares, {}, {two, thrice});
  const std::array<std::span<const Real>, 2> vectors = {owned_first, owned_whole};
  const std::string digest = gathered.gather(all, {}, vectors);
  if (world().rank() != 0) return;
  EXPECT_TRUE(std::ranges::equal(gathered.parameters(), all));
  EXPECT_TRUE(std::ranges::equal(gathered.vector(0), first));
  EXPECT_TRUE(std::ranges::equal(gathered.vector(1), whole));
  all.insert(all.end(), first.begin(), first.end());
  all.insert(all.end(), whole.begin(), whole.end());
  EXPECT_EQ(digest, DigestBlocks(std::as_bytes(std::span(all))).digest());
}

class TopologyTest : public MpiTest, public testing::WithParamInterface<int> {};

TEST_P(TopologyTest, AllRanksAgreeWhetherMessagesAreCompressed) {
  const Topology topology = make_topology(world(), GetParam(), Compression::kAuto);
  const std::vector<int> all = all_gather(world(), int{topology.compresses()});
  EXPECT_EQ(all, std::vector<int>(all.size(), int{topology.compresses()}));
  EXPECT_FALSE(topology.is_one_node() && topology.compresses()) << "there is nothing to send";
}

INSTANTIATE_TEST_SUITE_P(Nodes, TopologyTest, testing::Values(kAllRanks, 1, 2, 3));

INSTANTIATE_TEST_SUITE_P(Ways, ReplicaTest,
                         testing::Combine(testing::Values(kAllRanks, 1, 2, 3),
                                          testing::Values(Scope::kElements, Scope::kTensor, Scope::kModel),
                                          testing::Values(Compression::kOff, Compression::kOn)));

}  // namespace
}  // namespace lockstep::test
