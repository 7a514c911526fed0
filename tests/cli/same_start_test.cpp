// Ranks that were not started alike are found before they do anything together.

#include <fstream>

#include <gtest/gtest.h>

#include "program.hpp"

namespace lockstep::test {
namespace {

namespace fs = std::filesystem;

const Words kTraining = small_training("run");

class SameStart : public testing::TestWithParam<int> {
 protected:
  /// All ranks but the last run `others`, that runs `last`.
  Outcome run(const Words& others, const Words& last) const {
    Process process(command_line(GetParam(), others, last), folder_.path());
    Outcome outcome = process.wait(30);
    EXPECT_FALSE(outcome.timed_out);
    return outcome;
  }

  /// "seed is 2 on rank 2, 1 elsewhere", or of two ranks "seed is 1 on rank 0, 2 on rank 1".
  static std::string difference(const std::string& what, const std::string& others, const std::string& last) {
    const std::string rank = std::to_string(GetParam() - 1);
    if (GetParam() == 2) return what + " is " + others + " on rank 0, " + last + " on rank 1";
    return what + " is " + last + " on rank " + rank + ", " + others + " elsewhere";
  }

  TemporaryFolder folder_;
};

TEST_P(SameStart, AnotherSettingIsNamedWithBothValues) {
  const Outcome outcome = run(Words{LOCKSTEP_PROGRAM} + kTraining + Words{"--train.seed", "1"},
                              Words{LOCKSTEP_PROGRAM} + kTraining + Words{"--train.seed", "2"});
  expect_one_line(outcome, 2, difference("train.seed", "1", "2") + "; give all ranks the same");
}

TEST_P(SameStart, SoIsOneThatOnlyOneRankHas) {
  const Outcome outcome = run(Words{LOCKSTEP_PROGRAM} + kTraining,
                              Words{LOCKSTEP_PROGRAM} + kTraining + Words{"--run.resume", "true"});
  expect_one_line(outcome, 2, difference("run.resume", "not given", "true"));
}

TEST_P(SameStart, AnotherCommandIsNamed) {
  const Outcome outcome = run(Words{LOCKSTEP_PROGRAM} + kTraining, {LOCKSTEP_PROGRAM, "verify"});
  expect_one_line(outcome, 2, difference("the command", "train", "verify"));
}

TEST_P(SameStart, AnotherBinaryIsNamed) {
  const fs::path copy = folder_.path() / "lockstep";
  fs::copy_file(LOCKSTEP_PROGRAM, copy);
  std::ofstream(copy, std::ios::app) << "changed";
  const Outcome outcome = run(Words{LOCKSTEP_PROGRAM} + kTraining, Words{copy.string()} + kTraining);
  const std::string rank = std::to_string(GetParam() - 1);
  expect_one_line(outcome, 2, "the program's digest is ");
  EXPECT_NE(outcome.err.find(" on rank " + rank), std::string::npos) << outcome.err;
}

TEST_P(SameStart, AnotherVectorUnitGivesTheSameBits) {
  for (const std::string precision : {"float32", "bf16"}) {
    const Words settings = {"--train.precision", precision};
    run_lockstep(1, small_training(precision + "-alone") + settings, folder_);
    const Words training = Words{LOCKSTEP_PROGRAM} + small_training(precision + "-mixed") + settings;
    const Outcome outcome = run(training, Words{"env", "LOCKSTEP_VECTOR_UNIT=generic"} + training);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_EQ(metrics(folder_, precision + "-mixed", "end").at(0).at("weights_digest"),
              metrics(folder_, precision + "-alone", "end").at(0).at("weights_digest"));
  }
}

TEST_P(SameStart, AVectorUnitThatIsNoneIsRefused) {
  const Outcome outcome = run(Words{LOCKSTEP_PROGRAM} + kTraining,
                              Words{"env", "LOCKSTEP_VECTOR_UNIT=avx1024", LOCKSTEP_PROGRAM} + kTraining);
  expect_one_line(outcome, 2,
                  "LOCKSTEP_VECTOR_UNIT=avx1024: expected a vector unit that this processor has: ");
}

INSTANTIATE_TEST_SUITE_P(Ranks, SameStart, testing::Values(2, 3, 5));

}  // namespace
}  // namespace lockstep::test
