#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

#include "lockstep/parallel/shares.hpp"

namespace lockstep {
namespace {

/// Three buckets: of many pieces and a large tensor's bias; of a few; of three small units.
ParameterLayout make_layout() {
  ParameterLayout layout;
  layout.add(0, "0.weight", {.shape = {100, 1000}, .role = TensorRole::kWeight});
  layout.add(0, "0.bias", {.shape = {100}, .role = TensorRole::kBias});
  layout.add(2, "2.weight", {.shape = {100, 400}, .role = TensorRole::kWeight});
  layout.add(2, "2.bias", {.shape = {400}, .role = TensorRole::kBias});
  layout.add(4, "4.weight", {.shape = {100, 300}, .role = TensorRole::kWeight});
  layout.add(6, "6.weight", {.shape = {90, 100}, .role = TensorRole::kWeight});
  layout.add(6, "6.bias", {.shape = {90}, .role = TensorRole::kBias});
  layout.add(10, "10.weight", {.shape = {3, 2}, .role = TensorRole::kWeight});
  return layout;
}

std::vector<Scope> scopes() { return {Scope::kElements, Scope::kTensor, Scope::kModel}; }

TEST(Shares, GiveEveryParameterToOneRank) {
  const ParameterLayout layout = make_layout();
  for (const Scope scope : scopes()) {
    for (const int ranks : {1, 2, 3, 5, 8, 100}) {
      const Shares shares(layout, scope, ranks);
      std::vector<int> owners(static_cast<std::size_t>(layout.size()));
      Index all = 0;
      for (int rank = 0; rank < ranks; ++rank) {
        Index position = 0;
        for (const Share& share : shares.owned_by(rank)) {
          EXPECT_EQ(share.owner, rank);
          EXPECT_EQ(share.position, position);
          position += share.range.size;
          for (Index i = 0; i < share.range.size; ++i)
            ++owners[static_cast<std::size_t>(share.range.offset + i)];
        }
        EXPECT_EQ(shares.size_of(rank), position);
        all += position;
      }
      EXPECT_EQ(all, layout.size());
      EXPECT_TRUE(std::all_of(owners.begin(), owners.end(), [](int count) { return count == 1; }));
    }
  }
}

TEST(Shares, AreAboutEqual) {
  const Shares elements(make_layout(), Scope::kElements, 4);
  constexpr Index kPiece = 4096;
  for (int rank = 0; rank < 4; ++rank) {
    EXPECT_NEAR(static_cast<double>(elements.size_of(rank)), static_cast<double>(make_layout().size()) / 4,
                3 * kPiece);
  }
  const Shares tensors(make_layout(), Scope::kTensor, 2);
  EXPECT_EQ(tensors.size_of(0), 100000);
  EXPECT_EQ(tensors.size_of(1), 100 + 40000 + 400 + 30000 + 9000 + 90 + 6);
  const Shares model(make_layout(), Scope::kModel, 3);
  EXPECT_EQ(model.size_of(0), make_layout().size());
  EXPECT_EQ(model.size_of(2), 0);
}

// Small units wait for the one before them; as soon as a bucket is large enough, it goes.
TEST(Shares, JoinSmallNeighboursToABucket) {
  const Shares shares(make_layout(), Scope::kElements, 3);
  ASSERT_EQ(shares.buckets(), 3U);
  EXPECT_EQ(shares.bucket_at(0), 0U);
  EXPECT_EQ(shares.bucket_at(100099), 0U);
  EXPECT_EQ(shares.bucket_at(100100), 1U);
  EXPECT_EQ(shares.bucket_at(140500), 2U);
  EXPECT_EQ(shares.bucket_at(170500), 2U);
  EXPECT_EQ(shares.bucket_at(179590), 2U);
  EXPECT_EQ(shares.units_of(0), 1U);
  EXPECT_EQ(shares.units_of(2), 3U);
  EXPECT_EQ(shares.range_of(1).offset, 100100);
  EXPECT_EQ(shares.range_of(1).size, 40400);
  EXPECT_EQ(shares.range_of(2).size, 39096);
}

// What is summed piece by piece must not depend on who owns a piece.
TEST(Shares, ConsistOfPiecesThatDoNotDependOnTheRanks) {
  const Shares alone(make_layout(), Scope::kElements, 1);
  for (const Scope scope : scopes()) {
    for (const int ranks : {2, 5}) {
      const Shares shares(make_layout(), scope, ranks);
      ASSERT_EQ(shares.pieces().size(), alone.pieces().size());
      for (std::size_t i = 0; i < alone.pieces().size(); ++i) {
        EXPECT_EQ(shares.pieces()[i].offset, alone.pieces()[i].offset);
        EXPECT_EQ(shares.pieces()[i].size, alone.pieces()[i].size);
      }
      for (int rank = 0; rank < ranks; ++rank) {
        for (const Share& share : shares.owned_by(rank)) {
          const ParameterRange& first = shares.pieces()[static_cast<std::size_t>(share.pieces.first)];
          const ParameterRange& last = shares.pieces()[static_cast<std::size_t>(share.pieces.last - 1)];
          EXPECT_EQ(share.range.offset, first.offset);
          EXPECT_EQ(share.range.offset + share.range.size, last.offset + last.size);
        }
      }
    }
  }
}

TEST(Shares, ReplicatedAreEverybodys) {
  const Shares shares = Shares::replicated(make_layout(), 3);
  for (int rank = 0; rank < 3; ++rank) EXPECT_EQ(shares.size_of(rank), make_layout().size());
}

}  // namespace
}  // namespace lockstep
