#include "study/sweep/sweep_results.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include <fmt/format.h>

#include "core/json.hpp"
#include "core/text.hpp"
#include "study/numbers.hpp"
#include "train/run/run_directory.hpp"

namespace lockstep {

namespace {

using Json = nlohmann::ordered_json;

struct Column {
  const char* name;
  Quantity quantity;
  bool is_result;  ///< not there where the training diverged
};

constexpr std::array kColumns = {Column{"epoch", &Measurement::epoch, false},
                                 Column{"samples", &Measurement::samples, false},
                                 Column{"training_loss", &Measurement::training_loss, true},
                                 Column{"training_accuracy", &Measurement::training_accuracy, true},
                                 Column{"validation_loss", &Measurement::validation_loss, true},
                                 Column{"validation_accuracy", &Measurement::validation_accuracy, true},
                                 Column{"test_loss", &Measurement::test_loss, true},
                                 Column{"test_accuracy", &Measurement::test_accuracy, true},
                                 Column{"gap", &Measurement::gap, true},
                                 Column{"weight_norm", &Measurement::weight_norm, true}};

/// What the table says of a training: the last measurement.
Measurement last_of(const Curve& curve) {
  Measurement last = curve.points.empty() ? Measurement{} : curve.points.back();
  for (const Column& column : kColumns) {
    if (curve.diverged && column.is_result) last.*column.quantity = kNothing;
  }
  return last;
}

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(); }

/// As the journal has it: null where nothing was measured, a word where that is not finite.
constexpr const char* kNotFinite = "not finite";
Json to_journal(double value) { return std::isinf(value) ? Json(kNotFinite) : number(value); }
double from_journal(const Json& value) {
  if (value.is_null()) return kNothing;
  return value == kNotFinite ? std::numeric_limits<double>::infinity() : value.get<double>();
}

std::string csv_line(const std::vector<std::string>& fields) {
  std::string line;
  for (const std::string& field : fields) {
    if (!line.empty()) line += ',';
    line += csv_field(field);
  }
  return line + "\r\n";
}

}  // namespace

Json to_result(const Curve& curve) {
  Json measurements = Json::array();
  for (const Measurement& m : curve.points) {
    Json measurement = {{"step", m.step}};
    for (const Column& column : kColumns) measurement[column.name] = to_journal(m.*column.quantity);
    measurements.push_back(std::move(measurement));
  }
  Json result = {{"diverged", curve.diverged},
                 {"weights_digest", curve.weights_digest},
                 {"samples", curve.samples},
                 {"whole_samples", curve.whole_samples},
                 {"measurements", std::move(measurements)}};
  if (!curve.note.empty()) result["note"] = curve.note;
  return result;
}

Curve from_result(const Json& result, const std::string& name) {
  Curve curve{.variant = name,
              .seed = 0,
              .points = {},
              .diverged = result.at("diverged").get<bool>(),
              .weights_digest = result.at("weights_digest").get<std::string>(),
              .note = result.value("note", ""),
              .samples = result.value("samples", 0.0),
              .whole_samples = result.value("whole_samples", 0.0),
              .rung = result.value("rung", Index{1}) - 1};
  for (const Json& measurement : result.at("measurements")) {
    Measurement m{.step = measurement.at("step").get<std::uint64_t>()};
    for (const Column& column : kColumns) {
      m.*column.quantity = from_journal(measurement.at(column.name));
    }
    curve.points.push_back(m);
  }
  return curve;
}

std::vector<Curve> results_of(const SweepPlan& plan, const std::map<SweepTask, Json>& journal, Index rung) {
  std::vector<Curve> results(static_cast<std::size_t>(plan.grid.size()));
  for (const auto& [task, result] : journal) {  // in rising order of their rungs
    if (task.rung > rung) break;
    results[static_cast<std::size_t>(task.point)] = from_result(result, plan.grid.name(task.point));
  }
  return results;
}

