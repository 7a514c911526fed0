#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "lockstep/nn/network.hpp"

namespace lockstep {
namespace {

struct Statistics {
  double mean = 0;
  double variance = 0;
  double fourth = 0;  ///< mean of (x / deviation)⁴: 3 for a normal, 1.8 for a uniform distribution
  double largest = 0;
};

Statistics statistics(const Network& model, std::size_t tensor) {
  const ParameterRange range = model.layout().tensors()[tensor].range;
  const auto count = static_cast<double>(range.size);
  Statistics result;
  for (const Real x : model.parameters().subspan(range.offset, range.size)) {
    const auto value = static_cast<double>(x);
    result.mean += value / count;
    result.variance += value * value / count;
    result.fourth += std::pow(value, 4) / count;
    result.largest = std::max(result.largest, std::abs(value));
  }
  result.fourth /= result.variance * result.variance;
  return result;
}

constexpr Index kIn = 300;
constexpr Index kOut = 200;
constexpr double kCount = kIn * kOut;

Network initialized(const std::string& layers, Initialization scheme, std::uint64_t seed = 1) {
  Network model(layers, kIn);
  model.initialize(seed, scheme);
  return model;
}

void expect_normal(const Network& model, double variance, const std::string& why) {
  const Statistics s = statistics(model, 0);
  EXPECT_NEAR(s.mean, 0, 5 * std::sqrt(variance / kCount)) << why;
  // The variance of x² is 2 σ⁴ for a normal distribution, that of x⁴ 96 σ⁸.
  EXPECT_NEAR(s.variance, variance, 5 * variance * std::sqrt(2 / kCount)) << why;
  EXPECT_NEAR(s.fourth, 3, 5 * std::sqrt(96 / kCount)) << why;
}

void expect_he(const Network& model, const std::string& why) { expect_normal(model, 2.0 / kIn, why); }

void expect_glorot(const Network& model, const std::string& why) {
  const Statistics s = statistics(model, 0);
  const double limit = std::sqrt(6.0 / (kIn + kOut));
  EXPECT_LE(s.largest, limit * (1 + 1e-6)) << why;
  EXPECT_GT(s.largest, limit * 0.999) << why;
  EXPECT_NEAR(s.mean, 0, 5 * limit / std::sqrt(3 * kCount)) << why;
  // For U(-a, a): σ² = a²/3, the variance of x² is 4a⁴/45.
  EXPECT_NEAR(s.variance, limit * limit / 3, 5 * limit * limit * std::sqrt(4 / 45.0 / kCount)) << why;
  EXPECT_NEAR(s.fourth, 1.8, 0.05) << why;
}

TEST(Initialization, HeIsNormalWithVarianceTwoByFanIn) {
  expect_he(initialized("linear 200, tanh, linear 2", Initialization::kHe), "he");
}

TEST(Initialization, NormalHasVarianceOne) {
  for (const std::string layers : {"linear 200, relu, linear 2", "linear 200, tanh, linear 2"}) {
    expect_normal(initialized(layers, Initialization::kNormal), 1, layers);
  }
}

TEST(Initialization, GlorotIsUniformWithinItsLimit) {
  expect_glorot(initialized("linear 200, relu, linear 2", Initialization::kGlorot), "glorot");
}

TEST(Initialization, AutoIsHeBeforeRectifiersAndGlorotElsewhere) {
  for (const std::string layers :
       {"linear 200, relu, linear 2", "linear 200, leaky-relu, linear 2", "linear 200, gelu, linear 2",
        "linear 200, softplus, linear 2", "linear 200, silu, linear 2", "linear 200, relu6, linear 2",
        "linear 200, dropout 0.5, relu, linear 2", "linear 200, identity, dropout 0, relu",
        "linear 200, batch-norm micro, relu", "linear 200, relu"}) {
    expect_he(initialized(layers, Initialization::kAuto), layers);
  }
  for (const std::string layers :
       {"linear 200, tanh, linear 2", "linear 200, sigmoid, relu", "linear 200", "linear 200, dropout 0.5",
        "linear 200, identity, tanh", "linear 200, layer-norm, linear 2", "linear 200, linear 2, relu"}) {
    expect_glorot(initialized(layers, Initialization::kAuto), layers);
  }
}

TEST(Initialization, BiasesAreZero) {
  for (const auto scheme :
       {Initialization::kAuto, Initialization::kHe, Initialization::kGlorot, Initialization::kNormal}) {
    Network model("linear 7, relu, linear 3", 5);
    std::fill(model.parameters().begin(), model.parameters().end(), Real(1));
    model.initialize(1, scheme);
    for (const ParameterTensor& tensor : model.layout().tensors()) {
      if (tensor.role != TensorRole::kBias) continue;
      for (Index i = 0; i < tensor.range.size; ++i) {
        EXPECT_EQ(model.parameters()[tensor.range.offset + i], 0) << tensor.name;
      }
    }
  }
}

TEST(Initialization, IsAPureFunctionOfTheSeed) {
  const auto values = [](const Network& model) {
    return std::vector<Real>(model.parameters().begin(), model.parameters().end());
  };
  const std::string layers = "linear 200, relu, linear 5";
  for (const auto scheme : {Initialization::kAuto, Initialization::kNormal}) {
    Network again = initialized(layers, scheme, 2);
    EXPECT_NE(values(initialized(layers, scheme, 1)), values(again));
    again.initialize(1, scheme);
    EXPECT_EQ(values(initialized(layers, scheme, 1)), values(again));
  }
}

// As owners draw them: parts that begin and end anywhere are those of the whole.
TEST(Initialization, ADrawnPartIsThatOfTheWhole) {
  for (const auto scheme : {Initialization::kAuto, Initialization::kNormal}) {
    const Network whole = initialized("linear 150, layer-norm, relu, linear 5", scheme, 3);
    const Index size = whole.layout().size();
    for (const Index step : {Index{1} << 20, Index{16411}, Index{517}, Index{13}}) {
      std::vector<Real> drawn(static_cast<std::size_t>(size), -7);
      for (Index first = 0; first < size; first += step) {
        whole.draw(3, scheme, {first, std::min(step, size - first)}, drawn);
      }
      EXPECT_TRUE(std::ranges::equal(drawn, whole.parameters())) << step;
    }
  }
}

TEST(Initialization, TensorsDiffer) {
  Network model("linear 5, tanh, linear 5, tanh, linear 5", 5);
  model.initialize(1, Initialization::kGlorot);
  const auto weight = [&](std::size_t tensor) {
    const auto values = model.parameters().subspan(model.layout().tensors()[tensor].range.offset, 25);
    return std::vector<Real>(values.begin(), values.end());
  };
  EXPECT_NE(weight(0), weight(2));
  EXPECT_NE(weight(2), weight(4));
}

}  // namespace
}  // namespace lockstep
