// Units for pictures, against PyTorch and against their definitions.

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "data_helpers.hpp"
#include "lockstep/core/threads.hpp"
#include "lockstep/nn/units.hpp"
#include "nn/window_phases.hpp"
#include "nn_helpers.hpp"

namespace lockstep {
namespace {

using nlohmann::json;
using test::counted;
using test::OwnedBlock;
using test::random_matrix;
using test::RecordingSink;

constexpr double kTolerance = test::kIsDouble ? 1e-12 : 5e-5;
constexpr double kFloor = 0.01;

std::vector<Real> flat(const json& rows) {
  std::vector<Real> values;
  for (const json& row : rows) {
    for (const json& value : row) values.push_back(value.get<Real>());
  }
  return values;
}

/// The values of the network's parameters, by their names in `tensors`.
std::vector<Real> by_name(const Network& network, const json& tensors) {
  std::vector<Real> values;
  EXPECT_EQ(network.layout().tensors().size(), tensors.size());
  for (const ParameterTensor& tensor : network.layout().tensors()) {
    const json& golden = tensors.at(tensor.name);
    EXPECT_EQ(tensor.shape, golden.at("shape").get<std::vector<Index>>()) << tensor.name;
    for (const json& value : golden.at("values")) values.push_back(value.get<Real>());
  }
  return values;
}

TEST(Pictures, GiveWhatPyTorchGives) {
  const json file = test::read_golden("pictures.json");
  for (const json& golden : file.at("cases")) {
    SCOPED_TRACE(golden.at("layers").get<std::string>());
    Network network(golden.at("layers"), Shape(golden.at("shape").get<std::vector<Index>>()));
    const std::vector<Real> initial = by_name(network, golden.at("initial"));
    std::copy(initial.begin(), initial.end(), network.parameters().begin());
    const std::vector<Real> inputs = flat(golden.at("inputs"));
    const auto rows = std::ssize(golden.at("inputs"));
    const ConstMatrixView x(inputs.data(), rows, network.inputs());
    const OwnedBlock block(counted(rows));

    const Matrix y = network.forward(block.training(), x);
    const std::vector<Real> outputs = flat(golden.at("outputs"));
    EXPECT_LT(test::largest_relative_error(std::span(y.data(), outputs.size()), outputs, kFloor), kTolerance);

    const std::vector<Real> by_outputs = flat(golden.at("by_outputs"));
    network.output_gradient(rows) = ConstMatrixView(by_outputs.data(), rows, network.outputs());
    RecordingSink sink(network.layout().size());
    network.backward(block.training(), x, sink);
    EXPECT_LT(
        test::largest_relative_error(sink.gradients[0], by_name(network, golden.at("gradient")), kFloor),
        kTolerance);
    EXPECT_EQ(sink.added[0], std::vector<int>(static_cast<std::size_t>(network.layout().size()), 1));
  }
}

struct ConvCase {
  Index channels, height, width, outputs, window;
  ConvOptions options;
};

/// With and without windows that are copied first, over one and several tiles and panels of outputs.
const std::vector<ConvCase> kConvCases = {
    {1, 9, 8, 5, 3, {}},
    {1, 28, 28, 33, 5, {.pad = 2}},
    {12, 3, 15, 70, 3, {.pad = 1}},
    {40, 2, 29, 3, 1, {}},
    {16, 5, 31, 8, 3, {.stride = 2, .pad = 1}},
    {8, 9, 40, 6, 3, {.stride = 2, .dilation = 2, .groups = 2}},
    {64, 3, 16, 4, 3, {.pad = 2, .dilation = 2, .has_bias = false}},
    {10, 6, 7, 9, 5, {.stride = 3, .pad = 4, .dilation = 2}},
    {6, 7, 9, 4, 1, {.stride = 2}},
    {5, 12, 11, 20, 2, {.stride = 4, .dilation = 6}},
};

/// Two factors of a product of two elements.
struct Term {
  Real a, b;
};

Real factor(Real value, Precision precision) {
  return precision == Precision::kFloat32
             ? value
             : static_cast<Real>(static_cast<float>(Bfloat16(static_cast<float>(value))));
}

/// `sum` after these terms, which in bfloat16 go in pairs, the second of each first.
Real add_terms(Real sum, const std::vector<Term>& terms, Precision precision) {
  const auto add = [&](const Term& t) {
    sum = std::fma(factor(t.a, precision), factor(t.b, precision), sum);
  };
  const std::size_t together = precision == Precision::kFloat32 ? 1 : 2;
  for (std::size_t i = 0; i < terms.size(); i += together) {
    for (std::size_t j = std::min(i + together, terms.size()); j-- > i;) add(terms[j]);
  }
  return sum;
}

/// A convolution on one sample of random numbers.
struct ConvOnSample {
  ConvOnSample(const ConvCase& conv_case, Precision precision_of_products)
      : c(conv_case), precision(precision_of_products) {
    const std::unique_ptr<Unit> unit = conv(c.outputs, c.window, c.options);
    const Shape input({c.channels, c.height, c.width});
    const Shape output = unit->connect({&input, 1});
    rows = output.axes()[1];
    columns = output.axes()[2];
    weights = c.outputs * channels() * c.window * c.window;
    const Index size = weights + (c.options.has_bias ? c.outputs : 0);
    parameters = test::random_values(size, 3);
    unit->place(0, {0, size});
    unit->bind(parameters.data());
    const OwnedBlock owned(counted(1));
    RowBlock block = owned.training();
    block.precision = precision;
    x = random_matrix(1, input.size(), 4);
    dy = random_matrix(1, output.size(), 5);
    y.resize(1, output.size());
    dx.resize(1, input.size());
    const std::vector<ConstMatrixView> inputs = {read_only(view(x))};
    const std::vector<MatrixView> by_inputs = {view(dx)};
    unit->forward(block, inputs, view(y));
    RecordingSink sink(size);
    unit->backward(block, inputs, read_only(view(y)), read_only(view(dy)), by_inputs, sink);
    dw = sink.gradients[0];
  }

