// Which settings go on, and how far: rungs by their closed forms.

#include <cmath>
#include <gmock/gmock.h>
#include <limits>

#include <gtest/gtest.h>

#include "lockstep/core/error.hpp"
#include "study/sweep/halving.hpp"
#include "study/sweep/sweep_results.hpp"
#include "study_sweep_helpers.hpp"

namespace lockstep {
namespace {

using Points = std::vector<Index>;
using Steps = std::vector<std::uint64_t>;
using testing::HasSubstr;

Points sizes(const Halving& halving) {
  Points sizes;
  for (Index rung = 0; rung < halving.rungs(); ++rung) sizes.push_back(halving.settings(rung));
  return sizes;
}

Steps steps(const Halving& halving, std::uint64_t total) {
  Steps steps;
  for (Index rung = 0; rung < halving.rungs(); ++rung) steps.push_back(halving.steps(total, rung));
  return steps;
}

// Hyperband's table 1 (R = 81, eta = 3), its bracket of most settings.
TEST(Halving, HasTheRungsOfHyperband) {
  const Halving halving(3, 81, 14);
  EXPECT_EQ(sizes(halving), (Points{81, 27, 9, 3, 1}));
  EXPECT_EQ(steps(halving, 81), (Steps{1, 3, 9, 27, 81}));
}

TEST(Halving, RoundsSettingsDownAndStepsUp) {
  const Halving halving(3, 64, 14);
  EXPECT_EQ(sizes(halving), (Points{64, 21, 7, 2}));
  EXPECT_EQ(steps(halving, 100), (Steps{4, 12, 34, 100}));
  EXPECT_EQ(steps(halving, 1), (Steps{1, 1, 1, 1}));
  EXPECT_EQ(sizes(Halving(2, 2, 14)), (Points{2, 1}));
}

TEST(Halving, BeginsLongerWithFewerRungs) {
  EXPECT_EQ(sizes(Halving(3, 64, 3)), (Points{64, 21, 7}));
  EXPECT_EQ(steps(Halving(3, 64, 3), 81), (Steps{9, 27, 81}));
  EXPECT_EQ(steps(Halving(3, 64, 2), 81), (Steps{27, 81}));
}

TEST(Halving, IsOneRungWithoutIt) {
  for (const Halving& halving : {Halving(), Halving(1, 64, 14), Halving(3, 64, 1)}) {
    EXPECT_FALSE(halving.is_on());
    EXPECT_EQ(halving.rungs(), 1);
    EXPECT_EQ(halving.steps(100, 0), 100U);
  }
}

SweepPlan plan_of_halving(const std::vector<std::string>& sweeps, Index eta) {
  SweepRequest request = test::request_of(sweeps);
  request.halving = eta;
  request.rungs = 14;
  return plan_sweep(request, 1);
}

TEST(Halving, NeedsSettingsToChooseAmong) {
  EXPECT_THROW(plan_of_halving({"optimizer.learning-rate=1,2"}, 3), Error);
  EXPECT_THROW(plan_of_halving({"optimizer.learning-rate=1,2", "train.seed=1,2,3"}, 3), Error)
      << "seeds are no settings";
  EXPECT_EQ(plan_of_halving({"optimizer.learning-rate=1,2,3"}, 3).halving.rungs(), 2);
}

/// A training that has come through `rung`; its test loss says the opposite of its validation loss.
Curve curve(double validation_loss, Index rung = 0, bool diverged = false) {
  Curve curve;
  curve.points = {{.step = 1, .validation_loss = validation_loss, .test_loss = -validation_loss}};
  curve.diverged = diverged;
  curve.samples = rung == 0 ? 10 : 30;
  curve.whole_samples = 30;
  curve.rung = rung;
  return curve;
}

TEST(PointsOfRung, AreTheBestByValidation) {
  const SweepPlan plan = plan_of_halving({"optimizer.learning-rate=1,2,3,4,5,6"}, 3);
  const std::vector<Curve> results = {curve(6), curve(2), curve(5), curve(1), curve(4), curve(3)};
  EXPECT_EQ(points_of_rung(plan, {}, 0), (Points{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(points_of_rung(plan, results, 1), (Points{1, 3}));
}

TEST(PointsOfRung, OfEqualOnesTheEarlierGoesOn) {
  const SweepPlan plan = plan_of_halving({"optimizer.learning-rate=1,2,3,4"}, 2);
  EXPECT_EQ(points_of_rung(plan, {curve(2), curve(1), curve(2), curve(2)}, 1), (Points{0, 1}));
}

TEST(PointsOfRung, NeverHaveOneThatDiverged) {
  const SweepPlan plan = plan_of_halving({"optimizer.learning-rate=1,2,3,4"}, 2);
  const Curve infinite = curve(std::numeric_limits<double>::infinity());
  EXPECT_EQ(points_of_rung(plan, {infinite, curve(1, 0, true), curve(9), curve(2, 0, true)}, 1), (Points{2}));
  EXPECT_EQ(points_of_rung(plan, std::vector<Curve>(4, curve(1, 0, true)), 1), Points{});
}

TEST(PointsOfRung, ComeFromTheRungBefore) {
  const SweepPlan plan = plan_of_halving({"optimizer.learning-rate=1,2,3,4"}, 2);
  EXPECT_EQ(points_of_rung(plan, {curve(1), curve(3, 1), curve(0), curve(2, 1)}, 2), (Points{3}));
}

// The means over the seeds are 5, 4 and 6.
TEST(PointsOfRung, KeepASettingsSeedsTogether) {
  const SweepPlan plan = plan_of_halving({"train.seed=1,2", "optimizer.learning-rate=1,2,3"}, 3);
  const std::vector<Curve> results = {curve(1), curve(4), curve(3), curve(9), curve(4), curve(9)};
  EXPECT_EQ(points_of_rung(plan, results, 1), (Points{1, 4}));
}

// An early rung's loss is below the winner's, and one diverged at the end.
TEST(SweepPage, HasTheWinnerOfTheLastRungAndWhatItCost) {
  const SweepPlan plan = plan_of_halving({"optimizer.learning-rate=1,2,3,4"}, 2);
  const std::vector<Curve> results = {curve(1), curve(3, 2), curve(5, 1), curve(2)};
  const std::vector<std::string> findings = sweep_findings(plan, results);
  EXPECT_THAT(findings.at(0), HasSubstr("Lowest validation loss: 3 at point 2"));
  EXPECT_EQ(
      findings.at(1),
      "Successive halving trained 4 points to 1/4 of their steps, 2 points to 1/2 of their steps, 1 point "
      "to all their steps: 80 samples, 66.7 % of the 120 that all points would take.");
  const auto document = sweep_document(plan, results);
  EXPECT_EQ(document.at("sections")[0].at("headline").at("value"), 3.0);
  Points order;
  for (const auto& row : document.at("sections")[2].at("rows")) order.push_back(row[0].get<Index>());
  EXPECT_EQ(order, (Points{2, 3, 1, 4}));
  EXPECT_THAT(table_csv(plan, results), HasSubstr("point,optimizer.learning-rate,rung,diverged"));
  EXPECT_THAT(table_csv(plan, results), HasSubstr("\r\n2,2,3,false,"));
}

}  // namespace
}  // namespace lockstep
