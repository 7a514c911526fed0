// What optimizers keep: how it lies, and that parts of it go to whoever owns the parameters.

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include "core/named.hpp"
#include "lockstep/optim/optimizer.hpp"
#include "nn_helpers.hpp"

namespace lockstep {
namespace {

ParameterLayout layout() {
  ParameterLayout result;
  result.add(0, "0.weight", {.shape = {6, 5}, .role = TensorRole::kWeight});
  result.add(0, "0.bias", {.shape = {6}, .role = TensorRole::kBias});
  result.add(2, "2.weight", {.shape = {2, 6}, .role = TensorRole::kWeight});
  result.add(2, "2.bias", {.shape = {2}, .role = TensorRole::kBias});
  return result;
}

void expect_range(ParameterRange range, Index offset, Index size) {
  EXPECT_EQ(range.offset, offset);
  EXPECT_EQ(range.size, size);
}

TEST(StateLayout, OfTheParametersHasOneValueForEach) {
  const StateLayout state(layout());
  EXPECT_EQ(state.size(), 50);
  expect_range(state.range_of({0, 50}), 0, 50);
  expect_range(state.range_of({7, 30}), 7, 30);
  expect_range(state.range_of({36, 0}), 36, 0);
}

TEST(StateLayout, HasWhatIsKeptForEachTensor) {
  StateLayout state;
  expect_range(state.add(layout().tensors()[1], {3, 6}), 0, 18);
  expect_range(state.add(layout().tensors()[2], {2}), 18, 2);
  EXPECT_EQ(state.size(), 20);
  EXPECT_EQ(state.parts()[1].tensor, "2.weight");
  expect_range(state.range_of({0, 30}), 0, 0);
  expect_range(state.range_of({3, 11}), 0, 0);
  expect_range(state.range_of({0, 36}), 0, 18);
  expect_range(state.range_of({30, 18}), 0, 20);
  expect_range(state.range_of({36, 12}), 18, 2);
  expect_range(state.range_of({48, 2}), 20, 0);
}

class StateOf : public testing::TestWithParam<std::string> {};

// Two optimizers that share the tensors keep, together, what one keeps, and step alike.
TEST_P(StateOf, GoesWithTheParametersToTheirOwners) {
  const OptimizerOptions options{
      .name = GetParam(), .hyperparameters = with_defaults(find_algorithm(GetParam()).hyperparameters, {})};
  if (find_algorithm(GetParam()).scope == Scope::kModel) return;
  Optimizer all(options, layout());
  Optimizer first(options, layout(), {{0, 30}, {48, 2}});
  Optimizer second(options, layout(), {{30, 18}});
  std::vector<Real> x = test::random_values(50, 1);
  std::vector<Real> shared = x;
  for (std::uint64_t t = 1; t <= 3; ++t) {
    const std::vector<Real> g = test::random_values(50, 1 + t);
    all.step(x, g, 1, 1, t);
    first.step(shared, g, 1, 1, t);
    second.step(shared, g, 1, 1, t);
  }
  EXPECT_EQ(shared, x);
  for (std::size_t i = 0; i < all.state().size(); ++i) {
    const NamedState whole = all.state()[i];
    EXPECT_EQ(first.state()[i].name, whole.name);
    EXPECT_EQ(std::ssize(whole.values), whole.layout.size());
    EXPECT_EQ(first.state()[i].layout.size(), whole.layout.size());
    const auto part = [&](ParameterRange parameters) {
      const ParameterRange range = whole.layout.range_of(parameters);
      return whole.values.subspan(static_cast<std::size_t>(range.offset),
                                  static_cast<std::size_t>(range.size));
    };
    std::vector<Real> expected(part({0, 30}).begin(), part({0, 30}).end());
    expected.insert(expected.end(), part({48, 2}).begin(), part({48, 2}).end());
    EXPECT_TRUE(std::ranges::equal(first.state()[i].values, expected)) << whole.name;
    EXPECT_TRUE(std::ranges::equal(second.state()[i].values, part({30, 18}))) << whole.name;
  }
}

std::vector<std::string> names() { return names_of(algorithms()); }

// What decays where gradients have become 0 comes to 0: it is never a subnormal number, with which processors
// are slow.
TEST_P(StateOf, IsNeverSubnormal) {
  if (find_algorithm(GetParam()).needs_hessian) return;
  const Real smallest = std::numeric_limits<Real>::min();
  for (const Real first : {85 * smallest, 9 * std::sqrt(smallest), Real(0.9) * std::sqrt(smallest)}) {
    Hyperparameters values = with_defaults(find_algorithm(GetParam()).hyperparameters, {});
    if (values.contains("momentum")) values["momentum"] = 0.9;
    Optimizer optimizer({.name = GetParam(), .hyperparameters = values}, layout());
    std::vector<Real> x = test::random_values(50, 1);
    std::vector<Real> g(50, first);
    for (std::uint64_t t = 1; t <= 200; ++t) {
      optimizer.step(x, g, 1, 1, t);
      std::fill(g.begin(), g.end(), Real(0));
      for (const NamedState& state : optimizer.state()) {
        for (const Real value : state.values) {
          ASSERT_NE(std::fpclassify(value), FP_SUBNORMAL) << state.name << " after step " << t;
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(EveryAlgorithm, StateOf, testing::ValuesIn(names()),
                         [](const auto& name) { return test::identifier(name.param); });

}  // namespace
}  // namespace lockstep
