// Trains a network with a unit of its own (scale.cpp), a loss, an optimizer and data of its own, and prints
// the digest of the weights.
#include <cmath>
#include <cstdio>
#include <numbers>
#include <utility>

#include "check_scale.hpp"
#include "lockstep/lockstep.hpp"
#include "lockstep/optim/algorithm.hpp"
#include "scale.hpp"

namespace {

using namespace lockstep;

/// Points in a square, with 1 for those in the circle inside and -1 for the others.
SourceParts circle() {
  DatasetContent points;
  points.description = {.name = "circle",
                        .task = Task::kRegression,
                        .storage = Storage::kFloats,
                        .samples = 300,
                        .feature_shape = {2}};
  for (int i = 0; i < points.description.samples; ++i) {
    const double x = std::fmod(i * 0.618, 1) * 2 - 1;
    const double y = std::fmod(i * 0.414, 1) * 2 - 1;
    points.values.insert(points.values.end(), {static_cast<float>(x), static_cast<float>(y)});
    points.targets.push_back(x * x + y * y < 0.6 ? 1.0F : -1.0F);
  }
  return {.training = std::move(points), .test = std::nullopt};
}

/// log cosh(output - target).
class LogCosh final : public Loss {
  double row(std::span<const Real> outputs, const Targets& targets, Index row,
             Real* gradient) const override {
    const double d = static_cast<double>(outputs[0]) - targets.values[static_cast<std::size_t>(row)];
    if (gradient != nullptr) gradient[0] = static_cast<Real>(portable::tanh(d));
    return std::abs(d) + portable::softplus(-2 * std::abs(d)) - std::numbers::ln2;
  }
};

/// x ← x - α sign(g).
Algorithm sign_descent() {
  return {.name = "sign-descent",
          .hyperparameters = {{"learning-rate", 0.01, 0, 1, "step size α"}},
          .state = [](const Hyperparameters&, const ParameterTensor&,
                      std::size_t) { return std::vector<KeptValues>(); },
          .update =
              [](const Hyperparameters&, const Update& u) {
                const auto alpha = static_cast<Real>(u.alpha);
                for (std::size_t i = 0; i < u.x.size(); ++i)
                  u.x[i] -= u.g[i] > 0 ? alpha : u.g[i] < 0 ? -alpha : 0;
              }};
}

}  // namespace

int main() {
  Session session;
  return session.run([&] {
    register_algorithm(sign_descent());
    Problem problem = make_problem(circle, {.validation = 0.2}, session);
    problem.use_loss("log-cosh", std::make_shared<LogCosh>());
    Network network(problem.sample());
    network.add(linear(16)).add(tanh()).add(consumer::scale()).add(linear(problem.outputs()));
    Trainer trainer(session, std::move(network), problem,
                    {.batch_size = 30,
                     .epochs = 150,
                     .optimizer = {.name = "sign-descent", .hyperparameters = {{"learning-rate", 0.005}}}});
    const double before = trainer.evaluate(held_out_parts(problem).front().second).loss;
    trainer.run();
    const double after = trainer.evaluate(held_out_parts(problem).front().second).loss;
    trainer.save("weights.safetensors");
    if (error_of_scale() > 1e-6 || after > before / 2) throw std::runtime_error("it does not learn");
    log::info("loss " + std::to_string(after) + ", weights_digest " +
              weights_digest(trainer.whole_network()));
  });
}
