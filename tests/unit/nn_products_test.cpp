#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <span>
#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>

#include "core/statistics.hpp"
#include "core/vector_unit.hpp"
#include "lockstep/core/threads.hpp"
#include "lockstep/nn/bfloat16_products.hpp"
#include "lockstep/nn/products.hpp"
#include "nn/bfloat16.hpp"
#include "nn_helpers.hpp"

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

/// Values that begin `offset` elements after a boundary of 64 bytes.
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

/// Some outputs of a shape, as a tile of a layer's gradient has them.
struct Outputs {
  Index first, count;
};
Outputs part_of(const Shape& s) { return {s.out / 3, s.out - s.out / 3 - s.out / 4}; }

struct Results {
  Values y, dx, dw;
  Values dw_part;  // of the outputs from part_of(shape).first on
  Values dw_sum;   // added to the weights
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
  const auto [first, count] = part_of(s);
  Placed dw_part(Values(static_cast<std::size_t>(count * s.in)), offsets[4]);
  multiply_weight_gradient(dy_view, first, x_view, {dw_part.data(), count, s.in});
  Placed dw_sum(test::random_values(s.out * s.in, 2), offsets[4]);
  multiply_weight_gradient(dy_view, 0, x_view, {dw_sum.data(), s.out, s.in}, true);
  return {Values(y.data(), y.data() + s.rows * s.out), Values(dx.data(), dx.data() + s.rows * s.in),
          Values(dw.data(), dw.data() + s.out * s.in), Values(dw_part.data(), dw_part.data() + count * s.in),
          Values(dw_sum.data(), dw_sum.data() + s.out * s.in)};
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

/// The products of a shape by their definition.
Results by_definition(const Shape& s) {
  const Values x = test::random_values(s.rows * s.in, 1);
  const Values w = test::random_values(s.out * s.in, 2);
  const Values bias = test::random_values(s.out, 3);
  const Values dy = test::random_values(s.rows * s.out, 4);
  Results results{Values(static_cast<std::size_t>(s.rows * s.out)),
                  Values(static_cast<std::size_t>(s.rows * s.in)),
                  Values(static_cast<std::size_t>(s.out * s.in)),
                  {},
                  w};
  for (Index r = 0; r < s.rows; ++r) {
    for (Index o = 0; o < s.out; ++o) {
      for (Index i = 0; i < s.in; ++i) {
        Real& y = results.y[r * s.out + o];
        Real& dx = results.dx[r * s.in + i];
        Real& dw = results.dw[o * s.in + i];
        y = std::fma(x[r * s.in + i], w[o * s.in + i], y);
        dx = std::fma(dy[r * s.out + o], w[o * s.in + i], dx);
        dw = std::fma(dy[r * s.out + o], x[r * s.in + i], dw);
      }
      results.y[r * s.out + o] += bias[o];
    }
  }
  for (std::size_t i = 0; i < w.size(); ++i) results.dw_sum[i] += results.dw[i];
  const auto [first, count] = part_of(s);
  results.dw_part.assign(results.dw.begin() + first * s.in, results.dw.begin() + (first + count) * s.in);
  return results;
}

// To the bit: with each vector unit that this processor has, and with one thread or several.
TEST(Products, AreChainsOfFusedMultiplyAdds) {
  const VectorUnit widest = vector_unit();
  std::vector<Shape> all = shapes();
  // More terms, rows and columns than are taken at a time, distances between rows that are powers of two, and
  // rows that are shorter than a vector.
  for (const Shape& s : {Shape{3, 700, 2}, Shape{130, 1024, 33}, Shape{33, 9, 1024}, Shape{5, 40, 300},
                         Shape{300, 65, 130}, Shape{8, 512, 600}, Shape{30, 600, 70}, Shape{120, 1100, 20},
                         Shape{8, 10, 1024}, Shape{5, 3, 100}, Shape{512, 10, 10}}) {
    all.push_back(s);
  }
  for (const Shape& s : all) {
    const Results expected = by_definition(s);
    for (const VectorUnit unit : vector_units()) {
      use_vector_unit(unit);
      for (const int count : {1, 3}) {
        set_threads(count);
        EXPECT_EQ(multiply(s, {}), expected) << s.rows << " x " << s.in << " x " << s.out << " with "
                                             << to_text(unit) << " and " << count << " threads";
      }
    }
  }
  set_threads(1);
  use_vector_unit(widest);
}

// -0 is the sum of no product but in a chain that begins with +0 it is +0; and what is not finite goes its
// way.
TEST(Products, BeginWithPositiveZeroAndKeepWhatIsNotFinite) {
  const Real infinity = std::numeric_limits<Real>::infinity();
  const Values x = {-0.0F, 1, infinity, 1, std::numeric_limits<Real>::quiet_NaN(), 1};
  const Values w = {1, -0.0F};
  const Values bias = {-0.0F};
  Values y(3);
  multiply_forward(ConstMatrixView(x.data(), 3, 2), ConstMatrixView(w.data(), 1, 2), bias.data(),
                   {y.data(), 3, 1});
  EXPECT_EQ(y[0], 0);
  EXPECT_FALSE(std::signbit(y[0]));
  EXPECT_EQ(y[1], infinity);
  EXPECT_TRUE(std::isnan(y[2]));
}

/// A sum of products by its definition, and what bounds the rounding of any order of its terms.
class Sum {
 public:
  void add(Real a, Real b) {
    const long double term = static_cast<long double>(a) * b;
    value_ += term;
    magnitude_ += std::abs(term);
    ++terms_;
  }

