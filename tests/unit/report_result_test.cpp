// What a page says first of a run, and how its run ended.

#include <ctime>
#include <fcntl.h>
#include <fstream>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

#include "core/file_lock.hpp"
#include "report/run_metric.hpp"
#include "report/run_report.hpp"
#include "report_helpers.hpp"

namespace lockstep {
namespace {

using test::evaluation_line;
using test::Json;
using test::kConfig;
using test::kEndLine;
using test::kStartLine;
using test::section;
using test::series;
using test::step_line;
using test::TemporaryFolder;
using test::write_run;

Json item(const Json& section, const std::string& name) {
  for (const Json& one : section.at("items")) {
    if (one.at("name") == name) return one.at("value");
  }
  return {};
}

std::string timed_step(int step, double seconds) {
  return step_line(step, 0.5 * step, "1", fmt::format(R"(,"seconds":{{"forward":{}}})", seconds));
}

TEST(RunResult, IsTheLastEvaluationWithTheBestEpochs) {
  const TemporaryFolder folder;
  const std::string metrics = kStartLine + timed_step(1, 150) + timed_step(2, 50) +
                              evaluation_line("validation", 1, 2, R"("loss":2,"accuracy":0.5)") +
                              evaluation_line("test", 1, 2, R"("loss":3,"accuracy":0.9)") +
                              evaluation_line("validation", 2, 4, R"("loss":1,"accuracy":0.875)") +
                              evaluation_line("test", 2, 4, R"("loss":3,"accuracy":0.8)") +
                              evaluation_line("validation", 3, 6, R"("loss":1.5,"accuracy":0.75)") +
                              evaluation_line("test", 3, 6, R"("loss":3,"accuracy":0.7)") + kEndLine;
  const Json document = describe_runs({write_run(folder, "run", metrics)});
  const Json result = document["sections"][0];
  EXPECT_EQ(result["title"], "Result");
  EXPECT_EQ(result["headline"]["name"], "validation accuracy");
  EXPECT_EQ(result["headline"]["value"], 0.75);
  EXPECT_EQ(item(result, "highest validation accuracy"), "0.875 in epoch 2");
  EXPECT_EQ(item(result, "lowest validation loss"), "1 in epoch 2");
  EXPECT_EQ(item(result, "test accuracy"), 0.7);
  EXPECT_EQ(item(result, "time in steps"), "3 min 20 s");
  EXPECT_EQ(result["status"], "finished");
  EXPECT_EQ(series(document, "Loss", "validation")["best"], 1);
  EXPECT_FALSE(series(document, "Loss", "test").contains("best")) << "epochs are not chosen by it";
}

TEST(RunResult, IsTheErrorInTheTargetsUnitOfARegression) {
  const TemporaryFolder folder;
  const Json document = describe_runs(
      {write_run(folder, "run",
                 kStartLine + timed_step(1, 1) +
                     evaluation_line("test", 1, 1, R"("loss":4,"rmse":2,"r2":0.5,"odd_one":7)"))});
  EXPECT_EQ(document["sections"][0]["headline"]["name"], "test RMSE");
  EXPECT_EQ(document["sections"][0]["headline"]["value"], 2);
  EXPECT_EQ(series(document, "R²", "test")["y"], Json(std::vector<double>{0.5}));
  EXPECT_EQ(series(document, "Odd one", "test")["y"], Json(std::vector<double>{7}));
  EXPECT_EQ(section(document, "Evaluations")["rows"][0], Json({"test", 1, 1, 100, 4, 2, 0.5, 7}));
}

TEST(RunResult, HoldsAlsoOfARunThatWasNotEvaluated) {
  const TemporaryFolder folder;
  const Json document = describe_runs({write_run(folder, "run", kStartLine + step_line(1, 1, "0.5"))});
  EXPECT_EQ(document["sections"][0]["headline"]["value"], 0.5);
  EXPECT_FALSE(describe_runs({write_run(folder, "empty", "")})["sections"][0].contains("headline"));
}

TEST(RunResult, TellsHowTheRunEnded) {
  const TemporaryFolder folder;
  const std::string begun = kStartLine + step_line(1, 1, "1");
  const auto result_of = [&](const std::string& end) {
    return describe_runs({write_run(folder, "run", begun + end)})["sections"][0];
  };
  const std::string failed = R"({"event":"stop","step":1,"failed":true,"message":"diverged"})"
                             "\n";
  EXPECT_EQ(result_of(failed)["status"], "failed");
  EXPECT_EQ(result_of(failed)["reason"], "diverged");
  const std::string stopped = R"({"event":"stop","step":1,"failed":false,"message":"SIGTERM"})"
                              "\n";
  EXPECT_EQ(result_of(stopped)["status"], "interrupted");
  EXPECT_EQ(result_of("")["status"], "interrupted") << "killed";
  const Json resumed = result_of(stopped +
                                 R"({"event":"resume","step":1})"
                                 "\n" +
                                 kEndLine);
  EXPECT_EQ(resumed["status"], "finished");
  EXPECT_FALSE(resumed.contains("reason"));
}

TEST(RunResult, ARunThatWritesItsMetricsIsRunningAndItsPageIsLoadedAgain) {
  const TemporaryFolder folder;
  const auto run = write_run(folder, "run", kStartLine + step_line(1, 1, "1"));
  EXPECT_FALSE(describe_runs({run}).contains("refresh"));
  const int descriptor = open((run / "metrics.jsonl").c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_EQ(try_lock(descriptor), Lock::kHeld);
  const Json running = describe_runs({run});
  close(descriptor);
  EXPECT_EQ(running["sections"][0]["status"], "running");
  EXPECT_GT(running.value("refresh", 0), 0);
}

TEST(RunResult, ARunWithoutASignOfLifeIsNotCalledRunningForLong) {
  const TemporaryFolder folder;
  const auto runs_with = [&](const std::string& time) {
    const auto run = write_run(folder, "run", kStartLine + step_line(1, 1, "1", R"(,"time":)" + time));
    const auto other = write_run(folder, "other", kStartLine + step_line(1, 1, "1") + kEndLine);
    const int descriptor = open((run / "metrics.jsonl").c_str(), O_RDWR | O_CLOEXEC);
    EXPECT_EQ(try_lock(descriptor), Lock::kHeld);
    auto found = std::make_pair(describe_runs({run})["sections"][0], describe_runs({run, other}));
    close(descriptor);
    return found;
  };
  const auto status_in = [](const Json& document) {
    const Json runs = section(document, "Runs");
    for (std::size_t i = 0; i < runs["columns"].size(); ++i) {
      if (runs["columns"][i]["name"] == "status") return runs["rows"][0][i].get<std::string>();
    }
    return std::string();
  };
  const double now = static_cast<double>(std::time(nullptr));
  const auto [recent, recent_list] = runs_with(fmt::format("{}", now));
  EXPECT_EQ(status_in(recent_list), "running");
  EXPECT_GT(recent["silent"]["from"], now) << "the page, once it is old, says so by itself";
  const auto [old, old_list] = runs_with("86400");
  const std::string moment = item(old, "last sign of life");
  EXPECT_TRUE(moment.starts_with("1970-01-0")) << moment;
  EXPECT_EQ(status_in(old_list), "no sign since " + moment);
  EXPECT_EQ(old["silent"]["status"], "no sign since " + moment);
}

TEST(RunResult, AnInterruptedRunTellsWhenItLastWrote) {
  const TemporaryFolder folder;
  const std::string line = step_line(1, 1, "1", R"(,"time":86400.5)");
  const Json killed = describe_runs({write_run(folder, "run", kStartLine + line)})["sections"][0];
  EXPECT_TRUE(item(killed, "last sign of life").get<std::string>().starts_with("1970-01-0"));
  EXPECT_FALSE(killed.contains("silent"));
  const Json ended = describe_runs({write_run(folder, "run", kStartLine + line + kEndLine)})["sections"][0];
  EXPECT_TRUE(item(ended, "last sign of life").is_null());
}

TEST(RunResult, RunsHaveNamesNotesAndTags) {
  const TemporaryFolder folder;
  const auto named = [&](const std::string& dir, const std::string& name) {
    return write_run(folder, dir, kStartLine + step_line(1, 1, "1"),
                     kConfig + "[run]\nname = " + name + "\nnotes = what for\ntags = a, b\n");
  };
  const Json document = describe_runs({named("x", "first try")});
  EXPECT_EQ(document["title"], "first try");
  EXPECT_EQ(document["sections"][0]["description"], "what for");
  EXPECT_EQ(item(document["sections"][0], "tags"), "a, b");
  const Json both = describe_runs({named("y", "same"), named("z", "same")});
  EXPECT_EQ(both["subtitle"], "same (y), same (z)");
  const Json folder_too =
      describe_runs({named("v", "w"), write_run(folder, "w", kStartLine + step_line(1, 1, "1"))});
  EXPECT_EQ(folder_too["subtitle"], "w (v), w");
}

TEST(RunResult, CurvesHaveStepsEpochsAndTimeAlongX) {
  const TemporaryFolder folder;
  const Json document = describe_runs({write_run(
      folder, "run",
      kStartLine + timed_step(1, 2) + timed_step(2, 3) + evaluation_line("test", 1, 2, R"("loss":4)"))});
  EXPECT_EQ(section(document, "Loss")["x"]["others"], Json({"epoch", "seconds in steps"}));
  const Json training = series(document, "Loss", "training");
  EXPECT_EQ(training["x"], Json({1, 2}));
  EXPECT_EQ(training["along"]["epoch"], Json({0.5, 1}));
  EXPECT_EQ(training["along"]["seconds in steps"], Json({2, 5}));
  EXPECT_EQ(series(document, "Loss", "test")["along"]["seconds in steps"], Json(std::vector<double>{5}));
}

TEST(RunResult, ResidualsAreWhatIsPredictedTooMuch) {
  const TemporaryFolder folder;
  const auto run = write_run(folder, "run", kStartLine + step_line(1, 1, "1"));
  folder.write(
      "run/predictions.json",
      R"({"part":"test","samples":3,"task":"regression","targets":[1,2,3],"predictions":[1.5,2.5,2]})");
  const Json document = describe_runs({run});
  EXPECT_EQ(series(document, "Residuals", "samples")["x"], Json({1.5, 2.5, 2}));
  EXPECT_EQ(series(document, "Residuals", "samples")["y"], Json({0.5, 0.5, -1}));
  EXPECT_EQ(series(document, "Residuals", "exact")["y"], Json({0, 0}));
}

TEST(MetricText, KnowsWhichMeasuresAreErrors) {
  for (const char* const error : {"loss", "rmse", "mae", "log_loss", "calibration_error"}) {
    EXPECT_TRUE(metric_text(error).lower_is_better) << error;
  }
  for (const char* const score : {"accuracy", "balanced_accuracy", "macro_f1", "auc", "r2"}) {
    EXPECT_FALSE(metric_text(score).lower_is_better) << score;
    EXPECT_FALSE(metric_text(score).description.empty()) << score;
  }
}

TEST(MetricText, OfAnUnknownFieldIsItsWords) {
  EXPECT_EQ(metric_text("top_5").name, "top 5");
  EXPECT_EQ(metric_text("top_5").title, "Top 5");
  EXPECT_FALSE(metric_text("top_5").lower_is_better);
  EXPECT_TRUE(metric_text("mae").lower_is_better);
}

}  // namespace
}  // namespace lockstep