  Index channels() const { return c.channels / c.options.groups; }  // of a group
  Index outputs() const { return c.outputs / c.options.groups; }

  /// The pixel that a window sees at a tap, or 0 where that is in the frame.
  Real pixel(Index row, Index column, Index p, Index q, Index channel) const {
    const Index i = row * c.options.stride + p * c.options.dilation - c.options.pad;
    const Index j = column * c.options.stride + q * c.options.dilation - c.options.pad;
    const bool is_inside = i >= 0 && i < c.height && j >= 0 && j < c.width;
    return is_inside ? x(0, (i * c.width + j) * c.channels + channel) : 0;
  }
  Real by_output(Index row, Index column, Index output) const {
    return dy(0, (row * columns + column) * c.outputs + output);
  }
  /// `channel`: of the output's group.
  Index place_of_weight(Index output, Index channel, Index p, Index q) const {
    return ((output * channels() + channel) * c.window + p) * c.window + q;
  }
  Real weight(Index output, Index channel, Index p, Index q) const {
    return parameters[static_cast<std::size_t>(place_of_weight(output, channel, p, q))];
  }

  Real expected_output(Index output, Index row, Index column) const {
    Real sum = 0;
    for (Index p = 0; p < c.window; ++p) {
      for (Index q = 0; q < c.window; ++q) {
        std::vector<Term> terms;
        for (Index channel = 0; channel < channels(); ++channel) {
          terms.push_back({pixel(row, column, p, q, output / outputs() * channels() + channel),
                           weight(output, channel, p, q)});
        }
        sum = add_terms(sum, terms, precision);
      }
    }
    return c.options.has_bias ? sum + parameters[static_cast<std::size_t>(weights + output)] : sum;
  }

