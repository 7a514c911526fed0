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
