// Sweeps without training: what is planned, kept, found again and shown.

#include <cmath>
#include <gmock/gmock.h>
#include <limits>

#include "sweep_journal.hpp"
#include "sweep_plan.hpp"
#include "sweep_results.hpp"
#include "temporary_folder.hpp"
#include <gtest/gtest.h>

#include "lockstep/core/error.hpp"

namespace lockstep {
namespace {

using Json = nlohmann::ordered_json;
using testing::HasSubstr;

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

SweepRequest request_of(const std::vector<std::string>& sweeps,
                        const std::map<std::string, std::string>& settings = {}) {
  SweepRequest request{.settings = {{"data.source", {"blobs", "on the command line"}},
                                    {"model.layers", {"linear 4", "in a.cfg"}}},
                       .sweeps = sweeps,
                       .groups = 1,
                       .evaluations = 1};
  for (const auto& [key, value] : settings) request.settings[key] = {value, "on the command line"};
  return request;
}

SweepPlan plan_of(const std::vector<std::string>& sweeps,
                  const std::map<std::string, std::string>& settings = {}) {
  return plan_sweep(request_of(sweeps, settings), 1);
}

std::string setting(const Config& config, const std::string& key) {
  for (const auto& [name, value] : config.resolved) {
    if (name == key) return value;
  }
  return "none";
}

/// What `action` fails with.
template <typename Action>
std::string message_of(const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kBadInput);
    return error.what();
  }
  return "no error";
}

TEST(SweepPlan, GivesEachPointItsConfiguration) {
  const SweepPlan plan =
      plan_of({"optimizer.name=sgd,adam", "model.layers=linear 8, relu, linear 4|linear 4"});
  ASSERT_EQ(plan.points.size(), 4U);
  EXPECT_EQ(setting(plan.points[2], "optimizer.name"), "adam");
  EXPECT_EQ(setting(plan.points[2], "model.layers"), "linear 8, relu, linear 4")
      << "the sweep wins over a file";
  EXPECT_EQ(setting(plan.points[2], "optimizer.beta1"), "0.9");
  EXPECT_EQ(setting(plan.points[1], "optimizer.beta1"), "none");
  const auto shared = shared_settings(plan);
  EXPECT_THAT(shared, testing::Contains(std::pair<std::string, std::string>("data.source", "blobs")));
  for (const auto& [key, value] : shared) {
    EXPECT_NE(key, "optimizer.name");
    EXPECT_NE(key, "optimizer.beta1");
    EXPECT_NE(key, "model.layers");
  }
}

TEST(SweepPlan, SettlesMicroBatchesForTheLargestGroup) {
  SweepRequest request = request_of({"train.seed=1,2"});
  request.groups = 2;
  EXPECT_EQ(setting(plan_sweep(request, 16).points[1], "train.micro-batches"), "8");
  EXPECT_EQ(setting(plan_sweep(request, 17).points[1], "train.micro-batches"), "16") << "groups of 8 and 9";
}

TEST(SweepPlan, NamesThePointThatCannotBe) {
  EXPECT_THAT(message_of([] { plan_of({"optimizer.lerning-rate=1"}); }),
              HasSubstr("'optimizer.learning-rate'"));
  EXPECT_THAT(message_of([] {
                plan_of({"train.seed=1,2", "optimizer.momentum=0,2"});
              }),
              testing::AllOf(HasSubstr("point 2 of 4 (train.seed = 1, optimizer.momentum = 2)"),
                             HasSubstr("from 0 to")));
  EXPECT_THAT(message_of([] {
                plan_of({"optimizer.name=sgd,adam"}, {{"optimizer.momentum", "0.9"}});
              }),
              HasSubstr("point 2 of 2 (optimizer.name = adam): optimizer.momentum (on the command line)"));
  EXPECT_THAT(message_of([] { plan_of({"train.seed=1,2"}, {{"train.seed", "1"}}); }), HasSubstr("is swept"));
  EXPECT_THAT(message_of([] { plan_of({"run.dir=a,b"}); }), HasSubstr("one folder"));
  EXPECT_THAT(message_of([] { plan_of({"optimizer.average=0,0.9"}); }), HasSubstr("point 2 of 2"));
  EXPECT_THAT(message_of([] { plan_of({"train.reduction=reproducible,fast"}); }), HasSubstr("point 2 of 2"));
}

TEST(SweepPlan, RefusesMoreGroupsThanRanksAndMoreRanksThanMicroBatches) {
  SweepRequest request = request_of({"train.micro-batches=4,2"});
  request.groups = 3;
  EXPECT_THAT(message_of([&] { plan_sweep(request, 2); }), HasSubstr("--groups 3: mpirun started 2 ranks"));
  EXPECT_EQ(plan_sweep(request, 6).points.size(), 2U);
  EXPECT_THAT(
      message_of([&] { plan_sweep(request, 7); }),
      HasSubstr("point 2 of 2 (train.micro-batches = 2): train.micro-batches = 2: allows at most 2 ranks"));
}

