// The other commands, and what they say of themselves.

#include <algorithm>
#include <numeric>
#include <utility>

#include <gtest/gtest.h>

#include "program.hpp"

namespace lockstep::test {
namespace {

const Words kSmallModel = {
    "--data.source",      "blobs", "--data.samples", "64", "--model.layers", "linear 12, tanh, linear 4",
    "--train.batch-size", "16"};

TEST(CommandsTest, VersionIsOneLine) {
  const TemporaryFolder folder;
  for (const int ranks : {0, 3}) {
    const Outcome outcome = run_lockstep(ranks, {"--version"}, folder);
    EXPECT_EQ(outcome.exit_code, 0);
    EXPECT_TRUE(outcome.out.starts_with("lockstep ")) << outcome.out;
    EXPECT_EQ(lines_of(outcome.out).size(), 1U);
    EXPECT_EQ(outcome.err, "");
  }
}

TEST(CommandsTest, EveryCommandAnswersHelp) {
  const TemporaryFolder folder;
  const Outcome usage = run_lockstep(0, {"--help"}, folder);
  EXPECT_EQ(usage.exit_code, 0);
  int commands = 0;
  bool in_list = false;
  for (const std::string& line : lines_of(usage.out)) {
    if (in_list && line.empty()) break;
    if (in_list) {
      const std::string name = line.substr(2, line.find(' ', 2) - 2);
      const Outcome help = run_lockstep(0, {name, "--help"}, folder);
      EXPECT_EQ(help.exit_code, 0) << name << ": " << help.err;
      EXPECT_TRUE(help.out.starts_with("lockstep " + name)) << help.out;
      EXPECT_EQ(help.err, "");
      ++commands;
    }
    in_list = in_list || line == "Commands:";
  }
  EXPECT_GE(commands, 6) << usage.out;
  EXPECT_TRUE(listing(folder).empty());
}

TEST(CommandsTest, HelpUnderMpirunIsPrintedOnce) {
  const TemporaryFolder folder;
  const Outcome alone = run_lockstep(0, {"train", "--help"}, folder);
  EXPECT_EQ(run_lockstep(3, {"train", "--help"}, folder).out, alone.out);
}

TEST(CommandsTest, VerifyOnEightRanksShowsALinePerRankCount) {
  const TemporaryFolder folder;
  const Outcome outcome = run_lockstep(8, Words{"verify", "--steps", "4"} + kSmallModel, folder);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  const std::vector<std::string> lines = lines_of(outcome.out);
  ASSERT_GE(lines.size(), 11U) << outcome.out;
  for (std::size_t ranks = 1; ranks <= 8; ++ranks) {
    EXPECT_TRUE(lines[ranks].starts_with("    " + std::to_string(ranks))) << lines[ranks];
    EXPECT_TRUE(lines[ranks].ends_with("same")) << lines[ranks];
  }
  EXPECT_NE(outcome.out.find("8 rank counts agree bit for bit over 4 steps"), std::string::npos);
  EXPECT_TRUE(listing(folder).empty());
}

TEST(CommandsTest, VerifyTakesAChoiceOfRankCounts) {
  const TemporaryFolder folder;
  const Outcome outcome =
      run_lockstep(3, Words{"verify", "--ranks", "3,1", "--steps", "2"} + kSmallModel, folder);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_NE(outcome.out.find("2 rank counts agree"), std::string::npos) << outcome.out;
}

TEST(CommandsTest, VerifyComparesWithADigest) {
  const TemporaryFolder folder;
  const Words verify = Words{"verify", "--steps", "3"} + kSmallModel;
  const std::string table = run_lockstep(2, verify, folder).out;
  const std::size_t at = table.find("    3  ") + 7;
  const std::string digest = table.substr(at, 32);
  for (const int ranks : {0, 3}) {
    const Outcome same = run_lockstep(ranks, verify + Words{"--digest", digest}, folder);
    EXPECT_EQ(same.exit_code, 0) << same.err;
    EXPECT_NE(same.out.find("the weights_digest is the one that was expected"), std::string::npos)
        << same.out;
    const Outcome other = run_lockstep(ranks, verify + Words{"--digest", std::string(32, '0')}, folder);
    expect_one_line(other, 3, "the weights_digest is " + digest + " after 3 steps, expected 0000");
  }
}

TEST(CommandsTest, VerifyFindsThatFastModeDiffers) {
  const TemporaryFolder folder;
  const Outcome outcome = run_lockstep(
      4, Words{"verify", "--train.reduction", "fast", "--train.seed", "3"} + kSmallModel, folder);
  expect_one_line(outcome, 3, "the weights depend on the rank count");
  EXPECT_NE(outcome.out.find("differs from step"), std::string::npos) << outcome.out;
}

TEST(CommandsTest, GradcheckAgreesWithCentralDifferences) {
  const TemporaryFolder folder;
  for (const int ranks : {0, 2}) {
    const Outcome outcome =
        run_lockstep(ranks, Words{"gradcheck", "--per-tensor", "10"} + kSmallModel, folder);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_NE(outcome.out.find("all gradients agree"), std::string::npos) << outcome.out;
  }
  EXPECT_TRUE(listing(folder).empty());
}

TEST(CommandsTest, GradcheckChecksEveryKindOfTarget) {
  const TemporaryFolder folder;
  for (const Words& words :
       {Words{"--data.source", "tags", "--data.classes", "5", "--model.layers", "linear 12, tanh, linear 5"},
        Words{"--data.source", "linear", "--model.loss", "huber", "--model.huber-delta", "0.5",
              "--model.layers", "linear 12, tanh, linear 1"}}) {
    const Outcome outcome = run_lockstep(0, Words{"gradcheck", "--per-tensor", "10"} + words, folder);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_NE(outcome.out.find("all gradients agree"), std::string::npos) << outcome.out;
  }
}

TEST(CommandsTest, ReportWritesOnePageAndSaysWhere) {
  const TemporaryFolder folder;
  ASSERT_EQ(run_lockstep(0, small_training("a"), folder).exit_code, 0);
  ASSERT_EQ(run_lockstep(0, small_training("b") + Words{"--train.seed", "9"}, folder).exit_code, 0);
  const std::vector<std::pair<Words, std::string>> cases = {{{"a"}, "a/report.html"},
                                                            {{"a", "b"}, "report.html"},
                                                            {{"b", "--out", "page.html"}, "page.html"},
                                                            {{"--out=both.html", "b", "a"}, "both.html"}};
  for (const int ranks : {0, 3}) {
    for (const auto& [words, file] : cases) {
      std::filesystem::remove(folder.path() / file);
      const Outcome outcome = run_lockstep(ranks, Words{"report"} + words, folder);
      EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
      EXPECT_EQ(outcome.out, file + "\n");
      EXPECT_EQ(outcome.err, "");
      EXPECT_GT(std::filesystem::file_size(folder.path() / file), 1000000U);
    }
  }
}

// One step from finite numbers to a weight beyond the largest float: x = y = 1e17, gradient 2e34, rate 1e6.
TEST(CommandsTest, WeightsThatEndInfiniteStopTheRun) {
  const TemporaryFolder folder;
  folder.write("a.csv", "1e17,1e17\n1e17,1e17\n");
  for (const int ranks : {0, 3}) {
    const Outcome outcome = run_lockstep(ranks,
                                         {"train",
                                          "--run.dir",
                                          "run-" + std::to_string(ranks),
                                          "--data.source",
                                          "a.csv",
                                          "--data.task",
                                          "regression",
                                          "--data.normalize",
                                          "none",
                                          "--data.normalize-targets",
                                          "none",
                                          "--model.layers",
                                          "linear 1",
                                          "--train.batch-size",
                                          "full",
                                          "--train.steps",
                                          "1",
                                          "--optimizer.name",
                                          "sgd",
                                          "--optimizer.learning-rate",
                                          "1e6"},
                                         folder);
    expect_one_line(outcome, 3, "the weights are no longer finite");
  }
}

TEST(CommandsTest, ARunOfManyClassesHasAPage) {
  const TemporaryFolder folder;
  const Outcome outcome =
      run_lockstep(0,
                   {"train", "--run.dir", "run", "--data.source", "blobs", "--data.classes", "201",
                    "--data.samples", "402", "--model.layers", "linear 201", "--train.epochs", "1"},
                   folder);
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.err, "");
  EXPECT_TRUE(std::filesystem::exists(folder.path() / "run/report.html"));
}

/// The standard error of `words`, which have to end with `exit_code`, without mpirun.
std::string errors_of(const Words& words, int exit_code, const TemporaryFolder& folder) {
  const Outcome outcome = run_lockstep(0, words, folder);
  EXPECT_EQ(outcome.exit_code, exit_code) << outcome.out << outcome.err;
  return outcome.err;
}

TEST(CommandsTest, TheAdviceOfADivergedRunFitsItsCause) {
  const TemporaryFolder folder;
  folder.write("k.csv", "c,x,y\n5,2,1\n5,-1,0\n5,0.5,1\n5,-2,0\n5,1,1\n5,-0.5,0\n");
  const auto train = [&](const std::string& run_dir, const Words& more) {
    return errors_of(Words{"train", "--run.dir", run_dir, "--data.source", "k.csv", "--model.layers",
                           "linear 4, relu, linear 2", "--train.batch-size", "3", "--train.epochs", "20"} +
                         more,
                     3, folder);
  };
  const std::string epsilon = train("a", {"--optimizer.name", "adam", "--optimizer.epsilon", "0"});
  EXPECT_NE(epsilon.find("raise optimizer.epsilon"), std::string::npos) << epsilon;
  const std::string decay = train("b", {"--optimizer.weight-decay", "1e6"});
  EXPECT_NE(decay.find("lower optimizer.weight-decay"), std::string::npos) << decay;
  for (const std::string& text : {epsilon, decay})
    EXPECT_EQ(text.find("learning-rate or"), std::string::npos) << text;
}

TEST(CommandsTest, AFinishedRunIsFinished) {
  const TemporaryFolder folder;
  const Words words = small_training("run") + Words{"--run.resume", "true"};
  EXPECT_EQ(run_lockstep(0, words, folder).exit_code, 0);
  const std::vector<std::string> before = listing(folder);
  for (const int ranks : {0, 2}) {
    const Outcome outcome = run_lockstep(ranks, words, folder);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_NE(outcome.out.find("run has ended"), std::string::npos) << outcome.out;
  }
  EXPECT_EQ(listing(folder), before);
  const std::string refused = errors_of(small_training("run"), 2, folder);
  EXPECT_EQ(refused.find("remove"), std::string::npos) << refused;
}

TEST(CommandsTest, ConfigurationsOfRunsAreTakenByEveryCommandInAnyFolder) {
  const TemporaryFolder folder;
  std::string table = "x,y,label\n";
  for (int i = 0; i < 40; ++i)
    table += std::to_string(i % 7) + "," + std::to_string(i % 5) + "," + std::to_string(i % 2) + "\n";
  folder.write("a.csv", table);
  const Words train = {"train",
                       "--run.dir",
                       "run",
                       "--data.source",
                       "a.csv",
                       "--data.test",
                       "a.csv",
                       "--model.layers",
                       "linear 4, tanh, linear 2",
                       "--train.batch-size",
                       "8",
                       "--train.epochs",
                       "2",
                       "--optimizer.name",
                       "adamw",
                       "--optimizer.weight-decay-on",
                       "all",
                       "--data.validation",
                       "0.2",
                       "--data.seed",
                       "3",
                       "--checkpoint.every",
                       "3"};
  ASSERT_EQ(run_lockstep(0, train, folder).exit_code, 0);
  std::filesystem::create_directory(folder.path() / "elsewhere");
  const auto elsewhere = [&](const Words& words) {
    const Outcome outcome = Process(command_line(0, words), folder.path() / "elsewhere").wait(60);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    return outcome.out;
  };
  const Words config = {"--config", "../run/config.cfg"};
  elsewhere(Words{"train", "--run.dir", "again"} + config);
  elsewhere(Words{"train", "--resume", "../run"});
  elsewhere(Words{"evaluate", "--weights", "../run"} + config);
  elsewhere(Words{"inspect", "../run"});
  elsewhere(Words{"gradcheck", "--per-tensor", "2"} + config);
  elsewhere(Words{"schedule"} + config);
  elsewhere(Words{"bench", "--rounds", "3"} + config);
  elsewhere(Words{"sweep", "--sweep", "train.seed=1,2"} + config);
  elsewhere(Words{"study", "batch-regimes", "--seeds", "1", "--evaluations", "1"} + config);
  elsewhere(Words{"train", "--run.dir", "other", "--optimizer.name", "sgd"} + config);
  elsewhere(Words{"sweep", "--sweep", "optimizer.name=sgd,adam"} + config);
  const Words short_study = {"--seeds", "1", "--evaluations", "1"};
  const std::string out =
      elsewhere(Words{"study", "optimizers", "--optimizers", "adam", "--rates", "1"} + short_study + config);
  EXPECT_NE(
      out.find("settings in ../run/config.cfg that study 'optimizers' does not use, or sets itself, are "
               "left out: "),
      std::string::npos)
      << out;
  elsewhere(Words{"study", "weight-decay", "--decay", "0.1"} + short_study + config);
  elsewhere(Words{"study", "adam-decay", "--decay", "0.1"} + short_study + config);
  elsewhere(Words{"study", "surfaces"} + config);

  // The same values in a file of the person's own.
  std::filesystem::copy_file(folder.path() / "run/config.cfg", folder.path() / "own.cfg");
  expect_one_line(run_lockstep(0, {"study", "optimizers", "--config", "own.cfg"}, folder), 2,
                  "(in own.cfg): study 'optimizers' does not use it, or sets it itself");
}

TEST(CommandsTest, EvaluateIsNotOfWhatTheConfigurationHoldsOut) {
  const TemporaryFolder folder;
  folder.write("a.csv", "x,y\n1,0\n2,1\n3,0\n4,1\n5,0\n6,1\n");
  folder.write("a.cfg",
               "[data]\nsource = a.csv\nvalidation = 0.5\n[model]\nlayers = linear 2\n"
               "[train]\nbatch-size = 2\nepochs = 1\n");
  const Words evaluate = {"evaluate", "--weights", "run"};
  ASSERT_EQ(run_lockstep(0, {"train", "--config", "a.cfg", "--run.dir", "run"}, folder).exit_code, 0);
  expect_one_line(run_lockstep(0, evaluate + Words{"--config", "a.cfg"}, folder), 2,
                  "data.validation = 0.5 (in a.cfg): has no effect on 'evaluate', which takes all samples");
  expect_one_line(run_lockstep(0, evaluate + Words{"--config", "run/config.cfg"}, folder), 0,
                  "data.validation = 0.5 (in run/config.cfg): has no effect on 'evaluate'");
  for (const Words& words : {Words{"--data.validation", "0"}, Words{"--data.test", "a.csv"}}) {
    const Outcome outcome = run_lockstep(0, evaluate + Words{"--config", "a.cfg"} + words, folder);
    EXPECT_EQ(outcome.exit_code, 0);
    EXPECT_EQ(outcome.err, "");
  }
}

TEST(CommandsTest, BenchMeasuresTheStepAndItsParts) {
  const TemporaryFolder folder;
  for (const int ranks : {0, 2, 3}) {
    const Outcome outcome =
        run_lockstep(ranks, Words{"bench", "--rounds", "3", "--json"} + kSmallModel, folder);
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    const auto json = nlohmann::json::parse(outcome.out);
    EXPECT_EQ(json.at("ranks"), std::max(ranks, 1));
    EXPECT_EQ(json.at("batch_size"), 16);
    const std::vector<int> each = json.at("rank_micro_batches");
    EXPECT_EQ(each.size(), static_cast<std::size_t>(std::max(ranks, 1)));
    EXPECT_EQ(std::accumulate(each.begin(), each.end(), 0), json.at("micro_batches"));
    // Linear layers of 20 x 12 and 12 x 4: forward and weight gradient of both, input gradient of the second.
    EXPECT_EQ(json.at("step").at("operations"), 16 * 2 * (2 * 20 * 12 + 3 * 12 * 4));
    EXPECT_EQ(json.at("step").contains("one_rank_seconds"), ranks > 1);
    EXPECT_GT(json.at("machine").at("gemm_2048_flops"), 0);
    EXPECT_GT(json.at("step").at("parts_seconds").at("forward"), 0);
    EXPECT_GT(json.at("step").at("units_seconds").at("linear").at("backward"), 0);
    EXPECT_GT(json.at("step").at("units_seconds").at("loss").at("forward"), 0);
    EXPECT_FALSE(json.at("step").at("units_seconds").contains("convolution"));
  }
  expect_one_line(run_lockstep(0, Words{"bench", "--rounds", "2"} + kSmallModel, folder), 2, "--rounds 2");
  EXPECT_TRUE(listing(folder).empty());
}

TEST(CommandsTest, BenchTellsWhatCheckpointsCost) {
  const TemporaryFolder folder;
  const Words words = Words{"bench", "--rounds", "3", "--json", "--checkpoint.every", "5"} + kSmallModel;
  for (const int ranks : {0, 2}) {
    const Outcome outcome = run_lockstep(ranks, words, folder);
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    const auto cost = nlohmann::json::parse(outcome.out).at("checkpoints");
    EXPECT_EQ(cost.at("every"), 5);
    EXPECT_EQ(cost.at("pairs"), 30);
    EXPECT_GE(cost.at("share"), cost.at("low"));
    EXPECT_LE(cost.at("share"), cost.at("high"));
  }
  expect_one_line(run_lockstep(2, words + Words{"--run.dir", "none"}, folder), 2,
                  "run.dir = none: is no folder");
  EXPECT_TRUE(listing(folder).empty());
}

/// `words` with the program's output redirected as a shell does it.
Outcome run_redirected(const std::string& redirection, const Words& words, const TemporaryFolder& folder) {
  const Words shell = {"sh", "-c", "exec \"$0\" \"$@\" " + redirection};
  return Process(shell + command_line(0, words), folder.path()).wait(60);
}

TEST(CommandsTest, InspectCountsTheParametersOfACheckpointAlone) {
  const TemporaryFolder folder;
  ASSERT_EQ(run_lockstep(0, small_training("run") + Words{"--checkpoint.every", "6"}, folder).exit_code, 0);
  const auto parameters = [&](const std::string& file) {
    return nlohmann::json::parse(run_lockstep(0, {"inspect", file}, folder).out).at("parameters");
  };
  // 20 x 8 + 8 + 8 x 4 + 4, and a momentum for each in the checkpoint.
  EXPECT_EQ(parameters("run/weights.safetensors"), 204);
  EXPECT_EQ(parameters("run/checkpoints/step-000000006.safetensors"), 204);
}

TEST(CommandsTest, InspectShowsTheUnitsOfAConfiguredNetwork) {
  const TemporaryFolder folder;
  const Outcome outcome = run_lockstep(
      0,
      {"inspect", "--data.source", "blobs", "--data.features", "18", "--model.layers",
       "unflatten 2 3 3, conv 4 2, relu, residual(conv 4 3 pad=1 nobias), flatten, head: linear 4"},
      folder);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.out,
            "position  unit                   output     parameters  multiply-adds\n"
            "                                 18                                  \n"
            "0         unflatten 2 3 3        2 x 3 x 3           0              0\n"
            "1         conv 4 2               4 x 2 x 2          36            128\n"
            "2         relu                   4 x 2 x 2           0              0\n"
            "3.0       conv 4 3 pad=1 nobias  4 x 2 x 2         144            576\n"
            "3         sum                    4 x 2 x 2           0              0\n"
            "4         flatten                16                  0              0\n"
            "head      linear 4               4                  68             64\n"
            "                                                   248            768\n");
}