  /// The error of `found` over lambda sqrt(n) u |a|'|b|, the bound for n terms in any order of Higham and
  /// Mary (2019), SIAM J. Sci. Comput. 41, A2815, on inner products: above 1 for one right sum in 10^10 at
  /// most.
  double error(Real found) const {
    constexpr double kLambda = 8;
    constexpr double kUnitRoundoff = std::numeric_limits<Real>::epsilon() / 2;
    const auto bound = kLambda * std::sqrt(terms_) * kUnitRoundoff * static_cast<double>(magnitude_);
    return static_cast<double>(std::abs(found - value_)) / bound;
  }

 private:
  long double value_ = 0, magnitude_ = 0;
  int terms_ = 0;
};

double largest_error(std::span<const Real> found, std::span<const Sum> sums) {
  if (found.size() != sums.size()) throw std::logic_error("sizes differ");
  double largest = 0;
  for (std::size_t i = 0; i < sums.size(); ++i) largest = larger(largest, sums[i].error(found[i]));
  return largest;
}

TEST(Products, AreTheSumsOfTheirDefinition) {
  for (const Shape& s : shapes()) {
    const Values x = test::random_values(s.rows * s.in, 1);
    const Values w = test::random_values(s.out * s.in, 2);
    const Values bias = test::random_values(s.out, 3);
    const Values dy = test::random_values(s.rows * s.out, 4);
    std::vector<Sum> y(static_cast<std::size_t>(s.rows * s.out));
    std::vector<Sum> dx(static_cast<std::size_t>(s.rows * s.in));
    std::vector<Sum> dw(static_cast<std::size_t>(s.out * s.in));
    for (Index r = 0; r < s.rows; ++r) {
      for (Index o = 0; o < s.out; ++o) {
        Sum& sum = y[r * s.out + o];
        sum.add(bias[o], 1);
        for (Index i = 0; i < s.in; ++i) {
          sum.add(x[r * s.in + i], w[o * s.in + i]);
          dx[r * s.in + i].add(dy[r * s.out + o], w[o * s.in + i]);
          dw[o * s.in + i].add(dy[r * s.out + o], x[r * s.in + i]);
        }
      }
    }
    const auto [first, count] = part_of(s);
    const auto dw_part = std::span<const Sum>(dw).subspan(static_cast<std::size_t>(first * s.in),
                                                          static_cast<std::size_t>(count * s.in));
    const Results found = multiply(s, {});
    EXPECT_LT(largest_error(found.y, y), 1);
    EXPECT_LT(largest_error(found.dx, dx), 1);
    EXPECT_LT(largest_error(found.dw, dw), 1);
    EXPECT_LT(largest_error(found.dw_part, dw_part), 1);
  }
}

/// `values` rounded to bfloat16, by Eigen's own conversion.
Matrix rounded(const Matrix& values) {
  return values.unaryExpr(
      [](Real value) { return static_cast<Real>(static_cast<float>(Bfloat16(static_cast<float>(value)))); });
}

/// Σ_k a[i, k] b[k, j] in pairs of terms, the second of each first (lockstep/nn/bfloat16_products.hpp).
Matrix in_pairs(const Matrix& a, const Matrix& b) {
  Matrix c(a.rows(), b.cols());
  for (Index i = 0; i < a.rows(); ++i) {
    for (Index j = 0; j < b.cols(); ++j) {
      Real sum = 0;
      for (Index k = 0; k < a.cols(); k += 2) {
        if (k + 1 < a.cols()) sum = std::fma(a(i, k + 1), b(k + 1, j), sum);
        sum = std::fma(a(i, k), b(k, j), sum);
      }
      c(i, j) = sum;
    }
  }
  return c;
}

struct PairResults {
  Matrix y, dx, dw;
  bool operator==(const PairResults&) const = default;
};

PairResults multiply_pairs(const Matrix& x, const Matrix& w, const Real* bias, const Matrix& dy) {
  PairResults results{Matrix(x.rows(), w.rows()), Matrix(x.rows(), w.cols()), Matrix(w.rows(), w.cols())};
  Bfloat16Matrix x16;
  Bfloat16Matrix w16;
  Bfloat16Matrix dy16;
  x16.assign_rows(view(x));
  w16.assign_rows(view(w));
  multiply_forward(x16.view(), w16.view(), bias, view(results.y));
  dy16.assign_rows(view(dy));
  w16.assign_columns(view(w));
  multiply_input_gradient(dy16.view(), w16.view(), view(results.dx));
  x16.assign_columns(view(x));
  dy16.assign_columns(view(dy));
  multiply_weight_gradient(dy16.view(), 0, x16.view(), view(results.dw));
  return results;
}

// To the bit.
TEST(Products, OfBfloat16AreWhatTheyAreDefinedAs) {
  const VectorUnit widest = vector_unit();
  for (const Shape& s : shapes()) {
    const Matrix x = test::random_matrix(s.rows, s.in, 1);
    const Matrix w = test::random_matrix(s.out, s.in, 2);
    const Matrix dy = test::random_matrix(s.rows, s.out, 3);
    const Matrix bias = test::random_matrix(1, s.out, 4);
    PairResults expected{in_pairs(rounded(x), rounded(w).transpose()), in_pairs(rounded(dy), rounded(w)),
                         in_pairs(rounded(dy).transpose(), rounded(x))};
    expected.y.rowwise() += bias.row(0);
    for (const VectorUnit unit : vector_units()) {
      use_vector_unit(unit);
      for (const int count : {1, 3}) {
        set_threads(count);
        EXPECT_TRUE(multiply_pairs(x, w, bias.data(), dy) == expected)
            << s.rows << " x " << s.in << " x " << s.out << ", " << to_text(unit);
      }
    }
  }
  set_threads(1);
  use_vector_unit(widest);
}

// A micro-batch's pairs begin with its first row.
TEST(Products, OfBfloat16PairTheRowsOfEachMicroBatch) {
  const Matrix x = test::random_matrix(9, 5, 1);
  const Matrix dy = test::random_matrix(9, 4, 2);
  const std::array<MicroBatchRows, 3> micro_batches{{{0, 0, 3}, {1, 3, 5}, {2, 8, 1}}};
  const std::array<Index, 9> samples{};
  const RowBlock block{.micro_batches = micro_batches, .samples = samples};
  Bfloat16Matrix x16;
  Bfloat16Matrix dy16;
  x16.assign_columns(view(x), block);
  dy16.assign_columns(view(dy), block);
  for (const MicroBatchRows& m : micro_batches) {
    Matrix dw(4, 5);
    multiply_weight_gradient(dy16.of(m), 0, x16.of(m), view(dw));
    const Matrix own_dy = dy.middleRows(m.first, m.count);
    const Matrix own_x = x.middleRows(m.first, m.count);
    EXPECT_EQ(dw, in_pairs(rounded(own_dy).transpose(), rounded(own_x)));
  }
}

/// x w, of one pair.
Real of_one_pair(std::array<float, 2> x, std::array<float, 2> w) {
  const Matrix a = Matrix{{static_cast<Real>(x[0]), static_cast<Real>(x[1])}};
  const Matrix b = Matrix{{static_cast<Real>(w[0]), static_cast<Real>(w[1])}};
  Bfloat16Matrix a16;
  Bfloat16Matrix b16;
  a16.assign_rows(view(a));
  b16.assign_rows(view(b));
  Matrix y(1, 1);
  multiply_forward(a16.view(), b16.view(), nullptr, view(y));
  return y(0, 0);
}

// Intel, Software Developer's Manual, VDPBF16PS: subnormal numbers are zero on the way in and out.
TEST(Products, OfBfloat16HaveNoSubnormalNumbers) {
  if (test::kIsDouble) return;  // which has these numbers
  const VectorUnit widest = vector_unit();
  for (const VectorUnit unit : vector_units()) {
    use_vector_unit(unit);
    EXPECT_EQ(of_one_pair({0x1p-126F, 0}, {1, 0}), 0x1p-126F) << to_text(unit);
    EXPECT_EQ(of_one_pair({0x1p-127F, 0}, {2, 0}), 0) << to_text(unit);
    EXPECT_EQ(of_one_pair({0x1p-100F, 0}, {0x1p-27F, 0}), 0) << to_text(unit);
    EXPECT_TRUE(std::signbit(of_one_pair({-0x1p-100F, 0}, {0x1p-27F, 0}))) << to_text(unit);
    // The second product comes first, and is lost although both together are a normal number.
    EXPECT_EQ(of_one_pair({0x1p-100F, 0x1p-100F}, {0x1p-26F, 0x1p-27F}), 0x1p-126F) << to_text(unit);
    // 2^-126 - 1.5 · 2^-151 is 2^-126 to the nearest subnormal number, but less with 24 bits.
    EXPECT_EQ(of_one_pair({-0x1.8p-76F, 0x1p-126F}, {0x1p-75F, 1}), 0) << to_text(unit);
    EXPECT_EQ(of_one_pair({0x1p-75F, 0x1p-126F}, {-0x1.8p-76F, 1}), 0) << to_text(unit);
    // 2^-126 - 2^-152 is that with 24 bits too.
    EXPECT_EQ(of_one_pair({-0x1p-76F, 0x1p-126F}, {0x1p-76F, 1}), 0x1p-126F) << to_text(unit);
  }
  use_vector_unit(widest);
}

// All that 16 bits can be, also what is no number.
TEST(Products, OfBfloat16HaveTheSameBitsWithAllVectorUnitsOfThisProcessor) {
  const VectorUnit widest = vector_unit();
  std::mt19937 generator(5);
  for (int trial = 0; trial < 200; ++trial) {
    // Exponents near each other, so that sums are not one term alone.
    const auto exponent = static_cast<std::uint32_t>(generator() % 256);
    const auto values = [&](Index rows, Index columns) {
      Matrix matrix(rows, columns);
      for (Real& value : matrix.reshaped()) {
        const auto any = static_cast<std::uint32_t>(generator());
        const std::uint32_t near = (any & 0x807f0000U) | (((exponent + any % 8) & 0xffU) << 23U);
        value = static_cast<Real>(
            std::bit_cast<float>(any % 64 == 0 ? static_cast<std::uint32_t>(generator()) : near));
      }
      return matrix;
    };
    const Matrix x = values(5, 7);
    const Matrix w = values(33, 7);
    const Matrix dy = values(5, 33);
    const Matrix bias = Matrix::Zero(1, 33);
    use_vector_unit(widest);
    const PairResults expected = multiply_pairs(x, w, bias.data(), dy);
    for (const VectorUnit unit : vector_units()) {
      use_vector_unit(unit);
      const PairResults found = multiply_pairs(x, w, bias.data(), dy);
      const auto same = [](const Matrix& a, const Matrix& b) {
        return std::ranges::equal(a.reshaped(), b.reshaped(), [](Real p, Real q) {
          return (std::isnan(p) && std::isnan(q)) || (p == q && std::signbit(p) == std::signbit(q));
        });
      };
      EXPECT_TRUE(same(found.y, expected.y) && same(found.dx, expected.dx) && same(found.dw, expected.dw))
          << to_text(unit) << ", trial " << trial;
    }
  }
  use_vector_unit(widest);
}

// Eigen's own conversion is the independent one.
TEST(Bfloat16, IsRoundedToNearestEven) {
  std::vector<Real> values = {0,
                              -0.0F,
                              1,
                              -1,
                              1.00390625F,
                              1.01171875F,
                              3.4e38F,
                              -3.4e38F,
                              1e-45F,
                              std::numeric_limits<float>::infinity(),
                              -std::numeric_limits<float>::infinity()};
  std::mt19937 generator(3);
  for (int i = 0; i < 100000; ++i) {
    const auto value = std::bit_cast<float>(static_cast<std::uint32_t>(generator()));
    if (!std::isnan(value)) values.push_back(value);
  }
  std::vector<Bfloat16> found(values.size());
  to_bfloat16(values.data(), std::ssize(values), found.data());
  for (std::size_t i = 0; i < values.size(); ++i) {
    EXPECT_EQ(std::bit_cast<std::uint16_t>(found[i]),
              std::bit_cast<std::uint16_t>(Bfloat16(static_cast<float>(values[i]))))
        << values[i];
  }
  std::vector<Real> back(values.size());
  from_bfloat16(found.data(), std::ssize(found), back.data());
  std::vector<Real> rounded = values;
  round_to_bfloat16(rounded.data(), std::ssize(rounded));
  std::vector<Real> sums = values;
  const std::vector<Real> reversed(values.rbegin(), values.rend());
  add_rounded_to_bfloat16(sums.data(), reversed.data(), std::ssize(sums));
  for (std::size_t i = 0; i < values.size(); ++i) {
    EXPECT_EQ(back[i], static_cast<Real>(static_cast<float>(found[i])));
    EXPECT_EQ(rounded[i], back[i]);
    const auto sum = static_cast<float>(values[i] + reversed[i]);
    if (std::isnan(sum)) continue;
    EXPECT_EQ(sums[i], static_cast<Real>(static_cast<float>(Bfloat16(sum)))) << sum;
  }
  const Real nan = std::numeric_limits<Real>::quiet_NaN();
  to_bfloat16(&nan, 1, found.data());
  EXPECT_TRUE(std::isnan(static_cast<float>(found[0])));
}

}  // namespace
}  // namespace lockstep
