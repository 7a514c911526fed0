// Training as a person starts it: one digest at every rank count, and a run directory that tells all.

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <sys/wait.h>
#include <utility>

#include <gtest/gtest.h>

#include "picture_writers.hpp"
#include "program.hpp"

namespace lockstep::test {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

std::string digest_of(const TemporaryFolder& folder, const std::string& run_dir) {
  const std::vector<Json> ends = metrics(folder, run_dir, "end");
  EXPECT_EQ(ends.size(), 1U) << run_dir;
  return ends.size() == 1 ? ends[0].at("weights_digest").get<std::string>() : "";
}

std::string inspect_digest(const TemporaryFolder& folder, const std::string& file, int ranks) {
  const Outcome outcome = run_lockstep(ranks, {"inspect", file}, folder);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  return outcome.exit_code == 0 ? Json::parse(outcome.out).at("weights_digest").get<std::string>() : "";
}

void train_ok(int ranks, const Words& words, const TemporaryFolder& folder) {
  const Outcome outcome = run_lockstep(ranks, words, folder);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
}

TEST(TrainTest, GivesOneDigestAtEveryRankCount) {
  const TemporaryFolder folder;
  train_ok(0, small_training("alone"), folder);
  const std::string expected = digest_of(folder, "alone");
  EXPECT_EQ(expected.size(), 32U);
  for (const int ranks : {1, 2, 3, 5, 8}) {
    const std::string run_dir = "on-" + std::to_string(ranks);
    train_ok(ranks, small_training(run_dir), folder);
    EXPECT_EQ(digest_of(folder, run_dir), expected) << ranks << " ranks";
    EXPECT_EQ(metrics(folder, run_dir, "start").at(0).at("world_size"), ranks);
    EXPECT_EQ(metrics(folder, run_dir, "step").back().at("loss"),
              metrics(folder, "alone", "step").back().at("loss"));
  }
}

TEST(TrainTest, PicturesGiveOneDigestAtEveryRankCount) {
  const TemporaryFolder folder;
  for (int i = 0; i < 48; ++i) {
    const std::string name = i % 2 == 0 ? "set/even" : "set/odd";
    fs::create_directories(folder.path() / name);
    Bytes values;
    for (int value = 0; value < 5 * 6 * 3; ++value) values.push_back(static_cast<std::uint8_t>(i * value));
    folder.write(name + "/" + std::to_string(i) + ".png", plain_png(5, 6, values));
  }
  for (const int ranks : {1, 2, 3}) {
    train_ok(ranks,
             {"train", "--data.source", "set", "--data.resize", "4", "--model.layers", "flatten, linear 2",
              "--train.batch-size", "16", "--train.epochs", "2", "--run.dir", std::to_string(ranks)},
             folder);
  }
  EXPECT_EQ(digest_of(folder, "1").size(), 32U);
  EXPECT_EQ(digest_of(folder, "2"), digest_of(folder, "1"));
  EXPECT_EQ(digest_of(folder, "3"), digest_of(folder, "1"));
}

TEST(TrainTest, AnotherSeedGivesAnotherDigest) {
  const TemporaryFolder folder;
  train_ok(0, small_training("a"), folder);
  train_ok(0, small_training("b") + Words{"--train.seed", "2"}, folder);
  EXPECT_NE(digest_of(folder, "a"), digest_of(folder, "b"));
}

TEST(TrainTest, LeavesARunDirectory) {
  const TemporaryFolder folder;
  train_ok(2, small_training("runs/a") + Words{"--data.validation", "0.1"}, folder);
  std::vector<std::string> files;
  for (const auto& entry : fs::directory_iterator(folder.path() / "runs/a")) {
    files.push_back(entry.path().filename().string());
  }
  std::sort(files.begin(), files.end());
  EXPECT_EQ(files,
            (std::vector<std::string>{"best.safetensors", "config.cfg", "metrics.jsonl", "predictions.json",
                                      "report.html", "train.log", "weights.safetensors"}));
  std::ifstream log(folder.path() / "runs/a/train.log");
  const std::string text(std::istreambuf_iterator<char>(log), {});
  EXPECT_NE(text.find("weights_digest " + digest_of(folder, "runs/a")), std::string::npos) << text;
}

TEST(TrainTest, MetricsHoldEveryEventWithItsFields) {
  const TemporaryFolder folder;
  train_ok(3, small_training("run") + Words{"--data.validation", "0.1"}, folder);
  const std::vector<Json> all = metrics(folder, "run");
  EXPECT_EQ(all.front().at("event"), "start");
  EXPECT_EQ(all.back().at("event"), "end");
  const auto expect_fields = [&](const std::string& event, const std::vector<std::string>& fields) {
    for (const Json& line : metrics(folder, "run", event)) {
      for (const std::string& field : fields) {
        EXPECT_TRUE(line.contains(field) && !line.at(field).is_null()) << field << " in " << line.dump();
      }
    }
  };
  expect_fields("start", {"version", "world_size", "cpu", "libraries", "threads"});
  expect_fields("step", {"step", "epoch", "loss", "learning_rate", "gradient_norm", "samples_per_second"});
  expect_fields("evaluation", {"epoch", "step", "loss", "accuracy"});
  expect_fields("end", {"steps", "samples_per_second", "weights_digest"});

  // 81 training samples in batches of 32, twice.
  const std::vector<Json> steps = metrics(folder, "run", "step");
  EXPECT_EQ(steps.size(), 6U);
  for (std::size_t i = 0; i < steps.size(); ++i) EXPECT_EQ(steps[i].at("step"), i + 1);
  EXPECT_EQ(steps.back().at("epoch"), 2.0);
  EXPECT_EQ(metrics(folder, "run", "end").at(0).at("steps"), 6);
  // Validation and test, after each epoch.
  EXPECT_EQ(metrics(folder, "run", "evaluation").size(), 4U);
}

TEST(TrainTest, TheResolvedConfigurationRunsTheRunAgain) {
  const TemporaryFolder folder;
  train_ok(2, small_training("first") + Words{"--optimizer.name", "sgd", "--schedule.name", "cosine"},
           folder);
  train_ok(3, {"train", "--config", "first/config.cfg", "--run.dir", "second"}, folder);
  EXPECT_EQ(digest_of(folder, "first"), digest_of(folder, "second"));
}

TEST(TrainTest, NotesComeBackWholeFromTheConfigurationOfTheRun) {
  const TemporaryFolder folder;
  const std::string notes = R"(lr = 0.1, "quoted" 'twice' [odd] ; 100% \ $HOME ü)";
  train_ok(0, small_training("first") + Words{"--run.notes", notes}, folder);
  train_ok(0, {"train", "--config", "first/config.cfg", "--run.dir", "second"}, folder);
  for (const char* const run : {"first", "second"}) {
    std::ifstream config(folder.path() / run / "config.cfg");
    const std::string text(std::istreambuf_iterator<char>(config), {});
    EXPECT_NE(text.find("\nnotes = " + notes + "\n"), std::string::npos) << text;
  }
}

TEST(TrainTest, KeepsItsMetricsForTensorBoardWhereItIsAsked) {
  const TemporaryFolder folder;
  train_ok(2, small_training("run") + Words{"--run.tensorboard", "true"}, folder);
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(folder.path() / "run")) {
    if (entry.path().filename().string().starts_with("events.out.tfevents.")) found.push_back(entry);
  }
  ASSERT_EQ(found.size(), 1U);
  std::ifstream file(found.front());
  const std::string bytes(std::istreambuf_iterator<char>(file), {});
  std::size_t steps = 0;
  for (std::size_t at = 0; (at = bytes.find("loss/training", at)) != std::string::npos; ++at) ++steps;
  EXPECT_EQ(steps, metrics(folder, "run", "step").size());
  EXPECT_NE(bytes.find("accuracy/test"), std::string::npos);
}

