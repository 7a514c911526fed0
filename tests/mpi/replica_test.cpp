// Parameters that their owners write and all ranks read.

#include "lockstep/parallel/replica.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <string>
#include <tuple>
#include <vector>

#include "mpi_test.hpp"

#include "lockstep/core/digest.hpp"
#include "lockstep/parallel/share_vectors.hpp"

namespace lockstep::test {
namespace {

class ReplicaTest : public MpiTest, public testing::WithParamInterface<std::tuple<Exchange, Scope>> {
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

TEST_P(ReplicaTest, SharesAreDealtAndGathered) {
  const auto& [exchange, scope] = GetParam();
  const Shares shares(layout_, scope, world().size());
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
  const std::vector<Real> parameters(whole.rbegin(), whole.rend());
  std::vector<Real> multiplied(owned.size());
  GatheredVectors gathered(world(), shares, 2, exchange);
  const auto expect = [&](std::size_t i, const std::vector<Real>& expected) {
    const std::span<const Real> vector = gathered.vector(i);
    EXPECT_EQ(std::vector<Real>(vector.begin(), vector.end()),
              world().rank() == 0 ? expected : std::vector<Real>())
        << "vector " << i;
  };
  for (const int factor : {2, 3}) {  // the second time over the first
    const auto times = [&](Real value) { return static_cast<Real>(factor) * value; };
    std::transform(owned.begin(), owned.end(), multiplied.begin(), times);
    const std::array<std::span<const Real>, 2> vectors = {owned, multiplied};
    const std::string digest = gathered.gather(parameters, vectors);
    std::vector<Real> multiple(whole.size());
    std::transform(whole.begin(), whole.end(), multiple.begin(), times);
    std::vector<Real> all = parameters;
    for (const auto& vector : {whole, multiple}) all.insert(all.end(), vector.begin(), vector.end());
    const DigestBlocks blocks(std::as_bytes(std::span(all)));
    EXPECT_GT(blocks.count(), 2U);
    EXPECT_EQ(digest, world().rank() == 0 ? blocks.digest() : "");
    expect(0, parameters);
    expect(1, whole);
    expect(2, multiple);
  }
}

INSTANTIATE_TEST_SUITE_P(Ways, ReplicaTest,
                         testing::Combine(testing::Values(Exchange::kAuto, Exchange::kMessages),
                                          testing::Values(Scope::kElements, Scope::kTensor, Scope::kModel)));

}  // namespace
}  // namespace lockstep::test
