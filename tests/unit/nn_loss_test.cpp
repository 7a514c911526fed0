#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "lockstep/nn/loss.hpp"
#include "nn_helpers.hpp"

namespace lockstep {
namespace {

using test::counted;
using test::OwnedBlock;

struct Result {
  double loss;
  std::vector<Real> gradient;
};

Result evaluate(const Loss& loss, const std::vector<Real>& outputs, const Targets& targets) {
  Result result{0, std::vector<Real>(outputs.size())};
  const auto width = static_cast<Index>(outputs.size());
  loss.evaluate(OwnedBlock(counted(1)).training(), {outputs.data(), 1, width}, targets, {&result.loss, 1},
                {result.gradient.data(), 1, width});
  return result;
}

Result cross_entropy(const std::vector<Real>& outputs, std::int32_t label, double smoothing = 0) {
  return evaluate(*make_cross_entropy(smoothing), outputs, {.labels = {&label, 1}, .values = {}});
}

TEST(CrossEntropy, IsExactForOutputsFarApart) {
  // Equal outputs: log 2. One far above the other: the distance, or nothing.
  for (const Real far : {Real(1e4), Real(-1e4)}) {
    const Result equal = cross_entropy({far, far}, 0);
    EXPECT_NEAR(equal.loss, std::log(2.0), 1e-11) << far;
    EXPECT_NEAR(equal.gradient[0], -0.5, 1e-11) << far;
    EXPECT_NEAR(equal.gradient[1], 0.5, 1e-11) << far;
  }
  const Result wrong = cross_entropy({-1e4, 1e4}, 0);
  EXPECT_EQ(wrong.loss, 2e4);
  EXPECT_EQ(wrong.gradient, (std::vector<Real>{-1, 1}));
  const Result right = cross_entropy({-1e4, 1e4}, 1);
  EXPECT_EQ(right.loss, 0);
  EXPECT_EQ(right.gradient, (std::vector<Real>{0, 0}));
}

TEST(CrossEntropy, WithLabelSmoothingIsExactForOutputsFarApart) {
  // q = (0.75 + 0.25/2, 0.25/2): the loss is the distance times the weight of the lower output.
  const Result right = cross_entropy({1e4, -1e4}, 0, 0.25);
  EXPECT_NEAR(right.loss, 2e4 * 0.125, 1e-9);
  EXPECT_EQ(right.gradient, (std::vector<Real>{Real(0.125), Real(-0.125)}));
  const Result wrong = cross_entropy({1e4, -1e4}, 1, 0.25);
  EXPECT_NEAR(wrong.loss, 2e4 * 0.875, 1e-9);
}

TEST(CrossEntropy, OfEqualOutputsIsTheLogarithmOfTheirNumber) {
  for (const double smoothing : {0.0, 0.1, 0.5}) {
    for (const std::size_t classes : {1U, 2U, 10U, 1000U}) {
      EXPECT_NEAR(cross_entropy(std::vector<Real>(classes, 3), 0, smoothing).loss,
                  std::log(static_cast<double>(classes)), 1e-12);
    }
  }
}

TEST(CrossEntropy, GradientSumsToZero) {
  const std::vector<Real> outputs = {Real(0.3), Real(-1.25), 2, Real(0.1)};
  for (const double smoothing : {0.0, 0.1}) {
    double sum = 0;
    for (const Real g : cross_entropy(outputs, 2, smoothing).gradient) sum += g;
    EXPECT_NEAR(sum, 0, 4 * std::numeric_limits<Real>::epsilon());
  }
}

TEST(CrossEntropy, OfNotANumberIsNotFinite) {
  const Real nan = std::numeric_limits<Real>::quiet_NaN();
  const Real infinity = std::numeric_limits<Real>::infinity();
  for (const std::vector<Real>& outputs :
       {std::vector<Real>{nan, 0, 1}, {0, nan, 1}, {0, 1, nan}, {infinity, 0, 1}, {0, 1, infinity}}) {
    for (const std::int32_t label : {0, 1, 2}) {
      EXPECT_FALSE(std::isfinite(cross_entropy(outputs, label).loss)) << label;
    }
  }
}

TEST(MeanSquaredError, IsTheMeanOverOutputs) {
  const std::vector<Real> target = {1, 0, -1, 2};
  const Result result = evaluate(*make_mean_squared_error(), {2, 0, 1, -1}, {.labels = {}, .values = target});
  EXPECT_EQ(result.loss, (1 + 0 + 4 + 9) / 4.0);
  EXPECT_EQ(result.gradient, (std::vector<Real>{0.5, 0, 1, -1.5}));
}

TEST(Losses, OfARowAndItsGradientAreMultipliedByItsWeight) {
  const std::vector<Real> target = {1, 0, -1, 2};
  const Real weight = 0.5;
  const Targets targets{.labels = {}, .values = target, .weights = {&weight, 1}};
  const Result result = evaluate(*make_mean_squared_error(), {2, 0, 1, -1}, targets);
  EXPECT_EQ(result.loss, (1 + 0 + 4 + 9) / 8.0);
  EXPECT_EQ(result.gradient, (std::vector<Real>{0.25, 0, 0.5, -0.75}));
  EXPECT_EQ(make_mean_squared_error()->total_weight(targets, 0), 0.5);
  const std::int32_t label = 1;
  EXPECT_EQ(make_cross_entropy(0, {1, 3})->total_weight(
                {.labels = {&label, 1}, .values = {}, .weights = {&weight, 1}}, 0),
            1.5);
}

// The probabilities are 1/8, 2/8 and 5/8.
TEST(CrossEntropy, OfAMixtureIsThatOfBothLabelsByTheirShares) {
  const std::vector<Real> outputs = {0, static_cast<Real>(std::log(2.0)), static_cast<Real>(std::log(5.0))};
  const std::vector<std::int32_t> label = {0};
  const std::vector<std::int32_t> partner_label = {2};
  const std::vector<Real> share = {0.25};
  const Result result =
      evaluate(*make_cross_entropy(0), outputs,
               {.labels = label, .values = {}, .partner_labels = partner_label, .shares = share});
  const double tolerance = 8 * std::numeric_limits<Real>::epsilon();
  EXPECT_NEAR(result.loss, std::log(8.0) - 0.75 * std::log(5.0), tolerance);
  EXPECT_NEAR(result.gradient[0], 1 / 8.0 - 0.25, tolerance);
  EXPECT_NEAR(result.gradient[1], 2 / 8.0, tolerance);
  EXPECT_NEAR(result.gradient[2], 5 / 8.0 - 0.75, tolerance);
}

TEST(CrossEntropy, WithClassWeightsIsThatOfPyTorch) {
  const nlohmann::json golden = test::read_golden("losses.json");
  const auto weights = golden.at("weights").get<std::vector<double>>();
  const auto labels = golden.at("labels").get<std::vector<std::int32_t>>();
  const double tolerance = 16 * std::numeric_limits<Real>::epsilon();
  for (const nlohmann::json& c : golden.at("cases")) {
    const auto loss = make_cross_entropy(c.at("label-smoothing"), weights);
    ASSERT_TRUE(loss->has_weights());
    double sum = 0;
    double divisor = 0;
    std::vector<Real> gradient;
    for (std::size_t row = 0; row < labels.size(); ++row) {
      const Targets targets{.labels = {&labels[row], 1}, .values = {}};
      const Result result = evaluate(*loss, golden.at("outputs").at(row).get<std::vector<Real>>(), targets);
      sum += result.loss;
      divisor += loss->weight(targets, 0);
      gradient.insert(gradient.end(), result.gradient.begin(), result.gradient.end());
    }
    const auto expected = c.at("loss").get<double>();
    EXPECT_NEAR(sum / divisor, expected, 1e-14 * expected) << c.at("label-smoothing");
    for (std::size_t i = 0; i < gradient.size(); ++i) {
      EXPECT_NEAR(gradient[i] / divisor, c.at("gradient").at(i / 4).at(i % 4).get<double>(), tolerance) << i;
    }
  }
}

TEST(CrossEntropy, WithEqualClassWeightsIsThatWithout) {
  const std::vector<Real> outputs = {Real(0.3), Real(-1.25), 2, Real(0.1)};
  for (const double smoothing : {0.0, 0.1, 0.5}) {
    const std::int32_t label = 2;
    const Result one = evaluate(*make_cross_entropy(smoothing, {1, 1, 1, 1}), outputs,
                                {.labels = {&label, 1}, .values = {}});
    const Result none = cross_entropy(outputs, label, smoothing);
    EXPECT_EQ(one.loss, none.loss);
    EXPECT_EQ(one.gradient, none.gradient);
  }
}

TEST(CrossEntropy, WithClassWeightsIsNoLogLossAndHasNoHessian) {
  EXPECT_TRUE(make_cross_entropy(0)->is_log_loss());
  EXPECT_TRUE(make_cross_entropy(0)->has_hessian());
  EXPECT_FALSE(make_cross_entropy(0, {1, 2})->is_log_loss());
  EXPECT_FALSE(make_cross_entropy(0, {1, 2})->has_hessian());
}

TEST(MeanAbsoluteError, IsTheMeanOverOutputs) {
  const std::vector<Real> target = {1, 0, -1, 2};
  const Result result =
      evaluate(*make_mean_absolute_error(), {2, 0, 1, -1}, {.labels = {}, .values = target});
  EXPECT_EQ(result.loss, (1 + 0 + 2 + 3) / 4.0);
  EXPECT_EQ(result.gradient, (std::vector<Real>{0.25, 0, 0.25, -0.25}));
}

TEST(Huber, IsSquareUpToDeltaAndLinearBeyond) {
  // Errors 1, 0, 2, -3, 0.25.
  const std::vector<Real> outputs = {2, 0, 1, -1, 0.25};
  const std::vector<Real> target = {1, 0, -1, 2, 0};
  const Result one = evaluate(*make_huber(1), outputs, {.labels = {}, .values = target});
  EXPECT_EQ(one.loss, (0.5 + 0 + 1.5 + 2.5 + 0.03125) / 5);
  EXPECT_EQ(one.gradient, (std::vector<Real>{Real(1 / 5.0), 0, Real(1 / 5.0), Real(-1 / 5.0), Real(0.05)}));
  const Result half = evaluate(*make_huber(0.5), outputs, {.labels = {}, .values = target});
  EXPECT_EQ(half.loss, (0.375 + 0 + 0.875 + 1.375 + 0.03125) / 5);
  EXPECT_EQ(half.gradient, (std::vector<Real>{Real(0.1), 0, Real(0.1), Real(-0.1), Real(0.05)}));
}

TEST(Huber, IsBetweenHalfTheSquareAndTheAmount) {
  const std::vector<Real> outputs = {Real(0.3), Real(-1.25), 2, Real(0.1)};
  const std::vector<Real> target(4, 0);
  const Targets targets{.labels = {}, .values = target};
  EXPECT_EQ(evaluate(*make_huber(100), outputs, targets).loss,
            evaluate(*make_mean_squared_error(), outputs, targets).loss / 2);
  const double delta = 1e-6;
  EXPECT_NEAR(evaluate(*make_huber(delta), outputs, targets).loss / delta,
              evaluate(*make_mean_absolute_error(), outputs, targets).loss, delta);
}

Result binary_cross_entropy(const std::vector<Real>& outputs, const std::vector<Real>& target) {
  return evaluate(*make_binary_cross_entropy(), outputs, {.labels = {}, .values = target});
}

TEST(BinaryCrossEntropy, IsTheMeanOverOutputs) {
  // The probabilities of 1 are 1/2 and 3/4.
  const auto log_3 = static_cast<Real>(std::log(3.0));
  const double tolerance = 4 * std::numeric_limits<Real>::epsilon();
  const Result ones = binary_cross_entropy({0, log_3}, {1, 1});
  EXPECT_NEAR(ones.loss, (std::log(2) + std::log(4 / 3.0)) / 2, tolerance);
  EXPECT_EQ(ones.gradient[0], -0.25);
  EXPECT_NEAR(ones.gradient[1], -0.125, tolerance);
  const Result zeros = binary_cross_entropy({0, log_3}, {0, 0});
  EXPECT_NEAR(zeros.loss, (std::log(2) + std::log(4)) / 2, tolerance);
  EXPECT_EQ(zeros.gradient[0], 0.25);
  EXPECT_NEAR(zeros.gradient[1], 0.375, tolerance);
}

TEST(BinaryCrossEntropy, IsExactFarFromZero) {
  for (const Real far : {Real(1e4), Real(-1e4)}) {
    const Real sign = far > 0 ? 1 : -1;
    const Result wrong = binary_cross_entropy({far}, {far > 0 ? Real(0) : Real(1)});
    EXPECT_EQ(wrong.loss, 1e4);
    EXPECT_EQ(wrong.gradient, std::vector<Real>{sign});
    const Result right = binary_cross_entropy({far}, {far > 0 ? Real(1) : Real(0)});
    EXPECT_EQ(right.loss, 0);
    EXPECT_EQ(right.gradient, std::vector<Real>{0});
  }
  // log(1 + e) = e where e² is below the rounding.
  EXPECT_NEAR(binary_cross_entropy({-40}, {0}).loss, std::exp(-40), 1e-12 * std::exp(-40));
  EXPECT_NEAR(binary_cross_entropy({-40}, {0}).gradient[0], std::exp(-40), 1e-6 * std::exp(-40));
}

TEST(ElementwiseLosses, OfNotANumberAreNotFinite) {
  const Real nan = std::numeric_limits<Real>::quiet_NaN();
  const Real infinity = std::numeric_limits<Real>::infinity();
  const std::vector<Real> target = {0, 1};
  for (const auto& loss : {make_mean_squared_error, make_mean_absolute_error, make_binary_cross_entropy,
                           +[] { return make_huber(1); }}) {
    for (const std::vector<Real>& outputs :
         {std::vector<Real>{nan, 0}, {0, nan}, {infinity, 0}, {0, -infinity}}) {
      EXPECT_FALSE(std::isfinite(evaluate(*loss(), outputs, {.labels = {}, .values = target}).loss));
    }
  }
}

TEST(Loss, SumsAreThoseOfTheMicroBatches) {
  const std::vector<Real> outputs = {1, 2, 3, 4, 5, 6};
  const std::vector<Real> target(6, 0);
  const OwnedBlock block(counted(6), {1, 3, 2});
  std::vector<double> sums(3, -1);
  make_mean_squared_error()->evaluate(block.training(), {outputs.data(), 6, 1},
                                      {.labels = {}, .values = target}, sums, {nullptr, 0, 0});
  EXPECT_EQ(sums, (std::vector<double>{1, 4 + 9 + 16, 25 + 36}));
}

TEST(CountCorrect, CountsTheFirstOfEqualOutputs) {
  const auto correct = [](const Matrix& outputs, std::int32_t label) {
    return count_correct(test::view(outputs), {&label, 1});
  };
  // Widths on both sides of any vector register; the largest value twice.
  for (const Index width : {2, 3, 8, 10, 16, 33}) {
    for (Index first = 0; first < width; ++first) {
      for (Index second = first + 1; second < width; ++second) {
        Matrix outputs = Matrix::Constant(1, width, -1);
        outputs(0, first) = 1;
        outputs(0, second) = 1;
        EXPECT_EQ(correct(outputs, static_cast<std::int32_t>(first)), 1) << first << " of " << width;
        EXPECT_EQ(correct(outputs, static_cast<std::int32_t>(second)), 0) << second << " of " << width;
      }
    }
  }
  EXPECT_EQ(correct(Matrix::Zero(1, 5), 0), 1);
  EXPECT_EQ(correct(Matrix::Zero(1, 5), 4), 0);
}

TEST(CountCorrect, CountsRows) {
  Matrix outputs(3, 2);
  outputs << 1, 2, 2, 1, 5, 3;
  EXPECT_EQ(count_correct(read_only(test::view(outputs)), std::vector<std::int32_t>{1, 1, 0}), 2);
}

// In Eigen's search NaN stands for the first class.
TEST(CountCorrect, ARowThatIsNotFiniteIsNeverRight) {
  for (const Real bad : {std::numeric_limits<Real>::quiet_NaN(), std::numeric_limits<Real>::infinity(),
                         -std::numeric_limits<Real>::infinity()}) {
    for (Index place = 0; place < 3; ++place) {
      Matrix outputs(2, 3);
      outputs << 1, 2, 3, 1, 2, 3;
      outputs(1, place) = bad;
      EXPECT_EQ(predicted_class(read_only(test::view(outputs)), 1), std::nullopt);
      for (std::int32_t label = 0; label < 3; ++label) {
        EXPECT_EQ(count_correct(read_only(test::view(outputs)), std::vector<std::int32_t>{2, label}), 1);
      }
      EXPECT_EQ(count_correct(read_only(test::view(outputs)), std::vector<Real>{1, 1, 1, 1, 1, 1}), 3)
          << "nor any of its labels";
    }
  }
}

TEST(CountCorrect, CountsEveryLabelOfARow) {
  Matrix outputs(2, 3);
  outputs << Real(0.1), -1, 0, 5, -2, Real(1e-9);
  // Above 0 means 1, so that 0 itself means 0.
  const auto correct = [&](const std::vector<Real>& targets) {
    return count_correct(read_only(test::view(outputs)), targets);
  };
  EXPECT_EQ(correct({1, 0, 0, 1, 0, 1}), 6);
  EXPECT_EQ(correct({0, 1, 1, 0, 1, 0}), 0);
  EXPECT_EQ(correct({1, 1, 1, 1, 1, 1}), 3);
}

}  // namespace
}  // namespace lockstep
