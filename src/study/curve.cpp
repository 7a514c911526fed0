#include "study/curve.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/named.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/nn/weights.hpp"
#include "study/numbers.hpp"
#include "train/run/early_stopping.hpp"

namespace lockstep {

namespace {

double weight_norm(const Network& model) {
  double sum = 0;
  for (const ParameterTensor& tensor : model.layout().tensors()) {
    if (tensor.role != TensorRole::kWeight) continue;
    for (Index i = tensor.range.offset; i < tensor.range.offset + tensor.range.size; ++i) {
      const double w = model.parameters()[static_cast<std::size_t>(i)];
      sum += w * w;
    }
  }
  return std::sqrt(sum);
}

double loss_of(const Evaluation& evaluation) {
  return std::isfinite(evaluation.loss) ? evaluation.loss : kInfinity;
}

/// A measurement for `curve`, which keeps the evaluations themselves. Collective.
Measurement measure(Trainer& trainer, const Problem& problem, double samples, Curve& curve) {
  curve.held_out.clear();
  Measurement m{.step = trainer.steps_done(),
                .epoch = samples / static_cast<double>(problem.split.training_size()),
                .samples = samples,
                .training_loss = kNothing,
                .training_accuracy = kNothing,
                .validation_loss = kNothing,
                .validation_accuracy = kNothing,
                .test_loss = kNothing,
                .test_accuracy = kNothing,
                .gap = kNothing,
                .weight_norm = weight_norm(trainer.whole_network())};
  std::vector<std::pair<std::string, Selection>> parts = {{"training", training_part(problem)}};
  for (const auto& part : held_out_parts(problem)) parts.push_back(part);
  for (const auto& [name, selection] : parts) {
    const MeasuredPart& part = *find_named(measured_parts(), name);
    const Evaluation evaluation = trainer.evaluate(selection);
    m.*part.loss = loss_of(evaluation);
    m.*part.accuracy = evaluation.accuracy.value_or(kNothing);
    if (name == "training") continue;
    m.gap = m.*part.loss - m.training_loss;
    curve.held_out.emplace_back(name, evaluation);
    const std::string reason = nonfinite_text(evaluation);
    if (curve.note.empty() && !reason.empty()) curve.note = fmt::format("{} part: {}", name, reason);
  }
  return m;
}

}  // namespace

Config make_measured_config(GivenValues given) {
  const auto average = given.find("optimizer.average");
  if (average != given.end() && average->second.by == GivenBy::kRun) given.erase(average);
  Config config = make_config(given);
  if (config.training.average_decay > 0) {
    fail_input("optimizer.average ({}): studies and sweeps measure the weights themselves; remove it",
               given.at("optimizer.average").origin);
  }
  return config;
}

const std::vector<MeasuredPart>& measured_parts() {
  static const std::vector<MeasuredPart> parts = {
      {"training", &Measurement::training_loss, &Measurement::training_accuracy},
      {"validation", &Measurement::validation_loss, &Measurement::validation_accuracy},
      {"test", &Measurement::test_loss, &Measurement::test_accuracy}};
  return parts;
}

bool has_values(const std::vector<Curve>& curves, Quantity quantity) {
  return std::any_of(curves.begin(), curves.end(), [&](const Curve& curve) {
    return std::any_of(curve.points.begin(), curve.points.end(),
                       [&](const Measurement& m) { return !std::isnan(m.*quantity); });
  });
}

const MeasuredPart& choice_part(const std::vector<Curve>& curves) {
  const bool has_validation = has_values(curves, &Measurement::validation_loss);
  return *find_named(measured_parts(), has_validation ? "validation" : "training");
}

const MeasuredPart& gap_part(const std::vector<Curve>& curves) {
  const bool has_test = has_values(curves, &Measurement::test_loss);
  return *find_named(measured_parts(), has_test ? "test" : "validation");
}

double end_of(const Curve& curve, Quantity quantity) {
  return curve.diverged || curve.points.empty() ? kNothing : curve.points.back().*quantity;
}

std::string outcome(const Curve& curve) {
  if (curve.diverged) return "diverged";
  std::string text;
  for (const MeasuredPart& part : measured_parts()) {
    const double loss = end_of(curve, part.loss);
    if (std::isnan(loss)) continue;
    text += fmt::format("{}{} loss {}", text.empty() ? "" : ", ", part.name, to_text(spread({loss})));
  }
  return curve.note.empty() ? text : fmt::format("{}; {}", text, curve.note);
}

double choice_loss(const Curve& curve) { return end_of(curve, choice_part({curve}).loss); }

Curve train_curve(const Config& config, Communicator& communicator, Index evaluations,
                  const std::function<void(const StepReport&, const TrainingPlan&)>& after_step) {
  const Problem problem = make_problem(config, communicator);
  Trainer trainer(communicator, make_model(config, problem), problem, config.training);
  Curve curve{
      .variant = "", .seed = config.training.seed, .points = {}, .diverged = false, .weights_digest = ""};
  EarlyStopping stopping(config.stopping);
  const std::uint64_t total = trainer.plan().total_steps;
  const std::uint64_t count = std::min(static_cast<std::uint64_t>(evaluations), total);
  double samples = 0;
  const Hooks hooks{.after_step = [&](const StepReport& report) {
    samples += static_cast<double>(report.samples);
    after_step(report, trainer.plan());
    if (stopping.is_on() && report.step == trainer.plan().next_epoch_end(report.step - 1)) {
      stopping.add(report.step, report.epoch, trainer.evaluate(held_out_parts(problem).front().second));
    }
  }};
  try {
    curve.points.push_back(measure(trainer, problem, samples, curve));
    for (std::uint64_t i = 1; i <= count && !stopping.has_to_stop(); ++i) {
      const std::uint64_t last = total * i / count;
      while (trainer.steps_done() < last && !stopping.has_to_stop()) {
        trainer.run(std::min(last, trainer.plan().next_epoch_end(trainer.steps_done())), hooks);
      }
      const Measurement m = measure(trainer, problem, samples, curve);
      if (!std::isfinite(m.training_loss)) throw Diverged("the training loss is no longer finite");
      curve.points.push_back(m);
    }
  } catch (const Diverged&) {
    curve.diverged = true;
  }
  curve.weights_digest = weights_digest(trainer.whole_network());
  return curve;
}

Spread spread(const std::vector<double>& values) {
  const auto n = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return {mean, values.size() > 1 ? std::sqrt(squares / (n - 1)) : kNothing};
}

Spread last(const std::vector<Curve>& curves, Quantity quantity) {
  std::vector<double> values;
  values.reserve(curves.size());
  for (const Curve& curve : curves) values.push_back(end_of(curve, quantity));
  return spread(values);
}

std::string to_text(const Spread& spread) {
  if (std::isnan(spread.mean)) return "diverged";
  if (std::isinf(spread.mean)) return "not finite";
  if (std::isnan(spread.deviation)) return fmt::format("{:.4g}", spread.mean);
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
          {"validation_loss", m.validation_loss},
          {"validation_accuracy", m.validation_accuracy},
          {"test_loss", m.test_loss},
          {"test_accuracy", m.test_accuracy},
          {"weight_norm", m.weight_norm}};
}

}  // namespace lockstep