  /// Over the windows that see a pixel, in their order, and their outputs.
  Real expected_by_pixel(Index channel, Index i, Index j) const {
    const auto tap_of = [&](Index at, Index window) {
      const Index distance = at + c.options.pad - window * c.options.stride;
      const bool is_seen = distance >= 0 && distance % c.options.dilation == 0;
      return is_seen && distance / c.options.dilation < c.window ? distance / c.options.dilation : -1;
    };
    const Index first_output = channel / channels() * outputs();
    Real sum = 0;
    for (Index row = 0; row < rows; ++row) {
      const Index p = tap_of(i, row);
      for (Index column = 0; column < columns; ++column) {
        const Index q = tap_of(j, column);
        if (p < 0 || q < 0) continue;
        std::vector<Term> terms;
        for (Index n = first_output; n < first_output + outputs(); ++n) {
          terms.push_back({by_output(row, column, n), weight(n, channel % channels(), p, q)});
        }
        sum = add_terms(sum, terms, precision);
      }
    }
    return sum;
  }

  /// Over the pixels of the output, of which in bfloat16 pairs stand one below the other.
  Real expected_by_weight(Index output, Index channel, Index p, Index q) const {
    const Index together = precision == Precision::kFloat32 ? 1 : 2;
    Real sum = 0;
    for (Index first = 0; first < rows; first += together) {
      for (Index column = 0; column < columns; ++column) {
        std::vector<Term> terms;
        for (Index row = first; row < std::min(first + together, rows); ++row) {
          terms.push_back({by_output(row, column, output),
                           pixel(row, column, p, q, output / outputs() * channels() + channel)});
        }
        sum = add_terms(sum, terms, precision);
      }
    }
    return sum;
  }

