// Normalisations against loops that follow their definition, value by value.

#include <cmath>
#include <functional>
#include <iterator>
#include <limits>
#include <map>
#include <span>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "data_helpers.hpp"
#include "lockstep/core/threads.hpp"
#include "lockstep/nn/unit_forms.hpp"
#include "nn_helpers.hpp"

namespace lockstep {
namespace {

using test::counted;
using test::is_bad_input;
using test::OwnedBlock;
using test::random_matrix;

constexpr Index kRows = 7;
const std::vector<Index> kCounts = {2, 1, 4};  // rows of the micro-batches
constexpr double kTolerance = test::kIsDouble ? 1e-12 : 5e-6;

std::vector<std::string> split(const std::string& text) {
  std::istringstream stream(text);
  return {std::istream_iterator<std::string>(stream), {}};
}

Network with_random_parameters(const std::string& layers, const Shape& shape) {
  Network network(layers, shape);
  const auto values = test::random_values(network.layout().size(), 3);
  std::copy(values.begin(), values.end(), network.parameters().begin());
  return network;
}

/// Where a value stands; channels are the last axis in memory.
struct Place {
  Index row, position, channel;
};

/// Over which values that at `place` is normalised: those of equal keys.
using Key = std::function<std::pair<Index, Index>(const Place& place)>;

/// (x - mean) / √(variance + 1e-5) · weight + bias of all of x, [rows x positions x channels].
std::vector<double> normalised(const Matrix& x, Index channels, std::span<const Real> parameters,
                               const Key& key) {
  std::map<std::pair<Index, Index>, std::vector<Index>> groups;
  for (Index i = 0; i < x.size(); ++i) {
    groups[key({i / x.cols(), i % x.cols() / channels, i % channels})].push_back(i);
  }
  std::vector<double> y(static_cast<std::size_t>(x.size()));
  for (const auto& [unused, group] : groups) {
    const auto count = static_cast<double>(group.size());
    double mean = 0;
    for (const Index i : group) mean += static_cast<double>(x.data()[i]) / count;
    double variance = 0;
    for (const Index i : group) variance += std::pow(x.data()[i] - mean, 2) / count;
    for (const Index i : group) {
      y[static_cast<std::size_t>(i)] =
          (x.data()[i] - mean) / std::sqrt(variance + 1e-5) * parameters[i % channels] +
          parameters[channels + i % channels];
    }
  }
  return y;
}

void expect_normalised(const std::string& unit, const Shape& shape, Index channels, const Key& key) {
  Network network = with_random_parameters(unit, shape);
  ASSERT_EQ(network.layout().size(), 2 * channels);
  EXPECT_EQ(network.output(), shape);
  Matrix x = random_matrix(kRows, shape.size(), 2);
  for (Index i = 0; i < x.size(); ++i) x.data()[i] += static_cast<Real>(i % channels % 3);
  const OwnedBlock block(counted(kRows), kCounts);
  const auto y = network.forward(block.training(), test::view(std::as_const(x)));
  const std::vector<double> expected = normalised(x, channels, network.parameters(), key);
  EXPECT_LT(test::largest_relative_error(std::span(y.data(), y.size()), expected, 1), kTolerance)
      << unit << " of " << to_text(shape);
}

Index micro_batch_of(Index row) { return row < 2 ? 0 : row < 3 ? 1 : 2; }

TEST(Norm, OfALayerIsOverTheLastAxis) {
  const auto key = [](const Place& p) { return std::pair(p.row, p.position); };
  for (const Index width : {1, 5, 16, 37, 100}) {
    expect_normalised("layer-norm", width, width, key);
    expect_normalised("layer-norm", std::vector<Index>{3, width}, width, key);
  }
}

TEST(Norm, OfGroupsIsOverTheirChannelsAndAllPositions) {
  for (const Index groups : {1, 2, 3, 6, 42}) {
    const Index channels = groups == 42 ? 42 : 6;
    const auto key = [&](const Place& p) { return std::pair(p.row, p.channel / (channels / groups)); };
    const std::string unit = "group-norm " + std::to_string(groups);
    expect_normalised(unit, channels, channels, key);
    expect_normalised(unit, std::vector<Index>{channels, 4, 3}, channels, key);
  }
}

TEST(Norm, OfMicroBatchesIsOverTheirRowsAndPositions) {
  const auto key = [](const Place& p) { return std::pair(micro_batch_of(p.row), p.channel); };
  for (const Index channels : {1, 3, 40}) {
    expect_normalised("batch-norm micro", channels, channels, key);
    expect_normalised("batch-norm micro", std::vector<Index>{channels, 2, 5}, channels, key);
  }
}

TEST(Norm, OfTheBatchIsOverAllRowsAndPositions) {
  const auto key = [](const Place& p) { return std::pair(Index{0}, p.channel); };
  for (const Index channels : {1, 3, 40}) {
    expect_normalised("batch-norm", channels, channels, key);
    expect_normalised("batch-norm", std::vector<Index>{channels, 2, 5}, channels, key);
  }
}

Matrix matrix_of(const nlohmann::json& rows) {
  const auto values = rows.get<std::vector<std::vector<Real>>>();
  Matrix matrix(std::ssize(values), std::ssize(values[0]));
  for (std::size_t row = 0; row < values.size(); ++row) {
    std::copy(values[row].begin(), values[row].end(), matrix.row(static_cast<Index>(row)).data());
  }
  return matrix;
}

void expect_near(std::span<const Real> found, const nlohmann::json& expected, const std::string& what) {
  std::vector<double> all;
  for (const auto& part : expected) {
    if (part.is_array()) {
      for (const double value : part) all.push_back(value);
    } else {
      all.push_back(part);
    }
  }
  EXPECT_LT(test::largest_relative_error(found, all, 1), 4 * kTolerance) << what;
}

std::span<const Real> values_of(const Matrix& matrix) {
  return {matrix.data(), static_cast<std::size_t>(matrix.size())};
}

/// The sums over all micro-batches of `rows`.
std::vector<double> sums_of(const Unit& unit, const RowBlock& block, Inputs x, ConstMatrixView y) {
  std::vector<double> total(static_cast<std::size_t>(unit.sums()));
  std::vector<double> sums(total.size());
  for (const MicroBatchRows& m : block.micro_batches) {
    unit.write_sums(m, x, y, sums);
    for (std::size_t i = 0; i < sums.size(); ++i) total[i] += sums[i];
  }
  return total;
}

std::vector<Real> total_gradient(const test::RecordingSink& sink) {
  std::vector<Real> total = sink.gradients.at(0);
  for (const auto& [m, gradient] : sink.gradients) {
    for (std::size_t i = 0; m > 0 && i < total.size(); ++i) total[i] += gradient[i];
  }
  return total;
}

/// With micro-batches of `counts` rows; none: all rows are one.
void expect_torchs(const nlohmann::json& golden, const std::string& name, std::vector<Index> counts = {}) {
  const Shape shape(golden.at("shape").get<std::vector<Index>>());
  const auto unit = make_unit(split(name));
  unit->connect({&shape, 1});
  auto parameters = golden.at("weight").get<std::vector<Real>>();
  const auto bias = golden.at("bias").get<std::vector<Real>>();
  parameters.insert(parameters.end(), bias.begin(), bias.end());
  const std::size_t channels = bias.size();
  unit->place(0, {0, std::ssize(parameters)});
  unit->bind(parameters.data());
  std::vector<Real> statistics(channels, 0);
  statistics.resize(2 * channels, 1);
  unit->bind_statistics(statistics.data());

  const Matrix x = matrix_of(golden.at("inputs"));
  const Matrix dy = matrix_of(golden.at("by_outputs"));
  Matrix y(x.rows(), x.cols());
  Matrix dx(x.rows(), x.cols());
  const ConstMatrixView inputs = test::view(x);
  const MatrixView by_inputs = test::view(dx);
  if (counts.empty()) counts = {x.rows()};
  const OwnedBlock block(counted(x.rows()), counts);
  test::RecordingSink sink(std::ssize(parameters));
  unit->forward(block.training(), {&inputs, 1}, test::view(y));
  unit->backward(block.training(), {&inputs, 1}, read_only(test::view(y)), test::view(dy), {&by_inputs, 1},
                 sink);
  const std::string what = name + " of " + to_text(shape) + ": ";
  expect_near(values_of(y), golden.at("outputs"), what + "outputs");
  expect_near(values_of(dx), golden.at("by_inputs"), what + "by inputs");
  const std::vector<Real> total = total_gradient(sink);
  const std::span<const Real> gradient = total;
  expect_near(gradient.first(channels), golden.at("by_weight"), what + "by weight");
  expect_near(gradient.last(channels), golden.at("by_bias"), what + "by bias");
  if (!golden.contains("evaluated")) return;

  unit->update_statistics(sums_of(*unit, block.training(), {&inputs, 1}, read_only(test::view(y))), x.rows());
  expect_near(std::span(statistics).first(channels), golden.at("running_mean"), what + "running mean");
  expect_near(std::span(statistics).last(channels), golden.at("running_var"), what + "running variance");
  unit->forward(block.evaluation(), {&inputs, 1}, test::view(y));
  expect_near(values_of(y), golden.at("evaluated"), what + "evaluated");
}

TEST(Norm, GivesTorchsNumbers) {
  const nlohmann::json cases = test::read_golden("norms.json").at("cases");
  EXPECT_EQ(cases.size(), 7U);
  for (const auto& golden : cases) {
    const std::string unit = golden.at("unit");
    expect_torchs(golden, unit);
    if (unit != "batch-norm micro") continue;
    const Index rows = std::ssize(golden.at("inputs"));
    expect_torchs(golden, "batch-norm");
    expect_torchs(golden, "batch-norm", {1, rows - 3, 2});
  }
}

TEST(Norm, HasTheSameBitsOnEveryNumberOfThreads) {
  for (const std::string unit : {"layer-norm", "group-norm 4", "batch-norm micro", "batch-norm"}) {
    std::vector<std::vector<Real>> results;
    for (const int count : {1, 3}) {
      set_threads(count);
      Network network = with_random_parameters(fmt::format("{0}, linear 40, {0}, linear 4", unit), 12);
      const Matrix x = random_matrix(kRows, 12, 2);
      test::RecordingSink sink(network.layout().size());
      const auto labels = test::cycled_labels(kRows, 4);
      test::forward_backward(network, *make_cross_entropy(0), OwnedBlock(counted(kRows), kCounts).training(),
                             test::view(std::as_const(x)), {.labels = labels, .values = {}}, sink);
      for (const auto& [micro_batch, gradient] : sink.gradients) results.push_back(gradient);
    }
    set_threads(1);
    ASSERT_EQ(results.size(), 6U);
    for (std::size_t m = 0; m < 3; ++m) EXPECT_EQ(results[m], results[m + 3]) << unit;
  }
}

// The variance is zero then.
TEST(Norm, OfOneValueIsTheBias) {
  const OwnedBlock block(counted(kRows), std::vector<Index>(kRows, 1));
  for (const std::string unit : {"batch-norm micro", "group-norm 5"}) {
    Network network = with_random_parameters(unit, 5);
    const Matrix x = 1000 * random_matrix(kRows, 5, 2);
    const auto y = network.forward(block.training(), test::view(std::as_const(x)));
    for (Index i = 0; i < y.size(); ++i) EXPECT_EQ(y.data()[i], network.parameters()[5 + i % 5]) << unit;
    test::RecordingSink sink(network.layout().size());
    std::fill_n(network.output_gradient(kRows).data(), y.size(), Real(1));
    network.backward(block.training(), test::view(std::as_const(x)), sink);
    for (const auto& [micro_batch, gradient] : sink.gradients) {
      EXPECT_EQ(gradient, (std::vector<Real>{0, 0, 0, 0, 0, 1, 1, 1, 1, 1})) << unit;
    }
  }
}

TEST(Norm, OfABatchOfOneValueIsTheBias) {
  const OwnedBlock block(counted(1));
  Network network = with_random_parameters("batch-norm", 5);
  const Matrix x = 1000 * random_matrix(1, 5, 2);
  const auto y = network.forward(block.training(), test::view(std::as_const(x)));
  for (Index i = 0; i < y.size(); ++i) EXPECT_EQ(y.data()[i], network.parameters()[5 + i]);
}

TEST(Norm, OfTheBatchAloneNeedsIt) {
  EXPECT_TRUE(Network("linear 4, residual(batch-norm)", 4).needs_whole_batch());
  EXPECT_FALSE(Network("linear 4, layer-norm, group-norm 2, batch-norm micro", 4).needs_whole_batch());
}

TEST(Norm, OfMicroBatchesAloneMixesTheirSamples) {
  EXPECT_FALSE(Network("linear 4, batch-norm", 4).mixes_samples());
  EXPECT_TRUE(Network("linear 4, batch-norm micro", 4).mixes_samples());
  EXPECT_FALSE(Network("linear 4, layer-norm, group-norm 2", 4).mixes_samples());
}

TEST(Norm, PassesOnNotANumber) {
  const Matrix x = Matrix::Constant(2, 6, std::numeric_limits<Real>::quiet_NaN());
  for (const std::string unit : {"layer-norm", "group-norm 2", "batch-norm micro", "batch-norm"}) {
    Network network = with_random_parameters(unit, 6);
    const auto y = network.forward(OwnedBlock(counted(2)).training(), test::view(x));
    for (Index i = 0; i < y.size(); ++i) EXPECT_TRUE(std::isnan(y.data()[i])) << unit;
  }
}

/// Brings the statistics up to date after `block`, whose samples are the global batch.
void update_statistics(Network& network, const RowBlock& block, const Matrix& x) {
  network.forward(block, test::view(x));
  std::vector<double> total(static_cast<std::size_t>(network.sums()));
  for (std::size_t i = 0; i < block.micro_batches.size(); ++i) {
    std::vector<double> sums(total.size(), std::numeric_limits<double>::quiet_NaN());
    network.write_sums(block, test::view(x), i, sums);
    for (std::size_t k = 0; k < sums.size(); ++k) total[k] += sums[k];
  }
  network.update_statistics(total, block.rows());
}

TEST(BatchNorm, StatisticsFollowTheGlobalBatch) {
  constexpr Index kChannels = 3;
  Network network("batch-norm micro", std::vector<Index>{kChannels, 2, 2});
  const OwnedBlock block(counted(kRows), kCounts);
  std::vector<double> means(kChannels, 0);
  std::vector<double> variances(kChannels, 1);
  for (const std::uint64_t step : {1, 2, 3}) {
    // A mean that is large beside the deviation: after a step, it costs no digits.
    const Matrix x = random_matrix(kRows, network.inputs(), step).array() + 50;
    update_statistics(network, block.training(), x);
    constexpr double kValues = kRows * 4;
    for (Index c = 0; c < kChannels; ++c) {
      double mean = 0;
      for (Index i = c; i < x.size(); i += kChannels) mean += x.data()[i] / kValues;
      double squares = 0;
      for (Index i = c; i < x.size(); i += kChannels) squares += std::pow(x.data()[i] - mean, 2);
      const auto k = static_cast<std::size_t>(c);
      means[k] = 0.9 * means[k] + 0.1 * mean;
      variances[k] = 0.9 * variances[k] + 0.1 * squares / (kValues - 1);
      EXPECT_NEAR(network.statistics()[k], means[k], 20 * kTolerance);
      EXPECT_NEAR(network.statistics()[kChannels + k], variances[k], kTolerance);
    }
  }
}

TEST(BatchNorm, OneValueLeavesTheVarianceAsItIs) {
  Network network("batch-norm micro", 2);
  const Matrix x = random_matrix(1, 2, 1);
  update_statistics(network, OwnedBlock(counted(1)).training(), x);
  EXPECT_NEAR(network.statistics()[0], 0.1 * x(0, 0), kTolerance);
  EXPECT_EQ(network.statistics()[2], 1);
  EXPECT_EQ(network.statistics()[3], 1);
}

TEST(BatchNorm, TakesItsStatisticsInEvaluation) {
  Network network = with_random_parameters("batch-norm micro", std::vector<Index>{3, 2, 2});
  const std::vector<Real> statistics = {1, -2, 3, Real(0.25), 4, 0};
  std::copy(statistics.begin(), statistics.end(), network.statistics().begin());
  const Matrix x = random_matrix(kRows, 12, 2);
  const OwnedBlock block(counted(kRows));
  const Matrix y = network.forward(block.evaluation(), test::view(x));
  for (Index i = 0; i < y.size(); ++i) {
    const auto c = static_cast<std::size_t>(i % 3);
    const double expected =
        (x.data()[i] - statistics[c]) / std::sqrt(statistics[3 + c] + 1e-5) * network.parameters()[c] +
        network.parameters()[3 + c];
    EXPECT_NEAR(y.data()[i], expected, std::max(1.0, std::abs(expected)) * kTolerance);
  }
  EXPECT_TRUE(std::equal(statistics.begin(), statistics.end(), network.statistics().begin()));
}

// y is linear in x then, and changes by as much as the gradient says.
TEST(BatchNorm, GradientInEvaluationIsThatOfConstantStatistics) {
  const auto unit = make_unit({"batch-norm", "micro"});
  const Shape shape(2);
  unit->connect({&shape, 1});
  const std::vector<Real> parameters = {2, -3, Real(0.5), 1};
  std::vector<Real> statistics = {1, -1, Real(0.25) - Real(1e-5), 4 - Real(1e-5)};
  unit->bind(parameters.data());
  unit->bind_statistics(statistics.data());
  unit->place(0, {0, 4});
  const Matrix x = random_matrix(3, 2, 1);
  Matrix y(3, 2);
  Matrix dx(3, 2);
  const Matrix dy = random_matrix(3, 2, 2);
  const OwnedBlock block(counted(3), {1, 2});
  const ConstMatrixView input = test::view(x);
  const MatrixView by_input = test::view(dx);
  test::RecordingSink sink(4);
  unit->forward(block.evaluation(), {&input, 1}, test::view(y));
  unit->backward(block.evaluation(), {&input, 1}, read_only(test::view(y)), test::view(dy), {&by_input, 1},
                 sink);
  for (Index row = 0; row < 3; ++row) {
    EXPECT_NEAR(dx(row, 0), 4 * dy(row, 0), 10 * kTolerance);
    EXPECT_NEAR(dx(row, 1), -1.5 * dy(row, 1), 10 * kTolerance);
  }
  EXPECT_NEAR(sink.gradients[0][1], dy(0, 1) * (x(0, 1) + 1) / 2, 10 * kTolerance);
  EXPECT_NEAR(sink.gradients[1][2], dy(1, 0) + dy(2, 0), 10 * kTolerance);
}

TEST(Norm, RefusesShapesAndValuesThatItCannotTake) {
  const Shape picture(std::vector<Index>{6, 4, 4});
  const Shape vectors(std::vector<Index>{6, 4});
  const auto refuses = [](const std::string& layers, const Shape& shape,
                          const std::vector<std::string>& fragments) {
    EXPECT_TRUE(is_bad_input([&] { Network(layers, shape); }, fragments)) << layers;
  };
  refuses("layer-norm", picture, {"0 (layer-norm)", "6 x 4 x 4", "expected", "try 'group-norm 1'"});
  refuses("group-norm 4", picture, {"0 (group-norm 4)", "6 channels are not 4 groups", "divides"});
  refuses("group-norm 2", vectors, {"0 (group-norm 2)", "6 x 4", "expected one axis", "try 'layer-norm'"});
  refuses("batch-norm micro", vectors, {"0 (batch-norm micro)", "6 x 4", "expected one axis"});
  refuses("group-norm 0", picture, {"'group-norm 0'", "a whole number of groups from 1"});
  refuses("group-norm", picture, {"expected 'group-norm GROUPS'"});
  refuses("layer-norm 2", 4, {"'layer-norm 2'", "expected 'layer-norm'"});
  refuses("batch-norm", vectors, {"0 (batch-norm)", "6 x 4", "expected one axis"});
  refuses("batch-norm macro", picture, {"'batch-norm macro'", "expected 'batch-norm [micro]'"});
}

TEST(Norm, HasTheTensorsOfTorch) {
  const Network network("batch-norm micro, group-norm 2, layer-norm", 4);
  std::vector<std::string> names;
  for (const ParameterTensor& tensor : network.layout().tensors()) {
    names.push_back(tensor.name);
    EXPECT_EQ(tensor.shape, std::vector<Index>{4});
    EXPECT_EQ(tensor.role, tensor.name.ends_with("weight") ? TensorRole::kGain : TensorRole::kBias);
  }
  for (const ParameterTensor& tensor : network.statistics_layout().tensors()) names.push_back(tensor.name);
  EXPECT_EQ(names, (std::vector<std::string>{"0.weight", "0.bias", "1.weight", "1.bias", "2.weight", "2.bias",
                                             "0.running_mean", "0.running_var"}));
  EXPECT_EQ(network.text(), "batch-norm micro, group-norm 2, layer-norm");
}

}  // namespace
}  // namespace lockstep
