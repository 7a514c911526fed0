// Systems that refuse what others give: the same bits another way, with one warning, or one line with the
// cause.

#include <string>

#include <gtest/gtest.h>

#include "program.hpp"

namespace lockstep::test {
namespace {

class RefusedServices : public testing::Test {
 protected:
  /// Runs `lockstep words…` after `before`, the words that start it in a changed environment.
  Outcome run_behind(const Words& before, int ranks, const Words& words) {
    Words line = command_line(ranks, words);
    line.insert(line.end() - static_cast<std::ptrdiff_t>(words.size()) - 1, before.begin(), before.end());
    return Process(line, folder_.path()).wait(60);
  }

  Outcome run_without(const std::string& service, int ranks, const Words& words) {
    return run_behind({"env", "LD_PRELOAD=" LOCKSTEP_REFUSALS, "REFUSED=" + service,
                       "ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0"},
                      ranks, words);
  }

  /// With a limit of the shell, as in "ulimit -n 5".
  Outcome run_limited(const std::string& limit, int ranks, const Words& words) {
    return run_behind({"bash", "-c", limit + "; exec \"$@\"", "bash"}, ranks, words);
  }

  std::string digest_of(const Outcome& outcome) {
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    return outcome.out.empty() ? "" : lines_of(outcome.out).back();
  }

  std::string usual_digest() { return digest_of(run_lockstep(1, small_training("usual"), folder_)); }

  TemporaryFolder folder_;
};

TEST_F(RefusedServices, RanksThatCannotShareMemorySendMessages) {
  const std::string usual = usual_digest();
  for (const std::string service : {"memfd", "proc"}) {
    const Outcome outcome = run_without(service, 3, small_training(service));
    expect_one_line(outcome, 0, "the ranks of this node cannot share memory: ");
    EXPECT_NE(outcome.err.find("is refused (Permission denied)"), std::string::npos) << outcome.err;
    EXPECT_EQ(digest_of(outcome), usual) << service;
  }
}

TEST_F(RefusedServices, GroupsOfRanksThatCannotShareMemoryWarnOnceAlike) {
  const Outcome outcome = run_without(
      "memfd", 4,
      {"sweep", "--run.dir", "sweep", "--groups", "2", "--sweep", "optimizer.learning-rate=0.1,0.01",
       "--data.source", "blobs", "--model.layers", "linear 4", "--train.steps", "2"});
  expect_one_line(outcome, 0, "the ranks of this node cannot share memory: ");
}

TEST_F(RefusedServices, MemoryIsSharedUnderEveryRuleOfExecutableFiles) {
  const std::string usual = usual_digest();
  for (const std::string service : {"executable memfd", "sealed memfd"}) {
    const Outcome outcome = run_without(service, 2, small_training(service));
    EXPECT_EQ(outcome.err, "");
    EXPECT_EQ(digest_of(outcome), usual) << service;
  }
}

TEST_F(RefusedServices, OneProcessNeedsNoMemoryToShare) {
  const Outcome outcome =
      run_without("memfd", 0, small_training("alone") + Words{"--checkpoint.every", "100"});
  EXPECT_EQ(outcome.err, "");
  EXPECT_EQ(digest_of(outcome), usual_digest());
}

TEST_F(RefusedServices, LargeMessagesTakeTheUsualWayInSilence) {
  const Words words = {"verify",
                       "--steps",
                       "2",
                       "--ranks",
                       "1,2",
                       "--train.exchange",
                       "messages",
                       "--data.source",
                       "blobs",
                       "--model.layers",
                       "linear 512, relu, linear 4"};
  const Outcome usual = run_lockstep(2, words, folder_);
  const Outcome outcome = run_without("copies", 2, words);
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.err, "");
  EXPECT_EQ(outcome.out, usual.out);
}

TEST_F(RefusedServices, WithoutLocksASecondRunWouldNotBeNoticed) {
  expect_one_line(
      run_without("locks", 0, small_training("run")), 0,
      "run/metrics.jsonl: cannot be locked (No locks available); a second run in this folder would "
      "not be noticed");
}

TEST_F(RefusedServices, WithoutLocksOneGroupSweepsAndSeveralAreRefused) {
  const Words sweep = Words{"sweep", "--run.dir", "sweep", "--sweep", "optimizer.learning-rate=0.1,0.01"} +
                      Words{"--data.source", "blobs", "--model.layers", "linear 4", "--train.steps", "2"};
  expect_one_line(run_without("locks", 2, sweep + Words{"--groups", "2"}), 2,
                  "run.dir = sweep: its file system has no locks (No locks available)");
  expect_one_line(run_without("locks", 2, sweep), 0,
                  "run.dir = sweep: its file system has no locks (No locks available); a second sweep");
}

TEST_F(RefusedServices, TheLimitOfAFilesSizeIsNamed) {
  const Words large = {"train", "--run.dir",     "run", "--data.source", "blobs", "--train.batch-size",
                       "32",    "--train.steps", "1",   "--data.samples"};
  const Words wide = {"--model.layers", "linear 400, linear 4"};
  // Weights of one process; data that ranks share, beside which the message library needs some megabytes.
  expect_one_line(run_limited("ulimit -f 10", 0, large + Words{"100"} + wide), 2,
                  "weights.safetensors: cannot be written (File too large); raise the limit of a file's size "
                  "(ulimit -f), which is 10240 bytes");
  expect_one_line(run_limited("ulimit -f 10000", 2, large + Words{"200000"} + wide), 2,
                  "could not be had (File too large); raise the limit of a file's size (ulimit -f), which is "
                  "10240000 bytes and counts for shared memory too");
}

TEST_F(RefusedServices, TheLimitOfOpenFilesIsNamed) {
  const Outcome outcome = run_limited("ulimit -n 5", 0, small_training("run"));
  expect_one_line(outcome, 2, "(Too many open files); raise the limit of open files (ulimit -n), which is 5");
}

}  // namespace
}  // namespace lockstep::test
