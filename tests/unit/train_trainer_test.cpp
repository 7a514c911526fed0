#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "lockstep/core/error.hpp"
#include "lockstep/nn/weights.hpp"
#include "nn_helpers.hpp"
#include "optim/norm.hpp"
#include "train_helpers.hpp"

namespace lockstep {
namespace {

using test::blobs;
using test::Texts;
using test::TrainingRun;
using Values = std::vector<Real>;

constexpr const char* kDropoutNet = "linear 16, relu, dropout 0.3, linear 9, gelu, linear 3";

Values copy(std::span<const Real> values) { return {values.begin(), values.end()}; }

/// The largest difference over the largest value.
double difference(const Values& a, const Values& b) {
  double largest = 0;
  double scale = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    largest = std::max(largest, std::abs(static_cast<double>(a[i]) - b[i]));
    scale = std::max(scale, std::abs(static_cast<double>(b[i])));
  }
  return largest / scale;
}

TEST(Trainer, Learns) {
  TrainingRun run(blobs());
  const Evaluation before = run.trainer.evaluate(all_of(*run.problem->test));
  for (int step = 0; step < 60; ++step) run.trainer.step();
  const Evaluation after = run.trainer.evaluate(all_of(*run.problem->test));
  EXPECT_LT(after.loss, before.loss / 2);
  EXPECT_GT(*after.accuracy, 0.8);
}

// 200 samples in batches of 32: the seventh is of 8. Batches of 1 to 9 leave some of 8 micro-batches empty.
TEST(Trainer, GradientIsThatOfTheWholeBatch) {
  for (const std::string batch_size : {"1", "2", "5", "7", "8", "9", "32", "200", "full"}) {
    for (const std::string micro_batches : {"1", "3", "8", "16"}) {
      TrainingRun run(blobs({{"train.batch-size", batch_size},
                             {"train.micro-batches", micro_batches},
                             {"model.layers", kDropoutNet}}));
      for (int step = 0; step < 8; ++step) {
        const Values plain = run.trainer.plain_gradient();
        const Values gradient = run.trainer.gradient_of(run.trainer.steps_done());
        EXPECT_LT(difference(gradient, plain), 1e-5)
            << "batches of " << batch_size << " in " << micro_batches << ", step " << step;
        run.trainer.step();
      }
    }
  }
}

TEST(Trainer, GradientOfANetworkThatMixesSamplesIsThatOfItsMicroBatches) {
  for (const std::string micro_batches : {"1", "3", "16"}) {
    TrainingRun run(blobs({{"train.batch-size", "9"},
                           {"train.micro-batches", micro_batches},
                           {"model.layers", "linear 16, batch-norm micro, silu, linear 3"}}));
    for (int step = 0; step < 8; ++step) {
      const Values plain = run.trainer.plain_gradient();
      EXPECT_LT(difference(run.trainer.gradient_of(run.trainer.steps_done()), plain), 1e-5)
          << micro_batches << ", step " << step;
      run.trainer.step();
    }
  }
}

TEST(Trainer, LossIsTheMeanOverTheGlobalBatch) {
  for (const Index batch_size : {1, 3, 7, 32}) {
    TrainingRun run(blobs({{"train.batch-size", std::to_string(batch_size)}}));
    const Sampler sampler(run.config.training.seed, 200, batch_size);
    Network model = make_model(run.config, *run.problem);
    for (std::uint64_t step = 0; step < 8; ++step) {
      const GlobalBatch global = sampler.batch(step);
      Batch batch;
      batch.samples.resize(static_cast<std::size_t>(global.size));
      sampler.samples(global, 0, batch.samples);
      gather(run.problem->training, run.problem->normalization, batch);
      std::copy_n(run.trainer.network().parameters().begin(), model.parameters().size(),
                  model.parameters().begin());
      const auto y = model.forward(test::OwnedBlock(batch.samples).evaluation(),
                                   {batch.features.data(), batch.rows(), model.inputs()});
      double loss = 0;
      for (Index r = 0; r < batch.rows(); ++r) {
        double sum = 0;
        for (Index k = 0; k < 3; ++k) {
          sum += std::exp(static_cast<double>(y(r, k)) - y(r, batch.labels[static_cast<std::size_t>(r)]));
        }
        loss += std::log(sum) / static_cast<double>(batch.rows());
      }
      const StepReport report = run.trainer.step();
      EXPECT_NEAR(report.loss, loss, 1e-5 * loss) << batch_size << ", step " << step;
      EXPECT_EQ(report.samples, global.size);
    }
  }
}

TEST(Trainer, TakesTheSameStepsASecondTime) {
  for (const std::string optimizer : {"sgd", "adamw"}) {
    const Config config = test::config_of({{"data.source", "blobs"},
                                           {"data.samples", "100"},
                                           {"model.layers", "linear 16, relu, dropout 0.5, linear 4"},
                                           {"optimizer.name", optimizer},
                                           {"train.micro-batches", "8"},
                                           {"train.batch-size", "30"}});
    TrainingRun first(config);
    TrainingRun second(config);
    for (int step = 0; step < 10; ++step) {
      const StepReport a = first.trainer.step();
      const StepReport b = second.trainer.step();
      EXPECT_EQ(a.loss, b.loss);
      EXPECT_EQ(a.gradient_norm, b.gradient_norm);
      EXPECT_EQ(weights_digest(first.trainer.network()), weights_digest(second.trainer.network())) << step;
    }
  }
}

TEST(Trainer, SeedsGiveDifferentRuns) {
  TrainingRun first(blobs());
  TrainingRun second(blobs({{"train.seed", "2"}}));
  EXPECT_NE(weights_digest(first.trainer.network()), weights_digest(second.trainer.network()));
}

// What the trainer does, with blocks of every size.
TEST(Trainer, GradientHasTheSameBitsWhateverTheBlocks) {
  for (const Index batch_size : {3, 32, 61}) {
    TrainingRun run(blobs({{"train.batch-size", std::to_string(batch_size)}, {"model.layers", kDropoutNet}}));
    const Values expected = run.trainer.gradient_of(0);
    const GlobalBatch global = Sampler(run.config.training.seed, 200, batch_size).batch(0);
    const Sampler sampler(run.config.training.seed, 200, batch_size);
    Network model = make_model(run.config, *run.problem);
    model.initialize(run.config.training.seed, Initialization::kAuto);
    const BatchPlan plan(batch_size, 8, 1);
    for (const Index most_rows : {1, 5, 9, 17, 1000}) {
      const Shares shares(model.layout(), Scope::kElements, 1);
      const Topology topology(*run.communicator);
      const auto reducer = make_gradient_reducer(topology, shares);
      const std::vector<Block> blocks = cut_into_blocks(plan, 0, most_rows);
      reducer->start(plan, blocks.size(), static_cast<double>(plan.batch_size()));
      for (const Block& block : blocks) {
        Batch batch;
        batch.samples.resize(static_cast<std::size_t>(block.rows.size()));
        sampler.samples(global, block.rows.first, batch.samples);
        gather(run.problem->training, run.problem->normalization, batch);
        const RowBlock rows{.micro_batches = block.micro_batches,
                            .samples = batch.samples,
                            .training = true,
                            .seed = run.config.training.seed,
                            .step = 0};
        test::forward_backward(model, *run.problem->loss, rows,
                               {batch.features.data(), batch.rows(), model.inputs()},
                               {.labels = batch.labels, .values = {}}, *reducer);
      }
      reducer->finish();
      EXPECT_EQ(copy(reducer->gradient()), expected) << batch_size << " in blocks of " << most_rows;
    }
  }
}

TEST(Trainer, CountsStepsAndEpochs) {
  TrainingRun run(blobs({{"train.epochs", "3"}, {"schedule.warmup-steps", "4"}}));
  EXPECT_EQ(run.trainer.plan().steps_per_epoch, 7);
  EXPECT_EQ(run.trainer.plan().total_steps, 21U);
  for (std::uint64_t step = 1; step <= 21; ++step) {
    const Values gradient = run.trainer.gradient_of(step - 1);
    const StepReport report = run.trainer.step();
    EXPECT_EQ(report.step, step);
    EXPECT_EQ(run.trainer.steps_done(), step);
    const std::uint64_t epoch = (step - 1) / 7;
    const std::uint64_t samples = std::min<std::uint64_t>((step - 7 * epoch) * 32, 200);
    EXPECT_DOUBLE_EQ(report.epoch, static_cast<double>(epoch) + static_cast<double>(samples) / 200);
    EXPECT_EQ(report.samples, step % 7 == 0 ? 8 : 32);
    EXPECT_DOUBLE_EQ(report.learning_rate, 0.05 * std::min(1.0, static_cast<double>(step) / 4));
    EXPECT_NEAR(report.gradient_norm, norm(gradient), 1e-14 * report.gradient_norm);
  }
  EXPECT_EQ(TrainingRun(blobs({{"train.steps", "5"}})).trainer.plan().total_steps, 5U);
}

// Two trainers at the same weights: SAM's report is that of its first pass, its step that of the gradient
// where this pass leads to, with the same dropout.
TEST(Trainer, TakesASecondPassBySam) {
  const Texts common = {{"model.layers", kDropoutNet},
                        {"optimizer.learning-rate", "0.1"},
                        {"optimizer.momentum", "0"},
                        {"train.steps", "5"}};
  Texts sam = common;
  sam["optimizer.name"] = "sam-sgd";
  sam["optimizer.rho"] = "0.2";
  TrainingRun plain(blobs(common));
  TrainingRun run(blobs(sam));
  for (int step = 0; step < 5; ++step) {
    const Values before = copy(run.trainer.network().parameters());
    const auto at = [&](const Values& x) {
      TrainingState state{.steps_done = run.trainer.steps_done(), .vectors = {{"parameters", x}}};
      plain.trainer.restore(state);
      return plain.trainer.gradient_of(run.trainer.steps_done());
    };
    const Values g = at(before);
    const StepReport expected = plain.trainer.step();
    Values there = before;
    for (std::size_t i = 0; i < there.size(); ++i) there[i] += static_cast<Real>(0.2 / norm(g)) * g[i];
    const Values second = at(there);
    const StepReport report = run.trainer.step();
    EXPECT_EQ(report.loss, expected.loss);
    EXPECT_EQ(report.gradient_norm, expected.gradient_norm);
    Values after = before;
    for (std::size_t i = 0; i < after.size(); ++i) after[i] -= static_cast<Real>(0.1) * second[i];
    EXPECT_LT(difference(copy(run.trainer.network().parameters()), after), 1e-6) << step;
    EXPECT_GT(difference(second, g), 1e-3) << step;
  }
}

TEST(Trainer, ClipsTheGradientButReportsItsNorm) {
  const test::Texts plain = {{"optimizer.momentum", "0"}, {"optimizer.learning-rate", "1"}};
  test::Texts clipped = plain;
  clipped["optimizer.clip-norm"] = "0.001";
  TrainingRun run(blobs(clipped));
  const Values before = copy(run.trainer.network().parameters());
  const StepReport report = run.trainer.step();
  Values moved = copy(run.trainer.network().parameters());
  for (std::size_t i = 0; i < moved.size(); ++i) moved[i] -= before[i];
  EXPECT_NEAR(norm(moved), 0.001, 1e-5);
  EXPECT_EQ(report.gradient_norm, TrainingRun(blobs(plain)).trainer.step().gradient_norm);
}

/// The message with which `run` stops on its guard within 100 steps; empty if it does not.
std::string guard_message(TrainingRun& run) {
  try {
    for (int step = 0; step < 100; ++step) run.trainer.step();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kGuard) << error.what();
    return error.what();
  }
  return "";
}

