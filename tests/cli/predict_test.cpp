// Predictions of saved weights, as a person gets them.

#include <csignal>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <iterator>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "program.hpp"

namespace lockstep::test {
namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// The fields of column `name`; of tables without quotes.
std::vector<std::string> column(const std::string& table, const std::string& name) {
  std::vector<std::string> values;
  std::size_t place = 0;
  for (const std::string& line : lines_of(table)) {
    std::vector<std::string> fields;
    std::istringstream stream(line);
    for (std::string field; std::getline(stream, field, ',');) fields.push_back(field);
    if (values.empty()) place = static_cast<std::size_t>(std::ranges::find(fields, name) - fields.begin());
    values.push_back(place < fields.size() ? fields[place] : "none");
  }
  if (!values.empty()) values.erase(values.begin());
  return values;
}

/// A table of two features and three kinds, of more samples than three ranks take at once.
class PredictCommandTest : public testing::Test {
 protected:
  static constexpr int kSamples = 1700;

  void SetUp() override {
    std::string labelled = "x,y,kind\n";
    std::string unlabelled = "x,y\n";
    std::string shuffled = "id,kind,y,x\n";
    for (int i = 0; i < kSamples; ++i) {
      const double x = i % 37 * 0.25;
      const double y = i % 23 * 0.5;
      const std::string kind = x + y > 12 ? "large" : x > y ? "wide" : "high";
      labelled += fmt::format("{},{},{}\n", x, y, kind);
      unlabelled += fmt::format("{},{}\n", x, y);
      shuffled += fmt::format("s{},?,{},{}\n", i, y, x);
    }
    folder_.write("labelled.csv", labelled);
    folder_.write("unlabelled.csv", unlabelled);
    folder_.write("shuffled.csv", shuffled);
    const Outcome trained = run_lockstep(
        0,
        {"train", "--run.dir", "run", "--data.source", "labelled.csv", "--data.label", "kind",
         "--model.layers", "linear 8, tanh, linear 3", "--train.batch-size", "50", "--train.epochs", "2"},
        folder_);
    ASSERT_EQ(trained.exit_code, 0) << trained.err;
  }

  Outcome predict(int ranks, const Words& words) const {
    return run_lockstep(ranks, Words{"predict", "--weights", "run"} + words, folder_);
  }

  /// With `file` on standard input.
  Outcome predict_from(const std::string& file, int ranks) const {
    const Words shell = {"sh", "-c", "exec \"$0\" \"$@\" < " + file};
    return Process(shell + command_line(ranks, {"predict", "--weights", "run", "--data.source", "-"}),
                   folder_.path())
        .wait(60);
  }

