#include <cmath>
#include <gmock/gmock.h>
#include <limits>
#include <map>

#include <gtest/gtest.h>

#include "study/numbers.hpp"
#include "study/sweep/sweep_results.hpp"
#include "study/sweep/sweep_weights.hpp"
#include "study_sweep_helpers.hpp"

namespace lockstep {
namespace {

using Json = nlohmann::ordered_json;
using test::plan_of;

Curve curve(double training_loss, double test_loss, bool diverged = false,
            double validation_loss = kNothing) {
  return {.variant = "",
          .seed = 0,
          .points = {{.step = 0,
                      .epoch = 0,
                      .samples = 0,
                      .training_loss = 3,
                      .validation_loss = std::isnan(validation_loss) ? kNothing : 3,
                      .test_loss = 3,
                      .gap = 0,
                      .weight_norm = 1},
                     {.step = 6,
                      .epoch = 2,
                      .samples = 128,
                      .training_loss = training_loss,
                      .validation_loss = validation_loss,
                      .test_loss = test_loss,
                      .gap = test_loss - training_loss,
                      .weight_norm = 2}},
          .diverged = diverged,
          .weights_digest = "abc"};
}

TEST(SweepResults, ComeBackFromTheJournalBitForBit) {
  Curve original = curve(0.1, 1.0 / 3);
  original.points.back().gap = std::nextafter(0.2, 1);
  const Curve restored = from_result(Json::parse(to_result(original).dump()), "name");
  EXPECT_EQ(restored.variant, "name");
  EXPECT_EQ(restored.weights_digest, "abc");
  EXPECT_FALSE(restored.diverged);
  ASSERT_EQ(restored.points.size(), 2U);
  EXPECT_EQ(restored.points[1].step, 6U);
  EXPECT_EQ(restored.points[1].samples, 128);
  EXPECT_EQ(restored.points[1].training_loss, 0.1);
  EXPECT_EQ(restored.points[1].test_loss, 1.0 / 3);
  EXPECT_EQ(restored.points[1].gap, std::nextafter(0.2, 1));
  EXPECT_TRUE(std::isnan(restored.points[1].test_accuracy));
  EXPECT_EQ(restored.note, "");
}

TEST(SweepResults, ALossThatIsNotFiniteComesBackFromTheJournal) {
  Curve original = curve(0.1, std::numeric_limits<double>::infinity());
  original.note = "test part: outputs or loss of 1 of 2 samples are not finite (sample 1)";
  const Curve restored = from_result(Json::parse(to_result(original).dump()), "name");
  EXPECT_TRUE(std::isinf(restored.points[1].test_loss));
  EXPECT_TRUE(std::isnan(restored.points[1].validation_loss)) << "there is no validation part";
  EXPECT_EQ(restored.note, original.note);
}

TEST(SweepResults, MakeTablesInTheOrderOfTheGrid) {
  const SweepPlan plan = plan_of({"model.layers=linear 2, linear 4|linear 4"});
  const std::vector<Curve> results = {curve(0.5, 0.75), curve(9, 9, true)};
  EXPECT_EQ(table_csv(plan, results),
            "point,model.layers,diverged,step,epoch,samples,training_loss,training_accuracy,"
            "validation_loss,validation_accuracy,test_loss,test_accuracy,gap,"
            "weight_norm,weights_digest\r\n"
            "1,\"linear 2, linear 4\",false,6,2.0,128.0,0.5,,,,0.75,,0.25,2.0,abc\r\n"
            "2,linear 4,true,6,2.0,128.0,,,,,,,,,abc\r\n");
  EXPECT_EQ(
      table_jsonl(plan, results),
      R"({"point":1,"settings":{"model.layers":"linear 2, linear 4"},"diverged":false,"step":6,"epoch":2.0,)"
      R"("samples":128.0,"training_loss":0.5,"training_accuracy":null,"validation_loss":null,"validation_accuracy":null,"test_loss":0.75,"test_accuracy":null,)"
      R"("gap":0.25,"weight_norm":2.0,"weights_digest":"abc"})"
      "\n"
      R"({"point":2,"settings":{"model.layers":"linear 4"},"diverged":true,"step":6,"epoch":2.0,)"
      R"("samples":128.0,"training_loss":null,"training_accuracy":null,"validation_loss":null,"validation_accuracy":null,"test_loss":null,"test_accuracy":null,)"
      R"("gap":null,"weight_norm":null,"weights_digest":"abc"})"
      "\n");
}

Json section(const Json& document, const std::string& title) {
  for (const Json& one : document.at("sections")) {
    if (one.at("title") == title) return one;
  }
  return {};
}

TEST(SweepPage, DrawsTheResultOverEachKey) {
  const SweepPlan plan = plan_of({"optimizer.learning-rate=1,0.01", "train.batch-size=1,2,3"});
  const std::vector<Curve> results = {curve(6, 0), curve(5, 0), curve(4, 0, true),
                                      curve(3, 0), curve(2, 0), curve(1, 7)};
  const Json document = sweep_document(plan, results);
  const Json rates = section(document, "Training loss over optimizer.learning-rate");
  EXPECT_EQ(rates.at("x"), (Json{{"title", "optimizer.learning-rate"}, {"log", true}}));
  ASSERT_EQ(rates.at("series").size(), 3U);
  EXPECT_EQ(rates.at("series")[1].at("name"), "train.batch-size = 2");
  EXPECT_EQ(rates.at("series")[1].at("x"), (Json{0.01, 1.0})) << "numbers by size, not as given";
  EXPECT_EQ(rates.at("series")[1].at("y"), (Json{2.0, 5.0}));
  EXPECT_TRUE(std::isnan(rates.at("series")[2].at("y")[1].get<double>())) << "a gap where it diverged";
  const Json batches = section(document, "Training loss over train.batch-size");
  EXPECT_EQ(batches.at("x").at("log"), false);
  EXPECT_EQ(batches.at("series")[1].at("y"), (Json{3.0, 2.0, 1.0}));
  EXPECT_FALSE(section(document, "Test loss over train.batch-size").is_null());
  // The diverged point counts as 6: of the variance 137/36, the rates have 121/36 and the batch sizes 8/36.
  EXPECT_EQ(
      section(document, "Findings").at("paragraphs"),
      (Json{
          "Lowest training loss: 1 at point 6, optimizer.learning-rate = 0.01, train.batch-size = 3; its "
          "test "
          "loss: 7.",
          "Which settings matter, by their share of the variance of the training loss: "
          "optimizer.learning-rate 88.3 %, train.batch-size 5.84 %, interactions and chance 5.84 %.",
          "Chosen by the training loss, as there is no validation part; set data.validation, such as 0.2, to "
          "choose by samples that are not trained on.",
          "1 of 6 points diverged."}));
}

// The last point is the best on the test and the training samples.
TEST(SweepPage, ChoosesByValidation) {
  const SweepPlan plan = plan_of({"optimizer.learning-rate=1,0.01"});
  const Json document = sweep_document(plan, {curve(3, 3, false, 1), curve(1, 1, false, 2)});
  EXPECT_EQ(section(document, "Findings").at("paragraphs"),
            (Json{"Lowest validation loss: 1 at point 1, optimizer.learning-rate = 1; its test loss: 3."}));
  EXPECT_FALSE(section(document, "Validation loss over optimizer.learning-rate").is_null());
}

// Of the single trainings the first has the lowest loss.
TEST(SweepPage, SeedsAreRepetitions) {
  const SweepPlan plan = plan_of({"train.seed=1,2", "optimizer.learning-rate=1,0.01"});
  const Json document = sweep_document(
      plan, {curve(0, 1, false, 1), curve(0, 1, false, 4), curve(0, 1, false, 9), curve(0, 1, false, 5)});
  EXPECT_EQ(
      section(document, "Findings").at("paragraphs"),
      (Json{"Lowest validation loss: 4.5 ± 0.71 over 2 seeds with optimizer.learning-rate = 0.01 (points 2, "
            "4); its test loss: 1 ± 0."}));
  const Json chart = section(document, "Validation loss over optimizer.learning-rate");
  ASSERT_EQ(chart.at("series").size(), 1U);
  EXPECT_EQ(chart.at("series")[0].at("y"), (Json{4.5, 5.0}));
  EXPECT_EQ(chart.at("series")[0].at("low"), (Json{4.0, 1.0}));
  EXPECT_EQ(chart.at("series")[0].at("high"), (Json{5.0, 9.0}));
  EXPECT_TRUE(section(document, "Validation loss over train.seed").is_null());
  EXPECT_EQ(section(document, "Means over the seeds").at("rows").size(), 2U);
}

TEST(SweepPage, SeedsAloneHaveNoWinner) {
  const SweepPlan plan = plan_of({"train.seed=1,2,3"});
  const Json document =
      sweep_document(plan, {curve(0, 1, false, 1), curve(0, 1, false, 2), curve(0, 1, false, 3)});
  EXPECT_EQ(section(document, "Findings").at("paragraphs"), (Json{"Validation loss: 2 ± 1 over 3 seeds."}));
}

TEST(SweepPage, LeavesALossThatWentAstrayOutsideOfThePicture) {
  const SweepPlan plan = plan_of({"train.seed=1,2,3"});
  const auto chart = [&](double loss) {
    return section(sweep_document(plan, {curve(0.5, 0), curve(loss, 0), curve(0, 0)}),
                   "Training loss over train.seed");
  };
  EXPECT_FALSE(chart(30).at("y").contains("range")) << "ten times the loss of the initial weights, 3";
  EXPECT_EQ(chart(31).at("y").at("range"), (Json{0.4, 30.0}));
}

TEST(SweepPage, DrawsTheBestOfTooManyLinesWithinTheirBand) {
  const SweepPlan plan = plan_of({"optimizer.name=sgd,adam", "train.batch-size=1:30:lin30"});
  std::vector<Curve> results;
  results.reserve(60);
  for (int i = 0; i < 30; ++i) results.push_back(curve(10 + i, 0));
  for (int i = 0; i < 30; ++i) results.push_back(curve(5, 0, true));
  const Json chart = section(sweep_document(plan, results), "Training loss over optimizer.name");
  ASSERT_EQ(chart.at("series").size(), 1U);
  EXPECT_EQ(chart.at("series")[0].at("x"), (Json{"sgd", "adam"}));
  EXPECT_EQ(chart.at("series")[0].at("y").dump(), "[10.0,null]");
  EXPECT_EQ(chart.at("series")[0].at("low").dump(), "[10.0,null]");
  EXPECT_EQ(chart.at("series")[0].at("high").dump(), "[39.0,null]");
}

TEST(SweepPage, HasTheCommandAndTheSettingsOfEveryPoint) {
  const SweepPlan plan = plan_of({"optimizer.name=sgd,adam"}, {{"run.dir", "runs/x"}});
  const Json document = sweep_document(plan, {curve(1, 1), curve(2, 2)});
  const Json points = section(document, "Points");
  EXPECT_EQ(points.at("rows")[1][1], "lockstep train --config runs/x/points/2.cfg");
  std::map<std::string, std::vector<Json>> columns;
  for (std::size_t i = 0; i < points.at("columns").size(); ++i) {
    for (const Json& row : points.at("rows")) columns[points.at("columns")[i].at("name")].push_back(row[i]);
  }
  EXPECT_EQ(columns["optimizer.name"], (std::vector<Json>{"sgd", "adam"}));
  EXPECT_EQ(columns["optimizer.beta1"], (std::vector<Json>{nullptr, "0.9"}));
  EXPECT_FALSE(columns.contains("data.source"));
  EXPECT_THAT(section(document, "Configuration").at("rows"), testing::Contains(Json{"data.source", "blobs"}));
}

// Of drawn settings there is neither a grid nor a line.
TEST(SweepPage, ShowsWhatWasDrawnAsPoints) {
  const SweepPlan plan = test::plan_of_samples(
      {"optimizer.learning-rate=1e-2:1:log", "train.batch-size=1:100:lin", "train.seed=1,2"}, 3);
  const Json document = sweep_document(
      plan, {curve(1, 1), curve(3, 1), curve(4, 1), curve(4, 1), curve(9, 1), curve(9, 1, true)});
  const Json chart = section(document, "Training loss over optimizer.learning-rate");
  EXPECT_EQ(chart.at("kind"), "points");
  EXPECT_EQ(chart.at("series").size(), 1U);
  EXPECT_EQ(chart.at("series")[0].at("y"), (Json{2.0, 4.0})) << "the third setting diverged";
  const Json parallel = section(document, "Training loss over all settings");
  for (const Json& axis : parallel.at("axes")) {
    ASSERT_EQ(axis.at("heights").size(), axis.at("values").size());
    for (std::size_t i = 0; i < axis.at("values").size(); ++i) {
      const double value = std::stod(axis.at("values")[i].get<std::string>());
      const bool is_rate = axis.at("title") == "optimizer.learning-rate";
      EXPECT_NEAR(axis.at("heights")[i].get<double>(), is_rate ? std::log10(value) / 2 + 1 : (value - 1) / 99,
                  1e-12);
    }
  }
  for (const Json& one : document.at("sections")) EXPECT_NE(one.at("type"), "grid");
}

TEST(SweepPage, OfAStoppedSweepSaysWhatIsTrained) {
  const SweepPlan plan = plan_of({"optimizer.learning-rate=1,0.1,0.01"});
  const Json document =
      sweep_document(plan, {curve(3, 3, false, 2), {}, curve(1, 1, false, 1)}, "with 2 of 3 points trained");
  const Json findings = section(document, "Findings").at("paragraphs");
  EXPECT_EQ(findings.at(0), "The sweep was stopped with 2 of 3 points trained.");
  EXPECT_EQ(findings.size(), 2U);
  EXPECT_TRUE(section(document, "Weights").is_null());
  std::map<int, Json> endings;
  const Json table = section(document, "Results");
  for (const Json& row : table.at("rows")) endings[row[0].get<int>()] = row[2];
  EXPECT_EQ(endings, (std::map<int, Json>{{1, "yes"}, {2, "not trained yet"}, {3, "yes"}}));
}

// By the mean over the seeds the second setting is the best; by single trainings the first would be.
TEST(SweepWeights, AreThoseOfTheBestSettingsFirstSeed) {
  const SweepPlan plan = plan_of({"optimizer.learning-rate=1,0.1,0.01", "train.seed=1,2"});
  std::vector<Curve> results(6);
  results[2] = curve(3, 3);
  EXPECT_TRUE(may_win(plan, results, 2)) << "its second seed is to come";
  results[3] = curve(3, 3);
  EXPECT_TRUE(may_win(plan, results, 2));
  EXPECT_FALSE(may_win(plan, results, 3)) << "the second seed";
  results[0] = curve(1, 1);
  EXPECT_TRUE(may_win(plan, results, 0)) << "its second seed is to come";
  EXPECT_TRUE(may_win(plan, results, 2)) << "the best of those that are known";
  results[1] = curve(9, 9);
  EXPECT_FALSE(may_win(plan, results, 0)) << "mean 5";
  results[5] = curve(0, 0, true);
  results[4] = curve(0, 0);
  EXPECT_FALSE(may_win(plan, results, 4)) << "one seed diverged";
  EXPECT_EQ(winning_point(plan, results), 2);
  EXPECT_EQ(winning_point(plan_of({"train.seed=1,2"}), {curve(2, 2), curve(1, 1)}), 0) << "the first seed";
  EXPECT_EQ(winning_point(plan_of({"train.seed=1"}), {curve(2, 2, true)}), std::nullopt);
}

}  // namespace
}  // namespace lockstep
