// Steps whose loss or gradient is not finite: named exactly, and skipped as if they had not been.

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "lockstep/data/synthetic.hpp"
#include "lockstep/nn/weights.hpp"
#include "lockstep/optim/schedule.hpp"
#include "mpi_test.hpp"
#include "train_helpers.hpp"

namespace lockstep::test {
namespace {

constexpr Index kSamples = 64;
constexpr Index kBatch = 16;
constexpr Index kMicroBatches = 8;

/// A row of the data set in the training: where it comes in the first epoch.
struct Place {
  std::uint64_t step;  // from 0
  Index row;           // of the global batch
};

Texts operator+(Texts a, const Texts& b) {
  for (const auto& [key, value] : b) a[key] = value;
  return a;
}

/// Regression by default; four steps an epoch.
Texts settings(const Texts& more) {
  return Texts{{"data.source", "linear"},
               {"data.samples", fmt::format("{}", kSamples)},
               {"data.normalize", "none"},
               {"model.layers", "linear 1"},
               {"train.batch-size", fmt::format("{}", kBatch)},
               {"train.micro-batches", fmt::format("{}", kMicroBatches)},
               {"optimizer.name", "sgd"},
               {"optimizer.learning-rate", "0"}} +
         more;
}

/// The sample at `place`, by the sampler's own words.
Index sample_at(const Config& config, Place place) {
  const Index batch = config.training.batch_size > 0 ? config.training.batch_size : kSamples;
  const Sampler sampler(config.training.seed, kSamples, batch);
  Index sample = 0;
  sampler.samples(sampler.batch(place.step), place.row, {&sample, 1});
  return Split(config.data.source.synthetic.seed, kSamples, 0).training(sample);
}

using Change = std::function<void(DatasetContent& content, Index sample)>;

/// Sets the features of a sample: all of them to 0 but for `values`.
Change features(const std::vector<float>& values) {
  return [values](DatasetContent& content, Index sample) {
    const Index width = content.description.features();
    const auto first = content.values.begin() + sample * width;
    std::fill_n(first, width, 0.0F);
    std::copy(values.begin(), values.end(), first);
  };
}

Change target(float value) {
  return [value](DatasetContent& content, Index sample) {
    content.targets[static_cast<std::size_t>(sample)] = value;
  };
}

/// The problem of `config` with the samples at `places` changed.
Problem make_changed(const Config& config, Communicator& communicator, const std::vector<Place>& places,
                     const Change& change) {
  Problem problem = make_problem(config, communicator);
  DatasetContent content =
      make_synthetic(config.data.source.source, Part::kTraining, config.data.source.synthetic);
  for (const Place& place : places) change(content, sample_at(config, place));
  problem.training = make_dataset(std::move(content));
  return problem;
}

TrainingState state_of(std::uint64_t steps_done, std::vector<Real> parameters,
                       std::span<const Real> statistics = {}) {
  const auto memory = std::make_shared<std::vector<Real>>(std::move(parameters));
  TrainingState state{.steps_done = steps_done, .vectors = {{"parameters", *memory}}, .memory = memory};
  if (!statistics.empty()) state.vectors.push_back({"statistics", statistics});
  return state;
}

/// As many times `value` as there are parameters.
std::vector<Real> filled_with(const Trainer& trainer, Real value) {
  return std::vector<Real>(static_cast<std::size_t>(trainer.network().layout().size()), value);
}

class NonFiniteTest : public MpiTest {
 protected:
  /// Trains `config` with all weights 1, and with the samples at `places` changed: the error names
  /// `fragments`, on every rank, and leaves what was before the step.
  static void expect_stop(const Config& config, const std::vector<Place>& places, const Change& change,
                          const std::vector<std::string>& fragments) {
    const Problem problem = make_changed(config, world(), places, change);
    Trainer trainer(world(), make_model(config, problem), problem, config.training);
    trainer.restore(state_of(0, filled_with(trainer, 1), trainer.network().statistics()));
    expect_same_error(catch_error([&] { finish(trainer); }), ExitCode::kGuard, fragments);
    EXPECT_EQ(trainer.steps_done(), places.front().step);
    EXPECT_TRUE(std::ranges::equal(trainer.network().parameters(), filled_with(trainer, 1))) << "rate 0";
  }

