#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include "data_helpers.hpp"
#include "lockstep/nn/units.hpp"
#include "nn_helpers.hpp"

namespace lockstep {
namespace {

using test::counted;
using test::OwnedBlock;

/// What dropout makes of ones: [samples x features].
Matrix mask(test::ConnectedUnit& dropout, const RowBlock& block) {
  const Matrix ones = Matrix::Ones(block.rows(), dropout.outputs());
  Matrix y(block.rows(), dropout.outputs());
  dropout.forward(block, test::view(ones), test::view(y));
  return y;
}

TEST(Dropout, KeepsTheMean) {
  constexpr Index kSamples = 2000;
  constexpr Index kFeatures = 50;
  constexpr double kCount = kSamples * kFeatures;
  for (const double p : {0.0, 0.1, 0.5, 0.9}) {
    const auto dropout = test::connected(lockstep::dropout(p), kFeatures, 1);
    const Matrix m = mask(*dropout, OwnedBlock(counted(kSamples)).training());
    const double mean = m.cast<double>().mean();
    // Each value has variance p / (1 - p); five standard errors.
    EXPECT_NEAR(mean, 1, 5 * std::sqrt(p / (1 - p) / kCount) + 1e-6) << p;
    const Real kept = static_cast<Real>(1 / (1 - p));
    EXPECT_TRUE(((m.array() == 0) || (m.array() == kept)).all()) << p;
  }
}

TEST(Dropout, DropsNeighboursIndependently) {
  constexpr Index kSamples = 4000;
  const auto dropout = test::connected(lockstep::dropout(0.5), 17, 1);
  const Matrix m = mask(*dropout, OwnedBlock(counted(kSamples)).training()) - Matrix::Ones(kSamples, 17);
  // Entries are ±1 now: products of independent ones have mean 0 and variance 1.
  for (Index i = 0; i < 17; ++i) {
    for (Index j = i + 1; j < 17; ++j) {
      EXPECT_NEAR((m.col(i).array() * m.col(j).array()).mean(), 0, 5 / std::sqrt(kSamples)) << i << ", " << j;
    }
  }
}

TEST(Dropout, MaskIsTheSameWhateverTheBlock) {
  constexpr Index kFeatures = 13;
  const auto dropout = test::connected(lockstep::dropout(0.5), kFeatures, 3);
  const Matrix whole = mask(*dropout, OwnedBlock(counted(20), {6, 6, 8}).training(7, 11));
  for (Index sample = 0; sample < 20; ++sample) {
    const Matrix alone = mask(*dropout, OwnedBlock({sample}).training(7, 11));
    EXPECT_EQ(alone.row(0), whole.row(sample)) << sample;
  }
  std::vector<Index> backwards = counted(20);
  std::reverse(backwards.begin(), backwards.end());
  const Matrix reversed = mask(*dropout, OwnedBlock(backwards, {13, 7}).training(7, 11));
  for (Index row = 0; row < 20; ++row) EXPECT_EQ(reversed.row(row), whole.row(19 - row)) << row;
}

TEST(Dropout, OfChannelsKeepsOrDropsEachWhole) {
  constexpr Index kSamples = 2000;
  constexpr Index kChannels = 10;
  const Shape shape(std::vector<Index>{kChannels, 2, 3});
  Network network(shape);
  network.add(dropout_channels(0.25)).parameters();
  EXPECT_EQ(network.text(), "dropout 0.25 channels");
  const Matrix ones = Matrix::Ones(kSamples, shape.size());
  const Matrix m = network.forward(OwnedBlock(counted(kSamples)).training(), test::view(ones));
  Index dropped = 0;
  for (Index sample = 0; sample < kSamples; ++sample) {
    for (Index channel = 0; channel < kChannels; ++channel) {
      const Real first = m(sample, channel);
      EXPECT_TRUE(first == 0 || first == Real(4.0 / 3));
      dropped += first == 0 ? 1 : 0;
      for (Index position = 1; position < 6; ++position) {
        EXPECT_EQ(m(sample, position * kChannels + channel), first) << sample << " " << channel;
      }
    }
  }
  constexpr double kCount = kSamples * kChannels;
  EXPECT_NEAR(static_cast<double>(dropped) / kCount, 0.25, 5 * std::sqrt(0.25 * 0.75 / kCount));
  EXPECT_TRUE(test::is_bad_input([] { Network("dropout 0.25 channels, linear 2", 7); },
                                 {"0 (dropout 0.25 channels), whose input is 7: expected a picture"}));
}

TEST(Dropout, MaskIsTheSameForAUnitMadeAgain) {
  const auto block = OwnedBlock(counted(9));
  EXPECT_EQ(mask(*test::connected(lockstep::dropout(0.5), 30, 3), block.training(7, 11)),
            mask(*test::connected(lockstep::dropout(0.5), 30, 3), block.training(7, 11)));
}

TEST(Dropout, MaskDiffersBySeedStepSampleUnitAndValue) {
  constexpr Index kFeatures = 64;
  const auto dropout = test::connected(lockstep::dropout(0.5), kFeatures, 3);
  const auto block = OwnedBlock({5});
  const Matrix reference = mask(*dropout, block.training(7, 11));
  EXPECT_NE(mask(*dropout, block.training(8, 11)), reference);
  EXPECT_NE(mask(*dropout, block.training(7, 12)), reference);
  EXPECT_NE(mask(*dropout, OwnedBlock({6}).training(7, 11)), reference);
  EXPECT_NE(mask(*test::connected(lockstep::dropout(0.5), kFeatures, 4), block.training(7, 11)), reference);
  EXPECT_NE(reference.leftCols(8), reference.middleCols(8, 8));
}

TEST(Dropout, IsTheIdentityInEvaluation) {
  const auto dropout = test::connected(lockstep::dropout(0.5), 6, 0);
  const OwnedBlock block(counted(5));
  const Matrix x = test::random_matrix(5, 6, 1);
  Matrix y(5, 6);
  Matrix dx(5, 6);
  test::RecordingSink sink(0);
  // A mask drawn before must not stay in force.
  mask(*dropout, block.training());
  dropout->forward(block.evaluation(), test::view(x), test::view(y));
  EXPECT_EQ(y, x);
  dropout->backward(block.evaluation(), test::view(x), read_only(test::view(y)), test::view(x),
                    test::view(dx), sink);
  EXPECT_EQ(dx, x);
}

TEST(Dropout, BackwardUsesTheMaskOfTheLastForward) {
  const auto dropout = test::connected(lockstep::dropout(0.5), 6, 0);
  const OwnedBlock block(counted(5));
  const Matrix ones = Matrix::Ones(5, 6);
  Matrix dx(5, 6);
  test::RecordingSink sink(0);
  mask(*dropout, OwnedBlock(counted(9)).training(1, 1));
  const Matrix y = mask(*dropout, block.training(1, 2));
  dropout->backward(block.training(1, 2), test::view(ones), test::view(y), test::view(ones), test::view(dx),
                    sink);
  EXPECT_EQ(dx, y);
}

}  // namespace
}  // namespace lockstep
