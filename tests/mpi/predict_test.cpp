#include "train/evaluation/predict.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <span>
#include <sstream>
#include <string>
#include <utility>

#include "lockstep/data/dataset.hpp"
#include "lockstep/nn/losses.hpp"
#include "lockstep/nn/network_text.hpp"
#include "mpi_test.hpp"

namespace lockstep::test {
namespace {

/// Sample i has the one feature log((i mod 9) + 1); those of `broken` are infinite.
Dataset logarithms(Index samples, const std::vector<Index>& broken = {}) {
  DatasetContent content;
  content.description = {.name = "logarithms",
                         .storage = Storage::kFloats,
                         .samples = samples,
                         .feature_shape = {1},
                         .classes = 2,
                         .class_names = {"no", "yes"},
                         .targets = 0};
  for (Index i = 0; i < samples; ++i) {
    content.values.push_back(std::log(static_cast<float>(i % 9 + 1)));
    if (std::ranges::find(broken, i) != broken.end())
      content.values.back() = std::numeric_limits<float>::infinity();
  }
  return make_dataset(std::move(content));
}

/// Two outputs, log 2 and the feature x: the second's probability is e^x / (2 + e^x).
Network two_outputs(const Dataset& data) {
  Network network(shape_of(data.description()));
  add_from_text(network, "linear 2");
  const std::span<Real> parameters = network.parameters();
  parameters[0] = 0;
  parameters[1] = 1;
  parameters[2] = std::log(Real(2));
  parameters[3] = 0;
  return network;
}

struct Predicted {
  std::string text;  // on rank 0
  NonFiniteSamples nonfinite;
};

Predicted predict_all(const Dataset& data, Communicator& communicator) {
  Network network = two_outputs(data);
  const PredictionTable table(data.description(), choose_loss("auto", {}, Task::kClassification).loss);
  Predicted predicted;
  predicted.nonfinite = predict(network, {}, all_of(data), table, communicator,
                                [&](std::string_view text) { predicted.text += text; });
  return predicted;
}

/// The number of samples.
class PredictTest : public MpiTest, public testing::WithParamInterface<Index> {};

TEST_P(PredictTest, GivesTheProbabilitiesOfTheClosedForm) {
  const std::string text = predict_all(logarithms(GetParam()), world()).text;
  if (world().rank() > 0) {
    EXPECT_EQ(text, "");
    return;
  }
  std::istringstream lines(text);
  std::string line;
  std::getline(lines, line);
  EXPECT_EQ(line, "row,class,probability no,probability yes");
  Index sample = 0;
  for (; std::getline(lines, line); ++sample) {
    const auto weight = static_cast<double>(sample % 9 + 1);  // against 2
    std::string row;
    std::string label;
    std::string no;
    std::string yes;
    std::istringstream fields(line);
    for (std::string* const field : {&row, &label, &no, &yes}) std::getline(fields, *field, ',');
    EXPECT_EQ(row, std::to_string(sample));
    if (weight != 2) {
      EXPECT_EQ(label, weight > 2 ? "yes" : "no") << line;
    }
    EXPECT_NEAR(std::strtod(no.c_str(), nullptr), 2 / (2 + weight), 2e-7) << line;
    EXPECT_NEAR(std::strtod(yes.c_str(), nullptr), weight / (2 + weight), 2e-7) << line;
  }
  EXPECT_EQ(sample, GetParam());
}

TEST_P(PredictTest, GivesTheBytesOfOneProcess) {
  const Dataset data = logarithms(GetParam());
  const std::string text = predict_all(data, world()).text;
  if (world().rank() > 0) return;
  EXPECT_EQ(text, predict_all(data, *make_single_communicator()).text);
}

// Chunks of 512: fewer than ranks, several rounds of them, and a ragged end.
INSTANTIATE_TEST_SUITE_P(Samples, PredictTest, testing::Values(1, 511, 512, 513, 1300, 12500),
                         [](const auto& test) { return std::to_string(test.param); });

class PredictErrorsTest : public MpiTest {};

TEST_F(PredictErrorsTest, SamplesThatAreNotFiniteAreNamedInOrder) {
  const std::vector<Index> broken = {3, 600, 601, 2000, 5000, 5001, 5002, 7777, 9999};
  const NonFiniteSamples found = predict_all(logarithms(10000, broken), world()).nonfinite;
  EXPECT_EQ(found.count, 9);
  EXPECT_EQ(found.first, std::vector<Index>(broken.begin(), broken.end() - 1));
}

TEST_F(PredictErrorsTest, AnErrorWhileWritingReachesAll) {
  const Dataset data = logarithms(2000);
  Network network = two_outputs(data);
  const PredictionTable table(data.description(), choose_loss("auto", {}, Task::kClassification).loss);
  const auto fail = [](std::string_view text) {
    if (!text.empty()) fail_input("out.csv: no space");
  };
  expect_same_error(catch_error([&] { predict(network, {}, all_of(data), table, world(), fail); }),
                    ExitCode::kBadInput, {"out.csv: no space"});
}

}  // namespace
}  // namespace lockstep::test