TEST(CommandsTest, AResultThatCannotBePrintedIsAnError) {
  const TemporaryFolder folder;
  ASSERT_EQ(run_lockstep(0, small_training("run"), folder).exit_code, 0);
  const Words inspect = {"inspect", "run/weights.safetensors"};
  expect_one_line(run_redirected(">/dev/full", inspect, folder), 2, "standard output: cannot be written");
  const Outcome training = run_redirected(">/dev/full", small_training("again"), folder);
  EXPECT_EQ(training.exit_code, 0) << training.err;
}

TEST(CommandsTest, ClosedDescriptorsAreNotTakenForFiles) {
  const TemporaryFolder folder;
  const Outcome outcome = run_redirected("<&- >&- 2>&-", small_training("run"), folder);
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(metrics(folder, "run").back().at("event"), "end");
  EXPECT_TRUE(std::filesystem::exists(folder.path() / "run/report.html"));
}

TEST(CommandsTest, WarningsNameKeys) {
  const TemporaryFolder folder;
  folder.write("a.csv", "t,y\n1700000001,a\n1700000002,b\n1700000003,a\n");
  const Words words = {"schedule", "--data.source",      "a.csv", "--data.normalize",
                       "none",     "--train.batch-size", "1"};
  expect_one_line(run_lockstep(0, words, folder), 0, "set data.normalize = standard");
}

TEST(CommandsTest, ALogThatCannotBeWrittenIsNotTheEnd) {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder.path() / "run/train.log");
  const Outcome outcome = run_lockstep(2, small_training("run"), folder);
  expect_one_line(outcome, 0, "run/train.log: cannot be written (it is no file); the run goes on");
}

TEST(CommandsTest, ADivergingRunStopsItself) {
  const TemporaryFolder folder;
  const Words words = {"train",
                       "--data.source",
                       "linear",
                       "--model.layers",
                       "linear 4, linear 1",
                       "--optimizer.learning-rate",
                       "1000",
                       "--train.epochs",
                       "100",
                       "--optimizer.name",
                       "sgd"};
  for (const int ranks : {0, 1, 3, 8}) {
    const Outcome outcome =
        run_lockstep(ranks, words + Words{"--run.dir", "run-" + std::to_string(ranks)}, folder, 20);
    expect_one_line(outcome, 3, "lower optimizer.learning-rate");
  }
}

}  // namespace
}  // namespace lockstep::test