TEST(TrainTest, ReportGivesTheMetricsAsCsv) {
  const TemporaryFolder folder;
  for (const std::string run : {"a", "b"}) train_ok(0, small_training(run), folder);
  const Outcome outcome = run_lockstep(0, {"report", "a", "b", "--csv"}, folder);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  const std::vector<std::string> lines = lines_of(outcome.out);
  ASSERT_EQ(lines.size(), 5U) << outcome.out;
  EXPECT_TRUE(
      lines[0].starts_with("run,epoch,step,seconds,learning_rate,training_loss,test_loss,test_accuracy"));
  EXPECT_TRUE(lines[1].starts_with("a,1,3,") && lines[4].starts_with("b,2,6,")) << outcome.out;
  const std::string loss = metrics(folder, "b", "evaluation").back().at("loss").dump();
  EXPECT_NE(lines[4].find("," + loss + ","), std::string::npos) << lines[4];
  EXPECT_EQ(run_lockstep(0, {"report", "a", "b", "--csv", "--out", "both.csv"}, folder).out, "both.csv\n");
  std::ifstream file(folder.path() / "both.csv");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), outcome.out);
}

TEST(TrainTest, InspectPrintsTheDigestOfTheRun) {
  const TemporaryFolder folder;
  train_ok(2, small_training("run"), folder);
  EXPECT_EQ(inspect_digest(folder, "run/weights.safetensors", 0), digest_of(folder, "run"));
  EXPECT_EQ(inspect_digest(folder, "run/weights.safetensors", 2), digest_of(folder, "run"));
}

