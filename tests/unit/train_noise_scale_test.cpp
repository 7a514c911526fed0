#include <array>
#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "lockstep/nn/weights.hpp"
#include "lockstep/train/noise_scale.hpp"
#include "train_helpers.hpp"

namespace lockstep {
namespace {

using test::config_of;
using test::TrainingRun;

using Vector = std::array<double, 2>;

double square(const Vector& v) { return v[0] * v[0] + v[1] * v[1]; }

/// Per-sample gradients that are drawn with equal probability: G = (2, 1), tr Σ = 14 / 3 + 6.
const std::vector<Vector> kGradients = {{1, -2}, {5, 1}, {0, 4}};
constexpr double kSquare = 5;
constexpr double kVariance = 14.0 / 3 + 6;

/// The mean of the estimates over all draws of `sizes` samples, each as likely as the others.
NoiseEstimate expectation(const std::vector<Index>& sizes) {
  Index samples = 0;
  for (const Index size : sizes) samples += size;
  const auto draws = static_cast<Index>(std::pow(kGradients.size(), samples));
  NoiseEstimate mean;
  for (Index draw = 0; draw < draws; ++draw) {
    Index left = draw;
    Vector whole{};
    std::vector<double> squares;
    for (const Index size : sizes) {
      Vector sum{};
      for (Index i = 0; i < size; ++i, left /= std::ssize(kGradients)) {
        const Vector& g = kGradients[static_cast<std::size_t>(left % std::ssize(kGradients))];
        sum = {sum[0] + g[0], sum[1] + g[1]};
      }
      squares.push_back(square(sum));
      whole = {whole[0] + sum[0], whole[1] + sum[1]};
    }
    const auto estimate =
        estimate_noise(squares, sizes, square(whole) / static_cast<double>(samples * samples));
    mean.square += estimate->square / static_cast<double>(draws);
    mean.variance += estimate->variance / static_cast<double>(draws);
  }
  return mean;
}

TEST(NoiseEstimate, IsUnbiasedForAnySizes) {
  for (const std::vector<Index>& sizes :
       std::vector<std::vector<Index>>{{1, 1}, {2, 2}, {1, 3}, {5, 1}, {1, 2, 3}, {2, 0, 1, 0, 4}}) {
    const NoiseEstimate mean = expectation(sizes);
    EXPECT_NEAR(mean.square, kSquare, 1e-12) << testing::PrintToString(sizes);
    EXPECT_NEAR(mean.variance, kVariance, 1e-12) << testing::PrintToString(sizes);
  }
}

// McCandlish et al., arXiv 1812.06162, appendix A.1, with the mean of |G_small|² over the micro-batches.
TEST(NoiseEstimate, OfEqualSizesIsThatOfThePaper) {
  const double b = 4;
  const double big = 12;
  const double mean_square = 1.5;
  const std::vector<double> squares = {40, 30, 25};
  const double small_square = (40.0 + 30 + 25) / 3 / (b * b);
  const auto estimate = estimate_noise(squares, std::vector<Index>{4, 4, 4}, mean_square);
  EXPECT_NEAR(estimate->square, (big * mean_square - b * small_square) / (big - b), 1e-14);
  EXPECT_NEAR(estimate->variance, (small_square - mean_square) / (1 / b - 1 / big), 1e-13);
}

TEST(NoiseEstimate, NeedsTwoMicroBatchesWithSamples) {
  EXPECT_FALSE(estimate_noise(std::vector<double>{9}, std::vector<Index>{3}, 1));
  EXPECT_FALSE(estimate_noise(std::vector<double>{0, 9, 0}, std::vector<Index>{0, 3, 0}, 1));
}

TEST(NoiseAverage, IsTheQuotientOfWeighedSums) {
  NoiseAverage average;
  EXPECT_TRUE(std::isnan(average.scale()));
  average.add({.square = 2, .variance = 30});
  EXPECT_NEAR(average.scale(), 15, 1e-12);
  average.add({.square = -1, .variance = 50});
  EXPECT_NEAR(average.scale(), (0.99 * 30 + 50) / (0.99 * 2 - 1), 1e-12);
  average.add({.square = -3, .variance = 50});
  EXPECT_TRUE(std::isnan(average.scale())) << "no gradient is seen";
}

constexpr Index kInputs = 4;
constexpr double kTargetNoise = 0.01;  // of the synthetic set

/// Batches of 260 in micro-batches of 32 and 33 samples of y = 0.05 + Σ 0.01 x_i + ε, at fixed weights.
Config regression(const std::string& noise_scale) {
  return config_of({{"data.source", "linear"},
                    {"data.samples", "60100"},
                    {"data.features", std::to_string(kInputs)},
                    {"data.normalize", "none"},
                    {"data.normalize-targets", "none"},
                    {"model.layers", "linear 1"},
                    {"train.batch-size", "260"},
                    {"train.micro-batches", "8"},
                    {"train.epochs", "1"},
                    {"optimizer.learning-rate", "0"},
                    {"train.noise-scale", noise_scale}});
}

/// At the distance (w, b) from the true weights a sample's gradient of (w·x + b - ε)² is 2 (w·x + b - ε) (x,
/// 1). With x from N(0, 1) and ε from N(0, σ²), E |gradient|² = 4 ((k + 3) |w|² + (k + 1) (b² + σ²)), since
/// E (w·x)² |x|² = (k + 2) |w|².
NoiseEstimate closed_form(std::span<const Real> parameters) {
  double w2 = 0;
  for (std::size_t i = 0; i < kInputs; ++i) w2 += std::pow(parameters[i] - 0.01, 2);
  const double b2 = std::pow(parameters[kInputs] - 0.05, 2);
  const auto k = static_cast<double>(kInputs);
  const double g2 = 4 * (w2 + b2);
  const double second_moment = 4 * ((k + 3) * w2 + (k + 1) * (b2 + kTargetNoise * kTargetNoise));
  return {.square = g2, .variance = second_moment - g2};
}

TEST(NoiseScale, OfALinearRegressionIsItsClosedForm) {
  TrainingRun run(regression("true"));
  const NoiseEstimate expected = closed_form(run.trainer.network().parameters());
  NoiseEstimate mean;
  GradientNoise last;
  const auto steps = run.trainer.plan().total_steps;
  for (std::uint64_t step = 0; step < steps; ++step) {
    last = *run.trainer.step().noise;
    mean.square += last.estimate.square / static_cast<double>(steps);
    mean.variance += last.estimate.variance / static_cast<double>(steps);
  }
  EXPECT_NEAR(mean.square, expected.square, 0.05 * expected.square);
  EXPECT_NEAR(mean.variance, expected.variance, 0.05 * expected.variance);
  const double scale = expected.variance / expected.square;
  EXPECT_NEAR(last.scale, scale, 0.05 * scale);
}

TEST(NoiseScale, ChangesNoBitOfTheTraining) {
  std::vector<std::string> digests;
  for (const std::string noise_scale : {"false", "true"}) {
    TrainingRun run(test::blobs({{"train.noise-scale", noise_scale}}));
    for (int step = 0; step < 7; ++step) {
      EXPECT_EQ(run.trainer.step().noise.has_value(), noise_scale == "true");
    }
    digests.push_back(weights_digest(run.trainer.network()));
  }
  EXPECT_EQ(digests[0], digests[1]);
}

// Micro-batches of 32 / 8 samples are worth it in every eighth step.
TEST(NoiseScale, IsMeasuredInSomeStepsWhereMicroBatchesAreSmall) {
  TrainingRun run(test::blobs({{"train.noise-scale", "true"}}));
  for (int step = 0; step < 20; ++step) {
    EXPECT_EQ(std::isnan(run.trainer.step().noise->estimate.square), step % 8 != 0) << step;
  }
}

// 257 = 256 + 1: the last batch of the epoch has only one micro-batch.
TEST(NoiseScale, PassesOverABatchThatCannotTell) {
  TrainingRun run(
      test::blobs({{"data.samples", "257"}, {"train.batch-size", "256"}, {"train.noise-scale", "true"}}));
  const double scale = run.trainer.step().noise->scale;
  const GradientNoise noise = *run.trainer.step().noise;
  EXPECT_TRUE(std::isnan(noise.estimate.square));
  EXPECT_TRUE(std::isnan(noise.estimate.variance));
  EXPECT_EQ(noise.scale, scale);
}

}  // namespace
}  // namespace lockstep
