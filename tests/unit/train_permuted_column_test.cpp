#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "data_helpers.hpp"
#include "lockstep/core/random.hpp"
#include "lockstep/data/batch.hpp"
#include "lockstep/nn/losses.hpp"
#include "lockstep/nn/network_text.hpp"
#include "train/evaluation/permuted_column.hpp"
#include "train_helpers.hpp"

namespace lockstep {
namespace {

using Kind = TableColumn::Kind;

constexpr Index kSamples = 1300;  // two chunks of 512, and a part of one

Permutation order_of(std::uint64_t stream) { return {7, Purpose::kPermutedColumn, stream, kSamples}; }

/// Columns a, word (three categories), id (left out), b (with gaps) and c; the target is 2 a - b.
Dataset table() {
  DatasetContent content;
  content.description = {.name = "table",
                         .task = Task::kRegression,
                         .storage = Storage::kFloats,
                         .samples = kSamples,
                         .feature_shape = {7},
                         .columns = {{.name = "a"},
                                     {.name = "word", .kind = Kind::kCategory, .categories = {"x", "y", "z"}},
                                     {.name = "id", .kind = Kind::kLeftOut},
                                     {.name = "b", .has_gaps = true},
                                     {.name = "c"}}};
  for (Index i = 0; i < kSamples; ++i) {
    const auto drawn = normal(random_bits(1, Purpose::kSynthetic, {static_cast<std::uint64_t>(i), 0, 0, 0}));
    std::vector<float> row = {static_cast<float>(drawn[0]), 0, 0, 0, static_cast<float>(drawn[1]), 0,
                              static_cast<float>(drawn[2])};
    row[static_cast<std::size_t>(1 + i % 3)] = 1;
    content.values.insert(content.values.end(), row.begin(), row.end());
    content.targets.push_back(2 * row[0] - row[4]);
  }
  return make_dataset(std::move(content));
}

ColumnFeatures column_of(const Dataset& data, const std::string& name) {
  const auto columns = columns_with_features(data.description());
  return *std::ranges::find(columns, name, &ColumnFeatures::name);
}

double value_of(const Dataset& data, Index sample, Index feature) {
  return data.values()[static_cast<std::size_t>(sample * 7 + feature)];
}

class PermutedColumn : public testing::Test {
 protected:
  PermutedColumn() : model_(shape_of(data_.description())) {
    add_from_text(model_, "linear 1");
    std::ranges::copy(std::vector<Real>{2, 0, 0, 0, -1, 0, 0, 0}, model_.parameters().begin());
  }

  Evaluation evaluate(const Selection& selection) {
    return lockstep::evaluate(model_, *loss_, {}, selection, *communicator_);
  }

  Dataset data_ = table();
  Selection all_ = all_of(data_);
  Network model_;
  std::shared_ptr<const Loss> loss_ = choose_loss("auto", {}, Task::kRegression).loss;
  std::unique_ptr<Communicator> communicator_ = make_single_communicator();
};

// Without an error of its own, the linear model w a + … errs by w (a_i - a_π(i)); over all permutations the
// mean of the squares is 2 w² Var(a) (Fisher, Rudin, Dominici: All models are wrong, but many are useful).
TEST_F(PermutedColumn, RaisesTheLossOfALinearModelByTwiceTheSquaredWeightTimesTheVariance) {
  EXPECT_EQ(evaluate(all_).loss, 0.0);
  for (const auto& [name, weight] : {std::pair("a", 2.0), {"b", -1.0}}) {
    const ColumnFeatures column = column_of(data_, name);
    double sum = 0;
    double squares = 0;
    for (Index i = 0; i < kSamples; ++i) {
      sum += value_of(data_, i, column.first);
      squares += std::pow(value_of(data_, i, column.first), 2);
    }
    const double variance = squares / kSamples - std::pow(sum / kSamples, 2);
    constexpr int kRepeats = 200;
    double mean = 0;
    for (int repeat = 0; repeat < kRepeats; ++repeat) {
      const Permutation order = order_of(static_cast<std::uint64_t>(repeat));
      double expected = 0;
      for (Index i = 0; i < kSamples; ++i) {
        const double error =
            weight * (value_of(data_, i, column.first) - value_of(data_, order(i), column.first));
        expected += error * error / kSamples;
      }
      const double loss = evaluate(with_permuted_column(all_, {}, column, order)).loss;
      EXPECT_NEAR(loss, expected, 1e-5 * expected);
      mean += loss / kRepeats;
    }
    EXPECT_NEAR(mean, 2 * weight * weight * variance, 0.01 * mean) << name;
  }
}

TEST_F(PermutedColumn, ThatTheModelDoesNotUseChangesNothing) {
  for (const std::string name : {"c", "word"}) {
    const Permutation order = order_of(0);
    EXPECT_EQ(evaluate(with_permuted_column(all_, {}, column_of(data_, name), order)).loss, 0.0) << name;
  }
}

TEST_F(PermutedColumn, KeepsItsFeaturesTogetherAndLeavesTheOthersAlone) {
  const Permutation order = order_of(3);
  // The selection goes backwards: the permutation is of its samples, and not of those of the data.
  const Selection backwards{data_, kSamples, [](Index i) { return kSamples - 1 - i; }};
  const SampleNormalization normalization{
      {.shift = {1, 0, 0, 0, 2, 0, 0}, .scale = {2, 1, 1, 1, 3, 1, 1}, .missing = {}}, {}};
  for (const ColumnFeatures& column : columns_with_features(data_.description())) {
    const Selection permuted = with_permuted_column(backwards, normalization, column, order);
    Batch batch;
    batch.samples = {kSamples - 1 - 600, kSamples - 1 - 601};
    gather(data_, normalization, batch);
    const std::vector<Real> own = batch.features;
    permuted.change(600, batch);
    for (Index row = 0; row < 2; ++row) {
      Batch other;
      other.samples = {kSamples - 1 - order(600 + row)};
      gather(data_, normalization, other);
      for (Index feature = 0; feature < 7; ++feature) {
        const bool moves = column.first <= feature && feature < column.first + column.count;
        const auto at = static_cast<std::size_t>(7 * row + feature);
        EXPECT_EQ(batch.features[at], moves ? other.features[static_cast<std::size_t>(feature)] : own[at])
            << column.name << " " << feature;
      }
    }
  }
}

TEST(ColumnsWithFeatures, AreThoseOfTheTableOrPlainFeatures) {
  const auto text_of = [](const DatasetDescription& data) {
    std::string text;
    for (const auto& [name, first, count] : columns_with_features(data)) {
      text += name + " " + std::to_string(first) + "+" + std::to_string(count) + "; ";
    }
    return text;
  };
  EXPECT_EQ(text_of(table().description()), "a 0+1; word 1+3; b 4+2; c 6+1; ");
  EXPECT_EQ(text_of({.feature_shape = {2}, .feature_names = {"p", "q"}}), "p 0+1; q 1+1; ");
  EXPECT_EQ(text_of({.feature_shape = {2}}), "feature 0 0+1; feature 1 1+1; ");
  EXPECT_EQ(text_of({.feature_shape = {4}, .columns = {{}, {.kind = Kind::kDate}}}),
            "feature 0 0+1; features 1 to 3 1+3; ");
  EXPECT_TRUE(test::is_bad_input(
      [] {
        columns_with_features({.name = "p", .feature_shape = {28, 28}});
      },
      {"p: its samples are pictures", "expected a table"}));
}

}  // namespace
}  // namespace lockstep