std::string table_csv(const SweepPlan& plan, const std::vector<Curve>& results) {
  std::vector<std::string> names = {"point"};
  for (const SweepAxis& axis : plan.grid.axes()) names.push_back(axis.key);
  if (plan.halving.is_on()) names.emplace_back("rung");
  names.insert(names.end(), {"diverged", "step"});
  for (const Column& column : kColumns) names.emplace_back(column.name);
  names.emplace_back("weights_digest");
  std::string text = csv_line(names);
  for (std::size_t i = 0; i < results.size(); ++i) {
    std::vector<std::string> fields = {std::to_string(i + 1)};
    for (const auto& [key, value] : plan.grid.settings(static_cast<Index>(i))) fields.push_back(value);
    const Measurement last = last_of(results[i]);
    if (plan.halving.is_on()) fields.push_back(std::to_string(results[i].rung + 1));
    fields.insert(fields.end(), {results[i].diverged ? "true" : "false", std::to_string(last.step)});
    for (const Column& column : kColumns) {
      const Json value = number(last.*column.quantity);
      fields.push_back(value.is_null() ? "" : json_text(value));
    }
    fields.push_back(results[i].weights_digest);
    text += csv_line(fields);
  }
  return text;
}

std::string table_jsonl(const SweepPlan& plan, const std::vector<Curve>& results) {
  std::string text;
  for (std::size_t i = 0; i < results.size(); ++i) {
    const Measurement last = last_of(results[i]);
    Json line = {{"point", i + 1}, {"settings", Json::object()}};
    for (const auto& [key, value] : plan.grid.settings(static_cast<Index>(i))) line["settings"][key] = value;
    if (plan.halving.is_on()) line["rung"] = results[i].rung + 1;
    line["diverged"] = results[i].diverged;
    line["step"] = last.step;
    for (const Column& column : kColumns) line[column.name] = number(last.*column.quantity);
    line["weights_digest"] = results[i].weights_digest;
    text += to_line(line) + "\n";
  }
  return text;
}

std::optional<double> finite_number(const std::string& text) {
  const auto number = parse_number(text);
  return number && std::isfinite(*number) ? number : std::nullopt;
}

Json number_or_text(const std::string& text) {
  const auto number = finite_number(text);
  return number ? Json(*number) : Json(text);
}

bool is_numeric(const SweepAxis& axis) {
  return std::all_of(axis.values.begin(), axis.values.end(),
                     [](const std::string& value) { return finite_number(value).has_value(); });
}

std::vector<std::size_t> order_along(const SweepAxis& axis) {
  std::vector<std::size_t> order(axis.values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  if (is_numeric(axis)) {
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return *finite_number(axis.values[a]) < *finite_number(axis.values[b]);
    });
  }
  return order;
}

bool is_trained(const Curve& curve) { return curve.diverged || !curve.points.empty(); }

std::vector<SweepGroup> by_setting(const SweepPlan& plan, const std::vector<Curve>& results) {
  std::vector<SweepGroup> groups;
  std::map<std::string, std::size_t> places;
  for (std::size_t i = 0; i < results.size(); ++i) {
    const auto point = static_cast<Index>(i);
    std::vector<std::string> parts;
    const auto settings = plan.grid.settings(point);
    for (std::size_t axis = 0; axis < settings.size(); ++axis) {
      if (is_seed(plan.grid.axes()[axis])) continue;
      parts.push_back(fmt::format("{} = {}", settings[axis].first, settings[axis].second));
    }
    const std::string name = parts.empty() ? "all seeds" : join(parts);
    const auto [place, is_new] = places.emplace(name, groups.size());
    if (is_new) groups.push_back({name, {}, {}});
    SweepGroup& group = groups[place->second];
    group.points.push_back(point);
    group.curves.push_back(results[i]);
    group.curves.back().variant = name;
  }
  return groups;
}

std::string when_measured(const SweepPlan& plan) {
  return plan.halving.is_on() ? "At the end of a point's last rung" : "At the end of training";
}

std::string config_file(Index point) { return fmt::format("points/{}.cfg", point + 1); }

}  // namespace lockstep
