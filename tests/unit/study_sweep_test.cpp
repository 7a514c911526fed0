// Sweeps without training: what is planned, kept, found again and shown.

#include <cmath>
#include <gmock/gmock.h>
#include <limits>

#include <gtest/gtest.h>

#include "lockstep/core/error.hpp"
#include "study/sweep/sweep_journal.hpp"
#include "study/sweep/sweep_plan.hpp"
#include "study_sweep_helpers.hpp"
#include "temporary_folder.hpp"

namespace lockstep {
namespace {

using Json = nlohmann::ordered_json;
using test::plan_of;
using test::request_of;
using testing::HasSubstr;

std::string setting(const Config& config, const std::string& key) {
  for (const auto& [name, value] : settings_of(config)) {
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
  EXPECT_THAT(message_of([] { plan_of({"run.dir=a,b"}); }), HasSubstr("for the whole sweep"));
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
      HasSubstr("point 2 of 2 (data.samples = 64, train.batch-size = 65): `batch-size` = 65: larger than"));
  EXPECT_THAT(message_of([] { check_points(plan_of({"model.layers=linear 4|linear 5"})); }),
              HasSubstr("point 2 of 2"));
  EXPECT_THAT(message_of([] {
                check_points(plan_of({"train.steps=20,5"}, {{"schedule.warmup-steps", "10"}}));
              }),
              HasSubstr("point 2 of 2 (train.steps = 5): `warmup-steps` = 10"));
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

TEST(SweepPlan, GoesOnWithMoreSamplesButNotWithOthers) {
  const std::vector<std::string> sweeps = {"optimizer.learning-rate=1e-4:1:log", "optimizer.name=sgd,adam"};
  const SweepPlan plan = test::plan_of_samples(sweeps, 6);
  EXPECT_TRUE(is_beginning(describe(test::plan_of_samples(sweeps, 1)), plan)) << "what points share is less";
  EXPECT_TRUE(is_beginning(describe(test::plan_of_samples(sweeps, 5)), plan));
  EXPECT_FALSE(is_beginning(describe(plan), plan)) << "the same";
  EXPECT_FALSE(is_beginning(describe(test::plan_of_samples(sweeps, 7)), plan)) << "more";
  EXPECT_FALSE(is_beginning(describe(test::plan_of_samples({sweeps[0]}, 5)), plan));
  EXPECT_FALSE(is_beginning(Json(), plan)) << "nothing there";
  EXPECT_FALSE(is_beginning(describe(plan_of({"train.seed=1,2"})), plan));
  SweepRequest halved = request_of(sweeps);
  halved.samples.count = 6;
  halved.halving = 2;
  halved.rungs = 2;
  EXPECT_FALSE(is_beginning(describe(test::plan_of_samples(sweeps, 5)), plan_sweep(halved, 1)));
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
  EXPECT_EQ(one.claim(0, {0, 1, 2}, 0), 0);
  EXPECT_EQ(two.claim(0, {0, 1, 2}, 1), 1);
  one.finish({0, 0}, {{"diverged", false}});
  EXPECT_EQ(one.claim(0, {0, 1, 2}, 0), 2);
  EXPECT_EQ(two.claim(0, {0, 1, 2}, 1), std::nullopt);
  EXPECT_EQ(two.read().size(), 1U);
  EXPECT_EQ(two.read().at({0, 0}).at("diverged"), false);
}

TEST_F(SweepJournalTest, ForgetsClaimsButNotResultsWhenItBeginsAgain) {
  {
    SweepJournal first = begin(description_);
    EXPECT_EQ(first.claim(0, {0, 1, 2}, 0), 0);
    EXPECT_EQ(first.claim(0, {0, 1, 2}, 0), 1);
    first.finish({0, 1}, {{"loss", 0.1}});
  }
  std::ofstream(path_ / "metrics.jsonl", std::ios::app) << R"({"event":"point","point":3,"lo)";
  SweepJournal second = begin(description_);
  EXPECT_EQ(second.read().size(), 1U) << "a line that was cut off is no result";
  EXPECT_EQ(second.read().at({0, 1}).at("loss"), 0.1);
  EXPECT_EQ(second.claim(0, {0, 1, 2}, 0), 0);
  EXPECT_EQ(second.claim(0, {0, 1, 2}, 0), 2);
  EXPECT_EQ(second.claim(0, {0, 1, 2}, 0), std::nullopt);
}

TEST_F(SweepJournalTest, GivesNoPointAfterAStopUntilItBeginsAgain) {
  {
    SweepJournal one = begin(description_);
    SweepJournal two(path_);
    EXPECT_EQ(one.claim(0, {0, 1}, 0), 0);
    one.stop();
    EXPECT_EQ(two.claim(0, {0, 1}, 1), std::nullopt);
  }
  EXPECT_EQ(begin(description_).claim(0, {0, 1}, 0), 0);
}

TEST_F(SweepJournalTest, IsOfTheSweepThatItWasExtendedTo) {
  const Json longer = {{"event", "sweep"}, {"points", 5}};
  {
    SweepJournal journal = begin(description_);
    journal.finish({0, 0}, {{"diverged", false}});
    journal.end();
    journal.extend(longer);
    journal.end();
  }
  EXPECT_EQ(SweepJournal::description_in(path_), longer);
  EXPECT_THAT(message_of([&] { SweepJournal::check(path_, description_); }),
              HasSubstr("points: 5 there, 3 here"));
  EXPECT_EQ(begin(longer).read().size(), 1U) << "with its results";
  EXPECT_TRUE(SweepJournal::description_in(folder_.path()).is_null());
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

}  // namespace
}  // namespace lockstep
