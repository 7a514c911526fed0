// ONNX models, read and computed independently of what writes them.

#include <cmath>
#include <functional>
#include <limits>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "centre.hpp"
#include "core/protobuf.hpp"
#include "data_helpers.hpp"
#include "lockstep/nn/losses.hpp"
#include "lockstep/nn/units.hpp"
#include "lockstep/nn/weights.hpp"
#include "nn_helpers.hpp"
#include "onnx_evaluator.hpp"
#include "protobuf_reader.hpp"
#include "train/export/onnx.hpp"
#include "unit_examples.hpp"
#include "weighted_squares.hpp"

namespace lockstep {
namespace {

using test::Array;
using test::ReadMessage;

constexpr Index kRows = 5;

/// A network with parameters and statistics other than those at the start; variances stay above 0.
Network network_of(const std::string& layers, const Shape& sample) {
  Network network(layers, sample);
  const std::vector<Real> values = test::random_values(network.layout().size(), 1);
  std::copy(values.begin(), values.end(), network.parameters().begin());
  const std::vector<Real> more = test::random_values(network.statistics_layout().size(), 2);
  for (std::size_t i = 0; i < more.size(); ++i) network.statistics()[i] = more[i] + Real(1.25);
  return network;
}

SavedModel saved_model(Network network, DatasetDescription data, SampleNormalization normalization = {}) {
  if (data.feature_shape.empty()) data.feature_shape = network.input().axes();
  std::shared_ptr<const Loss> loss = choose_loss("auto", {}, data.task).loss;
  return {std::move(network), std::move(normalization), std::move(loss), std::move(data)};
}

std::string file_of(const SavedModel& saved) { return onnx_file(to_onnx(saved)); }

/// What the model gives for samples of these axes, one after another.
std::vector<double> answers(const SavedModel& saved, std::vector<Index> axes, std::vector<double> values) {
  Index size = 1;
  for (const Index axis : axes) size *= axis;
  axes.insert(axes.begin(), std::ssize(values) / size);
  return test::evaluate_onnx(file_of(saved), {std::move(axes), std::move(values)}).values;
}

/// Samples in PyTorch's order as they stand in memory, pictures with the channels last.
std::vector<Real> in_memory(const std::vector<Real>& samples, const Shape& shape) {
  if (shape.axes().size() != 3) return samples;
  const Index channels = shape.axes()[0];
  const Index pixels = shape.size() / channels;
  std::vector<Real> moved(samples.size());
  for (Index i = 0; i < std::ssize(samples); ++i) {
    const Index channel = i % shape.size() / pixels;
    const Index to = i / shape.size() * shape.size() + i % pixels * channels + channel;
    moved[static_cast<std::size_t>(to)] = samples[static_cast<std::size_t>(i)];
  }
  return moved;
}

/// Compares the model of `layers` with the network itself, on values or categories.
void expect_same(const std::string& layers, const Shape& shape) {
  SCOPED_TRACE(layers + " of " + to_text(shape));
  SavedModel saved = saved_model(network_of(layers, shape), {.task = Task::kRegression});
  std::vector<Real> samples = test::random_values(kRows * shape.size(), 3);
  for (Real& x : samples) x = shape.categories() > 0 ? std::floor((x + 1) / 2 * shape.categories()) : 4 * x;
  const std::vector<double> y =
      answers(saved, shape.axes(), std::vector<double>(samples.begin(), samples.end()));

  const test::OwnedBlock block(test::counted(kRows));
  const std::vector<Real> x = in_memory(samples, shape);
  const ConstMatrixView expected =
      saved.model.forward(block.evaluation(), {x.data(), kRows, saved.model.inputs()});
  ASSERT_EQ(std::ssize(y), expected.size());
  for (Index i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR(y[static_cast<std::size_t>(i)], expected.data()[i], 1e-4) << i;
  }
}

TEST(Export, ComputesWhatEveryUnitDoes) {
  std::set<std::string> seen = {"embedding", "centre"};  // see below; of other tests in this program
  for (const Shape& shape : {Shape(6), Shape(36), Shape({3, 4}), Shape({4, 5, 6}), Shape({2, 3, 2, 2})}) {
    for (const std::string& unit : test::units_that_take(shape)) {
      if (unit == "centre") continue;
      seen.insert(unit.substr(0, unit.find(' ')));
      // The last two say in which order the unit's values are.
      const std::string end = unit.starts_with("linear") ? "" : ", flatten";
      expect_same(unit + end + ", linear 5", shape);
    }
  }
  for (const UnitForm& form : unit_forms()) EXPECT_TRUE(seen.contains(form.name)) << form.name;
}

TEST(Export, ComputesWhatUnitsWithOptionsDo) {
  const Shape picture({4, 7, 6});
  for (const std::string unit :
       {"conv 6 3 stride=2 pad=1", "conv 6 2 dilation=3 groups=2 nobias", "max-pool 3 stride=2 pad=1",
        "avg-pool 3 stride=2 pad=1", "avg-pool all", "batch-norm micro", "dropout 0.5 channels",
        "residual(conv 6 3 pad=1, batch-norm, relu, skip(conv 6 1))", "2 x residual(relu, conv 4 1)",
        "concat((conv 2 1), (conv 3 3 pad=1, batch-norm, relu), (max-pool 3 stride=1 pad=1)), conv 4 2",
        "add((conv 6 1), (conv 6 3 pad=1), (batch-norm, pad-channels 6)), relu",
        "residual(conv 6 3 stride=2 pad=1, skip(subsample 2, pad-channels 6)), relu"}) {
    expect_same(unit + ", flatten, linear 3", picture);
  }
  expect_same("max-pool 3 stride=2 pad=1, flatten, linear 3", Shape({7, 6}));
  expect_same("leaky-relu 0.5, linear 4, softmax, linear 2", 6);
  expect_same("embed-categories auto at=1-2/3-6, linear 2", 9);
  expect_same("embed-categories 3 at=0-5, linear 2", 6);
}

TEST(Export, LooksUpCategories) {
  expect_same("embedding 4, layer-norm, linear 3", Shape::of_categories({5}, 7));
  expect_same("embedding 4, flatten, linear 3", Shape::of_categories({5}, 7));
}

TEST(Export, HasEveryTensorUnderItsNameBitForBit) {
  const SavedModel saved =
      saved_model(network_of("conv 3 2, residual(batch-norm, skip(conv 3 1 nobias)), flatten, end: linear 2",
                             Shape({5, 5})),
                  {});
  const ReadMessage graph = ReadMessage(file_of(saved)).message(7);
  std::map<std::string, ReadMessage> constants;
  for (const ReadMessage& tensor : graph.messages(5)) constants.emplace(tensor.text(8), tensor);
  int tensors = 0;
  for_each_tensor(saved.model, [&](const ParameterTensor& tensor, std::span<const Real> values) {
    ++tensors;
    const ReadMessage& constant = constants.at(tensor.name);
    EXPECT_EQ(constant.numbers(1), tensor.shape);
    EXPECT_EQ(test::values_of<float>(constant.text(9)), std::vector<float>(values.begin(), values.end()));
  });
  EXPECT_EQ(tensors, 9);
}

/// y = x.
Network identity_of(Index features) {
  Network network("linear " + std::to_string(features), features);
  for (Index i = 0; i < features; ++i) network.parameters()[static_cast<std::size_t>(i * (features + 1))] = 1;
  return network;
}

TEST(Export, NormalizesAndFillsGaps) {
  const SavedModel saved =
      saved_model(identity_of(2), {.task = Task::kRegression, .targets = 2},
                  {{.shift = {2000, -1}, .scale = {0.5, 4}, .missing = {0.25, -8}}, {{100, 7}, {0.125, 0}}});
  const double nan = std::numeric_limits<double>::quiet_NaN();
  // 100 + 8 (x - 2000) / 2, and the shift where the scale is 0.
  EXPECT_EQ(answers(saved, {2}, {2003, 3, nan, nan}), (std::vector<double>{112, 7, 102, 7}));
}

TEST(Export, NormalizesPicturesByChannelOrValue) {
  Network network("flatten, linear 1", Shape({2, 1, 2}));
  const std::vector<Real> weights = {1, 10, 100,
                                     1000};  // of the first channel's pixels, then of the second's
  std::copy(weights.begin(), weights.end(), network.parameters().begin());
  SavedModel saved = saved_model(std::move(network), {.task = Task::kRegression}, {{{1, 2}, {1, 2}}});
  EXPECT_EQ(answers(saved, {2, 1, 2}, {2, 3, 4, 5}), std::vector<double>{1 + 20 + 400 + 6000});
  // One pair a value, as values stand in memory: both channels of the first pixel, then of the second.
  saved.normalization.features = {{1, 2, 3, 4}, {1, 1, 1, 1}};
  EXPECT_EQ(answers(saved, {2, 1, 2}, {2, 3, 4, 5}), std::vector<double>{1 + 0 + 200 + 1000});
}

TEST(Export, TakesTransposedPicturesAsTheirFileHasThem) {
  Network network("flatten, linear 1", Shape({2, 3}));
  const std::vector<Real> weights = {1, 2, 3, 4, 5, 6};
  std::copy(weights.begin(), weights.end(), network.parameters().begin());
  const SavedModel saved =
      saved_model(std::move(network), {.task = Task::kRegression, .transposed = true}, {{{10}, {2}}});
  // Row 0 of the file is column 0 of the network.
  EXPECT_EQ(answers(saved, {3, 2}, {11, 10, 10, 10, 10, 12}), std::vector<double>{2 * 1 + 4 * 6});
}

TEST(Export, AnswersAsPredictDoes) {
  const SavedModel classes = saved_model(identity_of(2), {.classes = 2, .class_names = {"no", "yes"}});
  const std::vector<double> of_classes = answers(classes, {2}, {1, 1 + std::log(3)});
  EXPECT_NEAR(of_classes.at(0), 0.25, 1e-6);
  EXPECT_NEAR(of_classes.at(1), 0.75, 1e-6);
  const SavedModel labels = saved_model(identity_of(2), {.task = Task::kMultiLabel, .targets = 2});
  const std::vector<double> of_labels = answers(labels, {2}, {0, std::log(4)});
  EXPECT_NEAR(of_labels.at(0), 0.5, 1e-6);
  EXPECT_NEAR(of_labels.at(1), 0.8, 1e-6);
  SavedModel scores = saved_model(identity_of(2), {.classes = 2});
  scores.loss = std::make_shared<test::WeightedSquares>();
  EXPECT_EQ(answers(scores, {2}, {-3, 4}), (std::vector<double>{-3, 4}));
  EXPECT_EQ(to_onnx(classes).output.name, "probabilities");
  EXPECT_EQ(to_onnx(scores).output.name, "scores");
}

TEST(Export, SaysWhatGoesInAndComesOut) {
  SavedModel saved = saved_model(
      identity_of(2), {.classes = 2, .class_names = {"no", "\"yes\""}, .feature_names = {"a", "sex=female"}});
  const ReadMessage model(file_of(saved));
  EXPECT_EQ(model.number(1), 7);
  EXPECT_EQ(model.message(8).number(2), 13);
  std::map<std::string, std::string> metadata;
  for (const ReadMessage& entry : model.messages(14)) metadata[entry.text(1)] = entry.text(2);
  EXPECT_EQ(metadata["classes"], R"(["no","\"yes\""])");
  EXPECT_EQ(metadata["features"], R"(["a","sex=female"])");
  EXPECT_EQ(metadata["layers"], "linear 2");
  EXPECT_EQ(metadata["weights_digest"], weights_digest(saved.model));
  const auto tensor_of = [](const ReadMessage& value) { return value.message(2).message(1); };
  const ReadMessage input = tensor_of(model.message(7).message(11));
  EXPECT_EQ(input.number(1), 1);
  const std::vector<ReadMessage> axes = input.message(2).messages(1);
  ASSERT_EQ(axes.size(), 2U);
  EXPECT_EQ(axes[0].text(2), "N");
  EXPECT_EQ(axes[1].number(1), 2);
  // Numbers that float would round come in as double.
  saved.data.units = {{1e9, 1}, {0, 1}};
  EXPECT_EQ(tensor_of(ReadMessage(file_of(saved)).message(7).message(11)).number(1), 11);
}

TEST(Export, RefusesAUnitWithoutAForm) {
  Network network(Shape(3));
  network.add(linear(2)).add(std::make_unique<test::Centre>());
  network.parameters();
  EXPECT_TRUE(test::is_bad_input([&] { file_of(saved_model(std::move(network), {.classes = 2})); },
                                 {"1 (centre)", "no form in ONNX"}));
}

// The examples of https://protobuf.dev/programming-guides/encoding, and a negative number, of ten bytes.
TEST(Protobuf, IsWrittenAsItsDocumentationShows) {
  EXPECT_EQ(ProtobufMessage().add_number(1, 150).bytes(), "\x08\x96\x01");
  EXPECT_EQ(ProtobufMessage().add_bytes(2, "testing").bytes(), "\x12\x07testing");
  EXPECT_EQ(ProtobufMessage().add_message(3, ProtobufMessage().add_number(1, 150)).bytes(),
            "\x1a\x03\x08\x96\x01");
  EXPECT_EQ(ProtobufMessage().add_number(1, -2).bytes(), "\x08\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01");
  EXPECT_EQ(ProtobufMessage().add_float(1, 1).bytes(), std::string("\x0d\0\0\x80\x3f", 5));
  EXPECT_EQ(ProtobufMessage().add_number(20, 7).bytes(), std::string("\xa0\x01\x07"));
}

}  // namespace
}  // namespace lockstep
