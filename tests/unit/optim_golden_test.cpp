// Ten steps beside PyTorch; tests/golden/generate.py says what its numbers mean.

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "nn_helpers.hpp"
#include <gtest/gtest.h>

#include "lockstep/nn/gradient_check.hpp"
#include "lockstep/optim/norm.hpp"
#include "lockstep/optim/optimizer.hpp"

namespace lockstep {
namespace {

using Json = nlohmann::json;
using test::kIsDouble;

constexpr double kTolerance = kIsDouble ? 1e-9 : 1e-4;
constexpr const char* kPrecision = kIsDouble ? "float64" : "float32";

/// Clipping by largest / norm exactly; Lockstep clips as clip_grad_norm_ does, with 1e-6 added.
bool is_exact_clip(const Json& optimizer) { return optimizer.value("clip-epsilon", 1e-6) == 0; }

bool is_registered(const std::string& name) {
  return std::any_of(algorithms().begin(), algorithms().end(), [&](const auto& a) { return a.name == name; });
}

OptimizerOptions options_of(const Json& optimizer) {
  OptimizerOptions options{.name = optimizer.at("name"), .hyperparameters = {}};
  // PyTorch's own defaults, which a case leaves out, are no momentum and no decay.
  for (const Hyperparameter& h : find_algorithm(options.name).hyperparameters) {
    const Json value = optimizer.value(h.name, Json(h.name == "weight-decay" ? 0 : h.default_value));
    options.hyperparameters[h.name] = value.is_boolean() ? (value.get<bool>() ? 1 : 0) : value.get<double>();
  }
  for (const auto& [key, value] : optimizer.items()) {
    const bool is_known = options.hyperparameters.contains(key) || key == "name" || key == "l2" ||
                          key == "weight-decay-on" || key == "clip-norm" || key == "clip-epsilon";
    EXPECT_TRUE(is_known) << options.name << " does not take " << key;
  }
  options.l2 = optimizer.value("l2", 0.0);
  options.decay_scope =
      optimizer.value("weight-decay-on", "weights") == "all" ? DecayScope::kAll : DecayScope::kWeights;
  return options;
}

std::vector<double> in_layout_order(const Json& state, const ParameterLayout& layout) {
  std::vector<double> all;
  EXPECT_EQ(state.size(), layout.tensors().size());
  for (const ParameterTensor& tensor : layout.tensors()) {
    EXPECT_EQ(state.at(tensor.name).at("shape").get<std::vector<Index>>(), tensor.shape) << tensor.name;
    const auto values = state.at(tensor.name).at("values").get<std::vector<double>>();
    all.insert(all.end(), values.begin(), values.end());
  }
  return all;
}

/// The batch of one step.
struct GoldenBatch {
  Matrix x;
  std::vector<std::int32_t> labels;
  std::vector<Real> values;
};

GoldenBatch batch_of(const Json& golden, std::size_t step) {
  const auto rows = golden.at("inputs")[step].get<std::vector<std::vector<double>>>();
  const auto targets = golden.at("targets")[step].get<std::vector<double>>();
  GoldenBatch batch{Matrix(rows.size(), rows[0].size()), {}, {}};
  for (std::size_t r = 0; r < rows.size(); ++r) {
    for (std::size_t i = 0; i < rows[r].size(); ++i) batch.x(r, i) = static_cast<Real>(rows[r][i]);
    batch.labels.push_back(static_cast<std::int32_t>(targets[r]));
    batch.values.push_back(static_cast<Real>(targets[r]));
  }
  return batch;
}

void expect_case(const Json& golden, const Json& c) {
  Model model(golden.at("layers"), std::ssize(golden.at("inputs")[0][0]));
  const auto initial = in_layout_order(golden.at("initial"), model.layout());
  std::copy(initial.begin(), initial.end(), model.parameters().begin());
  const std::unique_ptr<Loss> loss =
      c.at("loss") == "mse" ? make_mean_squared_error() : make_cross_entropy(c.at("label-smoothing"));
  Optimizer optimizer(options_of(c.at("optimizer")), model.layout());
  const double largest_norm = c.at("optimizer").value("clip-norm", 0.0);

  std::vector<double> losses;
  std::vector<double> norms;
  std::vector<Real> gradient(model.parameters().size());
  std::vector<Real> first_gradient;
  for (std::size_t step = 0; step < golden.at("inputs").size(); ++step) {
    const GoldenBatch batch = batch_of(golden, step);
    const test::OwnedBlock block(test::counted(batch.x.rows()));
    const auto rows = static_cast<double>(batch.x.rows());
    const double sum = plain_gradient(model, *loss, block.training(), test::view(batch.x),
                                      {.labels = batch.labels, .values = batch.values}, gradient);
    for (Real& value : gradient) value /= static_cast<Real>(rows);
    if (step == 0) first_gradient = gradient;
    losses.push_back(sum / rows);
    norms.push_back(norm(gradient));
    const double factor = largest_norm > 0 ? clip_factor(norms.back(), largest_norm) : 1;
    optimizer.step(model.parameters(), gradient, factor, 1, step + 1);
  }

  const Json& expected = c.at(kPrecision);
  EXPECT_LT(test::largest_relative_error(first_gradient,
                                         in_layout_order(c.at("first_gradient"), model.layout()), 1e-2),
            kTolerance);
  EXPECT_LT(test::largest_relative_error(losses, expected.at("losses").get<std::vector<double>>(), 1e-2),
            kTolerance);
  EXPECT_LT(
      test::largest_relative_error(norms, expected.at("gradient_norms").get<std::vector<double>>(), 1e-2),
      kTolerance);
  EXPECT_LT(test::largest_relative_error(model.parameters(),
                                         in_layout_order(expected.at("final"), model.layout()), 1e-2),
            kTolerance);
}

TEST(Optimizer, TakesTorchsTenSteps) {
  std::map<std::string, int> cases;
  // PyTorch has none of these three; optim_paper_test.cpp holds them to their papers.
  const std::set<std::string> unknown_to_torch = {"lion", "lars", "lamb"};
  for (const Algorithm& algorithm : algorithms()) {
    if (!unknown_to_torch.contains(algorithm.name)) cases[algorithm.name] = 0;
  }
  for (const std::string file : {"classification.json", "regression.json"}) {
    const Json golden = test::read_golden(file);
    for (const Json& c : golden.at("cases")) {
      const std::string name = c.at("optimizer").at("name");
      if (!is_registered(name) || is_exact_clip(c.at("optimizer"))) continue;
      SCOPED_TRACE(file + ": " + c.at("name").get<std::string>());
      expect_case(golden, c);
      ++cases[name];
    }
  }
  for (const auto& [name, count] : cases) EXPECT_GT(count, 0) << "no case of PyTorch for " << name;
}

}  // namespace
}  // namespace lockstep
