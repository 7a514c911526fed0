// Reports on run directories whose numbers are written here by hand.

#include <cmath>
#include <string>
#include <vector>

#include "lockstep/core/version.hpp"
#include "report/run_report.hpp"
#include "report/thinning.hpp"
#include "report_helpers.hpp"

namespace lockstep {
namespace {

using test::evaluation_line;
using test::fact;
using test::Json;
using test::kConfig;
using test::kEndLine;
using test::kStartLine;
using test::section;
using test::series;
using test::step_line;
using test::TemporaryFolder;
using test::write_run;

constexpr std::size_t kMostPoints = 1500;

/// The values below this header of a table; none where there is no such column.
Json column(const Json& table, const std::string& name) {
  Json values = Json::array();
  for (std::size_t i = 0; i < table["columns"].size(); ++i) {
    if (table["columns"][i]["name"] != name) continue;
    for (const Json& row : table["rows"]) values.push_back(row[i]);
  }
  return values;
}

TEST(RunReport, ShowsTheNumbersOfOneRun) {
  const TemporaryFolder folder;
  const std::string metrics = kStartLine + step_line(1, 0.5, "4") + step_line(2, 1, "2") +
                              evaluation_line("validation", 1, 2, R"("loss":2.5,"accuracy":0.5)") +
                              evaluation_line("test", 1, 2, R"("loss":3,"accuracy":0.25)") +
                              step_line(3, 1.5, "1") + step_line(4, 2, "0.5") +
                              evaluation_line("validation", 2, 4, R"("loss":1.5,"accuracy":0.75)") +
                              evaluation_line("test", 2, 4, R"("loss":2,"accuracy":0.625)") +
                              evaluation_line("test", 2, 4, R"("loss":1.75,"weights":"average")") + kEndLine;
  const Json document = describe_runs({write_run(folder, "first", metrics)});

  EXPECT_EQ(document.at("title"), "first");
  EXPECT_EQ(document.at("subtitle"), "A training run of 4 steps");
  EXPECT_EQ(document.at("generator"), std::string("lockstep ") + kVersion);
  EXPECT_EQ(series(document, "Loss", "training")["x"], Json({1, 2, 3, 4}));
  EXPECT_EQ(series(document, "Loss", "training")["y"], Json({4, 2, 1, 0.5}));
  EXPECT_EQ(series(document, "Loss", "validation")["x"], Json({2, 4}));
  EXPECT_EQ(series(document, "Loss", "validation")["y"], Json({2.5, 1.5}));
  EXPECT_EQ(series(document, "Loss", "test")["y"], Json({3, 2}));
  EXPECT_EQ(series(document, "Loss", "test, average weights")["y"], Json(std::vector<double>{1.75}));
  EXPECT_EQ(series(document, "Accuracy", "validation")["y"], Json({0.5, 0.75}));
  EXPECT_EQ(series(document, "Learning rate", "training")["y"], Json({0.5, 1, 1.5, 2}));
  EXPECT_EQ(series(document, "Gradient norm", "training")["y"], Json({0.25, 0.5, 0.75, 1}));
  EXPECT_EQ(series(document, "Throughput", "training")["y"], Json({100, 200, 300, 400}));
  // Nothing to show: no accuracy of the average, no parts of a step, no predictions.
  EXPECT_EQ(section(document, "Accuracy")["series"].size(), 2U);
  EXPECT_TRUE(section(document, "Time of a step").is_null());
  EXPECT_TRUE(section(document, "Confusion matrix").is_null());

  EXPECT_EQ(fact(document, "training loss, last epoch"), 0.75);  // of the steps 3 and 4
  EXPECT_EQ(fact(document, "validation accuracy"), 0.75);
  EXPECT_EQ(fact(document, "test loss"), 2);
  EXPECT_EQ(fact(document, "test, average weights loss"), 1.75);
  EXPECT_EQ(fact(document, "optimizer"), "adam");
  EXPECT_EQ(fact(document, "learning rate"), 0.001);
  EXPECT_EQ(fact(document, "batch size"), 32);
  EXPECT_EQ(fact(document, "seed"), "7");
  EXPECT_EQ(fact(document, "ranks"), 2);
  EXPECT_EQ(fact(document, "libraries"), "A 1, B 2");
  EXPECT_EQ(fact(document, "samples/s"), 900);
  EXPECT_EQ(fact(document, "weights_digest"), "d1637");
  EXPECT_EQ(fact(document, "status"), "finished");
  EXPECT_EQ(fact(document, "schedule"), Json());

  const Json evaluations = section(document, "Evaluations");
  ASSERT_EQ(evaluations["rows"].size(), 5U);
  EXPECT_EQ(evaluations["rows"][3], Json({"test", 2, 4, 100, 2, 0.625}));
  EXPECT_EQ(evaluations["rows"][4], Json({"test, average weights", 2, 4, 100, 1.75, nullptr}));
  const Json config = section(document, "Configuration");
  ASSERT_EQ(config["rows"].size(), 5U);
  EXPECT_EQ(config["rows"][4], Json({"optimizer.learning-rate", "1e-3"}));
}

TEST(RunReport, LeavesSkippedStepsOutOfTheMeanAndCountsThem) {
  const TemporaryFolder folder;
  const Json skipped = describe_runs(
      {write_run(folder, "some",
                 kStartLine + step_line(1, 0.25, "4") + step_line(2, 0.5, "null", R"(,"skipped":true)") +
                     step_line(3, 0.75, "1e30", R"(,"skipped":true)") + step_line(4, 1, "3"))});
  EXPECT_EQ(fact(skipped, "training loss, last epoch"), 3.5);
  EXPECT_EQ(fact(skipped, "skipped steps"), 2);
  EXPECT_EQ(fact(skipped, "steps"), 4);
  const Json none = describe_runs({write_run(folder, "none", kStartLine + step_line(1, 0.5, "4"))});
  EXPECT_TRUE(fact(none, "skipped steps").is_null());
  const Json all =
      describe_runs({write_run(folder, "all", kStartLine + step_line(1, 0.5, "null", R"(,"skipped":true)"))});
  EXPECT_TRUE(fact(all, "training loss, last epoch").is_null());
}

TEST(RunReport, ShowsTheNoiseScaleWhereItWasMeasured) {
  const TemporaryFolder folder;
  const Json without = describe_runs({write_run(folder, "without", kStartLine + step_line(1, 0.5, "4"))});
  EXPECT_TRUE(section(without, "Gradient noise scale").is_null());
  const std::string lines = step_line(1, 0.5, "4", R"(,"noise_scale":null)") +
                            step_line(2, 1, "2", R"(,"noise_scale":96.5)") +
                            step_line(3, 1.5, "1", R"(,"noise_scale":128)");
  const Json with = describe_runs({write_run(folder, "with", kStartLine + lines)});
  const Json scale = series(with, "Gradient noise scale", "training");
  EXPECT_EQ(scale["x"], Json({1, 2, 3}));
  EXPECT_TRUE(std::isnan(scale["y"][0].get<double>()));
  EXPECT_EQ(scale["y"][1], 96.5);
  EXPECT_EQ(scale["y"][2], 128);
}

TEST(RunReport, NumbersThatWereNotFiniteAreGaps) {
  const TemporaryFolder folder;
  const Json document = describe_runs(
      {write_run(folder, "run",
                 kStartLine + step_line(1, 0.5, "4") + step_line(2, 1, "null") + step_line(3, 1.5, "3"))});
  const Json y = Json::parse(series(document, "Loss", "training")["y"].dump());
  EXPECT_EQ(y, Json({4, nullptr, 3}));
}

TEST(PointsASeries, AreTheMostWhereAllFit) {
  EXPECT_EQ(points_a_series({}, 1500, 10), 1500U);
  EXPECT_EQ(points_a_series({400, 600}, 1500, 1000), 1500U);
  EXPECT_EQ(points_a_series({9000, 9000}, 1500, 3000), 1500U);
}

TEST(PointsASeries, AreWhatTheShorterOnesLeave) {
  EXPECT_EQ(points_a_series({1000, 10, 1000}, 1500, 1010), 500U);
  EXPECT_EQ(points_a_series({400, 601}, 1500, 1000), 600U);
  EXPECT_EQ(points_a_series({400, 400, 400}, 1500, 1199), 399U);
  EXPECT_EQ(points_a_series({100, 100}, 1500, 2), 3U) << "two ends and a mean";
}

TEST(RunReport, ManyRunsShareThePointsOfAPage) {
  const TemporaryFolder folder;
  constexpr std::size_t kRuns = 250;
  constexpr int kSteps = 400;
  constexpr std::size_t kPoints = 240;  // 300,000 over five curves a run
  std::string metrics = kStartLine;
  for (int step = 1; step <= kSteps; ++step) metrics += step_line(step, step / 100.0, "1");
  std::vector<std::filesystem::path> runs(kRuns);
  for (std::size_t run = 0; run < kRuns; ++run) {
    runs[run] = write_run(folder, "r" + std::to_string(run), metrics);
  }
  const Json document = describe_runs(runs);
  const Json loss = series(document, "Loss", "r7, training");
  EXPECT_EQ(loss["x"].size(), kPoints);
  EXPECT_EQ(loss["x"].front(), 1);
  EXPECT_EQ(loss["x"].back(), kSteps);
  EXPECT_NE(
      section(document, "Loss")["description"].get<std::string>().find("more than 240 points are means"),
      std::string::npos);
}

TEST(RunReport, ManyRunsShareTheRowsOfEvaluations) {
  const TemporaryFolder folder;
  constexpr int kRows = 25'000;  // half of 50,000
  std::string metrics = kStartLine + step_line(1, 1, "1");
  for (int epoch = 1; epoch <= kRows + 1; ++epoch) {
    metrics += evaluation_line("test", epoch, epoch, R"("loss":1)");
  }
  const auto few = write_run(folder, "few", kStartLine + step_line(1, 1, "1"));
  const Json evaluations = section(describe_runs({write_run(folder, "many", metrics), few}), "Evaluations");
  EXPECT_EQ(evaluations["description"], "The last 25000 of each run.");
  ASSERT_EQ(evaluations["rows"].size(), static_cast<std::size_t>(kRows));
  EXPECT_EQ(evaluations["rows"][0][2], 2) << "the first is left out";
}

TEST(RunReport, LongRunsAreThinnedToMeansBetweenTheirEnds) {
  const TemporaryFolder folder;
  // 1498 bins of two steps each between the first and the last: (2, 3), (4, 5), …
  constexpr int kSteps = 2 * static_cast<int>(kMostPoints) - 2;
  constexpr int kLostStep = 100;
  std::string metrics = kStartLine;
  for (int step = 1; step <= kSteps; ++step) {
    metrics += step_line(step, step / 100.0, step == kLostStep ? "null" : std::to_string(step % 2));
  }
  const Json document = describe_runs({write_run(folder, "run", metrics)});

  const Json loss = series(document, "Loss", "training");
  ASSERT_EQ(loss["x"].size(), kMostPoints);
  ASSERT_EQ(loss["y"].size(), kMostPoints);
  EXPECT_EQ(loss["x"].front(), 1);
  EXPECT_EQ(loss["y"].front(), 1);
  EXPECT_EQ(loss["x"].back(), kSteps);
  EXPECT_EQ(loss["y"].back(), 0);
  for (std::size_t bin = 1; bin + 1 < kMostPoints; ++bin) {
    const double even = 2.0 * static_cast<double>(bin);
    EXPECT_EQ(loss["x"][bin], even + 0.5);
    EXPECT_EQ(loss["y"][bin], even == kLostStep ? 1 : 0.5) << bin;
  }
  // A straight line stays one, whatever the bins.
  const Json rate = series(document, "Learning rate", "training");
  for (std::size_t i = 0; i < kMostPoints; ++i) {
    EXPECT_EQ(rate["y"][i].get<double>(), 0.5 * rate["x"][i].get<double>()) << i;
  }
}

TEST(RunReport, TimeOfAStepIsInMillisecondsByPart) {
  const TemporaryFolder folder;
  std::string metrics = kStartLine + step_line(1, 0.1, "1");  // a run that was upgraded on the way
  for (int step = 2; step <= 120; ++step) {
    metrics += step_line(step, 0.1 * step, "1",
                         fmt::format(R"(,"seconds":{{"forward":{},"exchange":0.25}})", 0.001 * step));
  }
  const Json document = describe_runs({write_run(folder, "run", metrics)});
  EXPECT_EQ(section(document, "Time of a step")["kind"], "stacked-bars");
  EXPECT_EQ(section(document, "Time of a step")["series"].size(), 2U);
  const Json forward = series(document, "Time of a step", "forward");
  const Json exchange = series(document, "Time of a step", "exchange");
  ASSERT_EQ(forward["x"].size(), 60U);  // of two steps each
  EXPECT_EQ(forward["x"][0], 1.5);
  EXPECT_DOUBLE_EQ(forward["y"][0], 2);  // of step 2, the only one with times
  for (std::size_t bar = 1; bar < 60; ++bar) {
    EXPECT_DOUBLE_EQ(forward["y"][bar].get<double>(), forward["x"][bar].get<double>());
    EXPECT_DOUBLE_EQ(exchange["y"][bar], 250);
  }
}

TEST(RunReport, ARunThatHasNotEndedShowsWhatThereIs) {
  const TemporaryFolder folder;
  const std::string whole = kStartLine + step_line(1, 0.5, "4") + step_line(2, 1, "2");
  for (const std::string half : {"", "{", R"({"event":"step","step":3,"epo)", R"({"event":"st)"}) {
    const Json document = describe_runs({write_run(folder, "run", whole + half)});
    EXPECT_EQ(document.at("subtitle"), "A training run, interrupted after 2 steps");
    EXPECT_EQ(series(document, "Loss", "training")["y"], Json({4, 2}));
    EXPECT_EQ(fact(document, "status"), "interrupted");
    EXPECT_EQ(fact(document, "weights_digest"), Json());
  }
  const Json empty = describe_runs({write_run(folder, "run", "")});
  EXPECT_EQ(fact(empty, "steps"), 0);
  EXPECT_EQ(fact(empty, "data"), "blobs");
  EXPECT_TRUE(section(empty, "Loss").is_null());
}

TEST(RunReport, SeveralRunsShareCharts) {
  const TemporaryFolder folder;
  const std::string seconds = R"(,"seconds":{"forward":0.002})";
  const auto first = write_run(folder, "x/run",
                               kStartLine + step_line(1, 0.5, "4", seconds) + step_line(2, 1, "2", seconds) +
                                   evaluation_line("test", 1, 2, R"("loss":3,"accuracy":0.25)") + kEndLine);
  const auto second = write_run(folder, "y/run", kStartLine + step_line(1, 0.5, "8"),
                                kConfig + "beta1 = 0.8\n[schedule]\nname = cosine\n");
  const auto third = write_run(folder, "y/other", kStartLine + step_line(1, 0.5, "9"));
  const Json document = describe_runs({first, second / "", third});

  EXPECT_EQ(document.at("title"), "3 runs");
  EXPECT_EQ(document.at("subtitle"), "x/run, y/run, other");
  EXPECT_EQ(section(document, "Loss")["series"].size(), 4U);
  EXPECT_EQ(section(document, "Loss")["x"]["title"], "step");
  EXPECT_EQ(series(document, "Loss", "x/run, training")["y"], Json({4, 2}));
  EXPECT_EQ(series(document, "Loss", "y/run, training")["y"], Json(std::vector<double>{8}));
  EXPECT_EQ(series(document, "Loss", "x/run, test")["group"], "x/run");
  EXPECT_NE(series(document, "Loss", "x/run, test")["style"],
            series(document, "Loss", "x/run, training")["style"]);
  const Json forward = series(document, "Time of a step", "forward");
  EXPECT_EQ(forward["x"], Json(std::vector<std::string>{"x/run"}));
  EXPECT_DOUBLE_EQ(forward["y"][0], 2);

  const Json runs = section(document, "Runs");
  ASSERT_EQ(runs["rows"].size(), 3U);
  EXPECT_EQ(column(runs, "run"), Json({"x/run", "y/run", "other"}));
  EXPECT_EQ(column(runs, "test loss"), Json({3, nullptr, nullptr}));
  EXPECT_EQ(column(runs, "schedule"), Json({nullptr, "cosine", nullptr}));
  EXPECT_EQ(column(runs, "network"), Json::array());  // which none has
  const Json differences = document["sections"][1];   // right below the results
  EXPECT_EQ(differences["title"], "Differences in configuration");
  EXPECT_EQ(differences["rows"],
            Json::parse(R"([["x/run",null,null],["y/run",0.8,"cosine"],["other",null,null]])"));
  EXPECT_EQ(differences["columns"][1]["name"], "optimizer.beta1");
  EXPECT_EQ(runs["hide_same"], true);
}

TEST(RunReport, RunsWithEpochsOfOtherLengthsAreComparedByEpoch) {
  const TemporaryFolder folder;
  const Json document = describe_runs(
      {write_run(folder, "a", step_line(1, 0.5, "4") + step_line(2, 1, "2")),
       write_run(folder, "b", step_line(1, 0.25, "4") + evaluation_line("test", 0.25, 1, R"("loss":3)"))});
  EXPECT_EQ(section(document, "Loss")["x"]["title"], "epoch");
  EXPECT_EQ(series(document, "Loss", "a, training")["x"], Json({0.5, 1}));
  EXPECT_EQ(series(document, "Loss", "b, test")["x"], Json(std::vector<double>{0.25}));
}

}  // namespace
}  // namespace lockstep
