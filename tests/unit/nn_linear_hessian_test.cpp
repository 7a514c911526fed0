// The Hessian of one linear unit against central differences of the gradient.

#include <algorithm>
#include <memory>

#include <gtest/gtest.h>

#include "lockstep/nn/gradient_check.hpp"
#include "lockstep/nn/linear_hessian.hpp"
#include "nn_helpers.hpp"

namespace lockstep {
namespace {

constexpr Index kInputs = 4;
constexpr Index kOutputs = 3;
constexpr Index kRows = 6;

class LinearHessianTest : public testing::Test {
 protected:
  LinearHessianTest() {
    const std::vector<Real> values = test::random_values(kRows * kInputs, 1);
    x_ = Eigen::Map<const Matrix>(values.data(), kRows, kInputs);
    const std::vector<Real> targets = test::random_values(kRows * kOutputs, 2);
    for (Index r = 0; r < kRows; ++r) labels_.push_back(static_cast<std::int32_t>(r % kOutputs));
    for (const Real value : targets) values_.push_back(value > 0 ? Real(1) : Real(0));
    const std::vector<Real> weights = test::random_values(kOutputs * (kInputs + 1), 3);
    std::copy(weights.begin(), weights.end(), model_.parameters().begin());
  }

  std::vector<Real> gradient(const Loss& loss) {
    std::vector<Real> g(model_.parameters().size());
    const test::OwnedBlock block(test::counted(kRows));
    plain_gradient(model_, loss, block.training(), read_only(test::view(x_)),
                   {.labels = labels_, .values = values_, .weights = weights_}, g);
    return g;
  }

  void expect_derivative_of_gradient(const Loss& loss) {
    LinearHessian hessian(model_, loss);
    std::vector<Real> packed(static_cast<std::size_t>(hessian.size()));
    const test::OwnedBlock block(test::counted(kRows));
    hessian.compute(read_only(test::view(x_)), model_.forward(block.training(), read_only(test::view(x_))),
                    weights_, packed.data());
    const Eigen::MatrixXd h = hessian.unpack(packed);
    ASSERT_EQ(h.rows(), kOutputs * (kInputs + 1));
    const Real step = test::kIsDouble ? Real(1e-5) : Real(1e-2);
    for (std::size_t j = 0; j < model_.parameters().size(); ++j) {
      const Real before = model_.parameters()[j];
      model_.parameters()[j] = before + step;
      const std::vector<Real> above = gradient(loss);
      model_.parameters()[j] = before - step;
      const std::vector<Real> below = gradient(loss);
      model_.parameters()[j] = before;
      for (std::size_t i = 0; i < above.size(); ++i) {
        EXPECT_NEAR(h(static_cast<Index>(i), static_cast<Index>(j)), (above[i] - below[i]) / (2 * step),
                    test::kIsDouble ? 1e-8 : 2e-3)
            << i << ", " << j;
      }
    }
  }

  Matrix x_;
  std::vector<std::int32_t> labels_;
  std::vector<Real> values_;
  std::vector<Real> weights_;
  Network model_{"linear 3", kInputs};
};

TEST_F(LinearHessianTest, OfCrossEntropy) { expect_derivative_of_gradient(*make_cross_entropy(0)); }
TEST_F(LinearHessianTest, OfSmoothedCrossEntropy) { expect_derivative_of_gradient(*make_cross_entropy(0.2)); }
TEST_F(LinearHessianTest, OfMeanSquaredError) { expect_derivative_of_gradient(*make_mean_squared_error()); }
TEST_F(LinearHessianTest, OfBinaryCrossEntropy) {
  expect_derivative_of_gradient(*make_binary_cross_entropy());
}
TEST_F(LinearHessianTest, OfRowsWithWeights) {
  weights_ = {2, 0, Real(0.5), 1, 3, Real(0.25)};
  expect_derivative_of_gradient(*make_cross_entropy(0));
}

}  // namespace
}  // namespace lockstep
