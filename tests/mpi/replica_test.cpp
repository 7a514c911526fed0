// Parameters that their owners write and all ranks read.

#include "lockstep/parallel/replica.hpp"

#include <numeric>
#include <tuple>
#include <vector>

#include "mpi_test.hpp"

#include "lockstep/parallel/share_vectors.hpp"

namespace lockstep::test {
namespace {

class ReplicaTest : public MpiTest, public testing::WithParamInterface<std::tuple<Exchange, Scope>> {
 protected:
  ReplicaTest() {
    layout_.add("0.weight", {50, 400}, ParameterKind::kWeight);
    layout_.add("1.weight", {3}, ParameterKind::kWeight);
  }
  ParameterLayout layout_;
};

/// The value of parameter `i` in round `round`, whoever writes it.
Real value_of(Index i, int round) { return static_cast<Real>(i % 1000 + Index{1000} * round); }

TEST_P(ReplicaTest, ShowsAllRanksWhatTheOwnersWrote) {
  const auto [exchange, scope] = GetParam();
  const Shares shares(layout_, scope, world().size());
  const auto replica = make_replica(world(), shares, exchange);
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

TEST_P(ReplicaTest, SharesAreCollectedAndDealt) {
  const Shares shares(layout_, std::get<1>(GetParam()), world().size());
  std::vector<Real> whole(static_cast<std::size_t>(layout_.size()));
  std::iota(whole.begin(), whole.end(), Real(0));
  std::vector<Real> owned(static_cast<std::size_t>(shares.size_of(world().rank())), Real(-1));
  deal_shares(world(), shares, world().rank() == 0 ? std::span<const Real>(whole) : std::span<const Real>(),
              owned);
  for (const Share& share : shares.owned_by(world().rank())) {
    for (Index i = 0; i < share.range.size; ++i) {
      EXPECT_EQ(owned[static_cast<std::size_t>(share.position + i)],
                static_cast<Real>(share.range.offset + i));
    }
  }
  const std::vector<Real> collected = collect_shares(world(), shares, owned);
  EXPECT_EQ(collected, world().rank() == 0 ? whole : std::vector<Real>());
}

INSTANTIATE_TEST_SUITE_P(Ways, ReplicaTest,
                         testing::Combine(testing::Values(Exchange::kAuto, Exchange::kMessages),
                                          testing::Values(Scope::kElements, Scope::kTensor, Scope::kModel)));

}  // namespace
}  // namespace lockstep::test
