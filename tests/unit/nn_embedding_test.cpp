// Rows of a table, looked up by the numbers of categories, are products of one-hot vectors with it.

#include <cmath>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "data_helpers.hpp"
#include "lockstep/core/threads.hpp"
#include "lockstep/nn/gradient_check.hpp"
#include "lockstep/nn/losses.hpp"
#include "lockstep/nn/units.hpp"
#include "nn_helpers.hpp"

namespace lockstep {
namespace {

using test::counted;
using test::is_bad_input;
using test::OwnedBlock;
using Values = std::vector<Real>;

constexpr Index kRows = 14;
constexpr Index kWords = 5;
constexpr Index kCategories = 300;
constexpr Index kWidth = 70;  // several pieces of a few rows each

Shape sentence() { return Shape::of_categories({kWords}, kCategories); }

/// Some categories often, most never.
Matrix sentences() {
  Matrix x(kRows, kWords);
  for (Index i = 0; i < x.size(); ++i) x.data()[i] = static_cast<Real>(i * i % 60 * 5 % kCategories);
  return x;
}

Network embedding_alone() {
  Network network(sentence());
  network.add(embedding(kWidth));
  network.initialize(1, Initialization::kAuto);
  return network;
}

TEST(Embedding, GivesTheRowOfEachWord) {
  Network network = embedding_alone();
  EXPECT_EQ(network.output(), Shape(std::vector<Index>{kWords, kWidth}));
  const Matrix x = sentences();
  const auto y = network.forward(OwnedBlock(counted(kRows)).evaluation(), test::view(x));
  for (Index row = 0; row < kRows; ++row) {
    for (Index i = 0; i < kWords * kWidth; ++i) {
      const auto category = static_cast<Index>(x(row, i / kWidth));
      EXPECT_EQ(y(row, i), network.parameters()[static_cast<std::size_t>(category * kWidth + i % kWidth)]);
    }
  }
}

// Word by word in rising order, as the sums over rows of a linear unit.
TEST(Embedding, HandsInTheSumsOverTheWordsOfEachMicroBatch) {
  Network network = embedding_alone();
  const Matrix x = sentences();
  const OwnedBlock block(counted(kRows), {1, 6, 7});
  network.forward(block.training(), test::view(x));
  const Matrix dy = test::random_matrix(kRows, kWords * kWidth, 7);
  MatrixView gradient = network.output_gradient(kRows);
  std::copy_n(dy.data(), dy.size(), gradient.data());

  test::RecordingSink sink(network.layout().size());
  network.backward(block.training(), test::view(x), sink);
  for (const MicroBatchRows& m : block.training().micro_batches) {
    Values expected(static_cast<std::size_t>(kCategories * kWidth));
    for (Index row = m.first; row < m.first + m.count; ++row) {
      for (Index i = 0; i < kWords * kWidth; ++i) {
        const auto category = static_cast<Index>(x(row, i / kWidth));
        expected[static_cast<std::size_t>(category * kWidth + i % kWidth)] += dy(row, i);
      }
    }
    EXPECT_EQ(sink.gradients.at(m.micro_batch), expected) << m.micro_batch;
    EXPECT_EQ(sink.added.at(m.micro_batch), std::vector<int>(expected.size(), 1)) << m.micro_batch;
  }
}

TEST(Embedding, HasTheGradientOfTheDifferenceQuotient) {
  if (!test::kIsDouble) return SUCCEED() << "the same in double";
  Network network("embedding 6, tanh, linear 4", Shape::of_categories({kWords}, 12));
  network.initialize(3, Initialization::kAuto);
  Matrix x = sentences();
  x = x.unaryExpr([](Real value) { return std::fmod(value, Real(12)); });
  const auto labels = test::cycled_labels(kRows, 4);
  const OwnedBlock block(counted(kRows));
  for (const auto& check :
       check_gradients(network, *make_cross_entropy(0), block.training(), test::view(std::as_const(x)),
                       {.labels = labels, .values = {}}, 30)) {
    EXPECT_LT(check.largest_error, 1e-7) << check.tensor;
  }
}

TEST(Embedding, StandsWhereCategoriesComeInAndNowhereElse) {
  EXPECT_EQ(Network("embedding 8, linear 3", sentence()).text(), "embedding 8, linear 3");
  EXPECT_TRUE(is_bad_input([] { Network("linear 3", sentence()); },
                           {"0 (linear 3)", "5 of 300 categories", "expected real numbers", "embedding"}));
  EXPECT_TRUE(is_bad_input([] { Network("embedding 8, embedding 8", sentence()); },
                           {"1 (embedding 8)", "expected numbers of categories"}));
  EXPECT_TRUE(
      is_bad_input([] { Network("embedding 8", Shape(5)); }, {"0 (embedding 8)", "whose input is 5:"}));
  EXPECT_TRUE(is_bad_input([] { Network("embedding 0", sentence()); }, {"a whole width from 1 to"}));
}

TEST(Embedding, CategoriesAreFromOneToWhatFloatHoldsExactly) {
  EXPECT_EQ(Shape::of_categories({2}, 1 << 24).categories(), 1 << 24);
  for (const Index categories : {Index{0}, Index{-1}, Index{1 << 24} + 1}) {
    EXPECT_TRUE(is_bad_input([&] { Shape::of_categories({2}, categories); }, {"expected 1 to 16777216"}));
  }
}

}  // namespace
}  // namespace lockstep
