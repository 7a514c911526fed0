// State of units that is not learned: brought up to date once a step, saved and taken up with the weights.

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "centre.hpp"
#include "core/file.hpp"
#include "data_helpers.hpp"
#include "lockstep/nn/weights.hpp"
#include "temporary_folder.hpp"
#include "train/checkpoint/checkpoint.hpp"
#include "train_helpers.hpp"

namespace lockstep {
namespace {

using test::blobs;
using test::is_bad_input;
using test::TemporaryFolder;
using test::TrainingRun;

constexpr const char* kLayers = "centre, linear 16, 2 x (tanh, centre), linear 3";

/// The sum of the outputs, as long as that is wanted; then no number.
class SumWhile final : public Loss {
 public:
  explicit SumWhile(std::shared_ptr<const bool> is_finite) : is_finite_(std::move(is_finite)) {}

 private:
  double row(std::span<const Real> outputs, const Targets& /*targets*/, Index /*row*/,
             Real* gradient) const override {
    if (gradient != nullptr) std::fill_n(gradient, outputs.size(), Real(1));
    const double sum = std::accumulate(outputs.begin(), outputs.end(), 0.0);
    return *is_finite_ ? sum : std::numeric_limits<double>::quiet_NaN();
  }
  std::shared_ptr<const bool> is_finite_;
};

std::vector<Real> statistics_of(const Trainer& trainer) {
  const auto values = trainer.network().statistics();
  return {values.begin(), values.end()};
}

TEST(Statistics, StandBesideTheParametersUnderNamesOfTheirUnits) {
  const TrainingRun run(blobs({{"model.layers", kLayers}}));
  const Network& network = run.trainer.network();
  std::vector<std::string> names;
  for (const ParameterTensor& tensor : network.statistics_layout().tensors()) names.push_back(tensor.name);
  EXPECT_EQ(names, (std::vector<std::string>{"0.running_mean", "0.samples", "2.1.running_mean", "2.1.samples",
                                             "3.1.running_mean", "3.1.samples"}));
  EXPECT_EQ(network.layout().size(), 6 * 16 + 16 + 16 * 3 + 3);
  EXPECT_EQ(network.sums(), 6 + 16 + 16);
  std::vector<Real> expected(6 + 1 + 16 + 1 + 16 + 1);
  expected[6] = expected[23] = expected[40] = 1;
  EXPECT_EQ(statistics_of(run.trainer), expected);
}

// Of the first unit, whose input are the samples: 0.1 m, then 0.19 m where every batch is all of them.
TEST(Statistics, FollowTheMeanOverTheGlobalBatch) {
  TrainingRun run(
      blobs({{"model.layers", kLayers}, {"train.batch-size", "full"}, {"data.normalize", "none"}}));
  const Dataset& data = run.problem->training;
  std::vector<double> means(6);
  for (Index i = 0; i < data.size() * 6; ++i) {
    means[static_cast<std::size_t>(i % 6)] += data.values()[static_cast<std::size_t>(i)] / 200.0;
  }
  for (const double part : {0.1, 0.19}) {
    run.trainer.step();
    const std::vector<Real> found = statistics_of(run.trainer);
    for (std::size_t i = 0; i < means.size(); ++i) EXPECT_NEAR(found[i], part * means[i], 1e-5) << i;
  }
  EXPECT_EQ(statistics_of(run.trainer)[6], 401);
}

// Of the first unit, as above, over micro-batches whose own means and variances differ: 0.1 m, and 0.9 + 0.1
// v with the unbiased variance v of all samples.
TEST(Statistics, OfMicroBatchNormalisationAreThoseOfTheGlobalBatch) {
  TrainingRun run(blobs({{"model.layers", "batch-norm micro, linear 3"},
                         {"train.batch-size", "full"},
                         {"data.normalize", "none"}}));
  const Dataset& data = run.problem->training;
  run.trainer.step();
  const std::vector<Real> found = statistics_of(run.trainer);
  for (std::size_t i = 0; i < 6; ++i) {
    double mean = 0;
    double squares = 0;
    for (std::size_t k = i; k < 1200; k += 6) mean += data.values()[k] / 200.0;
    for (std::size_t k = i; k < 1200; k += 6) squares += std::pow(data.values()[k] - mean, 2);
    EXPECT_NEAR(found[i], 0.1 * mean, 1e-5) << i;
    EXPECT_NEAR(found[6 + i], 0.9 + 0.1 * squares / 199, 1e-5) << i;
  }
}

TEST(Statistics, StayAsTheyAreInEvaluationAndInASkippedStep) {
  const Config config = blobs({{"model.layers", kLayers}, {"train.on-nonfinite", "skip"}});
  auto is_finite = std::make_shared<bool>(true);
  Problem problem = make_problem(config, *make_single_communicator());
  problem.use_loss("sum", std::make_shared<SumWhile>(is_finite));
  TrainingRun run(config, std::move(problem));
  run.trainer.step();
  const std::vector<Real> before = statistics_of(run.trainer);
  run.trainer.evaluate(all_of(*run.problem->test));
  run.trainer.gradient_of(1);
  EXPECT_EQ(statistics_of(run.trainer), before);
  *is_finite = false;
  EXPECT_TRUE(run.trainer.step().skipped);
  EXPECT_EQ(statistics_of(run.trainer), before);
  *is_finite = true;
  EXPECT_FALSE(run.trainer.step().skipped);
  EXPECT_NE(statistics_of(run.trainer), before);
}

TEST(Statistics, AreInTheDigestAndInWeightsFiles) {
  const TemporaryFolder folder;
  TrainingRun run(blobs({{"model.layers", kLayers}}));
  for (int step = 0; step < 3; ++step) run.trainer.step();
  const auto file = folder.path() / "weights.safetensors";
  run.trainer.save(file);

  SavedModel saved = load_model(file);
  EXPECT_EQ(weights_digest(saved.model), weights_digest(run.trainer.network()));
  EXPECT_EQ(
      evaluate(saved.model, *saved.loss, saved.normalization, all_of(*run.problem->test), *run.communicator)
          .loss,
      run.trainer.evaluate(all_of(*run.problem->test)).loss);
  saved.model.statistics().back() += 1;
  EXPECT_NE(weights_digest(saved.model), weights_digest(run.trainer.network()));

  StoredTensors without = read_safetensors(file);
  without.tensors.pop_back();
  EXPECT_TRUE(
      is_bad_input([&] { set_parameters(saved.model, without, "w"); }, {"holds no tensor 3.1.samples [1]"}));
}

TEST(Statistics, AreInCheckpointsWhoseWeightsCanBeTakenUpAlone) {
  const TemporaryFolder folder;
  const Config config = blobs({{"model.layers", kLayers}, {"optimizer.average", "0.9"}});
  TrainingRun run(config);
  for (int step = 0; step < 3; ++step) run.trainer.step();
  const auto file = folder.path() / "checkpoint.safetensors";
  write_checkpoint(file, {.state = run.trainer.state(), .run = {}}, run.trainer.network().layout(), {});

  TrainingRun again(config);
  again.trainer.restore(parse_checkpoint(read_file(file), "c").state);
  EXPECT_EQ(weights_digest(again.trainer.network()), weights_digest(run.trainer.network()));
  again.trainer.step();
  run.trainer.step();
  EXPECT_EQ(weights_digest(again.trainer.network()), weights_digest(run.trainer.network()));

  Network alone = make_network(config, run.problem->training.description());
  set_parameters(alone, read_safetensors(file), "c");
  EXPECT_EQ(alone.statistics().back(), 1 + 3 * 32);
}

TEST(Statistics, ThatAreNotFiniteStopTheTraining) {
  TrainingRun run(blobs({{"model.layers", kLayers}}));
  Network network = make_model(run.config, *run.problem);
  network.initialize(1, Initialization::kAuto);
  network.statistics()[8] = std::numeric_limits<Real>::quiet_NaN();
  Trainer trainer(*run.communicator, std::move(network), *run.problem, run.config.training);
  try {
    trainer.check_weights();
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kGuard);
    EXPECT_NE(std::string(error.what()).find("2.1.running_mean (centre), 1 of 16 values"), std::string::npos)
        << error.what();
  }
}

}  // namespace
}  // namespace lockstep