TEST(Trainer, StopsWhenTheLossIsNotFinite) {
  TrainingRun run(
      blobs({{"optimizer.learning-rate", "1e6"}, {"model.layers", "linear 16, leaky-relu, linear 3"}}));
  const std::string message = guard_message(run);
  const std::string step =
      "step " + std::to_string(run.trainer.steps_done() + 1) + ": the loss of micro-batch ";
  EXPECT_TRUE(message.starts_with(step)) << message;
  EXPECT_NE(message.find(" on rank 0 is "), std::string::npos) << message;
  EXPECT_NE(message.find(" of its 4 samples, sample"), std::string::npos) << message;
  EXPECT_NE(message.find("`learning-rate`"), std::string::npos) << message;
}

TEST(Trainer, NamesTheSampleWhoseLossIsNotFinite) {
  DatasetContent content =
      make_synthetic("blobs", Part::kTraining, {.samples = 16, .features = 6, .classes = 3});
  content.values[11 * 6 + 2] = std::numeric_limits<float>::quiet_NaN();
  for (const std::string layers : {"linear 3", "linear 16, relu, linear 3"}) {
    const Config config = blobs({{"train.batch-size", "full"}, {"model.layers", layers}});
    TrainingRun run(config, Problem{.training = make_dataset(content),
                                    .test = {},
                                    .split = Split(1, 16, 0),
                                    .normalization = {},
                                    .loss = make_cross_entropy(0),
                                    .loss_name = "cross-entropy"});
    const std::string message = guard_message(run);
    EXPECT_TRUE(message.starts_with("step 1: the loss of micro-batch ")) << message;
    EXPECT_NE(message.find(" is nan: 1 of its 2 samples, sample 11, from the features on;"),
              std::string::npos)
        << message;
  }
}

}  // namespace
}  // namespace lockstep
