// Whole runs: on all ranks, and on one by itself. Nothing may differ, to the last bit.

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cmath>
#include <memory>
#include <ostream>
#include <thread>

#include <fmt/format.h>

#include "centre.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/core/threads.hpp"
#include "lockstep/nn/products.hpp"
#include "lockstep/nn/units.hpp"
#include "lockstep/nn/weights.hpp"
#include "lockstep/optim/algorithm.hpp"
#include "lockstep/optim/methods.hpp"
#include "mpi_test.hpp"
#include "temporary_folder.hpp"
#include "train_helpers.hpp"
#include "unit_examples.hpp"
#include "weighted_squares.hpp"

namespace lockstep::test {
namespace {

void expect_same_as_alone(const Texts& settings) {
  const Config config = make_test_config(settings);
  const RunResult together = train(config, world());
  const RunResult alone = train_alone(config, world());
  EXPECT_EQ(together.weights_digest, alone.weights_digest);
  EXPECT_EQ(together.average_digest, alone.average_digest);
  EXPECT_EQ(together.losses, alone.losses);
  EXPECT_EQ(together.gradient_norms, alone.gradient_norms);
  EXPECT_EQ(together.learning_rates, alone.learning_rates);
  EXPECT_EQ(together.noise, alone.noise);
  EXPECT_EQ(together.noise.empty(), !config.training.noise_scale);
  for (const double value : together.noise) EXPECT_TRUE(std::isfinite(value));
  EXPECT_FALSE(together.losses.empty());
  for (const std::string& digest : all_gather_text(world(), together.weights_digest)) {
    EXPECT_EQ(digest, together.weights_digest);
  }
}

struct Case {
  std::string name;
  Texts settings;
};

// What GoogleTest prints of a parameter.
void PrintTo(const Case& c, std::ostream* stream) { *stream << c.name; }

const std::string kPictures =
    "linear 144, unflatten 4 6 6, conv 5 3 pad=1, batch-norm micro, relu, residual(conv 5 3 pad=1, silu, "
    "conv 10 3 stride=2 pad=1 nobias, skip(subsample 2, pad-channels 10)), max-pool 2 stride=1, conv 6 2 "
    "groups=2, avg-pool all, flatten, linear 4";

std::vector<Case> cases() {
  const Texts linear = {{"data.source", "linear"}, {"model.layers", "linear 5, tanh, linear 1"}};
  const auto linear_with = [&](Texts more) {
    more.insert(linear.begin(), linear.end());
    return more;
  };
  return {
      {"Sgd", {}},
      {"Momentum", {{"optimizer.momentum", "0.9"}}},
      {"Nesterov", {{"optimizer.momentum", "0.9"}, {"optimizer.nesterov", "true"}}},
      {"AdamW", {{"optimizer.name", "adamw"}, {"optimizer.weight-decay", "0.1"}}},
      {"Linear", linear},
      {"LinearMomentum", linear_with({{"optimizer.momentum", "0.9"}})},
      {"LinearAdamW", linear_with({{"optimizer.name", "adamw"}})},
      {"LinearOneParameter",
       {{"data.source", "linear"}, {"data.features", "1"}, {"model.layers", "linear 1"}}},
      {"Dropout", {{"model.layers", "dropout 0.1, linear 16, relu, dropout 0.5, linear 4"}}},
      {"Nested",
       {{"model.layers",
         "residual(linear 6, tanh), 2 x (linear 16, relu), residual(linear 16, dropout 0.2, skip(linear "
         "16)), linear 4"},
        {"optimizer.name", "lamb"}}},
      {"Statistics", {{"model.layers", "centre, linear 16, residual(relu, centre), linear 4"}}},
      {"StatisticsOfBatchesOfSeven",
       {{"model.layers", "centre, linear 16, centre, linear 4"},
        {"train.batch-size", "7"},
        {"optimizer.name", "sam-sgd"}}},
      {"Normalisations",
       {{"model.layers",
         "batch-norm micro, linear 16, residual(batch-norm micro, silu, linear 16), group-norm 4, linear 16, "
         "layer-norm, linear 4"},
        {"optimizer.name", "adamw"}}},
      {"Pictures", {{"model.layers", kPictures}, {"optimizer.name", "adamw"}}},
      {"MicroBatchNormOfBatchesOfSeven",
       {{"model.layers", "linear 16, batch-norm micro, relu, linear 4"},
        {"train.batch-size", "7"},
        {"train.micro-batches", "11"},
        {"optimizer.name", "sam-sgd"}}},
      {"MicroBatchNormOfMicroBatchesOfOne",
       {{"model.layers", "linear 16, batch-norm micro, relu, linear 4"}, {"train.micro-batches", "64"}}},
      {"BatchNorm",
       {{"model.layers",
         "batch-norm, linear 16, residual(batch-norm, silu, linear 16), batch-norm, linear 4"},
        {"optimizer.name", "adamw"},
        {"optimizer.average", "0.9"}}},
      // 90 = 89 + 1: an epoch's last batch leaves all ranks but one without samples.
      {"BatchNormOfABatchOfOne",
       {{"model.layers", "linear 16, batch-norm, relu, linear 4"},
        {"train.batch-size", "89"},
        {"train.epochs", "3"}}},
      {"BatchNormOfElevenMicroBatchesOfSevenRows",
       {{"model.layers", "linear 16, batch-norm, relu, linear 4"},
        {"train.batch-size", "7"},
        {"train.micro-batches", "11"},
        {"optimizer.name", "sam-sgd"}}},
      {"BatchNormOfPicturesByMessages",
       {{"model.layers",
         "linear 144, unflatten 4 6 6, conv 5 3 pad=1, batch-norm, relu, residual(conv 5 3 pad=1, silu, conv "
         "10 3 stride=2 pad=1 nobias, batch-norm, skip(subsample 2, pad-channels 10)), max-pool 2 stride=1, "
         "conv 6 2 groups=2, avg-pool all, flatten, linear 4"},
        {"train.exchange", "messages"},
        {"train.batch-size", "44"}}},
      {"Branches",
       {{"model.layers",
         "linear 36, unflatten 1 6 6, concat((conv 2 1), (conv 3 1, relu, conv 3 3 pad=1), (max-pool 3 "
         "stride=1 pad=1)), relu, add((conv 4 1), (tanh, conv 4 3 pad=1), (dropout 0.2, conv 4 1)), flatten, "
         "linear 4"},
        {"optimizer.name", "adamw"},
        {"train.batch-size", "44"}}},
      {"BatchNormInBranchesOfSevenRows",
       {{"model.layers",
         "concat((batch-norm, linear 8), (linear 8, batch-norm, silu), (identity)), add((linear 6, "
         "batch-norm), (batch-norm, linear 6)), relu, linear 4"},
        {"train.batch-size", "7"},
        {"train.micro-batches", "11"}}},
      {"BatchNormInBranchesByMessages",
       {{"model.layers",
         "linear 36, unflatten 1 6 6, concat((conv 2 1, batch-norm), (conv 3 3 pad=1, batch-norm, relu)), "
         "flatten, linear 4"},
        {"train.exchange", "messages"},
        {"train.batch-size", "89"}}},
      {"RecomputedBatchNormByMessages",
       {{"model.layers",
         "linear 36, unflatten 1 6 6, recompute(conv 4 3 pad=1, batch-norm, relu, dropout 0.2), "
         "residual(recompute(conv 4 3 pad=1, batch-norm, relu)), flatten, recompute(linear 9, relu), linear "
         "4"},
        {"train.exchange", "messages"},
        {"train.batch-size", "43"}}},
      {"BatchNormOfSeveralBlocks",
       {{"data.samples", "800"},
        {"data.features", "1"},
        {"model.layers", "linear 45000, batch-norm, linear 4"},
        {"train.batch-size", "800"},
        {"train.steps", "1"}}},
      {"BatchNormAndNoiseScale",
       {{"model.layers", "linear 16, batch-norm, relu, linear 4"},
        {"train.noise-scale", "true"},
        {"train.epochs", "8"},
        {"optimizer.learning-rate", "0.01"}}},
      {"Blocks",
       {{"model.layers", "2 x wide 6, linear 4"},
        {"model.block", "wide n: linear n, residual(linear n, tanh)"}}},
      {"BatchOfOne", {{"train.batch-size", "1"}, {"train.steps", "12"}}},
      {"BatchOfTwo", {{"train.batch-size", "2"}, {"train.steps", "12"}}},
      {"BatchOfSeven", {{"train.batch-size", "7"}, {"train.steps", "14"}}},
      // 90 = 44 + 44 + 2: the last batch of an epoch has fewer rows than ranks.
      {"RaggedLastBatch", {{"train.batch-size", "44"}, {"train.epochs", "3"}}},
      {"RaggedLastBatchOfOne", {{"train.batch-size", "89"}, {"train.epochs", "3"}}},
      {"FullBatch", {{"train.batch-size", "full"}, {"train.epochs", "4"}}},
      {"ElevenMicroBatches", {{"train.micro-batches", "11"}}},
      {"ElevenMicroBatchesOfSevenRows", {{"train.micro-batches", "11"}, {"train.batch-size", "7"}}},
      {"MoreMicroBatchesThanRows", {{"train.micro-batches", "64"}}},
      {"Validation", {{"data.validation", "0.3"}, {"data.seed", "5"}}},
      {"ClipNorm", {{"optimizer.clip-norm", "0.05"}, {"optimizer.momentum", "0.9"}}},
      {"MeanAbsoluteError", linear_with({{"model.loss", "mae"}})},
      {"Huber", linear_with({{"model.loss", "huber"}, {"model.huber-delta", "0.01"}})},
      {"SeveralLabels", {{"data.source", "tags"}, {"data.classes", "4"}, {"train.batch-size", "30"}}},
      {"NormalInitialization", {{"model.initialization", "normal"}, {"data.test-samples", "3"}}},
      {"LabelSmoothingAndL2", {{"model.label-smoothing", "0.1"}, {"optimizer.l2", "0.01"}}},
      // Activations of about 370 rows fill a block: one process cuts its 800 rows into several, three ranks
      // do not.
      {"SeveralBlocks",
       {{"data.samples", "800"},
        {"data.features", "1"},
        {"model.layers", "linear 45000, relu, linear 4"},
        {"train.batch-size", "800"},
        {"train.steps", "2"}}},
      {"DecayOnAll", {{"optimizer.weight-decay", "0.01"}, {"optimizer.weight-decay-on", "all"}}},
      {"Cosine", {{"schedule.name", "cosine"}, {"schedule.warmup-steps", "3"}, {"train.epochs", "4"}}},
      {"OneCycleScaledWithTheBatch",
       {{"schedule.name", "one-cycle"}, {"schedule.scaling", "sqrt"}, {"schedule.reference-batch", "8"}}},
      {"Average", {{"optimizer.average", "0.9"}}},
      {"NewtonOfLeastSquares",
       {{"data.source", "linear"},
        {"model.layers", "linear 1"},
        {"optimizer.name", "newton"},
        {"train.batch-size", "full"},
        {"train.micro-batches", "11"}}},
      // Hessian and gradient are under way at the same time.
      {"NewtonByMessages",
       {{"data.source", "linear"},
        {"model.layers", "linear 1"},
        {"optimizer.name", "newton"},
        {"train.batch-size", "full"},
        {"train.exchange", "messages"}}},
      // 90 = 32 + 32 + 26; every eighth step is measured, below every 32nd.
      {"NoiseScale",
       {{"train.noise-scale", "true"}, {"train.epochs", "8"}, {"optimizer.learning-rate", "0.01"}}},
      {"NoiseScaleOfEmptyMicroBatches",
       {{"train.noise-scale", "true"},
        {"train.micro-batches", "11"},
        {"train.batch-size", "7"},
        {"train.steps", "70"},
        {"optimizer.learning-rate", "0.001"}}},
      // All hidden matrices are tall, wide or square, and there are more tensors than ranks or fewer.
      {"MuonOfSeveralShapes",
       {{"optimizer.name", "muon"},
        {"optimizer.weight-decay", "0.1"},
        {"optimizer.clip-norm", "0.5"},
        {"optimizer.average", "0.9"},
        {"model.layers", "linear 33, relu, linear 33, gelu, residual(linear 33, tanh), linear 7, linear 4"}}},
      {"MuonByMessages", {{"optimizer.name", "muon"}, {"train.exchange", "messages"}}},
      {"SamWithAllAroundIt",
       {{"optimizer.name", "sam-sgd"},
        {"optimizer.rho", "0.1"},
        {"optimizer.momentum", "0.9"},
        {"optimizer.clip-norm", "0.05"},
        {"optimizer.l2", "0.01"},
        {"optimizer.average", "0.9"},
        {"train.noise-scale", "true"},
        {"model.layers", "dropout 0.1, linear 16, relu, dropout 0.5, linear 4"}}},
      {"SamByMessages", {{"optimizer.name", "sam-adamw"}, {"train.exchange", "messages"}}},
      {"SamOfRaggedBatches",
       {{"optimizer.name", "sam-sgd"}, {"train.batch-size", "44"}, {"train.epochs", "3"}}},
      {"SamOfSeveralBlocks",
       {{"optimizer.name", "sam-sgd"},
        {"data.samples", "800"},
        {"data.features", "1"},
        {"model.layers", "linear 45000, relu, linear 4"},
        {"train.batch-size", "800"},
        {"train.steps", "2"}}},
      {"BfloatSums", {{"train.wire", "bf16"}, {"train.exchange", "messages"}}},
      {"BfloatSumsOfOneLevel",
       {{"train.wire", "bf16"},
        {"train.wire-levels", "1"},
        {"train.batch-size", "7"},
        {"train.micro-batches", "11"},
        {"optimizer.name", "adamw"},
        {"optimizer.clip-norm", "0.05"},
        {"model.layers", "dropout 0.1, linear 16, relu, dropout 0.5, linear 4"}}},
      {"BfloatSumsOfNewton",
       {{"train.wire", "bf16"},
        {"data.source", "linear"},
        {"model.layers", "linear 1"},
        {"optimizer.name", "newton"},
        {"train.batch-size", "full"}}},
      {"WideNetwork", {{"model.layers", "linear 200, gelu, linear 33, sigmoid, linear 4"}}},
  };
}

class TrainerTest : public MpiTest, public testing::WithParamInterface<Case> {};

TEST_P(TrainerTest, GivesTheBitsOfOneProcess) { expect_same_as_alone(GetParam().settings); }

INSTANTIATE_TEST_SUITE_P(Configurations, TrainerTest, testing::ValuesIn(cases()),
                         [](const auto& test) { return test.param.name; });

/// Every optimizer enters by being registered.
class OptimizerTest : public MpiTest, public testing::WithParamInterface<std::string> {};

TEST_P(OptimizerTest, GivesTheBitsOfOneProcess) {
  Texts settings = {{"optimizer.name", GetParam()}, {"optimizer.l2", "0.01"}};
  if (find_algorithm(GetParam()).needs_hessian) {
    settings["model.layers"] = "linear 4";
    settings["train.batch-size"] = "full";
  }
  expect_same_as_alone(settings);
}

std::vector<std::string> algorithm_names() {
  std::vector<std::string> names;
  for (const Algorithm& algorithm : algorithms()) names.push_back(algorithm.name);
  return names;
}

std::string identifier(std::string name) {
  for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  return name;
}

INSTANTIATE_TEST_SUITE_P(Registered, OptimizerTest, testing::ValuesIn(algorithm_names()),
                         [](const auto& test) { return identifier(test.param); });

/// Every unit enters by being registered: what stands before it, and itself. 90 pictures are 44 + 44 + 2,
/// fewer than ranks.
class UnitTest : public MpiTest, public testing::WithParamInterface<std::string> {};

TEST_P(UnitTest, GivesTheBitsOfOneProcess) {
  const PictureFolder folder(world());
  Texts settings = {{"data.source", folder.path()}, {"data.augment", "crop 1, flip"},
                    {"train.batch-size", "44"},     {"train.epochs", "1"},
                    {"optimizer.momentum", "0.9"},  {"model.layers", GetParam() + ", flatten, linear 3"}};
  expect_same_as_alone(settings);
  const RunResult alone = train(make_test_config(settings), world());
  settings["train.exchange"] = "messages";
  settings["train.threads"] = "3";
  EXPECT_EQ(train(make_test_config(settings), world()).weights_digest, alone.weights_digest);
  set_threads(1);
  world().barrier();  // the folder goes with rank 0
}

std::vector<std::string> units_behind(const std::string& first, const Shape& shape) {
  std::vector<std::string> networks = units_that_take(shape);
  for (std::string& unit : networks) unit.insert(0, first);
  return networks;
}

INSTANTIATE_TEST_SUITE_P(OfPictures, UnitTest,
                         testing::ValuesIn(units_behind("conv 6 1, ", Shape(std::vector<Index>{6, 6, 5}))),
                         [](const auto& test) { return identifier(test.param); });
INSTANTIATE_TEST_SUITE_P(OfFeatures, UnitTest, testing::ValuesIn(units_behind("flatten, linear 6, ", 6)),
                         [](const auto& test) { return identifier(test.param); });

class TrainingTest : public MpiTest {};

TEST_F(TrainingTest, OnSeveralTargetsGivesTheBitsOfOneProcess) {
  const std::unique_ptr<TemporaryFolder> folder =
      world().rank() == 0 ? std::make_unique<TemporaryFolder>() : nullptr;
  std::string file;
  if (folder) {
    std::string table = "a,b,c,d,e\n";
    for (int i = 0; i < 50; ++i) {
      table += fmt::format("{},{},{},{},{}\n", i, i * i % 7, 3e5 + 1e4 * i, i % 5, 3 - i % 4);
    }
    file = folder->write("table.csv", table).string();
  }
  expect_same_as_alone({{"data.source", broadcast_text(world(), file, 0)},
                        {"data.task", "regression"},
                        {"data.label", "e, c, b"},
                        {"train.batch-size", "11"},
                        {"model.layers", "linear 7, tanh, linear 3"}});
  world().barrier();  // the folder goes with rank 0
}

TEST_F(TrainingTest, OnEmbeddedCategoriesGivesTheBitsOfOneProcess) {
  const std::unique_ptr<TemporaryFolder> folder =
      world().rank() == 0 ? std::make_unique<TemporaryFolder>() : nullptr;
  std::string file;
  if (folder) {
    std::string table = "city,size,item,label\n";
    for (int i = 0; i < 300; ++i) {
      const std::string item = i % 17 == 3 ? "" : fmt::format("i{}", i * i % 61);
      table += fmt::format("c{},{},{},{}\n", i * 7 % 19, i % 13, item, i * i % 3);
    }
    file = folder->write("table.csv", table).string();
  }
  expect_same_as_alone({{"data.source", broadcast_text(world(), file, 0)},
                        {"train.batch-size", "44"},
                        {"train.epochs", "3"},
                        {"optimizer.name", "adamw"},
                        {"model.layers", "embed-categories 200, linear 8, tanh, linear auto"}});
  world().barrier();  // the folder goes with rank 0
}

TEST_F(TrainingTest, OnAugmentedPicturesGivesTheBitsOfOneProcess) {
  const PictureFolder folder(world());
  for (const std::string batch_size : {"7", "32", "full"}) {
    expect_same_as_alone({{"data.source", folder.path()},
                          {"data.augment", "crop 2, flip, brightness 0.2, contrast 0.2, cutout 3, mixup 0.4"},
                          {"data.validation", "0.1"},
                          {"train.batch-size", batch_size},
                          {"train.epochs", "3"},
                          {"model.layers", "conv 5 3 pad=1, relu, flatten, dropout 0.2, linear 3"}});
  }
  world().barrier();
}

// Large enough for several tiles, with shapes that are no multiples of anything.
const Texts kWide = {{"data.features", "601"},
                     {"train.batch-size", "64"},
                     {"train.epochs", "1"},
                     {"model.layers", "linear 523, gelu, dropout 0.2, linear 301, relu, linear 4"},
                     {"optimizer.name", "adamw"},
                     {"optimizer.clip-norm", "1"},
                     {"optimizer.average", "0.9"}};

TEST_F(TrainingTest, ThreadsDoNotChangeABit) {
  for (const std::string optimizer : {"adamw", "muon", "sam-adamw"}) {
    Texts settings = kWide;
    settings["optimizer.name"] = optimizer;
    const RunResult one = train(make_test_config(settings), world());
    for (const std::string threads : {"2", "3"}) {
      settings["train.threads"] = threads;
      const RunResult several = train(make_test_config(settings), world());
      EXPECT_EQ(several.weights_digest, one.weights_digest) << optimizer << ", " << threads;
      EXPECT_EQ(several.average_digest, one.average_digest) << optimizer << ", " << threads;
      EXPECT_EQ(several.losses, one.losses) << optimizer << ", " << threads;
    }
  }
  set_threads(1);
}

TEST_F(TrainingTest, Bfloat16GivesTheBitsOfOneProcess) {
  Texts settings = kWide;
  settings["train.precision"] = "bf16";
  expect_same_as_alone(settings);
  settings["train.threads"] = "2";
  expect_same_as_alone(settings);
  set_threads(1);
  settings["train.threads"] = "1";
  settings["train.exchange"] = "messages";  // weights travel as bfloat16
  for (const std::string method : {"adamw", "muon", "sam-adamw"}) {
    settings["optimizer.name"] = method;
    expect_same_as_alone(settings);
  }
  settings["train.wire"] = "bf16";
  expect_same_as_alone(settings);
  settings["model.layers"] = kPictures;
  expect_same_as_alone(settings);
}

TEST_F(TrainingTest, TheMeanGradientIsThatOfThePlainPass) {
  const Config config = make_test_config({});
  const Problem problem = make_problem(config, world());
  Trainer trainer(world(), make_model(config, problem), problem, config.training);
  const std::vector<Real> plain = trainer.plain_gradient();
  const std::vector<Real> gradient = trainer.gradient_of(0);
  EXPECT_EQ(gradient.size(), plain.size());
  constexpr double kRounding = 1e-5;
  for (std::size_t i = 0; i < plain.size(); ++i) EXPECT_NEAR(gradient[i], plain[i], kRounding) << i;
}

/// (output - target)² as its formula says, by somebody who has only loss.hpp.
class OwnLoss final : public Loss {
  double row(std::span<const Real> outputs, const Targets& targets, Index row,
             Real* gradient) const override {
    const double d = static_cast<double>(outputs[0]) - targets.values[static_cast<std::size_t>(row)];
    if (gradient != nullptr) gradient[0] = static_cast<Real>(2 * d);
    return d * d;
  }
};

// What a program says in C++ and what a configuration says in text are one training.
TEST_F(TrainingTest, MadeInCppIsThatOfTheConfiguration) {
  const Config config = make_test_config({{"data.source", "linear"},
                                          {"data.normalize", "unit"},
                                          {"data.validation", "0.25"},
                                          {"model.layers", "linear 9, residual(linear 9, tanh), linear 1"},
                                          {"optimizer.name", "adamw"},
                                          {"optimizer.learning-rate", "0.01"},
                                          {"schedule.name", "cosine"},
                                          {"train.seed", "7"},
                                          {"train.steps", "12"}});
  const std::string expected = train(config, world()).weights_digest;

  DataSource source;
  source.source = "linear";
  source.synthetic = config.data.source.synthetic;
  Problem problem = make_problem([&] { return read_source(source); },
                                 {.normalize = NormalizationKind::kUnit, .validation = 0.25}, world());
  problem.use_loss("own", std::make_shared<OwnLoss>());
  Network network(problem.sample());
  network.add(linear(9)).residual([](Network& branch) { branch.add(linear(9)).add(tanh()); }).add(linear(1));
  Trainer trainer(world(), std::move(network), problem,
                  {.batch_size = config.training.batch_size,
                   .steps = 12,
                   .seed = 7,
                   .optimizer = adamw({.learning_rate = 0.01}),
                   .schedule = {.name = "cosine"}});
  std::uint64_t steps = 0;
  trainer.run({.after_step = [&](const StepReport& report) { steps = report.step; }});
  EXPECT_EQ(steps, 12U);
  EXPECT_EQ(weights_digest(trainer.network()), expected);
}

/// The same, which takes one rank a millisecond a sample.
class SlowLoss final : public Loss {
 public:
  explicit SlowLoss(bool is_slow) : is_slow_(is_slow) {}

