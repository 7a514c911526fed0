// Studies as a person starts them: the same data at every rank count, those of single runs, and what the
// lecture says of them.

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <iterator>
#include <limits>
#include <map>
#include <ostream>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "program.hpp"

namespace lockstep::test {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

const std::string kConfigs = LOCKSTEP_TEST_CONFIGS;

/// Two seeds, and measurements at the steps 0, 2, 4 and 6 of 90 samples in batches of 32.
const Words kSmall = {"--data.source",
                      "blobs",
                      "--data.samples",
                      "90",
                      "--model.layers",
                      "linear 8, relu, dropout 0.2, linear 4",
                      "--train.batch-size",
                      "32",
                      "--train.epochs",
                      "2",
                      "--seeds",
                      "2",
                      "--evaluations",
                      "3"};

std::string text_of(const fs::path& file) {
  std::ifstream stream(file);
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// File names and contents of a folder.
std::map<std::string, std::string> contents(const fs::path& folder) {
  std::map<std::string, std::string> found;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    found[entry.path().filename().string()] = text_of(entry.path());
  }
  return found;
}

/// The last measurement of each training of a variant, seed by seed.
std::vector<Json> last_measurements(const TemporaryFolder& folder, const std::string& variant) {
  std::map<int, Json> last;
  for (const Json& line : metrics(folder, "study", "measurement")) {
    if (line.at("variant") == variant) last[line.at("seed")] = line;
  }
  std::vector<Json> found;
  found.reserve(last.size());
  for (const auto& [seed, line] : last) found.push_back(line);
  EXPECT_FALSE(found.empty()) << variant;
  return found;
}

double mean_gap(const TemporaryFolder& folder, const std::string& variant) {
  const std::vector<Json> last = last_measurements(folder, variant);
  double sum = 0;
  for (const Json& line : last) {
    sum += line.at("test_loss").get<double>() - line.at("training_loss").get<double>();
  }
  return sum / static_cast<double>(last.size());
}

double mean_norm(const TemporaryFolder& folder, const std::string& variant) {
  const std::vector<Json> last = last_measurements(folder, variant);
  double sum = 0;
  for (const Json& line : last) sum += line.at("weight_norm").get<double>();
  return sum / static_cast<double>(last.size());
}

struct SmallStudy {
  std::string name;
  Words options;      ///< beside kSmall
  int trainings = 0;  ///< of two seeds, and of searches
};

void PrintTo(const SmallStudy& study, std::ostream* stream) { *stream << study.name; }

class SmallStudyTest : public testing::TestWithParam<SmallStudy> {};

TEST_P(SmallStudyTest, LeavesTheSameFilesAtEveryRankCountAndFromItsOwnConfiguration) {
  const auto& [name, options, trainings] = GetParam();
  const TemporaryFolder one;
  const TemporaryFolder three;
  const TemporaryFolder again;
  study_ok(1, Words{name} + kSmall + options, one);
  study_ok(3, Words{name} + kSmall + options, three);
  study_ok(0,
           Words{name, "--config", (one.path() / "study/config.cfg").string(), "--seeds", "2",
                 "--evaluations", "3"} +
               options,
           again);

  const auto files = contents(one.path() / "study");
  for (const std::string file : {"config.cfg", "metrics.jsonl", "report.html"})
    EXPECT_TRUE(files.contains(file)) << file;
  EXPECT_EQ(files.size(), 3U);
  // No EXPECT_EQ, which would print pages of a megabyte.
  EXPECT_TRUE(contents(three.path() / "study") == files);
  EXPECT_TRUE(contents(again.path() / "study") == files);
  EXPECT_EQ(listing(one).size(), 4U) << "a folder and its three files";

  const std::vector<Json> runs = metrics(one, "study", "run");
  EXPECT_EQ(runs.size(), static_cast<std::size_t>(trainings));
  for (const Json& run : runs) EXPECT_EQ(run.at("weights_digest").get<std::string>().size(), 32U) << run;
}

INSTANTIATE_TEST_SUITE_P(
    Studies, SmallStudyTest,
    testing::Values(SmallStudy{"optimizers", {"--optimizers", "nesterov, adam", "--rates", "2"}, 8},
                    SmallStudy{"batch-regimes", {}, 6}, SmallStudy{"weight-decay", {}, 4},
                    SmallStudy{"adam-decay", {"--decay", "0.1,1"}, 8}, SmallStudy{"dropout", {}, 4}),
    [](const auto& test) {
      std::string name = test.param.name;
      std::replace(name.begin(), name.end(), '-', '_');
      return name;
    });

TEST(StudyTest, SurfacesHaveTheSamePathsAtEveryRankCount) {
  const TemporaryFolder one;
  const TemporaryFolder three;
  study_ok(1, {"surfaces", "--train.steps", "12"}, one);
  study_ok(3, {"surfaces", "--train.steps", "12"}, three);
  const auto files = contents(one.path() / "study");
  EXPECT_EQ(files.size(), 3U);
  EXPECT_TRUE(contents(three.path() / "study") == files);

  std::map<std::string, std::vector<Json>> paths;
  for (const Json& line : metrics(one, "study", "path")) {
    paths[line.at("surface").get<std::string>() + " " + line.at("optimizer").get<std::string>()].push_back(
        line);
  }
  EXPECT_EQ(paths.size() % 4, 0U) << "every optimizer on every surface";
  for (const auto& [name, path] : paths) {
    ASSERT_EQ(path.size(), 13U) << name;
    for (std::size_t t = 0; t < path.size(); ++t) EXPECT_EQ(path[t].at("step"), t) << name;
  }
  // One step of Newton's method at rate 1 ends at the minimum of a quadratic; gradient descent goes (1 - η
  // λ)^t.
  ASSERT_TRUE(paths.contains("quadratic newton") && paths.contains("quadratic sgd"));
  EXPECT_NEAR(paths["quadratic newton"][1].at("value"), 0, 1e-10);
  const double rate = paths["quadratic sgd"][0].at("learning_rate");
  for (std::size_t t = 0; t < 13; ++t) {
    const Json& point = paths["quadratic sgd"][t];
    EXPECT_NEAR(point.at("x"), -4 * std::pow(1 - rate, t), 1e-5);
    EXPECT_NEAR(point.at("y"), std::pow(1 - 25 * rate, t), 1e-5);
  }
}

TEST(StudyTest, ALearningRateAboveWhatIsStableRaisesTheLoss) {
  // Of targets of deviation 1 and features of mean 0 and deviation 1, the second derivative of the mean
  // squared error by the weights is 2, but for their correlations: gradient descent diverges above a rate
  // of 1.
  const Words words = {"learning-rate",
                       "--data.source",
                       "linear",
                       "--data.samples",
                       "2000",
                       "--data.features",
                       "4",
                       "--model.layers",
                       "linear auto",
                       "--optimizer.name",
                       "sgd",
                       "--train.batch-size",
                       "full",
                       "--from",
                       "1e-4",
                       "--to",
                       "100"};
  const TemporaryFolder one;
  const TemporaryFolder three;
  study_ok(1, words, one);
  study_ok(3, words, three);
  EXPECT_TRUE(contents(three.path() / "study") == contents(one.path() / "study"));
  double best = 0;
  double smallest = std::numeric_limits<double>::infinity();
  for (const Json& line : metrics(one, "study", "rate")) {
    if (line.at("loss") >= smallest) continue;
    smallest = line.at("loss");
    best = line.at("learning_rate");
  }
  EXPECT_GT(best, 0.3);
  EXPECT_LT(best, 3);
}

TEST(StudyTest, ItsTrainingsAreThoseOfTrain) {
  const TemporaryFolder folder;
  study_ok(2, Words{"weight-decay", "--decay", "0,0.5"} + kSmall, folder);
  const Words shared(kSmall.begin(), kSmall.end() - 4);
  const Outcome outcome = run_lockstep(0,
                                       Words{"train", "--run.dir", "single", "--optimizer.weight-decay",
                                             "0.5", "--train.seed", "2", "--data.seed", "2"} +
                                           shared,
                                       folder);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const Json study = metrics(folder, "study", "run").back();
  EXPECT_EQ(study.at("variant"), "λ = 0.5");
  EXPECT_EQ(study.at("seed"), 2);
  EXPECT_EQ(study.at("diverged"), false);
  EXPECT_EQ(study.at("weights_digest"), metrics(folder, "single", "end").at(0).at("weights_digest"));

  const Json expected = metrics(folder, "single", "evaluation").back();
  const std::vector<Json> measured = metrics(folder, "study", "measurement");
  ASSERT_EQ(measured.size(), 16U) << "two variants, two seeds, four measurements";
  EXPECT_EQ(measured.back().at("test_loss"), expected.at("loss"));
  EXPECT_EQ(measured.back().at("test_accuracy"), expected.at("accuracy"));
  const std::vector<int> samples = {0, 64, 90 + 32, 180};
  for (std::size_t i = 0; i < measured.size(); ++i) {
    EXPECT_EQ(measured[i].at("step"), 2 * (i % 4));
    EXPECT_EQ(measured[i].at("samples"), samples[i % 4]);
    EXPECT_DOUBLE_EQ(measured[i].at("epoch"), samples[i % 4] / 90.0);
  }
}

TEST(StudyTest, ADivergingRunIsAResult) {
  const TemporaryFolder folder;
  const Words lecture = {"weight-decay", "--config", kConfigs + "/lecture/weight-decay.cfg", "--seeds", "2"};
  // A step of gradient descent multiplies the weights with 1 - 0.003 · 1000 = -2.
  const std::string out = study_ok(3, lecture + Words{"--decay", "1000, 0"}, folder);
  EXPECT_NE(out.find("λ = 1000, seed 2: diverged"), std::string::npos) << out;
  EXPECT_NE(out.find("λ = 1000: training loss diverged, test loss diverged"), std::string::npos) << out;
  EXPECT_EQ(out.find("no decay: training loss diverged"), std::string::npos) << out;
  for (const Json& run : metrics(folder, "study", "run")) {
    EXPECT_EQ(run.at("diverged"), run.at("variant") == "λ = 1000") << run;
  }
  EXPECT_LT(last_measurements(folder, "λ = 1000").back().at("step"), 400);
  EXPECT_EQ(last_measurements(folder, "no decay").back().at("step"), 400);

  const TemporaryFolder other;
  const std::string all = study_ok(0, lecture + Words{"--optimizer.learning-rate", "1e6"}, other);
  EXPECT_NE(all.find("no decay: training loss diverged"), std::string::npos) << all;
  EXPECT_NE(all.find("λ = 3: training loss diverged"), std::string::npos) << all;
  EXPECT_TRUE(fs::exists(other.path() / "study/report.html"));
}

// Gradient descent on 2000 inputs diverges at its default rate, 0.1, and at the next lower one.
TEST(StudyTest, TheSearchForARateGoesOnBelowThoseThatDiverge) {
  const TemporaryFolder folder;
  const std::string out = study_ok(
      0, {"optimizers", "--optimizers",       "sgd",  "--data.source",    "linear", "--data.features",
          "2000",       "--data.samples",     "40",   "--data.normalize", "none",   "--model.layers",
          "linear 1",   "--train.batch-size", "full", "--train.epochs",   "80",     "--seeds",
          "1",          "--evaluations",      "1"},
      folder);
  EXPECT_NE(out.find("sgd at 0.1 (search), seed 1: diverged"), std::string::npos) << out;
  const std::vector<Json> runs = metrics(folder, "study", "run");
  EXPECT_EQ(runs.back().at("diverged"), false);
  EXPECT_LT(std::stod(runs.back().at("settings").at("optimizer.learning-rate").get<std::string>()), 0.1);
}

TEST(StudyTest, RatesAreChosenByValidationElseByTraining) {
  const Words words = {"optimizers", "--optimizers",   "sgd",      "--data.source",
                       "blobs",      "--model.layers", "linear 4", "--train.epochs",
                       "1",          "--seeds",        "1",        "--rates",
                       "3",          "--evaluations",  "1",        "--train.batch-size",
                       "64"};
  const TemporaryFolder folder;
  const std::string by_training = study_ok(0, words, folder);
  EXPECT_NE(by_training.find("chosen by the training loss, as there is no validation part"),
            std::string::npos)
      << by_training;
  EXPECT_EQ(by_training.find("±"), std::string::npos) << "one seed has no spread";
  const TemporaryFolder other;
  const std::string by_validation = study_ok(0, words + Words{"--data.validation", "0.5"}, other);
  EXPECT_NE(by_validation.find("chosen by the validation loss"), std::string::npos) << by_validation;
  std::map<std::string, double> searched;
  for (const Json& line : metrics(other, "study", "measurement")) {
    searched[line.at("variant")] = line.at("validation_loss");
  }
  const std::string chosen =
      metrics(other, "study", "run").back().at("settings").at("optimizer.learning-rate");
  for (const auto& [variant, loss] : searched) {
    EXPECT_GE(loss, searched.at("sgd at " + chosen + " (search)")) << variant;
  }
}

TEST(StudyTest, NewtonIsLeftOutWhereItCannotBe) {
  const TemporaryFolder folder;
  const Words linear = {
      "optimizers", "--data.source",      "linear", "--data.samples", "40", "--model.layers",
      "linear 1",   "--train.batch-size", "8",      "--train.epochs", "1",  "--seeds",
      "1",          "--evaluations",      "1",      "--rates",        "1"};
  EXPECT_NE(study_ok(0, linear, folder).find("newton (1), seed 1"), std::string::npos);
  const TemporaryFolder other;
  EXPECT_EQ(study_ok(0, linear + Words{"--model.loss", "mae"}, other).find("newton"), std::string::npos);
}

TEST(StudyTest, AFolderThatIsRemovedIsMadeAgain) {
  const TemporaryFolder whole;
  const Words words =
      Words{"weight-decay"} + kSmall + Words{"--data.samples", "4000", "--train.epochs", "20"};
  study_ok(0, words, whole);
  const TemporaryFolder folder;
  const fs::path study = folder.path() / "study";
  Process process(command_line(2, Words{"study"} + words + Words{"--run.dir", study.string()}),
                  folder.path());
  EXPECT_TRUE(wait_until(30, [&] { return fs::exists(study / "config.cfg"); }));
  fs::remove_all(study);
  expect_one_line(process.wait(60), 0, "study: was removed or moved while the study ran; it is made again");
  EXPECT_TRUE(contents(study) == contents(whole.path() / "study"));
}

/// A table whose answer is told by the colour and, less so, by a size with gaps; 'even' tells nothing, and
/// all is trained with a fourth held out.
void train_on_colours(const TemporaryFolder& folder) {
  std::string table = "colour,day,size,even,kind\n";
  for (int i = 0; i < 240; ++i) {
    const std::string size = i % 7 == 0 ? "" : std::to_string(i * 37 % 11);
    const int score = (i % 3) * 4 + i * 37 % 11;
    table += fmt::format("{},2024-{:02}-{:02},{},{},{}\n", std::array{"red", "green", "blue"}[i % 3],
                         1 + i % 12, 1 + i % 28, size, i % 2, score > 8 ? "yes" : "no");
  }
  folder.write("table.csv", table);
  const Outcome outcome = run_lockstep(
      0,
      {"train", "--run.dir", "run", "--data.source", "table.csv", "--data.validation", "0.25",
       "--model.layers", "linear 8, relu, linear 2", "--train.batch-size", "16", "--train.epochs", "10"},
      folder);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
}

TEST(ImportanceStudy, LeavesTheSameFilesAtEveryRankCount) {
  const TemporaryFolder folder;
  ASSERT_NO_FATAL_FAILURE(train_on_colours(folder));
  const Words words = {"importance", "--weights", "run", "--repeats", "3"};
  study_ok(1, words, folder);
  const auto files = contents(folder.path() / "study");
  EXPECT_EQ(files.size(), 4U) << "config.cfg, metrics.jsonl, report.html, table.csv";
  for (const int ranks : {2, 3, 5}) {
    fs::remove_all(folder.path() / "study");
    study_ok(ranks, words, folder);
    EXPECT_TRUE(contents(folder.path() / "study") == files) << ranks;
  }

  std::vector<std::string> columns;
  for (const Json& line : metrics(folder, "study", "column")) {
    columns.push_back(line.at("column"));
    EXPECT_EQ(line.at("loss_rises").size(), 3U);
    EXPECT_EQ(line.at("accuracy_falls").size(), 3U);
    const int features = line.at("features");
    const std::map<std::string, int> expected = {{"colour", 3}, {"day", 3}, {"size", 2}, {"even", 1}};
    EXPECT_EQ(features, expected.at(line.at("column"))) << "all of a column's features move together";
  }
  EXPECT_EQ(columns.size(), 4U);
  const Json unpermuted = metrics(folder, "study", "unpermuted").at(0);
  const Outcome evaluated =
      run_lockstep(0, {"evaluate", "--weights", "run", "--part", "validation", "--json"}, folder);
  for (const char* const key : {"part", "samples", "loss", "accuracy", "auc"}) {
    EXPECT_EQ(unpermuted.at(key), Json::parse(evaluated.out).at(key)) << key;
  }
}

TEST(ImportanceStudy, TakesTheSeedAndAWeightsFileWithItsConfiguration) {
  const TemporaryFolder folder;
  ASSERT_NO_FATAL_FAILURE(train_on_colours(folder));
  study_ok(0, {"importance", "--weights", "run"}, folder);
  const std::string table = text_of(folder.path() / "study/table.csv");
  const auto table_of = [&](const Words& words) {
    fs::remove_all(folder.path() / "study");
    study_ok(0, Words{"importance"} + words, folder);
    return text_of(folder.path() / "study/table.csv");
  };
  EXPECT_EQ(table_of({"--weights", "run/best.safetensors", "--config", "run/config.cfg"}), table);
  EXPECT_NE(table_of({"--weights", "run", "--train.seed", "2"}), table);
}

// The run's own configuration says neither the task of drawn data nor what its blocks came to.
TEST(ImportanceStudy, GoesByWhatTheWeightsSayOfTheirNetwork) {
  const TemporaryFolder folder;
  const Outcome outcome =
      run_lockstep(0,
                   {"train", "--run.dir", "run", "--data.source", "tags", "--data.samples", "80",
                    "--data.features", "4", "--model.block", "wide n: linear n, relu", "--model.layers",
                    "wide 8, linear auto", "--train.epochs", "1"},
                   folder);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  study_ok(0, {"importance", "--weights", "run"}, folder);
  EXPECT_EQ(metrics(folder, "study", "unpermuted").at(0).at("part"), "test");
  EXPECT_EQ(metrics(folder, "study", "column").size(), 4U);
}

TEST(ImportanceStudy, RefusesWhatTheTrainingDidNotHoldOut) {
  const TemporaryFolder folder;
  ASSERT_NO_FATAL_FAILURE(train_on_colours(folder));
  const auto expect_refused = [&](const Words& words, const std::string& fragment) {
    expect_one_line(run_lockstep(0, Words{"study", "importance"} + words, folder), 2, fragment);
  };
  expect_refused({}, "--weights is missing; give the directory of a run");
  expect_refused({"--weights", "run", "--part", "all"}, "--part all: expected test or validation");
  expect_refused({"--weights", "run", "--part", "test"},
                 "--part test: the training of the weights had no such");
  expect_refused({"--weights", "run/best.safetensors"},
                 "does not say which data the weights were trained on");
  expect_refused({"--weights", "run", "--train.epochs", "3"}, "train.epochs (on the command line)");
  EXPECT_FALSE(fs::exists(folder.path() / "runs")) << "what fails at once leaves nothing";
}

TEST(StudyTest, ItsPageIsNotReplacedByOneOfARun) {
  const TemporaryFolder folder;
  study_ok(0, {"surfaces", "--train.steps", "3"}, folder);
  const std::string page = text_of(folder.path() / "study/report.html");
  const Outcome outcome = run_lockstep(0, {"report", "study"}, folder);
  expect_one_line(outcome, 2, "study: holds a study");
  EXPECT_TRUE(text_of(folder.path() / "study/report.html") == page);
}

// Zhang et al.: Dive into Deep Learning, section 3.7: 200 inputs and 20 samples are fitted without error and
// without sense, unless the weights decay.
TEST(LectureTest, WeightDecayClosesTheGap) {
  const TemporaryFolder folder;
  study_ok(0, {"weight-decay", "--config", kConfigs + "/lecture/weight-decay.cfg"}, folder);
  EXPECT_GT(mean_gap(folder, "no decay"), 0);
  EXPECT_GT(mean_gap(folder, "no decay"), 5 * std::abs(mean_gap(folder, "λ = 3")));
  for (const Json& line : last_measurements(folder, "no decay")) EXPECT_LT(line.at("training_loss"), 0.01);
}

/// 100 samples of blobs in 3 folds.
const Words kFolds = {"--data.source",         "blobs",
                      "--data.samples",        "100",
                      "--data.seed",           "4",
                      "--data.hold-out",       "stratified",
                      "--model.layers",        "linear 8, relu, linear 4",
                      "--model.class-weights", "balanced",
                      "--train.batch-size",    "16",
                      "--train.epochs",        "2"};

TEST(CrossValidation, LeavesTheSameFilesAtEveryRankCountAndFromItsOwnConfiguration) {
  const TemporaryFolder one;
  const TemporaryFolder three;
  const TemporaryFolder again;
  const Words study = {"cross-validation", "--folds", "3", "--evaluations", "2"};
  study_ok(1, study + kFolds, one);
  study_ok(3, study + kFolds, three);
  study_ok(0, study + Words{"--config", (one.path() / "study/config.cfg").string()}, again);
  const auto files = contents(one.path() / "study");
  EXPECT_EQ(files.size(), 3U);
  EXPECT_TRUE(contents(three.path() / "study") == files);
  EXPECT_TRUE(contents(again.path() / "study") == files);
}

// Each fold is an ordinary training with data.fold, and what its weights are evaluated to on its validation
// part.
TEST(CrossValidation, FoldsAreThoseOfSingleTrainingsAndMeanAndDeviationAreTheirs) {
  const TemporaryFolder folder;
  const std::string out =
      study_ok(0, Words{"cross-validation", "--folds", "3", "--evaluations", "1"} + kFolds, folder);
  const std::vector<Json> runs = metrics(folder, "study", "run");
  const std::vector<Json> folds = metrics(folder, "study", "fold");
  ASSERT_EQ(runs.size(), 3U);
  ASSERT_EQ(folds.size(), 3U);
  EXPECT_EQ(folds[0].at("samples"), 34);
  EXPECT_EQ(folds[1].at("samples"), 33);
  EXPECT_EQ(folds[2].at("samples"), 33);

  const std::string run = "fold";
  const Outcome trained =
      run_lockstep(2, Words{"train", "--run.dir", run, "--data.fold", "2/3"} + kFolds, folder);
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  Json last;
  for (const Json& line : metrics(folder, run, "evaluation")) {
    if (line.at("part") == "validation") last = line;
  }
  for (const char* const name : {"loss", "accuracy", "balanced_accuracy", "macro_f1", "log_loss"}) {
    EXPECT_EQ(folds[1].at(name), last.at(name)) << name;
  }
  EXPECT_EQ(metrics(folder, run, "end").at(0).at("weights_digest"), runs[1].at("weights_digest"));

  const Json all = metrics(folder, "study", "cross-validation").at(0);
  EXPECT_EQ(all.at("folds"), 3);
  for (const char* const name : {"loss", "accuracy", "macro_f1"}) {
    const double a = folds[0].at(name);
    const double b = folds[1].at(name);
    const double c = folds[2].at(name);
    const double mean = (a + b + c) / 3;
    const double squares = (a - mean) * (a - mean) + (b - mean) * (b - mean) + (c - mean) * (c - mean);
    EXPECT_NEAR(all.at("mean").at(name), mean, 1e-12) << name;
    EXPECT_NEAR(all.at("deviation").at(name), std::sqrt(squares / 2), 1e-12) << name;
  }
  EXPECT_NE(out.find("Over 3 folds: loss "), std::string::npos) << out;
  EXPECT_NE(out.find("result   fold 3: loss "), std::string::npos) << out;
}

TEST(CrossValidation, TellsThatTrainingsDiverged) {
  const TemporaryFolder folder;
  const std::string out = study_ok(
      0,
      {"cross-validation", "--folds", "2", "--evaluations", "2", "--data.source", "blobs", "--data.samples",
       "100", "--model.layers", "linear 8, linear 4", "--optimizer.learning-rate", "1e6"},
      folder);
  EXPECT_NE(out.find("2 of 2 trainings diverged"), std::string::npos) << out;
  EXPECT_TRUE(metrics(folder, "study", "cross-validation").at(0).at("mean").at("loss").is_null());
}

TEST(CrossValidation, OfARegressionHasItsMeasures) {
  const TemporaryFolder folder;
  study_ok(0,
           {"cross-validation", "--folds", "2", "--evaluations", "1", "--data.source", "linear",
            "--data.samples", "40", "--data.normalize-targets", "none", "--model.layers", "linear 1",
            "--train.steps", "1", "--train.batch-size", "8"},
           folder);
  for (const Json& fold : metrics(folder, "study", "fold")) {
    EXPECT_EQ(fold.at("samples"), 20);
    const double rmse = fold.at("rmse");
    EXPECT_NEAR(rmse * rmse, fold.at("loss"), 1e-5 * rmse * rmse) << "the loss is the squared error";
    EXPECT_TRUE(fold.contains("r2"));
    EXPECT_FALSE(fold.contains("accuracy"));
  }
}

// Loshchilov, Hutter, arXiv 1711.05101, section 2: Adam scales the penalty's gradient down with its own size,
// so that a thousandfold strength hardly acts; decoupled decay acts in proportion.
TEST(LectureTest, AdamHardlyFeelsItsPenaltyAndAdamWDecays) {
  const TemporaryFolder folder;
  study_ok(0, {"adam-decay", "--config", kConfigs + "/lecture/adam-decay.cfg"}, folder);
  const double penalty = mean_norm(folder, "Adam, L2 0.01") / mean_norm(folder, "Adam, L2 10");
  const double decoupled = mean_norm(folder, "AdamW, decay 0.01") / mean_norm(folder, "AdamW, decay 10");
  EXPECT_LT(penalty, 2.5);
  EXPECT_GT(decoupled, 100);
  for (const std::string strength : {"0.1", "1", "10"}) {
    EXPECT_LT(mean_norm(folder, "AdamW, decay " + strength), mean_norm(folder, "Adam, L2 " + strength));
  }
}

// Cochran: Sampling techniques, 1977, theorem 2.2.
TEST(LectureTest, GradientsOfBatchesVaryAsSamplingPredicts) {
  const TemporaryFolder folder;
  study_ok(0,
           {"batch-regimes", "--config", kConfigs + "/lecture/batch-regimes.cfg", "--data.source",
            kConfigs + "/lecture/digits.csv", "--train.epochs", "1", "--seeds", "1", "--evaluations", "1"},
           folder);
  constexpr double kSamples = 1438;  // four fifths of 1797
  const std::vector<Json> lines = metrics(folder, "study", "variance");
  ASSERT_EQ(lines.size(), 6U);
  const double of_one = lines[0].at("variance");
  EXPECT_EQ(lines[0].at("batch_size"), 1);
  EXPECT_EQ(lines[0].at("gradients"), kSamples);
  for (const Json& line : lines) {
    const double batch = line.at("batch_size");
    const double predicted = of_one / batch * (kSamples - batch) / (kSamples - 1);
    EXPECT_NEAR(line.at("predicted"), predicted, 1e-9 * predicted) << line;
    EXPECT_NEAR(line.at("variance"), predicted, 0.3 * predicted) << line;
  }
}

}  // namespace
}  // namespace lockstep::test
