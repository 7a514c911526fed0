#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <set>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "data_helpers.hpp"
#include "lockstep/nn/weights.hpp"
#include "nn_helpers.hpp"
#include "temporary_folder.hpp"

namespace lockstep {
namespace {

using test::is_bad_input;
using test::TemporaryFolder;

constexpr const char* kTorchFile = LOCKSTEP_TEST_DATA "/torch.safetensors";

Network torch_model() { return {"linear 8, relu, linear 5, tanh, linear 4", 6}; }

Network random_model(const std::string& layers = "linear 8, relu, linear 3", Index inputs = 4) {
  Network model(layers, inputs);
  const auto values = test::random_values(model.layout().size(), 1);
  std::copy(values.begin(), values.end(), model.parameters().begin());
  return model;
}

std::vector<Real> values_of(const Network& model) {
  return {model.parameters().begin(), model.parameters().end()};
}

TEST(Weights, OfTorchGiveTorchsOutputs) {
  Network model = torch_model();
  set_parameters(model, read_safetensors(kTorchFile), kTorchFile);
  const auto golden = test::read_golden("torch_logits.json");
  const auto inputs = golden.at("inputs").get<std::vector<std::vector<double>>>();
  const auto logits = golden.at("logits").get<std::vector<std::vector<double>>>();
  const auto rows = static_cast<Index>(inputs.size());
  Matrix x(rows, 6);
  for (Index r = 0; r < rows; ++r) {
    for (Index i = 0; i < 6; ++i) x(r, i) = static_cast<Real>(inputs[r][i]);
  }
  const auto outputs =
      model.forward(test::OwnedBlock(test::counted(rows)).evaluation(), read_only(test::view(x)));
  ASSERT_EQ(rows, 12);
  for (Index r = 0; r < rows; ++r) {
    for (Index k = 0; k < 4; ++k) EXPECT_NEAR(outputs(r, k), logits[r][k], test::kIsDouble ? 1e-12 : 1e-5);
  }
}

TEST(Weights, OfTorchAreKeptBitForBit) {
  const StoredTensors torch = read_safetensors(kTorchFile);
  Network model = torch_model();
  set_parameters(model, torch, kTorchFile);
  EXPECT_EQ(torch.metadata.at("format"), "pt");
  for (const ParameterTensor& tensor : model.layout().tensors()) {
    const auto stored = std::find_if(torch.tensors.begin(), torch.tensors.end(),
                                     [&](const auto& s) { return s.name == tensor.name; });
    ASSERT_NE(stored, torch.tensors.end());
    ASSERT_EQ(stored->type, "F32");
    std::vector<float> values(static_cast<std::size_t>(tensor.range.size));
    ASSERT_EQ(stored->data.size(), values.size() * sizeof(float));
    std::memcpy(values.data(), stored->data.data(), stored->data.size());
    const auto parameters = model.parameters().subspan(tensor.range.offset, tensor.range.size);
    EXPECT_TRUE(std::equal(values.begin(), values.end(), parameters.begin())) << tensor.name;
  }
}

TEST(Weights, ComeBackAsTheyWereSaved) {
  const TemporaryFolder folder;
  Network saved = random_model();
  saved.parameters()[0] = -Real(0);
  saved.parameters()[1] = std::numeric_limits<Real>::denorm_min();
  saved.parameters()[2] = std::numeric_limits<Real>::infinity();
  write_safetensors(folder.path() / "x", {}, to_tensors(saved));
  Network read("linear 8, relu, linear 3", 4);
  set_parameters(read, read_safetensors(folder.path() / "x"), "x");
  EXPECT_EQ(std::memcmp(read.parameters().data(), saved.parameters().data(),
                        saved.parameters().size() * sizeof(Real)),
            0);
}

TEST(Weights, OfTheOtherPrecisionAreConverted) {
  const std::vector<double> values = {0.5, -1.25, 3};
  const auto bytes = std::as_bytes(std::span(values));
  const float bias = 0.75;
  const auto bias_bytes = std::as_bytes(std::span(&bias, 1));
  Network model("linear 1", 3);
  set_parameters(model,
                 {{},
                  {{"0.bias", "F32", {1}, {bias_bytes.begin(), bias_bytes.end()}},
                   {"0.weight", "F64", {1, 3}, {bytes.begin(), bytes.end()}}}},
                 "x");
  EXPECT_EQ(values_of(model), (std::vector<Real>{0.5, -1.25, 3, 0.75}));
}

/// As a file holds them.
StoredTensors stored(const Network& model) {
  StoredTensors stored;
  for (const TensorView& tensor : to_tensors(model)) {
    stored.tensors.push_back(
        {tensor.name, tensor.type, tensor.shape, {tensor.data.begin(), tensor.data.end()}});
  }
  return stored;
}

TEST(Weights, OfAnotherNetworkAreRefused) {
  Network model("linear 8, relu, linear 3", 4);
  const auto refused = [&](const StoredTensors& weights, const std::vector<std::string>& fragments) {
    return is_bad_input([&] { set_parameters(model, weights, "FILE"); }, fragments);
  };
  const auto of = [](const std::string& layers, Index inputs) {
    return stored(random_model(layers, inputs));
  };
  const std::string network = "'linear 8, relu, linear 3'";
  EXPECT_TRUE(refused(of("linear 9, relu, linear 3", 4), {"FILE", "0.weight [9 x 4]", "[8 x 4]", network}));
  EXPECT_TRUE(refused(of("linear 8, relu, linear 3", 5), {"FILE", "0.weight [8 x 5]", "[8 x 4]", network}));
  EXPECT_TRUE(refused(of("linear 8, linear 3", 4), {"FILE", "no tensor 2.weight [3 x 8]", network}));
  EXPECT_TRUE(
      refused(of("linear 8, relu, linear 3, linear 3", 4), {"FILE", "holds 6 tensors", "expected 4"}));
  EXPECT_TRUE(refused({}, {"FILE", "no tensor 0.weight [8 x 4]"}));
}

TEST(Weights, OfATypeThatIsNoFloatAreRefused) {
  Network model("linear 1", 1);
  StoredTensors weights = stored(model);
  weights.tensors[1].type = "I32";
  EXPECT_TRUE(is_bad_input([&] { set_parameters(model, weights, "FILE"); },
                           {"FILE", "0.bias", "I32", "F32, F64, BF16, F16"}));
}

StoredTensor halves(const std::string& name, const std::string& type,
                    const std::vector<std::uint16_t>& bits) {
  const auto bytes = std::as_bytes(std::span(bits));
  return {name, type, {1, static_cast<Index>(bits.size())}, {bytes.begin(), bytes.end()}};
}

// IEEE 754-2019, table 3.5: binary16; bfloat16 is the upper half of binary32.
TEST(Weights, OfHalfPrecisionAreWidenedExactly) {
  const std::vector<Real> expected = {1,     Real(-2.5), Real(0.0999755859375),
                                      65504, 0,          Real(5.9604644775390625e-8)};
  Network model("linear 1", 6);
  StoredTensors weights = stored(model);
  weights.tensors[0] = halves("0.weight", "F16", {0x3c00, 0xc100, 0x2e66, 0x7bff, 0x8000, 0x0001});
  set_parameters(model, weights, "FILE");
  EXPECT_EQ(std::vector<Real>(model.parameters().begin(), model.parameters().begin() + 6), expected);
  weights.tensors[0] = halves("0.weight", "BF16", {0x3f80, 0xc020, 0x3e80, 0x4780, 0x8000, 0x3400});
  set_parameters(model, weights, "FILE");
  EXPECT_EQ(std::vector<Real>(model.parameters().begin(), model.parameters().begin() + 6),
            (std::vector<Real>{1, Real(-2.5), Real(0.25), 65536, 0, Real(1.1920928955078125e-7)}));
}

TEST(Weights, OfWrappersAreTakenAsTheyAreMeant) {
  for (const std::string prefix : {"module.", "_orig_mod.", "_orig_mod.module.", "model."}) {
    Network model("linear 2, linear 1", 3);
    const Network saved = random_model("linear 2, linear 1", 3);
    StoredTensors weights = stored(saved);
    EXPECT_EQ(left_out(model.layout(), weights), "");
    for (StoredTensor& tensor : weights.tensors) tensor.name = prefix + tensor.name;
    weights.tensors.push_back({"n_averaged", "I64", {}, std::vector<std::byte>(8)});
    set_parameters(model, weights, "FILE");
    EXPECT_EQ(weights_digest(model), weights_digest(saved)) << prefix;
    EXPECT_EQ(left_out(model.layout(), weights),
              "'" + prefix + "' before the names, the counter 'n_averaged'");
    weights.tensors.front().name = "0.weight";
    EXPECT_TRUE(is_bad_input([&] { set_parameters(model, weights, "FILE"); }, {"no tensor 0.bias"}));
  }
}

TEST(Weights, OfBatchNormalisationsHaveCountersThatAreLeftOut) {
  Network saved = random_model("batch-norm micro, linear 2, batch-norm micro", 3);
  saved.statistics()[1] = 5;
  StoredTensors weights = stored(saved);
  weights.tensors.push_back({"0.num_batches_tracked", "I64", {}, std::vector<std::byte>(8)});
  Network model(saved.text(), 3);
  EXPECT_EQ(left_out(model.layout(), weights), "the counter '0.num_batches_tracked'");
  weights.tensors.push_back({"2.num_batches_tracked", "I64", {}, std::vector<std::byte>(8)});
  EXPECT_EQ(left_out(model.layout(), weights), "2 counters such as '0.num_batches_tracked'");
  set_parameters(model, weights, "FILE");
  EXPECT_EQ(weights_digest(model), weights_digest(saved));
}

TEST(Weights, OfOtherNamesAreRefusedWithTheirNames) {
  Network model("linear 1", 1);
  StoredTensors weights = stored(model);
  weights.tensors.push_back(weights.tensors.front());
  weights.tensors.back().name = "head";
  EXPECT_TRUE(
      is_bad_input([&] { set_parameters(model, weights, "FILE"); }, {"'head' is none of 'linear 1'"}));
  weights.tensors = {weights.tensors.back()};
  EXPECT_TRUE(is_bad_input([&] { set_parameters(model, weights, "FILE"); },
                           {"no tensor 0.weight", "its tensors are head"}));
}

TEST(WeightsDigest, IsThatOfTheSavedFile) {
  const TemporaryFolder folder;
  // More than ten layers: "10.weight" sorts before "2.weight" as text.
  const Network model = random_model(
      "linear 2, relu, linear 2, relu, linear 2, relu, linear 2, relu, linear 2,"
      "relu, linear 2",
      3);
  write_safetensors(folder.path() / "x", {{"note", "metadata do not count"}}, to_tensors(model));
  EXPECT_EQ(digest(views(read_safetensors(folder.path() / "x").tensors)), weights_digest(model));
}

TEST(WeightsDigest, ChangesWithEveryBit) {
  Network model = random_model("linear 2", 1);
  std::set<std::string> digests = {weights_digest(model)};
  std::size_t bits = 0;
  for (Real& parameter : model.parameters()) {
    for (std::size_t byte = 0; byte < sizeof(Real); ++byte) {
      for (unsigned bit = 0; bit < 8; ++bit) {
        const Real kept = parameter;
        auto* const raw = reinterpret_cast<unsigned char*>(&parameter);
        raw[byte] = static_cast<unsigned char>(raw[byte] ^ (1U << bit));
        digests.insert(weights_digest(model));
        parameter = kept;
        ++bits;
      }
    }
  }
  EXPECT_EQ(digests.size(), bits + 1);
}

TEST(WeightsDigest, TellsNetworksOfEqualValuesApart) {
  const auto zeros = [](const std::string& layers, Index inputs) {
    return weights_digest(Network(layers, inputs));
  };
  const std::set<std::string> digests = {zeros("linear 2", 5), zeros("linear 3", 3), zeros("linear 4", 2),
                                         zeros("relu, linear 2", 5)};
  EXPECT_EQ(digests.size(), 4U);
  EXPECT_EQ(zeros("linear 2, relu", 5), zeros("linear 2", 5));
}

}  // namespace
}  // namespace lockstep