  TemporaryFolder folder_;
};

TEST_F(PredictCommandTest, ClassesAreAsOftenRightAsEvaluateSays) {
  const Outcome evaluated =
      run_lockstep(0, {"evaluate", "--json", "--weights", "run", "--data.source", "labelled.csv"}, folder_);
  const Outcome predicted = predict(0, {"--data.source", "unlabelled.csv"});
  EXPECT_EQ(predicted.exit_code, 0);
  EXPECT_EQ(predicted.err, "");
  EXPECT_EQ(lines_of(predicted.out).front(), "row,class,probability high,probability large,probability wide");
  const std::vector<std::string> classes = column(predicted.out, "class");
  const std::vector<std::string> kinds = column(text_of(folder_.path() / "labelled.csv"), "kind");
  ASSERT_EQ(classes.size(), kinds.size());
  int right = 0;
  for (std::size_t i = 0; i < kinds.size(); ++i) right += classes[i] == kinds[i] ? 1 : 0;
  EXPECT_GT(right, kSamples / 3);
  EXPECT_EQ(static_cast<double>(right) / kSamples, nlohmann::json::parse(evaluated.out).at("accuracy"));
}

// What the model computes is the business of the unit tests.
TEST_F(PredictCommandTest, ExportWritesAModelAndSaysWhatGoesInAndComesOut) {
  std::string alone;
  for (const int ranks : {0, 2}) {
    const Outcome outcome =
        run_lockstep(ranks, {"export", "--weights", "run", "--output", "model.onnx"}, folder_);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_EQ(outcome.out, "model.onnx\n  input: float [N, 2]\n  probabilities: float [N, 3]\n");
    EXPECT_EQ(outcome.err, "");
    const std::string model = text_of(folder_.path() / "model.onnx");
    EXPECT_NE(model.find(R"(["high","large","wide"])"), std::string::npos);
    if (ranks == 0) alone = model;
    EXPECT_EQ(model, alone);
  }
}

/// From a raw table to answers in two commands.
TEST(PredictRawTableTest, NeedsNoPreparation) {
  const TemporaryFolder folder;
  std::string training = "PassengerId;Sex;Age;Boarded;Port;Survived\n";
  std::string fresh = "Port;Boarded;Age;Sex;PassengerId\n";
  for (int i = 0; i < 400; ++i) {
    const bool is_woman = i % 3 == 0;
    const std::string sex = is_woman ? "female" : "male";
    const std::string age = i % 5 == 0 ? "" : fmt::format("{},5", 20 + i % 31);
    const std::string port = i % 7 == 0 ? "NA" : i % 2 == 0 ? "S" : "C";
    const std::string day = fmt::format("{}.04.1912", 1 + i % 30);
    training += fmt::format("{};{};{};{};{};{}\n", i + 1, sex, age, day, port, is_woman ? "yes" : "no");
    if (i < 100) fresh += fmt::format("{};{};{};{};{}\n", port, day, age, sex, i + 1000);
  }
  folder.write("train.csv", training);
  folder.write("new.csv", fresh);
  const Outcome trained =
      run_lockstep(2,
                   {"train", "--run.dir", "run", "--data.source", "train.csv", "--data.label", "Survived",
                    "--model.layers", "linear 2", "--train.batch-size", "20", "--train.epochs", "30",
                    "--optimizer.learning-rate", "0.1"},
                   folder);
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  std::string expected;
  for (const int ranks : {0, 1, 2, 3, 5, 8}) {
    const Outcome predicted =
        run_lockstep(ranks, {"predict", "--weights", "run", "--data.source", "new.csv"}, folder);
    ASSERT_EQ(predicted.exit_code, 0) << predicted.err;
    EXPECT_EQ(predicted.err, "") << ranks;
    if (expected.empty()) expected = predicted.out;
    EXPECT_TRUE(predicted.out == expected) << ranks;
  }
  const std::vector<std::string> classes = column(expected, "class");
  ASSERT_EQ(classes.size(), 100U);
  for (std::size_t i = 0; i < classes.size(); ++i) EXPECT_EQ(classes[i], i % 3 == 0 ? "yes" : "no") << i;

  folder.write("odd.csv", "Port;Boarded;Age;Sex;PassengerId\nX;1.04.1912;20;male;1\n");
  expect_one_line(run_lockstep(3, {"predict", "--weights", "run", "--data.source", "odd.csv"}, folder), 2,
                  "odd.csv:2: column 1 ('Port'): 'X' is none of the 2 categories of the training data");
  const Outcome ignored = run_lockstep(
      3, {"predict", "--weights", "run", "--data.source", "odd.csv", "--data.unseen", "ignore"}, folder);
  EXPECT_EQ(ignored.exit_code, 0);
  EXPECT_THAT(ignored.err, testing::HasSubstr("ignored"));
  EXPECT_EQ(lines_of(ignored.out).size(), 2U);
}

TEST_F(PredictCommandTest, HasTheSameBytesForAllRanksAndTables) {
  const std::string expected = predict(0, {"--data.source", "unlabelled.csv"}).out;
  EXPECT_EQ(lines_of(expected).size(), kSamples + 1U);
  for (const int ranks : {0, 1, 2, 3, 5, 8}) {
    SCOPED_TRACE(ranks);
    const Outcome printed = predict(ranks, {"--data.source", "labelled.csv"});
    EXPECT_EQ(printed.exit_code, 0);
    EXPECT_EQ(printed.err, "");
    EXPECT_TRUE(printed.out == expected);
    const Outcome written = predict(ranks, {"--data.source", "unlabelled.csv", "--output", "out.csv"});
    EXPECT_EQ(written.exit_code, 0);
    EXPECT_EQ(written.out + written.err, "");
    EXPECT_TRUE(text_of(folder_.path() / "out.csv") == expected);
    fs::remove(folder_.path() / "out.csv");
    const Outcome piped = predict_from("shuffled.csv", ranks);
    expect_one_line(piped, 0, "standard input: left out as no features of the training data: 'id'");
    EXPECT_TRUE(piped.out == expected);
  }
}

TEST_F(PredictCommandTest, TellsWhichPartOfOtherDataItPredicts) {
  ASSERT_EQ(run_lockstep(0, small_training("blobs"), folder_).exit_code, 0);
  const Outcome outcome = run_lockstep(2,
                                       {"predict", "--weights", "blobs/weights.safetensors", "--data.source",
                                        "blobs", "--data.test-samples", "7"},
                                       folder_);
  expect_one_line(outcome, 0, "data.source = blobs: predicting its test part");
  EXPECT_EQ(lines_of(outcome.out).size(), 8U);
  const Outcome other = predict(0, {"--data.source", "blobs", "--data.classes", "3"});
  EXPECT_EQ(other.exit_code, 2);
  EXPECT_NE(other.err.find("blobs: has 20 features, the weights expect 2"), std::string::npos) << other.err;
}

TEST_F(PredictCommandTest, OfARegressionGivesItsTargets) {
  // After one step of Newton's method a linear network has the least squares' solution: y = 3 - 2 x.
  folder_.write("line.csv", "x,y\n0,3\n1,1\n2,-1\n3,-3\n");
  ASSERT_EQ(
      run_lockstep(0,
                   {"train", "--run.dir", "line", "--data.source", "line.csv", "--data.task", "regression",
                    "--model.layers", "linear 1", "--optimizer.name", "newton", "--train.batch-size", "full",
                    "--train.steps", "1", "--optimizer.learning-rate", "1"},
                   folder_)
          .exit_code,
      0);
  folder_.write("x.csv", "x\n10\n-1.5\n");
  const Outcome outcome =
      run_lockstep(3, {"predict", "--weights", "line", "--data.source", "x.csv"}, folder_);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const std::vector<std::string> values = column(outcome.out, "y");
  ASSERT_EQ(values.size(), 2U) << outcome.out;
  EXPECT_NEAR(std::stod(values[0]), -17, 1e-4);
  EXPECT_NEAR(std::stod(values[1]), 6, 1e-4);
}

TEST_F(PredictCommandTest, NothingStaysOfAFileThatIsNotWhole) {
  folder_.write("bad.csv", "x,y\n1,2\n1,red\n");
  folder_.write("out.csv", "old");
  for (const int ranks : {0, 3}) {
    const std::vector<std::string> before = listing(folder_);
    expect_one_line(predict(ranks, {"--data.source", "bad.csv", "--output", "out.csv"}), 2,
                    "bad.csv:3: column 2 ('y'): expected a number, found 'red'");
    EXPECT_EQ(listing(folder_), before);
  }
  EXPECT_EQ(text_of(folder_.path() / "out.csv"), "old");
}

// The network takes many seconds for so many samples.
TEST_F(PredictCommandTest, ASignalLeavesNoFile) {
  const Outcome trained = run_lockstep(
      0,
      {"train", "--run.dir", "slow", "--data.source", "blobs", "--model.layers",
       "linear 2048, relu, linear 2048, relu, linear 4", "--train.batch-size", "8", "--train.steps", "1"},
      folder_);
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  const std::vector<std::string> before = listing(folder_);
  for (const int ranks : {0, 2}) {
    Process process(command_line(ranks, {"predict", "--weights", "slow", "--data.source", "blobs",
                                         "--data.test-samples", "300000", "--output", "out.csv"}),
                    folder_.path());
    ASSERT_TRUE(wait_until(50, [&] { return listing(folder_).size() > before.size(); }));
    process.send(SIGTERM);
    const Outcome outcome = process.wait(60);
    EXPECT_FALSE(outcome.timed_out);
    EXPECT_NE(outcome.exit_code, 0);
    EXPECT_NE(outcome.err.find("SIGTERM: stopped, with no file written"), std::string::npos) << outcome.err;
    EXPECT_EQ(listing(folder_), before);
  }
}

}  // namespace
}  // namespace lockstep::test
