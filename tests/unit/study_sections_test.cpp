#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "study/sections.hpp"

namespace lockstep {
namespace {

using Json = nlohmann::ordered_json;

/// A regression without test data: a point a pair of training loss and norm, at steps 0, 10, 20, …
Curve curve(const std::string& variant, const std::vector<std::pair<double, double>>& points) {
  Curve made{.variant = variant, .seed = 1, .points = {}, .diverged = false, .weights_digest = ""};
  for (const auto& [loss, norm] : points) {
    const auto done = static_cast<double>(made.points.size());
    made.points.push_back({.step = 10 * made.points.size(),
                           .epoch = 0.5 * done,
                           .samples = 80 * done,
                           .training_loss = loss,
                           .weight_norm = norm});
  }
  return made;
}

Curve diverged(Curve made) {
  made.diverged = true;
  return made;
}

/// The field `key` of each element.
std::vector<std::string> texts(const Json& elements, const std::string& key) {
  std::vector<std::string> found;
  found.reserve(elements.size());
  for (const Json& element : elements) found.push_back(element.at(key));
  return found;
}

Json chart_of(const std::vector<VariantCurves>& variants, Quantity x = &Measurement::epoch) {
  return curves_chart("id", "Title", "Text.", variants, x, {"axis"},
                      {{&Measurement::training_loss, "training", "solid"},
                       {&Measurement::test_loss, "test", "dashed"},
                       {&Measurement::weight_norm, "", "dotted"}},
                      {"value", true});
}

TEST(Spread, IsMeanAndSampleDeviation) {
  const Spread result = spread({2, 4, 4, 4, 5, 5, 7, 9});
  EXPECT_EQ(result.mean, 5);
  EXPECT_DOUBLE_EQ(result.deviation, std::sqrt(32.0 / 7));
  EXPECT_EQ(to_text(result), "5 ± 2.1");
  EXPECT_EQ(spread({0.125}).mean, 0.125);
  EXPECT_TRUE(std::isnan(spread({0.125}).deviation)) << "one seed has no spread";
  EXPECT_EQ(to_text(spread({0.125})), "0.125");
  EXPECT_EQ(to_text(spread({0.5, 0.5})), "0.5 ± 0");
  EXPECT_EQ(to_text(spread({1, std::numeric_limits<double>::infinity()})), "not finite");
}

TEST(Spread, IsNothingWhereOneRunDiverged) {
  EXPECT_TRUE(std::isnan(spread({1, kNothing, 3}).mean));
  EXPECT_TRUE(std::isnan(spread({1, kNothing, 3}).deviation));
  const Curve good = curve("a", {{4, 1}, {2, 1}});
  EXPECT_EQ(last({good, curve("a", {{4, 1}, {3, 1}})}, &Measurement::training_loss).mean, 2.5);
  const Spread with_diverged = last({good, diverged(good)}, &Measurement::training_loss);
  EXPECT_TRUE(std::isnan(with_diverged.mean));
  EXPECT_EQ(to_text(with_diverged), "diverged");
  EXPECT_EQ(to_text(last({diverged(curve("a", {}))}, &Measurement::training_loss)), "diverged");
}

TEST(Choice, IsByValidationElseByTrainingAndNeverByTest) {
  Curve made = curve("a", {{4, 1}});
  made.points[0].test_loss = 1;
  EXPECT_EQ(choice_part({made}).name, "training");
  EXPECT_EQ(gap_part({made}).name, "test");
  made.points[0].validation_loss = std::numeric_limits<double>::infinity();
  EXPECT_EQ(choice_part({made}).name, "validation") << "though its loss is not finite";
  made.points[0].test_loss = kNothing;
  EXPECT_EQ(gap_part({made}).name, "validation");
  EXPECT_EQ(outcome(made), "training loss 4, validation loss not finite");
}

TEST(CurvesChart, HasMeanAndBandOverTheSeeds) {
  const Json chart =
      chart_of({{curve("a", {{8, 1}, {4, 2}}), curve("a", {{6, 5}, {1, 2}}), curve("a", {{1, 3}, {1, 2}})}});
  EXPECT_EQ(chart.at("type"), "chart");
  EXPECT_EQ(chart.at("id"), "id");
  EXPECT_EQ(chart.at("title"), "Title");
  EXPECT_EQ(chart.at("description"), "Text.");
  EXPECT_EQ(chart.at("x"), (Json{{"title", "axis"}, {"log", false}}));
  EXPECT_EQ(chart.at("y"), (Json{{"title", "value"}, {"log", true}}));
  ASSERT_EQ(chart.at("series").size(), 2U) << "the test loss has no values";
  const Json& loss = chart.at("series").at(0);
  EXPECT_EQ(loss.at("x"), (Json{0, 0.5}));
  EXPECT_EQ(loss.at("y"), (Json{5, 2}));
  EXPECT_EQ(loss.at("low"), (Json{1, 1}));
  EXPECT_EQ(loss.at("high"), (Json{8, 4}));
  EXPECT_EQ(chart.at("series").at(1).at("y"), (Json{3, 2}));
}

TEST(CurvesChart, MeansAreOverTrainingsAtTheSameStep) {
  Curve early = curve("a", {{8, 1}, {100, 1}});
  early.points[1].step = 7;  // where it stopped, before that of the others
  const Json chart = chart_of({{curve("a", {{4, 1}, {2, 1}, {1, 1}}), early}});
  EXPECT_EQ(chart.at("series").at(0).at("x"), (Json{0, 0.5, 1}));
  EXPECT_EQ(chart.at("series").at(0).at("y"), (Json{6, 2, 1}));
}

TEST(CurvesChart, NamesItsLinesByVariantAndQuantity) {
  const Json chart = chart_of({{curve("a", {{1, 1}})}, {curve("b", {{2, 2}})}}, &Measurement::samples);
  for (const Json& series : chart.at("series")) {
    EXPECT_FALSE(series.contains("low")) << "one seed has no band";
    EXPECT_FALSE(series.contains("high"));
  }
  EXPECT_EQ(texts(chart.at("series"), "name"),
            (std::vector<std::string>{"a: training", "a", "b: training", "b"}));
  EXPECT_EQ(texts(chart.at("series"), "group"), (std::vector<std::string>{"a", "a", "b", "b"}));
  EXPECT_EQ(texts(chart.at("series"), "style"),
            (std::vector<std::string>{"solid", "dotted", "solid", "dotted"}));
}

TEST(CurvesChart, DrawsDivergedRunsAsFarAsTheyWent) {
  const Json chart = chart_of({{diverged(curve("a", {{4, 1}})), curve("a", {{2, 1}, {1, 1}, {0.5, 1}})}},
                              &Measurement::samples);
  const Json& loss = chart.at("series").at(0);
  EXPECT_EQ(loss.at("x"), (Json{0, 80, 160}));
  EXPECT_EQ(loss.at("y"), (Json{3, 1, 0.5}));
  EXPECT_EQ(loss.at("low"), (Json{2, 1, 0.5}));
  EXPECT_EQ(loss.at("high"), (Json{4, 1, 0.5}));
}

TEST(CurvesChart, LeavesOutAVariantWithoutPoints) {
  const Json chart = chart_of({{diverged(curve("a", {}))}, {curve("b", {{1, 1}})}});
  EXPECT_EQ(texts(chart.at("series"), "group"), (std::vector<std::string>{"b", "b"}));
}

TEST(ResultsTable, HasARowAVariantAndColumnsForWhatWasMeasured) {
  const Curve a = curve("a", {{9, 9}, {1, 6}});
  const Curve b = curve("b", {{9, 9}, {0.5, 4}});
  const Json table = results_table(
      {{a, curve("a", {{9, 9}, {3, 6}})}, {b}, {diverged(curve("c", {{9, 9}})), curve("c", {{9, 9}})}});
  EXPECT_EQ(texts(table.at("columns"), "name"),
            (std::vector<std::string>{"run", "seeds", "training loss", "± training loss",
                                      "norm of the weights", "± norm of the weights"}));
  for (const Json& column : table.at("columns")) {
    EXPECT_EQ(column.at("number"), column.at("name") != "run") << column;
  }
  const Json& rows = table.at("rows");
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0], (Json{"a", 2, 2.0, std::sqrt(2.0), 6.0, 0.0}));
  EXPECT_EQ(rows[1].dump(), R"(["b",1,0.5,null,4.0,null])");
  EXPECT_EQ(texts(results_table({{b}}).at("columns"), "name"),
            (std::vector<std::string>{"run", "seeds", "training loss", "norm of the weights"}));
  EXPECT_EQ(rows[2].at(1), 2);
  for (std::size_t i = 2; i < 6; ++i) EXPECT_TRUE(std::isnan(rows[2].at(i).get<double>()));
}

}  // namespace
}  // namespace lockstep