TEST(TrainTest, EvaluatePrintsTheNumbersOfTheLastEvaluation) {
  const TemporaryFolder folder;
  // More than one chunk of an evaluation.
  train_ok(2, small_training("run") + Words{"--data.samples", "1300", "--train.steps", "4"}, folder);
  const Json expected = metrics(folder, "run", "evaluation").back();
  for (const int ranks : {0, 1, 3}) {
    const Outcome outcome = run_lockstep(
        ranks, {"evaluate", "--json", "--weights", "run/weights.safetensors", "--config", "run/config.cfg"},
        folder);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    const Json found = Json::parse(outcome.out, nullptr, false);
    for (const std::string field : {"samples", "loss", "accuracy"}) {
      EXPECT_EQ(found.value(field, Json()), expected.at(field)) << field << " on " << ranks << " ranks";
    }
  }
}

TEST(TrainTest, EvaluateTakesTheLossFromTheWeights) {
  const TemporaryFolder folder;
  folder.write("a.csv", "x,p,q\n1,0.5,3\n2,-1,5\n3,2.5,7\n4,0,8\n5,1,8\n");
  const Words data = {"--data.source", "a.csv", "--data.label", "q, p"};
  train_ok(2,
           Words{"train", "--run.dir", "run", "--data.test", "a.csv", "--data.task", "regression",
                 "--model.layers", "linear 2", "--model.loss", "huber", "--model.huber-delta", "0.25",
                 "--train.batch-size", "2", "--train.epochs", "2"} +
               data,
           folder);
  const Json expected = metrics(folder, "run", "evaluation").back();
  for (const int ranks : {0, 3}) {
    const Outcome outcome = run_lockstep(
        ranks, Words{"evaluate", "--json", "--weights", "run/weights.safetensors"} + data, folder);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    const Json found = Json::parse(outcome.out, nullptr, false);
    EXPECT_EQ(found.value("loss", Json()), expected.at("loss")) << ranks << " ranks";
  }
}

/// Loss and accuracy that `evaluate` finds for the weights in `run` are those of the run's end.
void expect_evaluate_finds(const std::string& file, const TemporaryFolder& folder, double least_accuracy) {
  const Json expected = metrics(folder, "run", "evaluation").back();
  EXPECT_GE(expected.value("accuracy", 0.0), least_accuracy);
  for (const int ranks : {0, 3}) {
    const Outcome outcome = run_lockstep(
        ranks, {"evaluate", "--json", "--weights", "run/weights.safetensors", "--data.source", file}, folder);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    const Json found = Json::parse(outcome.out, nullptr, false);
    EXPECT_EQ(found.value("loss", Json()), expected.at("loss")) << ranks << " ranks";
    EXPECT_EQ(found.value("accuracy", Json()), expected.at("accuracy")) << ranks << " ranks";
  }
}

/// Trains a line between two classes on a.csv, with b.csv for test part.
void train_on_tables(const TemporaryFolder& folder) {
  train_ok(
      0,
      {"train", "--run.dir", "run", "--data.source", "a.csv", "--data.test", "b.csv", "--model.layers",
       "linear 2", "--train.batch-size", "8", "--train.epochs", "60", "--optimizer.learning-rate", "0.5"},
      folder);
}

TEST(TrainTest, ColumnsAreMatchedByTheirNames) {
  const TemporaryFolder folder;
  std::string training = "a,b,kind\n";
  std::string test = "kind,b,a\n";
  for (int i = 0; i < 40; ++i) {
    const int b = i * 7 % 11;
    training += std::to_string(i) + "," + std::to_string(b) + (i < 20 ? ",2019\n" : ",2020\n");
    test += std::string(i < 20 ? "2019," : "2020,") + std::to_string(b) + "," + std::to_string(i) + "\n";
  }
  folder.write("a.csv", training);
  folder.write("b.csv", test);
  train_on_tables(folder);
  expect_evaluate_finds("b.csv", folder, 0.9);
}