  const ConvCase& c;
  Precision precision;
  Index rows = 0;  // of the output
  Index columns = 0;
  Index weights = 0;
  std::vector<Real> parameters, dw;
  Matrix x, y, dx, dy;
};

class ConvChain : public testing::TestWithParam<Precision> {};

TEST_P(ConvChain, IsThatWhichIsPromised) {
  for (const ConvCase& c : kConvCases) {
    const ConvOnSample on(c, GetParam());
    SCOPED_TRACE(conv(c.outputs, c.window, c.options)->text());
    Index wrong = 0;
    for (Index i = 0; i < on.rows; ++i) {
      for (Index j = 0; j < on.columns; ++j) {
        for (Index n = 0; n < c.outputs; ++n) {
          if (on.y(0, (i * on.columns + j) * c.outputs + n) != on.expected_output(n, i, j)) ++wrong;
        }
      }
    }
    EXPECT_EQ(wrong, 0) << "outputs";
    for (Index i = 0; i < c.height; ++i) {
      for (Index j = 0; j < c.width; ++j) {
        for (Index channel = 0; channel < c.channels; ++channel) {
          const Real found = on.dx(0, (i * c.width + j) * c.channels + channel);
          if (found != on.expected_by_pixel(channel, i, j)) ++wrong;
        }
      }
    }
    EXPECT_EQ(wrong, 0) << "gradient by the picture";
    for (Index n = 0; n < c.outputs; ++n) {
      for (Index channel = 0; channel < on.channels(); ++channel) {
        for (Index p = 0; p < c.window; ++p) {
          for (Index q = 0; q < c.window; ++q) {
            const auto place = static_cast<std::size_t>(on.place_of_weight(n, channel, p, q));
            if (on.dw[place] != on.expected_by_weight(n, channel, p, q)) ++wrong;
          }
        }
      }
    }
    EXPECT_EQ(wrong, 0) << "gradient by the weights";
  }
}

INSTANTIATE_TEST_SUITE_P(Precisions, ConvChain, testing::Values(Precision::kFloat32, Precision::kBfloat16),
                         [](const auto& precision) {
                           return precision.param == Precision::kFloat32 ? "Float" : "Bfloat16";
                         });

/// By going through all taps of all windows.
TEST(WindowPhases, SayWhichWindowsSeeAPixelAtWhichTaps) {
  for (const Index stride : {1, 2, 3, 4, 6}) {
    for (const Index dilation : {1, 2, 3, 4}) {
      for (const Index size : {1, 2, 3, 5}) {
        const Windows windows{size, stride, dilation * (size - 1) / 2, dilation};
        constexpr Index kPixels = 23;
        std::vector<std::vector<std::pair<Index, Index>>> seen(kPixels);  // by pixel: window and tap
        for (Index window = -kPixels; window < 2 * kPixels; ++window) {
          for (Index tap = size; tap-- > 0;) {
            const Index pixel = window * stride - windows.pad + tap * dilation;
            if (pixel >= 0 && pixel < kPixels)
              seen[static_cast<std::size_t>(pixel)].emplace_back(window, tap);
          }
        }
        const WindowPhases all = phases_of(windows, kPixels);
        Index pixels = 0;
        for (const WindowPhase& phase : all.phases) {
          pixels += phase.pixels;
          for (Index i = 0; i < phase.pixels; ++i) {
            std::vector<std::pair<Index, Index>> expected;
            for (Index k = 0; k < phase.taps; ++k) {
              expected.emplace_back(phase.window + i + k * all.window_step, phase.tap - k * all.tap_step);
            }
            EXPECT_EQ(seen[static_cast<std::size_t>(phase.first + i * stride)], expected);
          }
        }
        EXPECT_EQ(pixels, kPixels);
      }
    }
  }
}

std::vector<Real> gradient_of(Network& network, Index rows, Precision precision) {
  const Matrix x = random_matrix(rows, network.inputs(), 4);
  const OwnedBlock owned(counted(rows));
  RowBlock block = owned.training();
  block.precision = precision;
  network.forward(block, test::view(x));
  network.output_gradient(rows) = random_matrix(rows, network.outputs(), 5);
  RecordingSink sink(network.layout().size());
  network.backward(block, test::view(x), sink);
  return sink.gradients[0];
}

TEST(Pictures, HaveTheSameBitsWithAnyNumberOfThreads) {
  Network network(
      "conv 20 3 pad=1, max-pool 2, conv 18 3 groups=2, avg-pool 2, conv 7 3 pad=1, flatten, linear 3",
      Shape({1, 20, 36}));
  network.initialize(1, Initialization::kAuto);
  for (const Precision precision : {Precision::kFloat32, Precision::kBfloat16}) {
    const std::vector<Real> expected = gradient_of(network, 5, precision);
    for (const int threads : {2, 3}) {
      set_threads(threads);
      EXPECT_EQ(gradient_of(network, 5, precision), expected) << threads << " threads";
    }
    set_threads(1);
  }
}

TEST(MaxPool, KeepsNaN) {
  Network network(Shape({2, 2}));
  network.add(max_pool(2));
  const OwnedBlock block(counted(1));
  for (Index place = 0; place < 4; ++place) {
    Matrix x = random_matrix(1, 4, 1);
    x(0, place) = std::numeric_limits<Real>::quiet_NaN();
    EXPECT_TRUE(std::isnan(network.forward(block.evaluation(), test::view(std::as_const(x)))(0, 0))) << place;
  }
}

struct BadUnit {
  std::string layers;
  Shape sample;
  std::vector<std::string> fragments;
};

TEST(Pictures, SayWhichUnitTheyDoNotFit) {
  const Shape picture({3, 8, 6});
  const std::vector<BadUnit> table = {
      {"conv 4 3", 5, {"0 (conv 4 3)", "is 5", "expected a picture"}},
      {"linear 4, max-pool 2", picture, {"0 (linear 4)", "3 x 8 x 6", "put 'flatten' before it"}},
      {"conv 4 7", picture, {"0 (conv 4 7)", "3 x 8 x 6", "at least 7 x 7"}},
      {"conv 4 7 pad=1, max-pool 3", picture, {"1 (max-pool 3)", "4 x 4 x 2", "at least 3 x 3"}},
      {"conv 4 3 groups=2", picture, {"0 (conv 4 3 groups=2)", "divide 3 channels and 4 outputs"}},
      {"conv 4",
       picture,
       {"'conv 4'", "conv OUTPUTS WINDOW [stride=…] [pad=…] [dilation=…] [groups=…] [nobias]"}},
      {"conv 4 3 3", picture, {"'conv 4 3 3'", "expected 'conv OUTPUTS WINDOW"}},
      {"conv 4 3 padding=1", picture, {"'conv 4 3 padding=1'", "[pad=…]"}},
      {"conv 4 3 pad=1 pad=1", picture, {"'conv 4 3 pad=1 pad=1'"}},
      {"conv 4 3 pad=x", picture, {"'conv 4 3 pad=x'"}},
      {"conv 4 3 pad=3", picture, {"0 (conv 4 3 pad=3)", "a pad from 0 to 2"}},
      {"conv 4 3 stride=0", picture, {"'conv 4 3 stride=0'", "from 1"}},
      {"conv 4 0", picture, {"'conv 4 0'", "a window of 1 to"}},
      {"avg-pool all stride=2", picture, {"'avg-pool all stride=2'", "nothing after 'all'"}},
      {"pad-channels 2", picture, {"0 (pad-channels 2)", "at least 3 channels"}},
      {"unflatten 3 8 6", picture, {"0 (unflatten 3 8 6)", "one axis of 3 x 8 x 6 = 144 values"}},
      {"unflatten 1 2 3", 7, {"0 (unflatten 1 2 3)", "one axis of 1 x 2 x 3 = 6 values"}},
      {"unflatten 6", 6, {"'unflatten 6'", "CHANNELS HEIGHT WIDTH"}},
      {"max-pool all", picture, {"'max-pool all'"}},
      {"max-pool 2, linear 3", picture, {"1 (linear 3)", "3 x 4 x 3", "flatten"}},
  };
  for (const BadUnit& bad : table) {
    EXPECT_TRUE(test::is_bad_input([&] { Network(bad.layers, bad.sample); }, bad.fragments)) << bad.layers;
  }
}

TEST(Conv, RefusesOptionsThatAreNoNumbersForIt) {
  for (const ConvOptions& options : {ConvOptions{.pad = 3}, ConvOptions{.pad = -1}, ConvOptions{.stride = 0},
                                     ConvOptions{.dilation = 0}, ConvOptions{.groups = 0}}) {
    EXPECT_TRUE(test::is_bad_input(
        [&] {
          Network(Shape({3, 8, 8})).add(conv(6, 3, options));
        },
        {"0 (conv 6 3", "expected"}));
  }
  EXPECT_TRUE(test::is_bad_input([&] { Network(Shape({8, 8})).add(max_pool(2, 2, 2)); }, {"0 (max-pool 2"}));
}

TEST(Pictures, AreWrittenAsTheyWereRead) {
  for (const std::string layers : {"conv 4 3", "conv 4 3 stride=2 pad=1 dilation=2 groups=2 nobias",
                                   "conv 4 1, max-pool 2, avg-pool all",
                                   "conv 4 1, max-pool 3 stride=2 pad=1, avg-pool 2 stride=1, flatten",
                                   "residual(conv 4 3 stride=2 pad=1, skip(subsample 2, pad-channels 4))"}) {
    EXPECT_EQ(Network(layers, Shape({2, 9, 9})).text(), layers);
  }
}

TEST(Pictures, OfOneChannelMayHaveTwoAxes) {
  Network network("max-pool 2, conv 3 2, flatten", Shape({6, 6}));
  EXPECT_EQ(network.outputs(), 12);
  EXPECT_EQ(network.layout().tensors()[0].shape, (std::vector<Index>{3, 1, 2, 2}));
}

}  // namespace
}  // namespace lockstep
