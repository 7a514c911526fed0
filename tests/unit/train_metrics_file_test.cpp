#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <sys/resource.h>

#include <gtest/gtest.h>

#include "data_helpers.hpp"
#include "temporary_folder.hpp"
#include "train/run/metrics_file.hpp"

namespace lockstep {
namespace {

using test::is_bad_input;
using test::TemporaryFolder;

const std::string kStart = "{\"event\":\"start\"}\n";

std::string step(int number) { return "{\"event\":\"step\",\"step\":" + std::to_string(number) + "}\n"; }
std::string evaluation(int number) {
  return "{\"event\":\"evaluation\",\"step\":" + std::to_string(number) + "}\n";
}

std::string kept(const std::string& text, std::uint64_t last) {
  return text.substr(0, metrics_until(text, last).length);
}

std::string content(const std::filesystem::path& file) {
  std::ifstream stream(file);
  return {std::istreambuf_iterator<char>(stream), {}};
}

TEST(MetricsUntil, EndsWithTheStep) {
  const std::string two = kStart + step(1) + step(2) + evaluation(2);
  for (const std::string& rest :
       {std::string(), step(3), step(3) + evaluation(3), std::string("{\"event\":\"end\"}\n"),
        step(3).substr(0, 5), std::string("{\"event\":\"resume\",\"step\":3}\n"), std::string("\0\0\0\n", 4),
        std::string("[]\n")}) {
    EXPECT_EQ(kept(two + rest, 2), two) << rest;
    EXPECT_EQ(metrics_until(two + rest, 2).last_step, 2U) << rest;
  }
  EXPECT_EQ(kept(two, 1), kStart + step(1));
}

TEST(MetricsUntil, KeepsEarlierResumptions) {
  const std::string text = kStart + step(1) + "{\"event\":\"resume\",\"step\":1}\n" + step(2);
  EXPECT_EQ(kept(text + step(3), 2), text);
}

TEST(MetricsUntil, IsNothingForARunThatStartsOver) {
  EXPECT_EQ(kept(kStart + step(1), 0), "");
  EXPECT_EQ(kept("", 5), "");
}

TEST(MetricsUntil, TellsWhichStepsAreLost) {
  const KeptMetrics lost = metrics_until(kStart + step(1) + "garbage\n" + step(2), 2);
  EXPECT_EQ(lost.last_step, 1U);
}

TEST(MetricsFile, IsCutAndContinued) {
  const TemporaryFolder folder;
  const auto file = folder.write("m", kStart + step(1) + step(2) + step(3).substr(0, 9));
  MetricsFile metrics(file);
  metrics.cut(1);
  metrics.append("{\"event\":\"step\",\"step\":2}");
  metrics.sync();
  EXPECT_EQ(content(file), kStart + step(1) + step(2));
}

TEST(MetricsFile, BelongsToOneRun) {
  const TemporaryFolder folder;
  const auto file = folder.path() / "m";
  {
    const MetricsFile first(file);
    EXPECT_TRUE(is_bad_input([&] { MetricsFile second(file); }, {"a run that still goes on"}));
  }
  const MetricsFile third(file);
}

TEST(MetricsFile, OnAFullDiskHoldsWholeLinesAndSaysSoOnce) {
  const TemporaryFolder folder;
  const auto file = folder.path() / "m";
  MetricsFile metrics(file);
  const std::string first(4000, 'x');  // what is reported fits below the limit
  metrics.append(first);
  // As a disk that fills in the middle of a line.
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit full{4010, before.rlim_max};
  signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &full);
  testing::internal::CaptureStderr();
  metrics.append("second that is long");
  metrics.append("third that is long");
  const std::string said = testing::internal::GetCapturedStderr();
  setrlimit(RLIMIT_FSIZE, &before);
  signal(SIGXFSZ, SIG_DFL);
  metrics.append("fourth");
  EXPECT_EQ(content(file), first + "\nfourth\n");
  EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1) << said;
  EXPECT_NE(said.find("cannot be written"), std::string::npos) << said;
}

}  // namespace
}  // namespace lockstep
