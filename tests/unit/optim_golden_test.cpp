// Fifty steps beside PyTorch, or beside transcriptions of what it does not have; tests/golden/generate.py and
// generate_papers.py say what the numbers mean.

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "lockstep/nn/gradient_check.hpp"
#include "lockstep/optim/optimizer.hpp"
#include "nn_helpers.hpp"
#include "optim/norm.hpp"

namespace lockstep {
namespace {

using Json = nlohmann::json;
using test::kIsDouble;

/// Float32 runs part by their rounding alone: the golden ones from their float64 runs by 1e-7 to 1e-4, as the
/// case says (float32_distance). The float build is another such run, with errors of its own; ten times
/// theirs are allowed.
double tolerance(const Json& c, const std::string& what) {
  return kIsDouble ? 1e-11 : 10 * c.at("float32_distance").at(what).get<double>();
}

OptimizerOptions options_of(const Json& optimizer) {
  OptimizerOptions options{.name = optimizer.at("name"), .hyperparameters = {}};
  // A case of PyTorch's SGD says nothing of a decoupled decay: it has none.
  for (const Hyperparameter& h : find_algorithm(options.name).hyperparameters) {
    const Json value = optimizer.value(h.name, Json(h.name == "weight-decay" ? 0 : h.default_value));
    options.hyperparameters[h.name] = value.is_boolean() ? (value.get<bool>() ? 1 : 0) : value.get<double>();
  }
  for (const auto& [key, value] : optimizer.items()) {
    const bool is_known = options.hyperparameters.contains(key) || key == "name" || key == "l2" ||
                          key == "weight-decay-on" || key == "clip-norm";
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

Network initial_model(const Json& golden) {
  Network model(golden.at("layers"), std::ssize(golden.at("inputs")[0][0]));
  const auto initial = in_layout_order(golden.at("initial"), model.layout());
  std::copy(initial.begin(), initial.end(), model.parameters().begin());
  return model;
}

std::unique_ptr<Loss> loss_of(const Json& golden, double smoothing) {
  return golden.at("loss") == "mse" ? make_mean_squared_error() : make_cross_entropy(smoothing);
}

/// The mean loss of a step's batch; `gradient` becomes its gradient.
double mean_loss(const Json& golden, std::size_t step, const Loss& loss, Network& model,
                 std::vector<Real>& gradient) {
  const GoldenBatch batch = batch_of(golden, step);
  const test::OwnedBlock block(test::counted(batch.x.rows()));
  const auto rows = static_cast<double>(batch.x.rows());
  const double sum = plain_gradient(model, loss, block.training(), test::view(batch.x),
                                    {.labels = batch.labels, .values = batch.values}, gradient);
  for (Real& value : gradient) value /= static_cast<Real>(rows);
  return sum / rows;
}

void expect_case(const Json& golden, const Json& c) {
  Network model = initial_model(golden);
  const std::unique_ptr<Loss> loss = loss_of(golden, c.at("label-smoothing"));
  Optimizer optimizer(options_of(c.at("optimizer")), model.layout());
  const double largest_norm = c.at("optimizer").value("clip-norm", 0.0);

  std::vector<double> losses;
  std::vector<double> norms;
  std::vector<Real> gradient(model.parameters().size());
  for (std::size_t step = 0; step < golden.at("inputs").size(); ++step) {
    losses.push_back(mean_loss(golden, step, *loss, model, gradient));
    norms.push_back(norm(gradient));
    if (optimizer.has_two_passes()) {
      optimizer.perturb(model.parameters(), gradient, norms.back());
      mean_loss(golden, step, *loss, model, gradient);
      optimizer.move_back(model.parameters());
    }
    const double factor = largest_norm > 0 ? clip_factor(norm(gradient), largest_norm) : 1;
    optimizer.step(model.parameters(), gradient, factor, 1, step + 1);
  }

  const auto expect = [&c](const std::string& what, const auto& ours, const std::vector<double>& theirs) {
    EXPECT_LT(test::largest_relative_error(ours, theirs, 1e-2), tolerance(c, what)) << what;
  };
  expect("losses", losses, c.at("losses"));
  expect("gradient_norms", norms, c.at("gradient_norms"));
  expect("final", model.parameters(), in_layout_order(c.at("final"), model.layout()));
}

const std::vector<std::string> kFiles = {"classification.json", "regression.json"};

TEST(Gradient, IsTorchs) {
  for (const std::string& file : kFiles) {
    const Json golden = test::read_golden(file);
    Network model = initial_model(golden);
    std::vector<Real> gradient(model.parameters().size());
    mean_loss(golden, 0, *loss_of(golden, 0), model, gradient);
    const auto torchs = in_layout_order(golden.at("first_gradient"), model.layout());
    EXPECT_LT(test::largest_relative_error(gradient, torchs, 1e-2), kIsDouble ? 1e-13 : 1e-5) << file;
  }
}

TEST(Optimizer, TakesTheGoldenFiftySteps) {
  std::map<std::string, int> cases;
  // Tests of their own hold these to their papers.
  const std::set<std::string> without = {"lion", "lars", "lamb", "newton"};
  for (const Algorithm& algorithm : algorithms()) {
    if (!without.contains(algorithm.name)) cases[algorithm.name] = 0;
  }
  const Json papers = test::read_golden("papers.json");
  for (const std::string& file : kFiles) {
    const Json golden = test::read_golden(file);
    ASSERT_EQ(golden.at("inputs").size(), 50);
    std::vector<Json> all = golden.at("cases");
    const std::vector<Json> of_papers = papers.at("problems").at(file);
    all.insert(all.end(), of_papers.begin(), of_papers.end());
    for (const Json& c : all) {
      SCOPED_TRACE(file + ": " + c.at("name").get<std::string>());
      expect_case(golden, c);
      ++cases[c.at("optimizer").at("name")];
    }
  }
  for (const auto& [name, count] : cases) EXPECT_GE(count, 3) << "too few golden cases for " << name;
}

}  // namespace
}  // namespace lockstep