TEST(SweepPlan, ChecksPointsAgainstTheirData) {
  check_points(plan_of({"data.samples=64,128", "train.batch-size=64"}));
  EXPECT_THAT(
      message_of([] {
        check_points(plan_of({"data.samples=128,64", "train.batch-size=65"}));
      }),
      HasSubstr(
          "point 2 of 2 (data.samples = 64, train.batch-size = 65): train.batch-size = 65: larger than"));
  EXPECT_THAT(message_of([] { check_points(plan_of({"model.layers=linear 4|linear 5"})); }),
              HasSubstr("point 2 of 2"));
  EXPECT_THAT(message_of([] {
                check_points(plan_of({"train.steps=20,5"}, {{"schedule.warmup-steps", "10"}}));
              }),
              HasSubstr("point 2 of 2 (train.steps = 5): schedule.warmup-steps = 10"));
}

TEST(SweepPlan, TellsSweepsApart) {
  const auto difference = [](const SweepPlan& a, const SweepPlan& b) {
    return first_difference(describe(a), describe(b));
  };
  const SweepPlan plan = plan_of({"train.seed=1,2"});
  EXPECT_EQ(difference(plan, plan_of({"train.seed=1,2"})), "");
  EXPECT_EQ(difference(plan, plan_of({"train.seed=1,3"})), "sweeps/train.seed/1: 2 there, 3 here");
  EXPECT_EQ(difference(plan, plan_of({"train.seed=1,2,3"})), "points: 2 there, 3 here");
  EXPECT_EQ(difference(plan, plan_of({"train.seed=1,2"}, {{"train.epochs", "3"}})),
            "shared/train.epochs: 10 there, 3 here");
  EXPECT_EQ(difference(plan_of({"train.seed=1,2"}, {{"optimizer.name", "adam"}}), plan).substr(0, 21),
            "shared/optimizer.name");
}

class SweepJournalTest : public testing::Test {
 protected:
  SweepJournal begin(const Json& description) { return SweepJournal::begin(path_, description, 1, 1); }

  test::TemporaryFolder folder_;
  std::filesystem::path path_ = folder_.path() / "new/sweep";
  Json description_ = {{"event", "sweep"}, {"points", 3}};
};

TEST_F(SweepJournalTest, GivesEachPointOnceToAllGroups) {
  SweepJournal one = begin(description_);
  SweepJournal two(path_);
  EXPECT_EQ(one.claim(3, 0), 0);
  EXPECT_EQ(two.claim(3, 1), 1);
  one.finish(0, {{"diverged", false}});
  EXPECT_EQ(one.claim(3, 0), 2);
  EXPECT_EQ(two.claim(3, 1), std::nullopt);
  EXPECT_EQ(two.read().size(), 1U);
  EXPECT_EQ(two.read().at(0).at("diverged"), false);
}

TEST_F(SweepJournalTest, ForgetsClaimsButNotResultsWhenItBeginsAgain) {
  {
    SweepJournal first = begin(description_);
    EXPECT_EQ(first.claim(3, 0), 0);
    EXPECT_EQ(first.claim(3, 0), 1);
    first.finish(1, {{"loss", 0.1}});
  }
  std::ofstream(path_ / "metrics.jsonl", std::ios::app) << R"({"event":"point","point":3,"lo)";
  SweepJournal second = begin(description_);
  EXPECT_EQ(second.read().size(), 1U) << "a line that was cut off is no result";
  EXPECT_EQ(second.read().at(1).at("loss"), 0.1);
  EXPECT_EQ(second.claim(3, 0), 0);
  EXPECT_EQ(second.claim(3, 0), 2);
  EXPECT_EQ(second.claim(3, 0), std::nullopt);
}

TEST_F(SweepJournalTest, RefusesAnotherSweepARunOneThatRunsAndDamage) {
  {
    SweepJournal first = begin(description_);
    EXPECT_THAT(message_of([&] { begin(description_); }), HasSubstr("is running there"));
  }
  EXPECT_THAT(message_of([&] {
                begin({{"event", "sweep"}, {"points", 4}});
              }),
              HasSubstr("holds another sweep (points: 3 there, 4 here)"));
  std::ofstream(path_ / "metrics.jsonl", std::ios::app) << "{}\n";
  EXPECT_THAT(message_of([&] { begin(description_); }), HasSubstr("metrics.jsonl:3: damaged"));
  folder_.write("metrics.jsonl", "{\"event\":\"start\"}\n{\"event\":\"st");
  EXPECT_THAT(message_of([&] { SweepJournal::begin(folder_.path(), description_, 1, 1); }),
              HasSubstr("holds a run already"));
  EXPECT_EQ(std::filesystem::file_size(folder_.path() / "metrics.jsonl"), 30U) << "a run is left as it is";
  EXPECT_THAT(message_of([&] { SweepJournal(folder_.path() / "none"); }), HasSubstr("all nodes share"));
}

