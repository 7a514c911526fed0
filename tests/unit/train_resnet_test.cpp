// Ten steps of a small residual network with batch normalisation, and of one with parallel branches, against
// PyTorch.

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "lockstep/core/threads.hpp"
#include "lockstep/nn/weights.hpp"
#include "nn_helpers.hpp"
#include "train_helpers.hpp"

namespace lockstep {
namespace {

using nlohmann::json;

constexpr double kTolerance = test::kIsDouble ? 1e-9 : 2e-3;
constexpr double kFloor = 0.01;

DatasetContent pictures_of(const json& golden) {
  DatasetContent content;
  for (const json& row : golden.at("inputs")) {
    for (const json& value : row) content.values.push_back(value.get<float>());
  }
  content.labels = golden.at("labels").get<std::vector<std::int32_t>>();
  content.description = {.name = "golden",
                         .storage = Storage::kFloats,
                         .samples = std::ssize(content.labels),
                         .feature_shape = golden.at("shape").get<std::vector<Index>>(),
                         .classes = 3};
  return content;
}

Config config_for(const json& golden, const std::string& micro_batches) {
  return test::config_of({{"data.source", "blobs"},
                          {"data.samples", std::to_string(golden.at("labels").size())},
                          {"data.normalize", "none"},
                          {"model.layers", golden.at("layers")},
                          {"train.batch-size", "full"},
                          {"train.micro-batches", micro_batches},
                          {"train.epochs", std::to_string(golden.at("losses").size())},
                          {"optimizer.learning-rate", golden.at("learning_rate").dump()},
                          {"optimizer.momentum", golden.at("momentum").dump()}});
}

void expect_near(std::span<const Real> found, const std::vector<Real>& expected, const std::string& what) {
  EXPECT_LT(test::largest_relative_error(found, expected, kFloor), kTolerance) << what;
}

void expect_as_in_pytorch(const std::string& file) {
  const json golden = test::read_golden(file);
  for (const std::string micro_batches : {"1", "5", "24"}) {
    SCOPED_TRACE(micro_batches + " micro-batches");
    const Config config = config_for(golden, micro_batches);
    const auto communicator = make_single_communicator();
    Problem problem = make_problem(config, *communicator);
    problem.training = make_dataset(pictures_of(golden));
    Network network = make_network(config, problem.training.description());
    const std::span<Real> parameters = network.parameters();
    for (const ParameterTensor& tensor : network.layout().tensors()) {
      const json& initial = golden.at("initial").at(tensor.name);
      EXPECT_EQ(tensor.shape, initial.at("shape").get<std::vector<Index>>()) << tensor.name;
      std::ranges::copy(initial.at("values").get<std::vector<Real>>(),
                        parameters.begin() + tensor.range.offset);
    }
    Trainer trainer(*communicator, std::move(network), problem, config.training);
    for (const json& loss : golden.at("losses")) {
      EXPECT_NEAR(trainer.step().loss, loss.get<double>(), kTolerance * loss.get<double>());
    }

    Network& trained = trainer.whole_network();
    std::size_t tensors = 0;
    for_each_tensor(trained, [&](const ParameterTensor& tensor, std::span<const Real> values) {
      ++tensors;
      expect_near(values, golden.at("final").at(tensor.name).at("values").get<std::vector<Real>>(),
                  tensor.name);
    });
    EXPECT_EQ(tensors, golden.at("final").size());

    const auto pictures = golden.at("inputs").get<std::vector<std::vector<Real>>>();
    const auto evaluated = golden.at("evaluated").get<std::vector<std::vector<Real>>>();
    for (std::size_t i = 0; i < pictures.size(); ++i) {
      const test::OwnedBlock block(test::counted(1));
      const auto y = trained.forward(block.evaluation(),
                                     ConstMatrixView(pictures[i].data(), 1, std::ssize(pictures[i])));
      expect_near({y.data(), 3}, evaluated[i], "evaluation of sample " + std::to_string(i));
    }
  }
}

TEST(ResNet, TrainsAsInPyTorch) { expect_as_in_pytorch("resnet.json"); }

TEST(Inception, TrainsAsInPyTorch) { expect_as_in_pytorch("inception.json"); }

}  // namespace
}  // namespace lockstep
