#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "data_helpers.hpp"
#include "train/run/early_stopping.hpp"
#include "train_helpers.hpp"

namespace lockstep {
namespace {

using test::is_bad_input;
using test::Texts;
using test::TrainingRun;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinite = std::numeric_limits<double>::infinity();

Evaluation evaluation(double loss, std::optional<double> accuracy = std::nullopt) {
  return {.samples = 10, .loss = loss, .accuracy = accuracy, .nonfinite = {}};
}

/// What becomes of evaluations with these losses, one every ten steps.
struct Course {
  std::vector<std::uint64_t> best;      ///< number of the best, from 1, after each; 0: none
  std::optional<std::size_t> stops_at;  ///< number of the one that stops the training
};
Course course(std::uint64_t patience, const std::vector<double>& losses) {
  EarlyStopping stopping({.patience = patience, .watch = Watch::kLoss});
  Course found;
  for (std::size_t i = 1; i <= losses.size(); ++i) {
    const std::uint64_t before = found.best.empty() ? 0 : found.best.back();
    const bool is_best = stopping.add(10 * i, 0.5 * static_cast<double>(i), evaluation(losses[i - 1]));
    const auto& best = stopping.standing().best;
    found.best.push_back(best ? best->step / 10 : 0);
    EXPECT_EQ(is_best, found.best.back() != before);
    if (best) {
      EXPECT_EQ(best->epoch, 0.05 * static_cast<double>(best->step));
      EXPECT_EQ(best->value, losses[best->step / 10 - 1]);
    }
    if (stopping.has_to_stop() && !found.stops_at) found.stops_at = i;
  }
  return found;
}

using Numbers = std::vector<std::uint64_t>;

TEST(EarlyStopping, StopsAfterAsManyEvaluationsThatAreNoBetterThanTheBest) {
  const Course found = course(2, {5, 4, 4.5, 3, 3.5, 3.2, 1});
  EXPECT_EQ(found.best, (Numbers{1, 2, 2, 4, 4, 4, 7}));
  EXPECT_EQ(found.stops_at, 6U);
  EXPECT_EQ(course(1, {5, 4, 4.5, 3}).stops_at, 3U);
  EXPECT_EQ(course(3, {5, 4, 4.5, 3, 3.5, 3.2, 1}).stops_at, std::nullopt);
}

TEST(EarlyStopping, TheFirstEvaluationIsTheBestSoFar) {
  EXPECT_EQ(course(1, {1e30}).best, (Numbers{1}));
  EXPECT_EQ(course(1, {1e30}).stops_at, std::nullopt);
}

TEST(EarlyStopping, WithoutPatienceNothingStops) {
  const Course found = course(0, {1, 2, 3, 4, 5, 6, 0.5});
  EXPECT_EQ(found.best, (Numbers{1, 1, 1, 1, 1, 1, 7}));
  EXPECT_EQ(found.stops_at, std::nullopt);
}

TEST(EarlyStopping, OfEqualLossesTheFirstIsTheBest) {
  const Course found = course(2, {2, 2, 1, 1, 1});
  EXPECT_EQ(found.best, (Numbers{1, 1, 3, 3, 3}));
  EXPECT_EQ(found.stops_at, 5U);
}

TEST(EarlyStopping, ALossThatIsNotFiniteIsNeverTheBestAndCountsAsNoBetter) {
  const Course at_first = course(3, {kNaN, kInfinite, 7, kNaN, -kInfinite, kNaN, 6});
  EXPECT_EQ(at_first.best, (Numbers{0, 0, 3, 3, 3, 3, 7}));
  EXPECT_EQ(at_first.stops_at, 6U);
  const Course never = course(2, {kNaN, kNaN});
  EXPECT_EQ(never.best, (Numbers{0, 0}));
  EXPECT_EQ(never.stops_at, 2U);
}

TEST(EarlyStopping, OfAccuraciesTheLargestIsTheBest) {
  EarlyStopping stopping({.patience = 2, .watch = Watch::kAccuracy});
  EXPECT_TRUE(stopping.add(1, 1, evaluation(1, 0)));
  EXPECT_TRUE(stopping.add(2, 2, evaluation(2, 0.5)));
  EXPECT_FALSE(stopping.add(3, 3, evaluation(0.1, 0.5)));
  EXPECT_TRUE(stopping.add(4, 4, evaluation(kNaN, 0.75))) << "the samples without a loss are wrong answers";
  EXPECT_FALSE(stopping.add(5, 5, evaluation(0.1, 0.25)));
  EXPECT_FALSE(stopping.has_to_stop());
  EXPECT_FALSE(stopping.add(6, 6, evaluation(0.1, 0.75)));
  EXPECT_TRUE(stopping.has_to_stop());
  EXPECT_EQ(stopping.standing().best->step, 4U);
  EXPECT_EQ(stopping.standing().best->value, 0.75);
}

TEST(EarlyStopping, GoesOnFromWhereItStood) {
  const std::vector<double> losses = {3, 2, kNaN, 2.5, 1.5, 1.75, 1.5, 9};
  const Config::Stopping options{.patience = 3, .watch = Watch::kLoss};
  for (std::size_t cut = 0; cut <= losses.size(); ++cut) {
    EarlyStopping first(options);
    EarlyStopping second(options);
    for (std::size_t i = 0; i < losses.size(); ++i) {
      if (i == cut) second.restore(first.standing());
      EarlyStopping& now = i < cut ? first : second;
      EXPECT_EQ(now.add(i + 1, 0, evaluation(losses[i])), i == 0 || i == 1 || i == 4) << cut << ", " << i;
      EXPECT_EQ(now.has_to_stop(), i == 7) << cut << ", " << i;
    }
  }
}

TEST(EarlyStopping, NeedsSamplesToChooseBy) {
  const auto check = [](const Texts& settings) {
    const TrainingRun run(test::blobs(settings));
    check_stopping(run.config.stopping, *run.problem);
  };
  const std::string advice = "set data.validation";
  EXPECT_TRUE(is_bad_input([&] { check({{"train.patience", "4"}}); }, {"train.patience = 4", advice}));
  EXPECT_TRUE(is_bad_input(
      [&] {
        check({{"train.watch", "accuracy"}});
      },
      {"train.watch = accuracy", advice}));
  // Too few to hold one out.
  EXPECT_TRUE(is_bad_input(
      [&] {
        check({{"train.patience", "4"}, {"data.validation", "0.001"}});
      },
      {advice}));
  EXPECT_NO_THROW(check({}));
  EXPECT_NO_THROW(check({{"train.patience", "4"}, {"train.watch", "accuracy"}, {"data.validation", "0.2"}}));
  const Texts regression = {{"data.source", "linear"},
                            {"model.layers", "linear 1"},
                            {"data.validation", "0.2"},
                            {"train.watch", "accuracy"}};
  EXPECT_TRUE(is_bad_input([&] { check(regression); }, {"train.watch = accuracy: a regression has none"}));
}

}  // namespace
}  // namespace lockstep
