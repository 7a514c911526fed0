// Softmax as a unit, against its closed form.

#include <cmath>

#include <gtest/gtest.h>

#include "data_helpers.hpp"
#include "lockstep/nn/units.hpp"
#include "nn_helpers.hpp"

namespace lockstep {
namespace {

using test::counted;
using test::OwnedBlock;

TEST(Softmax, GivesPartsOfOne) {
  Network network(3);
  network.add(lockstep::softmax()).parameters();
  Matrix x(2, 3);
  x << 0, std::log(Real(2)), std::log(Real(3)), 1e30, 1e30, -1e30;
  const auto y = network.forward(OwnedBlock(counted(2)).training(), test::view(std::as_const(x)));
  const std::vector<double> expected = {1 / 6.0, 2 / 6.0, 3 / 6.0, 0.5, 0.5, 0};
  EXPECT_LT(test::largest_relative_error(std::span(y.data(), 6), expected, 1), 4e-7);
}

// dx_i = y_i (dy_i - Σ dy y) for y = (1, 2, 3) / 6 and dy = (6, 0, 0): Σ dy y = 1.
TEST(Softmax, HandsBackTheProductWithItsJacobian) {
  const std::unique_ptr<Unit> unit = lockstep::softmax();
  const Shape shape(3);
  unit->connect({&shape, 1});
  Matrix x(1, 3);
  x << 0, std::log(Real(2)), std::log(Real(3));
  Matrix y(1, 3);
  Matrix dy(1, 3);
  dy << 6, 0, 0;
  Matrix dx(1, 3);
  const ConstMatrixView inputs = test::view(std::as_const(x));
  const MatrixView by_inputs = test::view(dx);
  const OwnedBlock block(counted(1));
  test::RecordingSink sink(0);
  unit->forward(block.training(), {&inputs, 1}, test::view(y));
  unit->backward(block.training(), {&inputs, 1}, read_only(test::view(y)), test::view(std::as_const(dy)),
                 {&by_inputs, 1}, sink);
  const std::vector<double> expected = {5 / 6.0, -2 / 6.0, -3 / 6.0};
  EXPECT_LT(test::largest_relative_error(std::span(std::as_const(dx).data(), 3), expected, 1), 4e-7);
}

TEST(Softmax, RefusesPictures) {
  EXPECT_TRUE(test::is_bad_input(
      [] {
        Network("softmax, linear 2", Shape(std::vector<Index>{2, 3, 3}));
      },
      {"0 (softmax)", "2 x 3 x 3", "expected one axis", "flatten"}));
}

}  // namespace
}  // namespace lockstep
