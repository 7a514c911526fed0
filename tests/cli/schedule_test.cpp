// The learning rates of a schedule, without a training.

#include <cmath>
#include <fstream>
#include <iterator>
#include <numbers>
#include <sstream>
#include <utility>

#include <gtest/gtest.h>

#include "program.hpp"

namespace lockstep::test {
namespace {

using Json = nlohmann::json;

/// Half a cosine from 0.5 down to 0 over the steps after a warm-up, without any data.
const Words kCosine = {"schedule", "--data.source",   "nowhere", "--train.batch-size",
                       "8",        "--schedule.name", "cosine",  "--optimizer.learning-rate",
                       "0.5"};

double cosine(double t, double total) { return 0.25 * (1 + std::cos(std::numbers::pi * t / total)); }

std::string schedule_ok(int ranks, const Words& words, const TemporaryFolder& folder) {
  const Outcome outcome = run_lockstep(ranks, words, folder);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  return outcome.out;
}

/// Steps and rates of the picture.
std::vector<std::pair<int, double>> rows_of(const std::string& out) {
  const std::vector<std::string> lines = lines_of(out);
  std::vector<std::pair<int, double>> rows;
  rows.reserve(lines.size());
  for (const std::string& line : lines) {
    std::istringstream fields(line);
    int step = 0;
    double rate = 0;
    if (fields >> step >> rate) rows.emplace_back(step, rate);
  }
  EXPECT_EQ(rows.size() + 1, lines.size()) << "a heading above the rows: " << out;
  return rows;
}

TEST(ScheduleTest, PrintsTheRateOfEveryStep) {
  const TemporaryFolder folder;
  const auto rows =
      rows_of(schedule_ok(0, kCosine + Words{"--train.steps", "14", "--schedule.warmup-steps", "4"}, folder));
  ASSERT_EQ(rows.size(), 14U);
  for (int t = 0; t < 14; ++t) {
    const auto& [step, rate] = rows[static_cast<std::size_t>(t)];
    EXPECT_EQ(step, t + 1);
    EXPECT_NEAR(rate, t < 4 ? 0.5 * (t + 1) / 4 : cosine(t - 4, 10), 1e-4) << step;
  }
  EXPECT_TRUE(listing(folder).empty());
}

TEST(ScheduleTest, PrintsSomeOfManyStepsTheFirstAndTheLastIncluded) {
  const TemporaryFolder folder;
  const auto rows = rows_of(schedule_ok(0, kCosine + Words{"--train.steps", "1000"}, folder));
  EXPECT_EQ(rows.size(), 25U);
  EXPECT_EQ(rows.front().first, 1);
  EXPECT_EQ(rows.back().first, 1000);
  for (const auto& [step, rate] : rows) EXPECT_NEAR(rate, cosine(step - 1, 1000), 5e-4 * rate + 1e-9) << step;
}

TEST(ScheduleTest, IsPrintedOnceByAllRanks) {
  const TemporaryFolder folder;
  const Words words = kCosine + Words{"--train.steps", "30"};
  const std::string alone = schedule_ok(0, words, folder);
  EXPECT_FALSE(alone.empty());
  EXPECT_EQ(schedule_ok(3, words, folder), alone);
}

TEST(ScheduleTest, CountsTheStepsOfEpochsInTheData) {
  const TemporaryFolder folder;
  const Words words = {"schedule", "--data.source",
                       "blobs",    "--data.samples",
                       "90",       "--train.epochs",
                       "2",        "--schedule.name",
                       "cosine",   "--optimizer.learning-rate",
                       "0.5",      "--train.batch-size",
                       "32"};
  for (const int ranks : {0, 3}) {
    const auto rows = rows_of(schedule_ok(ranks, words, folder));
    ASSERT_EQ(rows.size(), 6U);
    for (const auto& [step, rate] : rows) EXPECT_NEAR(rate, cosine(step - 1, 6), 1e-4);
  }
}

TEST(ScheduleTest, ScalesTheRateWithAFullBatchAndItsData) {
  const TemporaryFolder folder;
  const Words words = {"schedule", "--data.source",
                       "blobs",    "--data.samples",
                       "90",       "--train.batch-size",
                       "full",     "--train.steps",
                       "4",        "--schedule.scaling",
                       "linear",   "--schedule.reference-batch",
                       "30",       "--optimizer.learning-rate",
                       "0.5"};
  const auto rows = rows_of(schedule_ok(0, words, folder));
  ASSERT_EQ(rows.size(), 4U);
  for (const auto& [step, rate] : rows) EXPECT_DOUBLE_EQ(rate, 1.5) << step;
}

TEST(ScheduleTest, WritesAPage) {
  const TemporaryFolder folder;
  const std::string out =
      schedule_ok(3, kCosine + Words{"--train.steps", "40", "--out", "page.html"}, folder);
  EXPECT_TRUE(out.ends_with("\npage.html\n")) << out;
  EXPECT_EQ(listing(folder).size(), 1U);
  std::ifstream file(folder.path() / "page.html");
  const std::string page(std::istreambuf_iterator<char>(file), {});
  const std::string open = "<script id=\"document\" type=\"application/json\">";
  const std::size_t begin = page.find(open);
  ASSERT_NE(begin, std::string::npos);
  const std::string text =
      page.substr(begin + open.size(), page.find("</script>", begin) - begin - open.size());
  const Json series = Json::parse(text).at("sections").at(0).at("series").at(0);
  ASSERT_EQ(series.at("x").size(), 40U);
  for (int t = 0; t < 40; ++t) {
    EXPECT_EQ(series.at("x").at(static_cast<std::size_t>(t)), t + 1);
    EXPECT_NEAR(series.at("y").at(static_cast<std::size_t>(t)), cosine(t, 40), 1e-12);
  }
}

}  // namespace
}  // namespace lockstep::test
