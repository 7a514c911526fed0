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

constexpr double kTolerance = test::kIsDouble ? 1e-12 : 2e-5;
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
  for (const json& golden : test::read_golden("pictures.json").at("cases")) {
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

Real chain(const ConvCase& c, const Real* x, const Real* parameters, Index output, Index row, Index column) {
  const Index channels = c.channels / c.options.groups;
  const Index first_channel = output / (c.outputs / c.options.groups) * channels;
  Real sum = 0;
  for (Index p = 0; p < c.window; ++p) {
    for (Index q = 0; q < c.window; ++q) {
      const Index i = row * c.options.stride + p * c.options.dilation - c.options.pad;
      const Index j = column * c.options.stride + q * c.options.dilation - c.options.pad;
      const bool is_inside = i >= 0 && i < c.height && j >= 0 && j < c.width;
      for (Index channel = 0; channel < channels; ++channel) {
        const Real value = is_inside ? x[(i * c.width + j) * c.channels + first_channel + channel] : Real(0);
        const Real weight = parameters[((output * channels + channel) * c.window + p) * c.window + q];
        sum = std::fma(value, weight, sum);
      }
    }
  }
  const Index weights = c.outputs * channels * c.window * c.window;
  return c.options.has_bias ? sum + parameters[weights + output] : sum;
}

TEST(Conv, IsTheChainThatIsPromised) {
  for (const ConvCase& c : kConvCases) {
    Network network(Shape({c.channels, c.height, c.width}));
    network.add(conv(c.outputs, c.window, c.options));
    SCOPED_TRACE(network.text());
    const std::vector<Real> values = test::random_values(network.layout().size(), 3);
    std::copy(values.begin(), values.end(), network.parameters().begin());
    constexpr Index kRows = 2;
    const Matrix x = random_matrix(kRows, network.inputs(), 4);
    const OwnedBlock block(counted(kRows));
    const Matrix y = network.forward(block.evaluation(), test::view(x));
    const std::vector<Index> axes = network.output().axes();
    ASSERT_EQ(axes.size(), 3U);
    Index wrong = 0;
    for (Index row = 0; row < kRows; ++row) {
      for (Index i = 0; i < axes[1]; ++i) {
        for (Index j = 0; j < axes[2]; ++j) {
          for (Index output = 0; output < c.outputs; ++output) {
            const Real expected = chain(c, x.row(row).data(), values.data(), output, i, j);
            if (y(row, (i * axes[2] + j) * c.outputs + output) != expected) ++wrong;
          }
        }
      }
    }
    EXPECT_EQ(wrong, 0);
  }
}

/// Over the windows that see a pixel, in their order, and their outputs.
Real input_gradient_chain(const ConvCase& c, const Shape& output, const Real* dy, const Real* parameters,
                          Index channel, Index i, Index j) {
  const Index channels = c.channels / c.options.groups;
  const Index outputs = c.outputs / c.options.groups;
  const Index first_output = channel / channels * outputs;
  const auto tap_of = [&](Index pixel, Index window) {
    const Index distance = pixel + c.options.pad - window * c.options.stride;
    const bool is_seen = distance >= 0 && distance % c.options.dilation == 0;
    return is_seen && distance / c.options.dilation < c.window ? distance / c.options.dilation : -1;
  };
  Real sum = 0;
  for (Index row = 0; row < output.axes()[1]; ++row) {
    const Index p = tap_of(i, row);
    for (Index column = 0; column < output.axes()[2]; ++column) {
      const Index q = tap_of(j, column);
      if (p < 0 || q < 0) continue;
      for (Index n = first_output; n < first_output + outputs; ++n) {
        const Real weight = parameters[((n * channels + channel % channels) * c.window + p) * c.window + q];
        sum = std::fma(dy[(row * output.axes()[2] + column) * c.outputs + n], weight, sum);
      }
    }
  }
  return sum;
}

TEST(Conv, HasTheChainOfTheWindowsThatSeeAPixelForItsGradient) {
  for (const ConvCase& c : kConvCases) {
    const std::unique_ptr<Unit> unit = conv(c.outputs, c.window, c.options);
    SCOPED_TRACE(unit->text());
    const Shape input({c.channels, c.height, c.width});
    const Shape output = unit->connect({&input, 1});
    Index size = 0;
    for (const TensorSpec& tensor : unit->tensors()) {
      size += std::reduce(tensor.shape.begin(), tensor.shape.end(), Index{1}, std::multiplies<>());
    }
    const std::vector<Real> parameters = test::random_values(size, 3);
    unit->place(0, {0, size});
    unit->bind(parameters.data());
    const OwnedBlock block(counted(1));
    const Matrix x = random_matrix(1, input.size(), 4);
    const Matrix dy = random_matrix(1, output.size(), 5);
    Matrix y(1, output.size());
    Matrix dx(1, input.size());
    const std::vector<ConstMatrixView> inputs = {test::view(x)};
    const std::vector<MatrixView> by_inputs = {view(dx)};
    unit->forward(block.training(), inputs, view(y));
    RecordingSink sink(size);
    unit->backward(block.training(), inputs, read_only(view(y)), test::view(dy), by_inputs, sink);
    Index wrong = 0;
    for (Index i = 0; i < c.height; ++i) {
      for (Index j = 0; j < c.width; ++j) {
        for (Index channel = 0; channel < c.channels; ++channel) {
          const Real expected = input_gradient_chain(c, output, dy.data(), parameters.data(), channel, i, j);
          if (dx(0, (i * c.width + j) * c.channels + channel) != expected) ++wrong;
        }
      }
    }
    EXPECT_EQ(wrong, 0);
  }
}

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

std::vector<Real> gradient_of(Network& network, Index rows) {
  const Matrix x = random_matrix(rows, network.inputs(), 4);
  const OwnedBlock block(counted(rows));
  network.forward(block.training(), test::view(x));
  network.output_gradient(rows) = random_matrix(rows, network.outputs(), 5);
  RecordingSink sink(network.layout().size());
  network.backward(block.training(), test::view(x), sink);
  return sink.gradients[0];
}

TEST(Pictures, HaveTheSameBitsWithAnyNumberOfThreads) {
  Network network(
      "conv 20 3 pad=1, max-pool 2, conv 18 3 groups=2, avg-pool 2, conv 7 3 pad=1, flatten, linear 3",
      Shape({1, 20, 36}));
  network.initialize(1, Initialization::kAuto);
  const std::vector<Real> expected = gradient_of(network, 5);
  for (const int threads : {2, 3}) {
    set_threads(threads);
    EXPECT_EQ(gradient_of(network, 5), expected) << threads << " threads";
  }
  set_threads(1);
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
