// A study cannot go on: what it says, and leaves, where a signal stops it.

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "program.hpp"

namespace lockstep::test {
namespace {

namespace fs = std::filesystem;

std::string content_of(const fs::path& file) {
  std::ifstream stream(file);
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// One that takes long enough to be stopped.
Words study(const std::string& name, const Words& words) {
  return Words{"study",          name,
               "--run.dir",      "study",
               "--data.source",  "blobs",
               "--data.samples", "2000",
               "--model.layers", "linear 128, relu, dropout 0.2, linear 4"} +
         words;
}

TEST(StoppedStudy, LeavesAPageOfTheTrainingsThatEnded) {
  for (const Words& words :
       {study("cross-validation", {"--folds", "100", "--train.batch-size", "16"}),
        study("dropout", {"--seeds", "100", "--data.validation", "0.1"}),
        study("batch-size", {"--target", "loss=0.001", "--batch-sizes", "8,16,32", "--seeds", "20",
                             "--train.epochs", "4", "--data.validation", "0.1"})}) {
    SCOPED_TRACE(words[1]);
    const TemporaryFolder folder;
    Process process(command_line(0, words), folder.path());
    const fs::path metrics = folder.path() / "study/metrics.jsonl";
    ASSERT_TRUE(
        wait_until(30, [&] { return content_of(metrics).find(R"("event":"run")") != std::string::npos; }));
    process.send(SIGINT);
    const Outcome outcome = process.wait(10);
    expect_one_line(outcome, 4, "Ctrl-C (SIGINT): study '" + words[1] + "' stopped after ");
    const std::string advice =
        ", and cannot go on: start it again, in another folder (run.dir); what was measured is in study\n";
    EXPECT_NE(outcome.err.find(advice), std::string::npos) << outcome.err;
    const std::string page = content_of(folder.path() / "study/report.html");
    EXPECT_NE(page.find("The study was stopped after "), std::string::npos);
    EXPECT_NE(page.find("Those that came to their end."), std::string::npos);
  }
}

TEST(StoppedStudy, BeforeItsFirstResultLeavesNothing) {
  const TemporaryFolder folder;
  const Words endless = study("learning-rate", {"--steps", "1000000"});
  // What it prints tells that it has begun.
  Process process(Words{"sh", "-c", "exec \"$@\" > out.txt", "sh"} + command_line(0, endless), folder.path());
  ASSERT_TRUE(wait_until(30, [&] { return !content_of(folder.path() / "out.txt").empty(); }));
  process.send(SIGINT);
  const Outcome outcome = process.wait(10);
  expect_one_line(outcome, 4, "Ctrl-C (SIGINT): study 'learning-rate' stopped after step ");
  EXPECT_NE(outcome.err.find(" of 1000000, and cannot go on: start it again; nothing is kept\n"),
            std::string::npos)
      << outcome.err;
  EXPECT_FALSE(fs::exists(folder.path() / "study"));
}

}  // namespace
}  // namespace lockstep::test