Curve curve(double training_loss, double test_loss, bool diverged = false) {
  return {.variant = "",
          .seed = 0,
          .points = {{.step = 0,
                      .epoch = 0,
                      .samples = 0,
                      .training_loss = 3,
                      .training_accuracy = kNothing,
                      .test_loss = 3,
                      .test_accuracy = kNothing,
                      .gap = 0,
                      .weight_norm = 1},
                     {.step = 6,
                      .epoch = 2,
                      .samples = 128,
                      .training_loss = training_loss,
                      .training_accuracy = kNothing,
                      .test_loss = test_loss,
                      .test_accuracy = kNothing,
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
}

TEST(SweepResults, MakeTablesInTheOrderOfTheGrid) {
  const SweepPlan plan = plan_of({"model.layers=linear 2, linear 4|linear 4"});
  const std::vector<Curve> results = {curve(0.5, 0.75), curve(9, 9, true)};
  EXPECT_EQ(table_csv(plan, results),
            "point,model.layers,diverged,step,epoch,samples,training_loss,training_accuracy,test_loss,test_"
            "accuracy,gap,"
            "weight_norm,weights_digest\r\n"
            "1,\"linear 2, linear 4\",false,6,2.0,128.0,0.5,,0.75,,0.25,2.0,abc\r\n"
            "2,linear 4,true,6,2.0,128.0,,,,,,,abc\r\n");
  EXPECT_EQ(
      table_jsonl(plan, results),
      R"({"point":1,"settings":{"model.layers":"linear 2, linear 4"},"diverged":false,"step":6,"epoch":2.0,)"
      R"("samples":128.0,"training_loss":0.5,"training_accuracy":null,"test_loss":0.75,"test_accuracy":null,)"
      R"("gap":0.25,"weight_norm":2.0,"weights_digest":"abc"})"
      "\n"
      R"({"point":2,"settings":{"model.layers":"linear 4"},"diverged":true,"step":6,"epoch":2.0,)"
      R"("samples":128.0,"training_loss":null,"training_accuracy":null,"test_loss":null,"test_accuracy":null,)"
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
  const SweepPlan plan = plan_of({"optimizer.learning-rate=1,0.01", "train.seed=1,2,3"});
  const std::vector<Curve> results = {curve(0, 6), curve(0, 5), curve(0, 4, true),
                                      curve(0, 3), curve(0, 2), curve(0, 1)};
  const Json document = sweep_document(plan, results);
  const Json rates = section(document, "test loss over optimizer.learning-rate");
  EXPECT_EQ(rates.at("x"), (Json{{"title", "optimizer.learning-rate"}, {"log", true}}));
  ASSERT_EQ(rates.at("series").size(), 3U);
  EXPECT_EQ(rates.at("series")[1].at("name"), "train.seed = 2");
  EXPECT_EQ(rates.at("series")[1].at("x"), (Json{0.01, 1.0})) << "numbers by size, not as given";
  EXPECT_EQ(rates.at("series")[1].at("y"), (Json{2.0, 5.0}));
  EXPECT_TRUE(std::isnan(rates.at("series")[2].at("y")[1].get<double>())) << "a gap where it diverged";
  const Json seeds = section(document, "test loss over train.seed");
  EXPECT_EQ(seeds.at("x").at("log"), false);
  EXPECT_EQ(seeds.at("series")[1].at("y"), (Json{3.0, 2.0, 1.0}));
  EXPECT_EQ(section(document, "Findings").at("paragraphs"),
            (Json{"Lowest test loss: 1 at point 6, optimizer.learning-rate = 0.01, train.seed = 3.",
                  "1 of 6 points diverged."}));
}

TEST(SweepPage, DrawsTheBestOfTooManyLinesWithinTheirBand) {
  const SweepPlan plan = plan_of({"optimizer.name=sgd,adam", "train.seed=1:30:lin30"});
  std::vector<Curve> results;
  results.reserve(60);
  for (int i = 0; i < 30; ++i) results.push_back(curve(0, 10 + i));
  for (int i = 0; i < 30; ++i) results.push_back(curve(0, 5, true));
  const Json chart = section(sweep_document(plan, results), "test loss over optimizer.name");
  ASSERT_EQ(chart.at("series").size(), 1U);
  EXPECT_EQ(chart.at("series")[0].at("x"), (Json{"sgd", "adam"}));
  EXPECT_EQ(chart.at("series")[0].at("y"), (Json{10.0, nullptr}));
  EXPECT_EQ(chart.at("series")[0].at("low"), (Json{10.0, nullptr}));
  EXPECT_EQ(chart.at("series")[0].at("high"), (Json{39.0, nullptr}));
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

}  // namespace
}  // namespace lockstep
