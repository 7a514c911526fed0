#include "data/column_units.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/json.hpp"
#include "lockstep/core/error.hpp"

namespace lockstep {

namespace {

/// Float keeps 2^24 steps of a number: 2^14 of them in a column that is this much narrower than its numbers.
constexpr double kNarrow = 0x1p-10;

/// Float keeps all digits of numbers down to 2^-126; 24 bits below a column's largest are kept by this.
constexpr double kSmall = 0x1p-100;

Index count_distinct(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return std::unique(values.begin(), values.end()) - values.begin();
}

}  // namespace

void ColumnRange::add(std::span<const double> values) {
  for (const double value : values) {
    if (std::isnan(value)) continue;
    smallest_ = std::min(smallest_, value);
    largest_ = std::max(largest_, value);
    is_exact_ = is_exact_ && static_cast<double>(static_cast<float>(value)) == value;
  }
}

ColumnUnit ColumnRange::unit() const {
  ColumnUnit result;
  if (!(smallest_ <= largest_)) return result;
  const double width = largest_ - smallest_;
  double size = std::max(std::abs(smallest_), std::abs(largest_));
  if (!is_exact_ && width > 0 && width < kNarrow * size) {
    result.origin = smallest_ + width / 2;
    size = width / 2;
  }
  if (size > 0 && size < kSmall) result.unit = std::ldexp(1.0, std::ilogb(size));
  return result;
}

Distinct distinct_values(std::span<const double> column) {
  std::vector<double> values;
  std::ranges::remove_copy_if(column, std::back_inserter(values), [](double v) { return std::isnan(v); });
  if (values.empty()) return {};
  const auto [smallest, largest] = std::minmax_element(values.begin(), values.end());
  if (*largest - *smallest <= kRoundingOfSums * std::max(std::abs(*smallest), std::abs(*largest))) return {};
  std::vector<double> floats(values.size());
  std::transform(values.begin(), values.end(), floats.begin(),
                 [](double value) { return static_cast<float>(value); });
  return {count_distinct(std::move(values)), count_distinct(std::move(floats))};
}

std::vector<Distinct> distinct_values(const Dataset& table) {
  const std::vector<ColumnUnit>& units = table.description().units;
  std::vector<Distinct> result(units.size());
  std::vector<double> values(static_cast<std::size_t>(table.size()));
  for (std::size_t column = 0; column < units.size(); ++column) {
    const ColumnUnit unit = units[column];
    if (unit == ColumnUnit()) continue;
    for (std::size_t row = 0; row < values.size(); ++row) {
      values[row] = unit.origin + unit.unit * table.values()[row * units.size() + column];
    }
    result[column] = distinct_values(values);
  }
  return result;
}

std::string units_to_text(const std::vector<ColumnUnit>& units) {
  nlohmann::json json = nlohmann::json::array();
  for (const ColumnUnit& unit : units) json.push_back({unit.origin, unit.unit});
  return json_text(json);
}

std::vector<ColumnUnit> units_from_text(const std::string& text) {
  std::vector<ColumnUnit> units;
  try {
    const nlohmann::json json = parse_json<nlohmann::json>(text);
    for (const nlohmann::json& pair : json) {
      units.push_back({pair.at(0).get<double>(), pair.at(1).get<double>()});
    }
  } catch (const nlohmann::json::exception&) {
    fail_input("units of columns: expected JSON, a list of pairs of numbers; is the weights file damaged?");
  }
  const bool valid = std::all_of(units.begin(), units.end(), [](const ColumnUnit& unit) {
    return std::isfinite(unit.origin) && std::isfinite(unit.unit) && unit.unit > 0;
  });
  if (!valid) fail_input("units of columns: expected finite, positive units; is the weights file damaged?");
  return units;
}

}  // namespace lockstep
