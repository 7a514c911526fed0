// Closed forms of the analysis of variance over a whole grid: the values 1, 2, 3 have the variance 2/3, two
// values that differ by 1 have 1/4.

#include <cmath>
#include <functional>
#include <limits>

#include <gtest/gtest.h>

#include "study/sweep/sweep_importance.hpp"
#include "study_sweep_helpers.hpp"

namespace lockstep {
namespace {

using test::plan_of;

const std::string kRates = "optimizer.learning-rate=1,2,3";
const std::string kBatches = "train.batch-size=1,2";
const std::string kSeeds = "train.seed=1,2";

using Formula = std::function<double(const std::vector<double>& values)>;

std::vector<double> results_of(const SweepGrid& grid, const Formula& formula) {
  std::vector<double> results;
  for (Index point = 0; point < grid.size(); ++point) {
    std::vector<double> values;
    for (const auto& [key, value] : grid.settings(point)) values.push_back(std::stod(value));
    results.push_back(formula(values));
  }
  return results;
}

std::optional<VarianceShares> shares_of(const std::vector<std::string>& sweeps, const Formula& formula) {
  const SweepGrid grid(sweeps);
  return variance_shares(grid, results_of(grid, formula));
}

/// Trainings that ended with these training losses; NaN: diverged.
std::vector<Curve> ended_with(const std::vector<double>& losses) {
  std::vector<Curve> curves;
  for (const double loss : losses) {
    Curve& curve = curves.emplace_back();
    curve.points = {{.step = 6,
                     .epoch = 2,
                     .samples = 128,
                     .training_loss = std::isnan(loss) ? 1 : loss,
                     .weight_norm = 1}};
    curve.diverged = std::isnan(loss);
  }
  return curves;
}

TEST(SweepImportance, OfASumIsEachSettingsOwnVariance) {
  const auto shares = shares_of({kBatches, kRates}, [](const auto& v) { return 100 + v[0] + 3 * v[1]; });
  ASSERT_TRUE(shares);
  ASSERT_EQ(shares->settings.size(), 2U);
  EXPECT_EQ(shares->settings[0].key, "optimizer.learning-rate");
  EXPECT_NEAR(shares->settings[0].share, 6 / 6.25, 1e-12);
  EXPECT_EQ(shares->settings[1].key, "train.batch-size");
  EXPECT_NEAR(shares->settings[1].share, 0.25 / 6.25, 1e-12);
  EXPECT_NEAR(shares->interactions, 0, 1e-12);
  EXPECT_FALSE(shares->seeds);
}

TEST(SweepImportance, OfAProductOfCentredSettingsIsTheirInteraction) {
  const auto shares = shares_of({kRates, kBatches}, [](const auto& v) { return (v[0] - 2) * (v[1] - 1.5); });
  ASSERT_TRUE(shares);
  for (const auto& setting : shares->settings) EXPECT_NEAR(setting.share, 0, 1e-12) << setting.key;
  EXPECT_NEAR(shares->interactions, 1, 1e-12);
}

TEST(SweepImportance, OfSeedsIsWhatTrainingsOfTheSameSettingsDifferIn) {
  // Variances: 2/3 of the rate, 1/4 · 2/3 of what rate and batch make together, 1/4 · (2/3) of seed and rate.
  const auto shares = shares_of({kSeeds, kRates, kBatches}, [](const auto& v) {
    return v[1] + (v[1] - 2) * (v[2] - 1.5) + (v[1] - 2) * (v[0] - 1.5);
  });
  ASSERT_TRUE(shares);
  ASSERT_EQ(shares->settings.size(), 2U) << "seeds are no setting";
  EXPECT_NEAR(shares->settings[0].share, 4.0 / 6, 1e-12);
  EXPECT_NEAR(shares->settings[1].share, 0, 1e-12);
  EXPECT_NEAR(shares->interactions, 1.0 / 6, 1e-12);
  ASSERT_TRUE(shares->seeds);
  EXPECT_NEAR(*shares->seeds, 1.0 / 6, 1e-12);
}

TEST(SweepImportance, IsNotShownWhereItWouldTellNothing) {
  const Formula sum = [](const auto& v) { return v[0] + v[1]; };
  EXPECT_FALSE(shares_of({kRates, kSeeds}, sum)) << "one setting";
  EXPECT_FALSE(shares_of({kRates, "train.batch-size=1"}, sum)) << "one setting with several values";
  EXPECT_FALSE(shares_of({kBatches, "train.epochs=1,2"}, sum)) << "four points";
  EXPECT_FALSE(shares_of({kRates, kBatches}, [](const auto& /*v*/) { return 0.1; })) << "all the same";
  const double nothing = std::numeric_limits<double>::quiet_NaN();
  EXPECT_FALSE(shares_of({kRates, kBatches}, [&](const auto& v) { return v[0] > 2 ? nothing : v[0]; }));
}

TEST(SweepImportance, CountsATrainingThatDivergedAsTheWorstThatDidNot) {
  const SweepPlan plan = plan_of({kRates, kBatches});
  const double nothing = std::numeric_limits<double>::quiet_NaN();
  // 4, 5, 7, 8, 10, 10: the variance is 47/9; of the rates' means 4.5, 7.5, 10 it is 91/18, of the batches'
  // means 7 and 23/3 1/9.
  const std::vector<Curve> results = ended_with({4, 5, 7, 8, 10, nothing});
  EXPECT_EQ(settings_findings(plan, results),
            std::vector<std::string>{"Which settings matter, by their share of the variance of the training "
                                     "loss: optimizer.learning-rate 96.8 %, train.batch-size 2.13 %, "
                                     "interactions and chance 1.06 %."});
  const auto bars = settings_bars(plan, results);
  ASSERT_EQ(bars.size(), 1U);
  EXPECT_EQ(bars[0].at("items").size(), 3U);
  EXPECT_NEAR(bars[0].at("items")[0].at("value"), 100 * 91.0 / 94, 1e-9);
  EXPECT_TRUE(settings_findings(plan, ended_with({4, 5, nothing, nothing, nothing, nothing})).empty());
}

TEST(SweepImportance, IsNotShownWhereNotAllWereTrainedToTheirEnd) {
  SweepRequest request = test::request_of({kRates, kBatches});
  const std::vector<Curve> results = ended_with({4, 5, 7, 8, 10, 11});
  EXPECT_EQ(settings_bars(plan_sweep(request, 1), results).size(), 1U);
  request.halving = 2;
  request.rungs = 2;
  const SweepPlan plan = plan_sweep(request, 1);
  EXPECT_TRUE(settings_findings(plan, results).empty());
  EXPECT_TRUE(settings_bars(plan, results).empty());
}

}  // namespace
}  // namespace lockstep
