#include <array>
#include <cstdint>
#include <random>
#include <vector>

#include "nn_helpers.hpp"
#include <gtest/gtest.h>

#include "lockstep/nn/products.hpp"

namespace lockstep {
namespace {

using Values = std::vector<Real>;

/// Three shapes of one product: rows of the micro-batch, inputs, outputs.
struct Shape {
  Index rows, in, out;
};

/// From single elements to several blocks of any kernel, odd ones among them.
std::vector<Shape> shapes() {
  std::vector<Shape> all = {{1, 1, 1}, {1, 784, 10}, {125, 784, 128}, {128, 128, 10}, {7, 300, 1}};
  std::mt19937 generator(1);
  for (int i = 0; i < 60; ++i) {
    const auto size = [&] { return static_cast<Index>(1 + generator() % (i % 2 == 0 ? 20 : 200)); };
    all.push_back({size(), size(), size()});
  }
  return all;
}

/// Values that begin `offset` elements behind a boundary of 64 bytes.
class Placed {
 public:
  Placed(const Values& values, std::size_t offset) : storage_(values.size() + 2 * kLine) {
    const auto address = reinterpret_cast<std::uintptr_t>(storage_.data()) / sizeof(Real);
    data_ = storage_.data() + (kLine - address % kLine) % kLine + offset;
    std::copy(values.begin(), values.end(), data_);
  }
  Real* data() { return data_; }

 private:
  static constexpr std::size_t kLine = 64 / sizeof(Real);
  std::vector<Real> storage_;
  Real* data_;
};

struct Results {
  Values y, dx, dw;
  bool operator==(const Results&) const = default;
};

Results multiply(const Shape& s, const std::array<std::size_t, 5>& offsets) {
  Placed x(test::random_values(s.rows * s.in, 1), offsets[0]);
  Placed w(test::random_values(s.out * s.in, 2), offsets[1]);
  Placed bias(test::random_values(s.out, 3), offsets[2]);
  Placed dy(test::random_values(s.rows * s.out, 4), offsets[3]);
  const ConstMatrixView x_view(x.data(), s.rows, s.in);
  const ConstMatrixView w_view(w.data(), s.out, s.in);
  const ConstMatrixView dy_view(dy.data(), s.rows, s.out);

  Placed y(Values(static_cast<std::size_t>(s.rows * s.out)), offsets[4]);
  Placed dx(Values(static_cast<std::size_t>(s.rows * s.in)), offsets[4]);
  Placed dw(Values(static_cast<std::size_t>(s.out * s.in)), offsets[4]);
  multiply_forward(x_view, w_view, bias.data(), {y.data(), s.rows, s.out});
  multiply_input_gradient(dy_view, w_view, {dx.data(), s.rows, s.in});
  multiply_weight_gradient(dy_view, 0, x_view, {dw.data(), s.out, s.in});
  return {Values(y.data(), y.data() + s.rows * s.out), Values(dx.data(), dx.data() + s.rows * s.in),
          Values(dw.data(), dw.data() + s.out * s.in)};
}

// A micro-batch stands elsewhere in memory for every number of ranks.
TEST(Products, HaveTheSameBitsWhereverTheOperandsStand) {
  std::mt19937 generator(2);
  for (const Shape& s : shapes()) {
    const Results aligned = multiply(s, {});
    for (int trial = 0; trial < 4; ++trial) {
      std::array<std::size_t, 5> offsets{};
      for (std::size_t& offset : offsets) offset = generator() % (64 / sizeof(Real));
      EXPECT_EQ(multiply(s, offsets), aligned) << s.rows << " x " << s.in << " x " << s.out;
    }
  }
}

TEST(Products, AreTheSumsOfTheirDefinition) {
  for (const Shape& s : shapes()) {
    const Values x = test::random_values(s.rows * s.in, 1);
    const Values w = test::random_values(s.out * s.in, 2);
    const Values bias = test::random_values(s.out, 3);
    const Values dy = test::random_values(s.rows * s.out, 4);
    std::vector<double> y(static_cast<std::size_t>(s.rows * s.out));
    std::vector<double> dx(static_cast<std::size_t>(s.rows * s.in));
    std::vector<double> dw(static_cast<std::size_t>(s.out * s.in));
    for (Index r = 0; r < s.rows; ++r) {
      for (Index o = 0; o < s.out; ++o) {
        double& sum = y[r * s.out + o];
        sum = bias[o];
        for (Index i = 0; i < s.in; ++i) {
          sum += double{x[r * s.in + i]} * w[o * s.in + i];
          dx[r * s.in + i] += double{dy[r * s.out + o]} * w[o * s.in + i];
          dw[o * s.in + i] += double{dy[r * s.out + o]} * x[r * s.in + i];
        }
      }
    }
    const Results found = multiply(s, {});
    const double tolerance = test::kIsDouble ? 1e-12 : 1e-4;
    EXPECT_LT(test::largest_relative_error(found.y, y, 1e-1), tolerance);
    EXPECT_LT(test::largest_relative_error(found.dx, dx, 1e-1), tolerance);
    EXPECT_LT(test::largest_relative_error(found.dw, dw, 1e-1), tolerance);
  }
}

// A layer's gradient is computed in tiles of some outputs.
TEST(Products, OfSomeOutputsAreThoseOfAll) {
  for (const Shape& s : shapes()) {
    const Results all = multiply(s, {});
    const Values x = test::random_values(s.rows * s.in, 1);
    const Values dy = test::random_values(s.rows * s.out, 4);
    const Index first = s.out / 3;
    const Index count = s.out - first - s.out / 4;
    Values some(static_cast<std::size_t>(count * s.in));
    multiply_weight_gradient({dy.data(), s.rows, s.out}, first, {x.data(), s.rows, s.in},
                             {some.data(), count, s.in});
    const auto expected = std::span(all.dw).subspan(static_cast<std::size_t>(first * s.in), some.size());
    EXPECT_LT(test::largest_relative_error(some, expected, 1e-1), test::kIsDouble ? 1e-12 : 1e-4);
  }
}

}  // namespace
}  // namespace lockstep
