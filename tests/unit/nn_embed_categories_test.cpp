// The rows of a table that stand for categories are a linear map of the features of 0 and 1 that name them.

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "data_helpers.hpp"
#include "lockstep/core/threads.hpp"
#include "lockstep/nn/gradient_check.hpp"
#include "lockstep/nn/losses.hpp"
#include "lockstep/nn/network_text.hpp"
#include "lockstep/nn/units.hpp"
#include "nn_helpers.hpp"

namespace lockstep {
namespace {

using test::is_bad_input;
using test::OwnedBlock;
using Values = std::vector<Real>;
using Kind = TableColumn::Kind;

constexpr Index kRows = 23;
constexpr Index kFeatures = 406;
constexpr Index kWidth = 30;  // the larger table is handed in in several pieces

// Between them, and at the end, stand features that stay.
const std::vector<FeatureRange> kColumns = {{0, 3}, {4, 400}};
constexpr Index kOutputs = kWidth + 1 + kWidth + 2;
constexpr Index kParameters = 403 * kWidth;

/// Of each column one 1, in some rows none, as of a category that is not known; all else are numbers.
Matrix samples() {
  Matrix x = test::random_matrix(kRows, kFeatures, 1);
  for (const auto& [first, count] : kColumns) {
    for (Index row = 0; row < kRows; ++row) {
      x.block(row, first, 1, count).setZero();
      if (row % 5 != 3) x(row, first + row * row % 11 * 37 % count) = 1;
    }
  }
  return x;
}

/// Where the tables' values are in the matrix [outputs x features] of the same map.
std::vector<std::size_t> places_of_tables() {
  std::vector<std::size_t> places;
  for (const auto& [output, column] :
       {std::pair(Index{0}, kColumns[0]), std::pair(kWidth + 1, kColumns[1])}) {
    for (Index k = column.first; k < column.first + column.count; ++k) {
      for (Index i = 0; i < kWidth; ++i)
        places.push_back(static_cast<std::size_t>((output + i) * kFeatures + k));
    }
  }
  return places;
}

/// The parameters of that linear unit: the tables, 1 where a feature stays, and else 0.
Values matrix_of(const Values& tables) {
  Values matrix(static_cast<std::size_t>(kOutputs * (kFeatures + 1)));
  const std::vector<std::size_t> places = places_of_tables();
  for (std::size_t i = 0; i < tables.size(); ++i) matrix[places[i]] = tables[i];
  for (const auto& [output, feature] : {std::pair(kWidth, Index{3}), std::pair(kOutputs - 2, Index{404}),
                                        std::pair(kOutputs - 1, Index{405})}) {
    matrix[static_cast<std::size_t>(output * kFeatures + feature)] = 1;
  }
  return matrix;
}

/// Compares y, dx and each micro-batch's gradient with those of the linear unit, bit for bit.
void expect_linear(const Matrix& x, const Values& tables, const Matrix& dy, bool with_input_gradient) {
  const Values matrix = matrix_of(tables);
  const auto unit = test::connected(embed_categories(kWidth, kColumns), kFeatures);
  const auto linear_unit = test::connected(linear(kOutputs), kFeatures);
  ASSERT_EQ(unit->outputs(), kOutputs);
  ASSERT_EQ(unit->layout().size(), kParameters);
  unit->bind(tables);
  linear_unit->bind(matrix);
  const OwnedBlock block(test::counted(kRows), {1, 12, 10});
  Matrix y(kRows, kOutputs), expected_y(kRows, kOutputs);
  Matrix dx(kRows, kFeatures), expected_dx(kRows, kFeatures);
  test::RecordingSink sink(kParameters), expected(linear_unit->layout().size());
  unit->forward(block.training(), view(x), view(y));
  linear_unit->forward(block.training(), view(x), view(expected_y));
  EXPECT_EQ(y, expected_y);
  unit->backward(block.training(), view(x), view(std::as_const(y)), view(dy), view(dx), sink);
  linear_unit->backward(block.training(), view(x), view(std::as_const(y)), view(dy), view(expected_dx),
                        expected);
  if (with_input_gradient) {
    EXPECT_EQ(dx, expected_dx);
  }
  for (const MicroBatchRows& m : block.training().micro_batches) {
    Values gradient;
    for (const std::size_t place : places_of_tables()) {
      gradient.push_back(expected.gradients.at(m.micro_batch)[place]);
    }
    EXPECT_EQ(sink.gradients.at(m.micro_batch), gradient) << m.micro_batch;
    EXPECT_EQ(sink.added.at(m.micro_batch), std::vector<int>(gradient.size(), 1)) << m.micro_batch;
  }
}

// Products with 0 and 1 are exact, so that the order of the sums alone decides the bits, which is the same.
TEST(EmbedCategories, HaveTheBitsOfALinearUnitOfZerosAndOnes) {
  for (const int threads : {1, 3}) {
    set_threads(threads);
    expect_linear(samples(), test::random_values(kParameters, 2), test::random_matrix(kRows, kOutputs, 3),
                  false);
  }
  set_threads(1);
}

// Small whole numbers have exact sums in any order.
TEST(EmbedCategories, MultiplyFeaturesThatAreNeitherZeroNorOne) {
  const auto whole = [](Real value) { return std::round(8 * value); };
  Values tables = test::random_values(kParameters, 2);
  std::ranges::transform(tables, tables.begin(), whole);
  expect_linear(test::random_matrix(kRows, kFeatures, 1).unaryExpr(whole), tables,
                test::random_matrix(kRows, kOutputs, 3).unaryExpr(whole), true);
}

TEST(EmbedCategories, GiveZerosForACategoryThatIsNotKnown) {
  Network network("embed-categories 3 at=1-2, linear 1", 4);
  network.initialize(1, Initialization::kAuto);
  const Matrix x = Matrix::Zero(1, 4);
  network.forward(OwnedBlock({0}).evaluation(), view(x));
  EXPECT_EQ(Matrix(network.output_of(0, 1)), Matrix::Zero(1, 5));
}

TEST(EmbedCategories, HaveTheGradientOfTheDifferenceQuotient) {
  if (!test::kIsDouble) return SUCCEED() << "the same in double";
  Network network("embed-categories 6 at=0-2/4-403, tanh, linear 4", kFeatures);
  network.initialize(3, Initialization::kAuto);
  const Matrix x = samples();
  const auto labels = test::cycled_labels(kRows, 4);
  const OwnedBlock block(test::counted(kRows));
  for (const auto& check : check_gradients(network, *make_cross_entropy(0), block.training(), view(x),
                                           {.labels = labels, .values = {}}, 60)) {
    EXPECT_LT(check.largest_error, 1e-6) << check.tensor;
  }
}

TEST(EmbedCategories, AreNamedAndShapedAsAModuleListOfTorchEmbeddings) {
  const auto tensors = layout_of("embed-categories 8 at=0-2/4-5, linear 2", 7).tensors();
  ASSERT_EQ(tensors.size(), 4U);
  EXPECT_EQ(tensors[0].name, "0.0.weight");
  EXPECT_EQ(tensors[0].shape, (std::vector<Index>{3, 8}));
  EXPECT_EQ(tensors[1].name, "0.1.weight");
  EXPECT_EQ(tensors[1].shape, (std::vector<Index>{2, 8}));
  EXPECT_EQ(tensors[2].shape, (std::vector<Index>{2, 8 + 1 + 8 + 1}));
}

// emb_szs = [(c, min(50, (c+1)//2)) for _,c in cat_sz], in fastai's lesson3-rossman.ipynb.
TEST(EmbedCategories, AreAsWideAsFastaisRuleSays) {
  for (const auto& [features, width] :
       {std::pair(1, 1), {2, 1}, {3, 2}, {4, 2}, {13, 7}, {98, 49}, {99, 50}, {1116, 50}}) {
    Network network{Shape(features)};
    network.add(embed_categories(kAutomaticWidth, {{0, features}}));
    EXPECT_EQ(network.outputs(), width) << features;
  }
}

/// number, category with gaps, left out, date, category.
std::vector<TableColumn> columns() {
  return {{.kind = Kind::kNumber, .has_gaps = true},
          {.kind = Kind::kCategory, .has_gaps = true, .categories = {"a", "b", "c"}},
          {.kind = Kind::kLeftOut},
          {.kind = Kind::kDate},
          {.kind = Kind::kCategory, .categories = {"x", "y"}}};
}

TEST(EmbedCategories, TakeTheColumnsOfTheDataInTheirText) {
  const FromData data = from_data({.feature_shape = {11}, .classes = 3, .columns = columns()});
  EXPECT_EQ(data.categories, (std::vector<FeatureRange>{{2, 4}, {9, 2}}));
  Network network(Shape{11});
  add_from_text(network, "embed-categories auto, linear auto", {}, data);
  EXPECT_EQ(network.text(), "embed-categories auto at=2-5/9-10, linear 3");
  EXPECT_EQ(Network(network.text(), 11).text(), network.text()) << "the text says all that there is to know";
  Network inside(Shape{11});
  add_from_text(inside, "residual(e, linear auto, skip(embed-categories 1, linear auto))",
                "e: embed-categories 2", data);
  EXPECT_EQ(
      inside.text(),
      "residual((embed-categories 2 at=2-5/9-10), linear 3, skip(embed-categories 1 at=2-5/9-10, linear 3))");
  Network outline;
  add_from_text(outline, "embed-categories 4, linear 3");
  EXPECT_EQ(outline.text(), "embed-categories 4, linear 3");
}

TEST(EmbedCategories, NameWhatIsWrong) {
  const std::vector<std::pair<std::string, std::vector<std::string>>> texts = {
      {"embed-categories 8", {"0 (embed-categories 8), whose input is 9", "none of them are of categories"}},
      {"linear 9, embed-categories 8", {"'embed-categories 8'", "put it first"}},
      {"embed-categories 8 at=0-9", {"0 (embed-categories 8 at=0-9)", "features from 0 to 8"}},
      {"embed-categories 8 at=3-4/0-1", {"in rising order"}},
      {"embed-categories 8 at=0-3/3-4", {"in rising order"}},
      {"embed-categories 8 at=4-3", {"'embed-categories 8 at=4-3'", "at=FIRST-LAST/FIRST-LAST"}},
      {"embed-categories 8 at=4", {"at=FIRST-LAST/FIRST-LAST"}},
      {"embed-categories 8 at=", {"at=FIRST-LAST/FIRST-LAST"}},
      {"embed-categories 8 at=0-99999999999999999999", {"at=FIRST-LAST/FIRST-LAST"}},
      {"embed-categories 0", {"a whole number from 1 to", "or auto"}},
      {"embed-categories", {"expected 'embed-categories DIM [at=…]'"}},
      {"embedding 8", {"0 (embedding 8)", "'embed-categories DIM'"}}};
  for (const auto& [text, fragments] : texts) {
    EXPECT_TRUE(is_bad_input([&, &layers = text] { Network(layers + ", linear 2", 9); }, fragments)) << text;
  }
  EXPECT_TRUE(is_bad_input(
      [] {
        Network("embed-categories 8 at=0-1", Shape({3, 3}));
      },
      {"put 'flatten' before it"}));
}

}  // namespace
}  // namespace lockstep
