#include "study/sections.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <limits>

#include <fmt/format.h>

namespace lockstep {

namespace {

using Json = nlohmann::ordered_json;

Json axis_json(const Axis& axis) { return {{"title", axis.title}, {"log", axis.is_logarithmic}}; }

const Curve& longest_of(const VariantCurves& curves) {
  return *std::max_element(curves.begin(), curves.end(),
                           [](const Curve& a, const Curve& b) { return a.points.size() < b.points.size(); });
}

Json series_of(const VariantCurves& curves, Quantity x, const DrawnQuantity& drawn) {
  const std::string& variant = curves.front().variant;
  Json series = empty_series(variant + (drawn.name.empty() ? "" : ": " + drawn.name), drawn.style, variant);
  const std::vector<Measurement>& points = longest_of(curves).points;
  for (std::size_t i = 0; i < points.size(); ++i) {
    std::vector<double> values;
    for (const Curve& curve : curves) {
      // Where a training has stopped early, its last point is at a step of its own.
      if (i >= curve.points.size() || curve.points[i].step != points[i].step) continue;
      values.push_back(curve.points[i].*drawn.quantity);
    }
    const double mean = spread(values).mean;
    add_point(series, points[i].*x, mean);
    if (curves.size() == 1) continue;
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    const bool has_band = std::isfinite(mean);  // NaN has no order
    add_band(series, has_band ? *low : mean, has_band ? *high : mean);
  }
  return series;
}

bool any_has(const std::vector<VariantCurves>& variants, Quantity quantity) {
  return std::any_of(variants.begin(), variants.end(),
                     [&](const VariantCurves& curves) { return has_values(curves, quantity); });
}

}  // namespace

Json empty_chart(const std::string& id, const std::string& title, const std::string& description,
                 const Axis& x_axis, const Axis& y_axis) {
  return {{"type", "chart"},        {"id", id},
          {"title", title},         {"description", description},
          {"kind", "lines"},        {"x", axis_json(x_axis)},
          {"y", axis_json(y_axis)}, {"series", Json::array()}};
}

Json empty_series(const std::string& name, const std::string& style) {
  return empty_series(name, style, name);
}

Json empty_series(const std::string& name, const std::string& style, const std::string& group) {
  Json series = {{"name", name}, {"group", group}};
  if (!style.empty()) series["style"] = style;
  series["x"] = Json::array();
  series["y"] = Json::array();
  return series;
}

void add_point(Json& series, const Json& x, double y) {
  series["x"].push_back(x);
  series["y"].push_back(y);
}

void add_band(Json& series, double low, double high) {
  series["low"].push_back(low);
  series["high"].push_back(high);
}

Json curves_chart(const std::string& id, const std::string& title, const std::string& description,
                  const std::vector<VariantCurves>& variants, Quantity x, const Axis& x_axis,
                  const std::vector<DrawnQuantity>& quantities, const Axis& y_axis) {
  Json chart = empty_chart(id, title, description, x_axis, y_axis);
  for (const VariantCurves& curves : variants) {
    for (const DrawnQuantity& drawn : quantities) {
      if (has_values(curves, drawn.quantity)) chart["series"].push_back(series_of(curves, x, drawn));
    }
  }
  return chart;
}

std::vector<DrawnQuantity> drawn_parts(const std::vector<VariantCurves>& variants,
                                       Quantity MeasuredPart::*result, bool with_training) {
  std::vector<DrawnQuantity> drawn;
  for (const MeasuredPart& part : measured_parts()) {
    if (part.name == "training" && !with_training) continue;
    const std::string style = part.name == "training"     ? "solid"
                              : part.name == "validation" ? "dotted"
                                                          : "dashed";
    if (any_has(variants, part.*result)) drawn.push_back({part.*result, part.name, style});
  }
  return drawn;
}

std::string losses_text(const VariantCurves& curves) {
  std::string text;
  for (const MeasuredPart& part : measured_parts()) {
    if (!has_values(curves, part.loss)) continue;
    text +=
        fmt::format("{}{} loss {}", text.empty() ? "" : ", ", part.name, to_text(last(curves, part.loss)));
  }
  return text;
}

std::string capitalized(std::string text) {
  text.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(text.front())));
  return text;
}

Json results_table(const std::vector<VariantCurves>& variants) {
  const std::vector<std::pair<std::string, Quantity>> quantities = {
      {"training loss", &Measurement::training_loss},
      {"validation loss", &Measurement::validation_loss},
      {"test loss", &Measurement::test_loss},
      {"training accuracy", &Measurement::training_accuracy},
      {"validation accuracy", &Measurement::validation_accuracy},
      {"test accuracy", &Measurement::test_accuracy},
      {"gap", &Measurement::gap},
      {"norm of the weights", &Measurement::weight_norm}};
  Json columns = {{{"name", "run"}, {"number", false}}, {{"name", "seeds"}, {"number", true}}};
  const bool has_spread =
      std::any_of(variants.begin(), variants.end(), [](const VariantCurves& c) { return c.size() > 1; });
  std::vector<Quantity> shown;
  for (const auto& [name, quantity] : quantities) {
    if (!any_has(variants, quantity)) continue;
    columns.push_back({{"name", name}, {"number", true}});
    if (has_spread) columns.push_back({{"name", "± " + name}, {"number", true}});
    shown.push_back(quantity);
  }
  Json rows = Json::array();
  for (const VariantCurves& curves : variants) {
    Json row = {curves.front().variant, curves.size()};
    for (const Quantity quantity : shown) {
      const Spread result = last(curves, quantity);
      row.push_back(result.mean);
      if (has_spread) row.push_back(result.deviation);
    }
    rows.push_back(row);
  }
  return {{"type", "table"},
          {"title", "Results"},
          {"description",
           "At the end of training: mean and sample standard deviation over the seeds; empty where a "
           "run diverged, the deviation also where there is one seed."},
          {"columns", columns},
          {"rows", rows}};
}

}  // namespace lockstep