// Times of one day, and numbers below float's smallest: all are one number in float, or zero.
TEST(TrainTest, DigitsBeyondFloatAreLearnedFrom) {
  for (const auto& [start, step] : {std::pair(1699999000.0, 1.0), {0.0, 1e-41}}) {
    const TemporaryFolder folder;
    std::string table = "t,y\n";
    for (int i = 0; i < 40; ++i) {
      std::array<char, 64> line{};
      std::snprintf(line.data(), line.size(), "%.17g,%d\n", start + i * step, i < 20 ? 0 : 1);
      table += line.data();
    }
    folder.write("a.csv", table);
    folder.write("b.csv", table.substr(0, table.rfind('\n', table.size() - 9) + 1));  // not the same numbers
    train_on_tables(folder);
    expect_evaluate_finds("b.csv", folder, 0.9);
  }
}

TEST(TrainTest, StartsFromSavedWeights) {
  const TemporaryFolder folder;
  train_ok(2, small_training("first"), folder);
  const Words more = {"--model.init", "first/weights.safetensors"};
  train_ok(0, small_training("alone") + more, folder);
  train_ok(3, small_training("three") + more, folder);
  EXPECT_EQ(digest_of(folder, "alone"), digest_of(folder, "three"));
  EXPECT_NE(digest_of(folder, "alone"), digest_of(folder, "first"));
}

TEST(TrainTest, MoreThanEightRanksGetMoreMicroBatchesAndSaySo) {
  const TemporaryFolder folder;
  const Outcome outcome = run_lockstep(9, small_training("run"), folder);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_NE(outcome.out.find("train.micro-batches is 16"), std::string::npos) << outcome.out;
}

// As a pager is: more lines than a pipe holds.
TEST(TrainTest, ASlowReaderNeitherHoldsARunUpNorMissesALine) {
  const TemporaryFolder folder;
  constexpr int kEpochs = 2000;
  Process process(command_line(0, small_training("run") + Words{"--train.epochs", std::to_string(kEpochs)}),
                  folder.path());
  EXPECT_TRUE(wait_until(60, [&] { return fs::exists(folder.path() / "run/weights.safetensors"); }));
  const Outcome outcome = process.wait(60);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  const std::vector<std::string> lines = lines_of(outcome.out);
  EXPECT_EQ(std::count_if(lines.begin(), lines.end(),
                          [](const std::string& line) { return line.starts_with("epoch "); }),
            kEpochs);
  EXPECT_EQ(lines.back(), "weights_digest " + digest_of(folder, "run"));
}

TEST(TrainTest, ASignalEndsTheWaitForASlowReader) {
  const TemporaryFolder folder;
  Process process(command_line(0, small_training("run") + Words{"--train.epochs", "2000"}), folder.path());
  EXPECT_TRUE(wait_until(60, [&] { return fs::exists(folder.path() / "run/report.html"); }));
  const auto has_ended = [&] {
    siginfo_t info{};
    return waitid(P_PID, static_cast<id_t>(process.id()), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == process.id();
  };
  EXPECT_FALSE(has_ended());  // nobody has read a line
  process.send(SIGTERM);
  EXPECT_TRUE(wait_until(30, has_ended));
}

TEST(TrainTest, SeveralLinesOfLayersAndBlocksAreJoined) {
  const TemporaryFolder folder;
  std::ofstream(folder.path() / "f.cfg")
      << "[data]\nsource = blobs\nsamples = 64\n[train]\nsteps = 2\nbatch-size = 16\n"
         "[model]\nblock = wide n: linear n, relu\nblock = deep n: 2 x (wide n)\n"
         "layers = deep 8, wide 5\nlayers = linear 4\n";
  const Outcome outcome = run_lockstep(2, {"train", "--run.dir", "run", "--config", "f.cfg"}, folder);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_NE(outcome.out.find("network  (2 x ((linear 8, relu))), (linear 5, relu), linear 4 ("),
            std::string::npos)
      << outcome.out;
  EXPECT_EQ(run_lockstep(0, {"train", "--run.dir", "again", "--config", "run/config.cfg"}, folder).exit_code,
            0);
  EXPECT_EQ(metrics(folder, "run", "end").at(0).at("weights_digest"),
            metrics(folder, "again", "end").at(0).at("weights_digest"));
}

}  // namespace
}  // namespace lockstep::test
