// Regressions whose targets are far from 0 and 1: they are normalised in training, and nobody sees it in what
// is predicted.

#include <cmath>
#include <filesystem>
#include <gmock/gmock.h>
#include <map>
#include <numbers>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "data_helpers.hpp"
#include "lockstep/nn/weights.hpp"
#include "temporary_folder.hpp"
#include "train_helpers.hpp"

namespace lockstep {
namespace {

using test::config_of;
using test::is_bad_input;
using test::TemporaryFolder;
using test::Texts;
using test::TrainingRun;
using testing::DoubleNear;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr int kHouses = 2000;
constexpr double kMeanPrice = 5e5;
constexpr double kPriceUnit = 1e5;

/// Place i of the sequence of multiples of √prime, which covers [0, 1) evenly.
double weyl(int i, double prime) {
  const double multiple = i * std::sqrt(prime);
  return multiple - std::floor(multiple);
}

/// Houses of five features and prices from about 2e5 to 8e5, of which noise of 1.2e4 is no feature's; the
/// prices times `unit` after `origin` was taken away.
std::string houses(double origin, double unit) {
  std::string table = "area,age,rooms,place,garden,price\n";
  for (int i = 1; i <= kHouses; ++i) {
    const double area = weyl(i, 2);
    const double age = weyl(i, 3);
    const double rooms = weyl(i, 5);
    const double place = weyl(i, 7);
    const double garden = weyl(i, 11);
    const double price = 3e5 + 2e5 * area + 1e5 * std::sin(2 * std::numbers::pi * age) +
                         1.5e5 * rooms * place + 1e5 * garden * garden + 4e4 * (weyl(i, 13) - 0.5);
    table += fmt::format("{},{},{},{},{},{}\n", area, age, rooms, place, garden, (price - origin) * unit);
  }
  return table;
}

/// Of a regression from `table`, with the number of micro-batches that one process settles on.
Config regression(const std::filesystem::path& table, Texts texts) {
  texts.insert({{"data.source", table.string()}, {"data.task", "regression"}, {"train.micro-batches", "8"}});
  return config_of(texts);
}

/// R² of the held-out samples after a training with the defaults, and what the page shows of them.
double r2_of(const std::filesystem::path& table, const Texts& more = {}) {
  Texts texts = {{"data.validation", "0.2"}};
  texts.insert(more.begin(), more.end());
  TrainingRun run(regression(table, texts));
  run.trainer.run();
  const nlohmann::json seen = run.trainer.examine(held_out_parts(*run.problem)[0].second, "validation");
  const auto targets = seen.at("targets").get<std::vector<double>>();
  const auto predictions = seen.at("predictions").get<std::vector<double>>();
  double mean = 0;
  for (const double target : targets) mean += target / static_cast<double>(targets.size());
  double errors = 0;
  double deviations = 0;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    errors += std::pow(targets[i] - predictions[i], 2);
    deviations += std::pow(targets[i] - mean, 2);
  }
  return 1 - errors / deviations;
}

TEST(Targets, OfAnyUnitTrainAsWellAsThoseScaledByHand) {
  const TemporaryFolder folder;
  for (const Texts& more : {Texts(), Texts{{"train.epochs", "100"}}}) {
    Texts scaled = more;
    scaled["data.normalize-targets"] = "none";
    const double by_hand = r2_of(folder.write("scaled.csv", houses(kMeanPrice, 1 / kPriceUnit)), scaled);
    EXPECT_GT(by_hand, more.empty() ? 0.7 : 0.9);
    EXPECT_NEAR(r2_of(folder.write("prices.csv", houses(0, 1)), more), by_hand, 0.02);
    EXPECT_NEAR(r2_of(folder.write("tiny.csv", houses(0, 1e-12)), more), by_hand, 0.02);
  }
}

class SavedTargets : public testing::Test {
 protected:
  SavedTargets() {
    run_.trainer.step();
    metadata_ = weights_metadata(run_.trainer.network(), *run_.problem);
  }

  SavedModel loaded() {
    const std::filesystem::path file = folder_.path() / "w";
    write_safetensors(file, metadata_, to_tensors(run_.trainer.network()));
    return load_model(file);
  }

  TemporaryFolder folder_;
  TrainingRun run_{
      regression(folder_.write("a.csv", "x,y,z\n1,200,7\n2,400,7\n"),
                 {{"data.label", "y,z"}, {"train.batch-size", "2"}, {"model.layers", "linear 2"}})};
  std::map<std::string, std::string> metadata_;
};

TEST_F(SavedTargets, KeepTheirNormalisation) {
  EXPECT_EQ(metadata_.at("normalize-targets"), "standard");
  const Normalization targets = loaded().normalization.targets;
  EXPECT_THAT(targets.shift, ElementsAre(300.0, 7.0));
  EXPECT_THAT(targets.scale, ElementsAre(0.01, 1.0));
}

TEST_F(SavedTargets, OfAFileThatDoesNotNameTheirNormalisationHaveNone) {
  metadata_.erase("target normalization");
  EXPECT_THAT(loaded().normalization.targets.shift, IsEmpty());
}

TEST_F(SavedTargets, AreRefusedWithTheNormalisationOfOthers) {
  metadata_["target normalization"] = R"({"shift":[1],"scale":[1]})";
  EXPECT_TRUE(is_bad_input([&] { loaded(); }, {"'target normalization' is of 1 targets", "2 outputs"}));
}

TEST(Targets, OfTrainingSamplesAloneAreNormalised) {
  const TemporaryFolder folder;
  std::string table;
  for (int i = 0; i < 10; ++i) table += fmt::format("{},{}\n", i, i * i);
  const TrainingRun run(
      regression(folder.write("a.csv", table),
                 {{"data.validation", "0.3"}, {"train.batch-size", "7"}, {"model.layers", "linear 1"}}));
  const Problem& problem = *run.problem;
  double mean = 0;
  for (Index i = 0; i < 7; ++i) {
    mean += problem.training.targets()[static_cast<std::size_t>(problem.split.training(i))] / 7.0;
  }
  EXPECT_THAT(problem.normalization.targets.shift, ElementsAre(DoubleNear(mean, 1e-12)));
}

}  // namespace
}  // namespace lockstep