 private:
  double row(std::span<const Real> outputs, const Targets& targets, Index row,
             Real* gradient) const override {
    if (is_slow_ && gradient != nullptr) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    const double d = static_cast<double>(outputs[0]) - targets.values[static_cast<std::size_t>(row)];
    if (gradient != nullptr) gradient[0] = static_cast<Real>(2 * d);
    return d * d;
  }

  bool is_slow_;
};

// A slow rank hands micro-batches over to the others of its node, which shows in nothing but the time.
TEST_F(TrainingTest, BalancesRanksWithoutChangingABit) {
  const Config config = make_test_config({{"data.source", "linear"},
                                          {"model.layers", "linear 9, tanh, linear 1"},
                                          {"optimizer.name", "adamw"},
                                          {"optimizer.clip-norm", "0.5"},
                                          {"train.noise-scale", "true"},
                                          {"train.batch-size", "44"},
                                          {"train.steps", "50"}});
  Problem problem = make_problem(config, world());
  problem.use_loss("slow", std::make_shared<SlowLoss>(world().rank() == 1));
  Trainer trainer(world(), make_model(config, problem), problem, config.training);
  const std::vector<Interval> even = trainer.owned_micro_batches();
  const RunResult result = finish(trainer);
  const RunResult alone = train_alone(config, world());
  EXPECT_EQ(result.weights_digest, alone.weights_digest);
  EXPECT_EQ(result.losses, alone.losses);
  EXPECT_EQ(result.noise, alone.noise);
  const std::vector<Interval>& owned = trainer.owned_micro_batches();
  if (world().size() == 1 || even[1].size() == 1) {
    EXPECT_EQ(owned, even);
  } else {
    EXPECT_LT(owned[1].size(), even[1].size());
  }
  const auto mine = static_cast<std::size_t>(world().rank());
  const std::vector<Interval> all = all_gather(world(), owned[mine]);
  EXPECT_EQ(all, owned) << "all agree";
}

TEST_F(TrainingTest, BalancedClassesGiveTheBitsOfOneProcess) {
  const Config config = make_test_config({{"train.batch-size", "31"},
                                          {"model.class-weights", "balanced"},
                                          {"model.label-smoothing", "0.1"},
                                          {"data.validation", "0.2"},
                                          {"data.hold-out", "stratified"}});
  const RunResult together = train(config, world());
  const RunResult alone = train_alone(config, world());
  EXPECT_EQ(together.weights_digest, alone.weights_digest);
  EXPECT_EQ(together.losses, alone.losses);
  EXPECT_EQ(together.gradient_norms, alone.gradient_norms);
}

// The divisor is a sum over the samples of all ranks.
TEST_F(TrainingTest, SamplesThatDoNotCountAlikeGiveTheBitsOfOneProcess) {
  const Config config = make_test_config({{"train.batch-size", "31"}, {"optimizer.clip-norm", "0.5"}});
  const auto train_on = [&](Communicator& communicator) {
    Problem problem = make_problem(config, communicator);
    problem.use_loss("weighted-squares",
                     std::make_shared<WeightedSquares>(std::vector<double>{0.3, 0, 1.7, 1}));
    Trainer trainer(communicator, make_model(config, problem), problem, config.training);
    RunResult result = finish(trainer);
    result.losses.push_back(trainer.evaluate(all_of(*problem.test)).loss);
    return result;
  };
  const RunResult together = train_on(world());
  const RunResult alone = train_on(*make_single_communicator());
  EXPECT_EQ(together.weights_digest, alone.weights_digest);
  EXPECT_EQ(together.losses, alone.losses);
  EXPECT_EQ(together.gradient_norms, alone.gradient_norms);
}

TEST_F(TrainingTest, SamplesWithWeightsOfTheirOwnGiveTheBitsOfOneProcess) {
  const Config config = make_test_config({{"train.batch-size", "31"}, {"data.validation", "0.2"}});
  const auto train_on = [&](Communicator& communicator) {
    const auto read = [&] {
      SourceParts parts = read_source(config.data.source);
      for (DatasetContent* const part : {&parts.training, &*parts.test}) {
        part->description.has_sample_weights = true;
        for (Index i = 0; i < part->description.samples; ++i) {
          part->sample_weights.push_back(static_cast<float>(i % 7) / 3);
        }
      }
      return parts;
    };
    const Problem problem = make_problem(read, {.validation = config.data.validation}, communicator);
    Trainer trainer(communicator, make_model(config, problem), problem, config.training);
    RunResult result = finish(trainer);
    result.losses.push_back(trainer.evaluate(all_of(*problem.test)).loss);
    return result;
  };
  const RunResult together = train_on(world());
  const RunResult alone = train_on(*make_single_communicator());
  EXPECT_EQ(together.weights_digest, alone.weights_digest);
  EXPECT_EQ(together.losses, alone.losses);
  EXPECT_EQ(together.gradient_norms, alone.gradient_norms);
}

/// Sentences of 6 words, of which 40 occur, by the class of their first word.
SourceParts sentences() {
  DatasetContent all{.description = {.name = "sentences",
                                     .storage = Storage::kFloats,
                                     .samples = 90,
                                     .feature_shape = {6},
                                     .classes = 4,
                                     .categories = 40}};
  for (Index i = 0; i < 90; ++i) {
    all.labels.push_back(static_cast<std::int32_t>(i * 7 % 40 % 4));
    for (Index word = 0; word < 6; ++word) all.values.push_back(static_cast<float>((i + 3 * word) * 7 % 40));
  }
  return {.training = all, .test = all};
}

TEST_F(TrainingTest, AnEmbeddingGivesTheBitsOfOneProcess) {
  const auto train_on = [&](Communicator& communicator, int threads, bool noise_scale) {
    const Problem problem = make_problem(sentences, {.validation = 0.1}, communicator);
    Network network("embedding 700, tanh, linear 4", problem.sample());
    Trainer trainer(communicator, std::move(network), problem,
                    {.batch_size = 31,
                     .steps = 12,
                     .threads = threads,
                     .noise_scale = noise_scale,
                     .optimizer = adamw({.learning_rate = 0.01})});
    RunResult result = finish(trainer);
    result.losses.push_back(trainer.evaluate(all_of(*problem.test)).loss);
    return result;
  };
  const RunResult together = train_on(world(), 1, false);
  const RunResult alone = train_on(*make_single_communicator(), 1, false);
  EXPECT_EQ(together.weights_digest, alone.weights_digest);
  EXPECT_EQ(together.losses, alone.losses);
  EXPECT_EQ(train_on(world(), 2, false).weights_digest, alone.weights_digest);
  EXPECT_EQ(train_on(world(), 1, true).weights_digest, alone.weights_digest);
  set_threads(1);
}

TEST_F(TrainingTest, RefusesANetworkOfTheWrongEnd) {
  const Config config = make_test_config({});
  const Problem problem = make_problem(config, world());
  Network network(problem.sample());
  network.add(linear(problem.outputs() + 1));
  expect_same_error(catch_error([&] { Trainer(world(), std::move(network), problem, config.training); }),
                    ExitCode::kBadInput, {"gives 5 outputs"});
}

TEST_F(TrainingTest, FastModeLearnsTheSame) {
  const Config exact = make_test_config({});
  const Config fast = make_test_config({{"train.reduction", "fast"}});
  const RunResult a = train(exact, world());
  const RunResult b = train(fast, world());
  EXPECT_EQ(a.losses.size(), b.losses.size());
  constexpr double kRounding = 1e-4;
  for (std::size_t i = 0; i < std::min(a.losses.size(), b.losses.size()); ++i) {
    EXPECT_NEAR(a.losses[i], b.losses[i], kRounding) << "step " << i + 1;
  }
}

}  // namespace
}  // namespace lockstep::test
