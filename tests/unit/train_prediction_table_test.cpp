// Predictions as lines of a table, of outputs whose probabilities are known.

#include <cmath>
#include <cstdlib>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "lockstep/nn/losses.hpp"
#include "nn_helpers.hpp"
#include "train/evaluation/prediction_table.hpp"
#include "weighted_squares.hpp"

namespace lockstep {
namespace {

constexpr Real kNan = std::numeric_limits<Real>::quiet_NaN();
constexpr Real kInfinity = std::numeric_limits<Real>::infinity();

PredictionTable table_of(const DatasetDescription& data) {
  return {data, choose_loss("auto", {}, data.task).loss};
}

std::string row(const PredictionTable& table, const std::vector<Real>& outputs, Index sample = 0) {
  std::string text;
  table.add_row(sample, outputs, text);
  return text;
}

TEST(PredictionTable, OfClassesHasThePredictedOneAndProbabilities) {
  const PredictionTable table = table_of({.classes = 4, .class_names = {"a", "b, c", "\"d\"", "12"}});
  EXPECT_EQ(table.header(),
            "row,class,probability a,\"probability b, c\",\"probability \"\"d\"\"\",probability 12\n");
  EXPECT_EQ(row(table, {0, 0, 0, 0}, 17), "17,a,0.25,0.25,0.25,0.25\n");
  EXPECT_EQ(row(table, {-1000, 1000, 0, 0}), "0,\"b, c\",0,1,0,0\n");
  EXPECT_EQ(row(table, {-1000, 2, 2, -1000}), "0,\"b, c\",0,0.5,0.5,0\n");
  EXPECT_EQ(row(table, {-1000, -1000, 3, -1000}), "0,\"\"\"d\"\"\",0,0,1,0\n");
}

TEST(PredictionTable, OfClassesWithoutNamesHasTheirNumbers) {
  const PredictionTable table = table_of({.classes = 2});
  EXPECT_EQ(table.header(), "row,class,probability 0,probability 1\n");
  EXPECT_EQ(row(table, {-1000, 0}), "0,1,0,1\n");
}

TEST(PredictionTable, OfSamplesThatHaveNamesBeginsWithThem) {
  const DatasetDescription data{.task = Task::kRegression};
  const PredictionTable table(data, choose_loss("auto", {}, data.task).loss, {}, {"a/1.png", "b, c.png"});
  EXPECT_EQ(table.header(), "file,prediction\n");
  EXPECT_EQ(row(table, {2}, 0), "a/1.png,2\n");
  EXPECT_EQ(row(table, {0.5}, 1), "\"b, c.png\",0.5\n");
}

TEST(PredictionTable, OfALossWithoutProbabilitiesHasScores) {
  const PredictionTable table(DatasetDescription{.classes = 2, .class_names = {"no", "yes"}},
                              std::make_shared<test::WeightedSquares>());
  EXPECT_EQ(table.header(), "row,class,score no,score yes\n");
  EXPECT_EQ(row(table, {-0.5, 2}), "0,yes,-0.5,2\n");
}

TEST(PredictionTable, OfARegressionHasItsTargets) {
  const DatasetDescription one{.task = Task::kRegression};
  EXPECT_EQ(table_of(one).header(), "row,prediction\n");
  EXPECT_EQ(row(table_of(one), {0.125}, 3), "3,0.125\n");
  const PredictionTable in_euros(one, choose_loss("auto", {}, one.task).loss, {{3e5}, {0.0078125}});
  EXPECT_EQ(row(in_euros, {-1.5}), "0,299808\n");
  EXPECT_EQ(table_of({.task = Task::kRegression, .targets = 2}).header(), "row,0,1\n");
  const PredictionTable two =
      table_of({.task = Task::kRegression, .targets = 2, .target_names = {"height", "weight, kg"}});
  EXPECT_EQ(two.header(), "row,height,\"weight, kg\"\n");
  EXPECT_EQ(row(two, {-1, 2.5}), "0,-1,2.5\n");
}

TEST(PredictionTable, OfLabelsHasEachWithItsProbability) {
  const PredictionTable table =
      table_of({.task = Task::kMultiLabel, .targets = 3, .target_names = {"red", "big", "old"}});
  EXPECT_EQ(table.header(), "row,red,probability red,big,probability big,old,probability old\n");
  EXPECT_EQ(row(table, {1000, 0, -1000}), "0,1,1,0,0.5,0,0\n");
}

TEST(PredictionTable, OutputsThatAreNotFinitePredictNothing) {
  EXPECT_EQ(row(table_of({.classes = 3}), {1, kNan, 2}), "0,,1,nan,2\n");
  EXPECT_EQ(row(table_of({.task = Task::kMultiLabel, .targets = 2}), {1, -kInfinity}), "0,,1,,-inf\n");
  EXPECT_EQ(row(table_of({.task = Task::kRegression}), {kInfinity}), "0,inf\n");
}

TEST(PredictionTable, NumbersAreTheShortestThatReadBack) {
  const PredictionTable table = table_of({.task = Task::kRegression});
  EXPECT_EQ(row(table, {static_cast<Real>(0.1)}), "0,0.1\n");
  EXPECT_EQ(row(table, {16777216}), "0,16777216\n");
  for (const Real scale : {Real(1e-30), Real(1), Real(1e30)}) {
    for (const Real value : test::random_values(200, 5)) {
      const std::string text = row(table, {value * scale});
      EXPECT_EQ(static_cast<Real>(std::strtof(text.c_str() + 2, nullptr)), value * scale) << text;
    }
  }
}

}  // namespace
}  // namespace lockstep