  static int owner_of(Index row) {
    const BatchPlan plan(kBatch, kMicroBatches, world().size());
    return static_cast<int>(plan.owner(row / (kBatch / kMicroBatches)));
  }
};

// With all weights 1: one feature of 1e38 passes a layer of nine units, whose sum is 9e38; four of them
// overflow the first layer already.
TEST_F(NonFiniteTest, ALossNamesStepMicroBatchRankSampleAndLayer) {
  const Config config =
      make_test_config(settings({{"data.source", "blobs"}, {"model.layers", "linear 9, relu, linear 4"}}));
  const std::vector<std::pair<Change, std::string>> changes = {
      {features({1e38F, 1e38F, 1e38F, 1e38F}), "from unit 0 (linear 9) on"},
      {features({1e38F}), "from unit 2 (linear 4) on"},
      {features({std::numeric_limits<float>::infinity()}), "from the features on"}};
  for (const auto& [change, place] : changes) {
    for (const Place at : {Place{0, 0}, Place{2, 7}, Place{3, 15}}) {
      expect_stop(config, {at}, change,
                  {fmt::format("step {}: the loss of micro-batch {} on rank {} is ", at.step + 1, at.row / 2,
                               owner_of(at.row)),
                   fmt::format(": 1 of its 2 samples, sample {}, {};", sample_at(config, at), place)});
    }
  }
}

// The second normalisation passes on to all samples what one of them has, so that the loss of micro-batch 0
// is the first that is not finite, wherever that sample is; a target stays with its sample.
TEST_F(NonFiniteTest, ABatchNormalisationHidesNoSample) {
  const Config config =
      make_test_config(settings({{"model.layers", "linear 3, batch-norm, linear 2, batch-norm, linear 1"}}));
  for (const Place at : {Place{0, 0}, Place{2, 7}, Place{3, 15}}) {
    const auto of_batch = [&](Index micro_batch, const std::string& place) {
      return std::vector<std::string>{
          fmt::format("step {}: the loss of micro-batch {} on rank {} is nan: 1 of the batch's 16 samples, "
                      "sample {}, from {} on;",
                      at.step + 1, micro_batch, owner_of(2 * micro_batch), sample_at(config, at), place)};
    };
    const float infinity = std::numeric_limits<float>::infinity();
    expect_stop(config, {at}, features({infinity}), of_batch(0, "the features"));
    expect_stop(config, {at}, features({3e38F, 3e38F}), of_batch(0, "unit 0 (linear 3)"));
    expect_stop(config, {at}, target(std::numeric_limits<float>::quiet_NaN()),
                of_batch(at.row / 2, "the loss (mse)"));
  }
}

// A target of 1e30 has the squared error, in double, 1e60; its gradient by the output is 2e30, and that by
// the last weight the product with inputs of about 1e10, as gain and bias are that large.
TEST_F(NonFiniteTest, AGradientOfABatchNamesTheTensor) {
  const Config config = make_test_config(settings({{"model.layers", "batch-norm, linear 1"}}));
  const Problem problem = make_changed(config, world(), {{1, 5}}, target(1e30F));
  Trainer trainer(world(), make_model(config, problem), problem, config.training);
  trainer.restore(state_of(0, filled_with(trainer, 1e10F), trainer.network().statistics()));
  expect_same_error(catch_error([&] { finish(trainer); }), ExitCode::kGuard,
                    {"step 2: the gradient is not finite, though the loss is, from 1.weight (linear 1) on;"});
}

TEST_F(NonFiniteTest, AllSamplesOfTheMicroBatchAreNamed) {
  const Config config = make_test_config(settings({}));
  expect_stop(config, {{1, 6}, {1, 7}, {1, 12}}, target(std::numeric_limits<float>::quiet_NaN()),
              {fmt::format("step 2: the loss of micro-batch 3 on rank {} is nan: 2 of its 2 samples, samples "
                           "{}, {}, from the loss (mse) on;",
                           owner_of(6), sample_at(config, {1, 6}), sample_at(config, {1, 7}))});
}

// Output 1e30: the squared error, in double, is 1e60, its gradient by the weight 2e30 · 1e30, beyond the
// largest float, and that by the bias 2e30.
TEST_F(NonFiniteTest, AGradientBehindAFiniteLossNamesTensorAndSample) {
  const Config config = make_test_config(settings({}));
  for (const Place at : {Place{0, 3}, Place{3, 12}}) {
    expect_stop(config, {at}, features({1e30F}),
                {fmt::format("step {}: the gradient of micro-batch {} on rank {} is not finite, though the "
                             "loss is: that of sample {}, from 0.weight (linear 1) on;",
                             at.step + 1, at.row / 2, owner_of(at.row), sample_at(config, at))});
  }
}

// Output 1e19: a sample's gradient is 2e38, that of two 4e38. The largest float is 3.4e38.
TEST_F(NonFiniteTest, AnOverflowOfTheSumIsNoSamplesOwn) {
  const Config config = make_test_config(settings({}));
  expect_stop(
      config, {{1, 4}, {1, 5}}, features({1e19F}),
      {fmt::format("step 2: the gradient of micro-batch 2 on rank {} is not finite, though the loss is: "
                   "the sum of its 2 samples, in 0.weight (linear 1);",
                   owner_of(4))});
  expect_stop(config, {{1, 4}, {1, 15}}, features({1e19F}),
              {"step 2: the gradient is not finite, though those of all micro-batches are: their sum, in "
               "0.weight (linear 1);"});
}

TEST_F(NonFiniteTest, WeightsThatAreNotFiniteStopEvenWhereStepsMayBeSkipped) {
  const Config config =
      make_test_config(settings({{"train.on-nonfinite", "skip"}, {"model.layers", "linear 3, linear 1"}}));
  const Problem problem = make_problem(config, world());
  Trainer trainer(world(), make_model(config, problem), problem, config.training);
  std::vector<Real> weights = filled_with(trainer, 1);
  weights[1] = std::numeric_limits<Real>::infinity();
  trainer.restore(state_of(2, std::move(weights)));
  expect_same_error(catch_error([&] { trainer.step(); }), ExitCode::kGuard,
                    {"step 2: the weights are no longer finite: 0.weight (linear 3), 1 of 18 values"});
}

// Weights 0, target about 0: loss and gradient are finite, the Hessian's 2 · 1e40 is not, on the rank that
// has it.
TEST_F(NonFiniteTest, AHessianThatIsNotFiniteIsEverybodysFailure) {
  const Config config = make_test_config(
      settings({{"optimizer.name", "newton"}, {"train.batch-size", "full"}, {"train.steps", "2"}}));
  const Problem problem = make_changed(config, world(), {{0, 5}}, features({1e20F}));
  Trainer trainer(world(), make_model(config, problem), problem, config.training);
  trainer.restore(state_of(0, filled_with(trainer, 0)));
  expect_same_error(catch_error([&] { trainer.step(); }), ExitCode::kGuard,
                    {"step 1: newton: the Hessian or the gradient is not finite"});
}

/// Losses that may be NaN, to be compared.
std::string text_of(const std::vector<double>& values) { return fmt::format("{}", fmt::join(values, " ")); }

void expect_same(const RunResult& a, const RunResult& b) {
  EXPECT_EQ(a.weights_digest, b.weights_digest);
  EXPECT_EQ(a.average_digest, b.average_digest);
  EXPECT_EQ(text_of(a.losses), text_of(b.losses));
  EXPECT_EQ(text_of(a.gradient_norms), text_of(b.gradient_norms));
  EXPECT_EQ(a.learning_rates, b.learning_rates);
  EXPECT_EQ(a.noise, b.noise);
}

/// Everything that counts steps or remembers them, over three epochs.
Texts skipping(const Texts& more) {
  return settings({{"train.on-nonfinite", "skip"},
                   {"train.epochs", "3"},
                   {"optimizer.name", "adam"},
                   {"optimizer.learning-rate", "0.05"},
                   {"optimizer.average", "0.8"},
                   {"schedule.name", "cosine"},
                   {"schedule.warmup-steps", "3"}}) +
         more;
}

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

TEST_F(NonFiniteTest, ARunWithSkippedStepsHasTheSameBitsAtEveryRankCount) {
  const std::unique_ptr<Communicator> alone = make_single_communicator();
  for (const Texts& more : {Texts{}, {{"train.noise-scale", "true"}}, {{"train.exchange", "messages"}}}) {
    const Config config = make_test_config(skipping(more));
    const auto run = [&](Communicator& communicator) {
      const Problem problem = make_changed(config, communicator, {{0, 3}, {2, 9}}, target(kNan));
      Trainer trainer(communicator, make_model(config, problem), problem, config.training);
      return finish(trainer);
    };
    const RunResult result = run(world());
    ASSERT_EQ(result.losses.size(), 12U);
    EXPECT_TRUE(std::isnan(result.losses[2]));
    expect_same(result, run(*alone));
  }
}

// The gradients of a run without the bad sample, and the algorithms by hand: a step that is left out leaves
// weights, average, and the optimizer's own count of steps as they were; the schedule's goes on.
TEST_F(NonFiniteTest, ASkippedStepIsOneThatHasNotBeen) {
  const Config config = make_test_config(skipping({}));
  const Place bad{1, 11};
  const Problem problem = make_changed(config, world(), {bad}, target(kNan));
  Trainer trainer(world(), make_model(config, problem), problem, config.training);
  const std::vector<Real> initial(trainer.network().parameters().begin(),
                                  trainer.network().parameters().end());
  finish(trainer);

  const Config plain = make_test_config(settings({{"train.epochs", "3"}}));
  const std::unique_ptr<Communicator> alone = make_single_communicator();
  const Problem whole = make_problem(plain, *alone);
  Trainer gradients(*alone, make_model(plain, whole), whole, plain.training);
  std::vector<Real> x = initial;
  Optimizer optimizer(config.training.optimizer, gradients.network().layout());
  WeightAverage average(config.training.average_decay, {{0, gradients.network().layout().size()}});
  const Schedule schedule(config.training.schedule, trainer.plan().total_steps);
  const Index sample = sample_at(config, bad);
  std::uint64_t t = 0;
  const Sampler sampler(config.training.seed, kSamples, kBatch);
  for (std::uint64_t step = 0; step < trainer.plan().total_steps; ++step) {
    std::vector<Index> samples(kBatch);
    sampler.samples(sampler.batch(step), 0, samples);
    if (std::find(samples.begin(), samples.end(), sample) != samples.end()) continue;
    gradients.restore({.steps_done = step, .vectors = {{"parameters", x}}});
    optimizer.step(x, gradients.gradient_of(step), 1, schedule.multiplier(step), ++t);
    average.add(x);
  }
  EXPECT_EQ(t, trainer.plan().total_steps - 3) << "once an epoch";
  const auto weights = trainer.network().parameters();
  EXPECT_EQ(std::vector<Real>(weights.begin(), weights.end()), x);
  trainer.with_average([&] {
    const auto averaged = trainer.network().parameters();
    EXPECT_EQ(std::vector<Real>(averaged.begin(), averaged.end()),
              std::vector<Real>(average.values().begin(), average.values().end()));
  });
}

// With all weights 1 or small, a feature of 1e33 gives a finite loss and gradient; 1e6 uphill the output is
// infinite.
TEST_F(NonFiniteTest, ASecondPassThatIsNotFiniteIsNamedAndLeavesTheWeights) {
  for (const std::string exchange : {"auto", "messages"}) {
    const Texts sam = {{"optimizer.name", "sam-sgd"},
                       {"optimizer.rho", "1e6"},
                       {"model.loss", "mae"},
                       {"train.exchange", exchange}};
    const Place bad{2, 7};
    expect_stop(make_test_config(settings(sam)), {bad}, features({1e33F}),
                {fmt::format("step 3: the loss of micro-batch 3 on rank {} is inf", owner_of(bad.row)),
                 "from unit 0 (linear 1) on, in the optimizer's second pass"});

    const Config config = make_test_config(skipping(sam));
    const std::unique_ptr<Communicator> alone = make_single_communicator();
    const auto run = [&](Communicator& communicator) {
      const Problem problem = make_changed(config, communicator, {bad}, features({1e33F}));
      Trainer trainer(communicator, make_model(config, problem), problem, config.training);
      for (std::uint64_t step = 0; step <= bad.step; ++step) {
        const std::string before = weights_digest(trainer.network());
        const StepReport report = trainer.step();
        EXPECT_EQ(report.skipped, step == bad.step);
        EXPECT_TRUE(std::isfinite(report.loss) && std::isfinite(report.gradient_norm));
        EXPECT_EQ(weights_digest(trainer.network()) == before, report.skipped);
      }
      return finish(trainer);
    };
    const RunResult result = run(world());
    expect_same(result, run(*alone));
  }
}

// An absolute error that is infinite has a gradient of ±1, so that a meter could measure it.
TEST_F(NonFiniteTest, TheNoiseScaleDoesNotCountASkippedStep) {
  const Config config = make_test_config(
      skipping({{"train.noise-scale", "true"}, {"model.loss", "mae"}, {"train.batch-size", "64"}}));
  const Problem problem =
      make_changed(config, world(), {{0, 40}}, target(std::numeric_limits<float>::infinity()));
  Trainer trainer(world(), make_model(config, problem), problem, config.training);
  const NoiseEstimate before{2, 3};
  trainer.restore({.steps_done = 0, .vectors = trainer.state().vectors, .noise = before});
  while (trainer.steps_done() < trainer.plan().total_steps) {
    const StepReport report = trainer.step();
    EXPECT_TRUE(report.skipped);
    EXPECT_TRUE(std::isfinite(report.gradient_norm));
    EXPECT_TRUE(std::isnan(report.noise->estimate.square));
    EXPECT_EQ(report.noise->scale, 1.5);
  }
  const TrainingState after = trainer.state();
  EXPECT_EQ(after.noise.square, before.square);
  EXPECT_EQ(after.noise.variance, before.variance);
}

TEST_F(NonFiniteTest, TheLimitCountsStepsInARow) {
  const Config config = make_test_config(skipping({{"train.nonfinite-limit", "2"}}));
  const auto train_with = [&](const std::vector<Place>& places) {
    const Problem problem = make_changed(config, world(), places, target(kNan));
    Trainer trainer(world(), make_model(config, problem), problem, config.training);
    const Caught caught = catch_error([&] { finish(trainer); });
    return std::pair(caught, trainer.steps_done());
  };
  const auto [none, all] = train_with({{0, 0}, {1, 1}, {3, 3}});
  EXPECT_FALSE(none.code.has_value()) << none.message;
  EXPECT_EQ(all, 12U);
  const auto [caught, done] = train_with({{1, 0}, {2, 1}, {3, 2}});
  expect_same_error(caught, ExitCode::kGuard,
                    {"step 4: the loss of micro-batch 1 ", "steps skipped in a row before it: 2;"});
  EXPECT_EQ(done, 3U);
}

using Places = std::vector<Place>;

TrainingState state_behind(std::uint64_t stop, const Config& config, const Places& places,
                           Communicator& ranks) {
  const Problem problem = make_changed(config, ranks, places, target(kNan));
  Trainer trainer(ranks, make_model(config, problem), problem, config.training);
  while (trainer.steps_done() < stop) trainer.step();
  return trainer.state();
}

RunResult go_on(const TrainingState& state, const Config& config, const Places& places, Communicator& ranks) {
  const Problem problem = make_changed(config, ranks, places, target(kNan));
  Trainer trainer(ranks, make_model(config, problem), problem, config.training);
  trainer.restore(state);
  return finish(trainer);
}

TEST_F(NonFiniteTest, SkippedStepsCountAcrossARestart) {
  const std::unique_ptr<Communicator> alone = make_single_communicator();
  const Places places = {{1, 0}, {2, 1}};
  const Config config = make_test_config(skipping({{"train.nonfinite-limit", "2"}}));
  const RunResult whole = go_on(state_behind(0, config, places, *alone), config, places, *alone);
  const auto expect_end = [&](const RunResult& end) {
    EXPECT_EQ(end.weights_digest, whole.weights_digest);
    EXPECT_EQ(end.average_digest, whole.average_digest);
  };
  for (const std::uint64_t stop : {2U, 3U, 5U}) {
    const TrainingState of_all = state_behind(stop, config, places, world());
    if (world().rank() == 0) expect_end(go_on(of_all, config, places, *alone));
    expect_end(go_on(state_behind(stop, config, places, *alone), config, places, world()));
  }
  const Config strict = make_test_config(skipping({{"train.nonfinite-limit", "1"}}));
  const TrainingState behind_one = state_behind(2, strict, places, *alone);
  expect_same_error(catch_error([&] { go_on(behind_one, strict, places, world()); }), ExitCode::kGuard,
                    {"step 3: ", "steps skipped in a row before it: 1;"});
}

}  // namespace
}  // namespace lockstep::test
