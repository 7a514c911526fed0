#include "curve.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "lockstep/core/error.hpp"
#include "lockstep/nn/weights.hpp"

namespace lockstep {

namespace {

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

double weight_norm(const Model& model) {
  double sum = 0;
  for (const ParameterTensor& tensor : model.layout().tensors()) {
    if (tensor.kind != ParameterKind::kWeight) continue;
    for (Index i = tensor.range.offset; i < tensor.range.offset + tensor.range.size; ++i) {
      const double w = model.parameters()[static_cast<std::size_t>(i)];
      sum += w * w;
    }
  }
  return std::sqrt(sum);
}

/// Collective.
Measurement measure(Trainer& trainer, const Problem& problem, double samples) {
  const Evaluation training = trainer.evaluate(training_part(problem));
  Measurement m{.step = trainer.steps_done(),
                .epoch = samples / static_cast<double>(problem.split.training_size()),
                .samples = samples,
                .training_loss = training.loss,
                .training_accuracy = training.accuracy.value_or(kNothing),
                .test_loss = kNothing,
                .test_accuracy = kNothing,
                .gap = kNothing,
                .weight_norm = weight_norm(trainer.model())};
  const auto parts = held_out_parts(problem);
  if (!parts.empty()) {
    const Evaluation held_out = trainer.evaluate(parts.back().second);
    m.test_loss = held_out.loss;
    m.test_accuracy = held_out.accuracy.value_or(kNothing);
    m.gap = held_out.loss - training.loss;
  }
  return m;
}

}  // namespace

Curve train_curve(const Config& config, Communicator& communicator, Index evaluations) {
  const Problem problem = make_problem(config, communicator);
  Trainer trainer(config, problem, communicator);
  Curve curve{
      .variant = "", .seed = config.train.seed, .points = {}, .diverged = false, .weights_digest = ""};
  const std::uint64_t total = trainer.plan().total_steps;
  const std::uint64_t count = std::min(static_cast<std::uint64_t>(evaluations), total);
  double samples = 0;
  try {
    curve.points.push_back(measure(trainer, problem, samples));
    for (std::uint64_t i = 1; i <= count; ++i) {
      while (trainer.steps_done() < total * i / count) samples += static_cast<double>(trainer.step().samples);
      const Measurement m = measure(trainer, problem, samples);
      if (!std::isfinite(m.training_loss)) throw Diverged("the training loss is no longer finite");
      curve.points.push_back(m);
    }
  } catch (const Diverged&) {
    curve.diverged = true;
  }
  curve.weights_digest = weights_digest(trainer.model());
  return curve;
}

Spread spread(const std::vector<double>& values) {
  const auto n = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return {mean, values.size() > 1 ? std::sqrt(squares / (n - 1)) : 0};
}

Spread last(const std::vector<Curve>& curves, Quantity quantity) {
  std::vector<double> values;
  values.reserve(curves.size());
  for (const Curve& curve : curves) {
    values.push_back(curve.diverged ? kNothing : curve.points.back().*quantity);
  }
  return spread(values);
}

std::string to_text(const Spread& spread) {
  if (std::isnan(spread.mean)) return "diverged";
  return fmt::format("{:.4g} ± {:.2g}", spread.mean, spread.deviation);
}

nlohmann::ordered_json to_json(const Curve& curve, const Measurement& m) {
  return {{"event", "measurement"},
          {"variant", curve.variant},
          {"seed", curve.seed},
          {"step", m.step},
          {"epoch", m.epoch},
          {"samples", m.samples},
          {"training_loss", m.training_loss},
          {"training_accuracy", m.training_accuracy},
          {"test_loss", m.test_loss},
          {"test_accuracy", m.test_accuracy},
          {"weight_norm", m.weight_norm}};
}

}  // namespace lockstep
