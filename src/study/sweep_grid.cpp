#include "sweep_grid.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include <fmt/format.h>

#include "lockstep/core/error.hpp"
#include "lockstep/core/text.hpp"

namespace lockstep {

namespace {

constexpr Index kMostPoints = 10'000;
constexpr const char* kForms = "expected A:B:logN, A:B:linN or A:B:xF, as 1e-4:1e-1:log7";

/// Short, and without the rounding of powers: 64, not 63.99999999999999.
std::string number_text(double value) { return fmt::format("{:.12g}", value); }

struct Range {
  std::string text;
  std::string low_text, high_text;
  double low, high;
  std::string_view spacing;  ///< behind the second colon
};

/// `text` as a range, unless it is a value that holds colons.
std::optional<Range> as_range(std::string_view text) {
  const auto parts = split(text, ':');
  if (parts.size() != 3) return std::nullopt;
  const auto low = parse_number(parts[0]);
  const auto high = parse_number(parts[1]);
  if (!low || !high) return std::nullopt;
  return Range{std::string(text), std::string(parts[0]), std::string(parts[1]), *low, *high, parts[2]};
}

/// N of "logN" or "linN".
Index count_of(const Range& range) {
  const auto count = parse_integer(range.spacing.substr(3));
  if (!count || *count < 2 || *count > kMostPoints) {
    fail_input("--sweep: range '{}': expected 2 to {} values, as {}:{}:{}5", range.text, kMostPoints,
               range.low_text, range.high_text, range.spacing.substr(0, 3));
  }
  return *count;
}

/// The values between the two ends, which keep their text.
template <typename At>
void append_spaced(const Range& range, const At& at, std::vector<std::string>& values) {
  const Index last = count_of(range) - 1;
  values.push_back(range.low_text);
  for (Index i = 1; i < last; ++i) {
    values.push_back(number_text(at(static_cast<double>(i) / static_cast<double>(last))));
  }
  values.push_back(range.high_text);
}

void append_powers(const Range& range, std::vector<std::string>& values) {
  constexpr double kRounding = 1e-9;
  const auto factor = parse_number(range.spacing.substr(1));
  if (!factor || !(*factor > 1 && *factor < 1e30)) {
    fail_input("--sweep: range '{}': expected a factor above 1 behind 'x', as {}:{}:x2", range.text,
               range.low_text, range.high_text);
  }
  const double steps = std::floor(std::log(range.high / range.low) / std::log(*factor) + kRounding);
  if (steps >= static_cast<double>(kMostPoints)) {
    fail_input("--sweep: range '{}': more than {} values; take a larger factor", range.text, kMostPoints);
  }
  for (Index i = 0; i <= static_cast<Index>(steps); ++i) {
    values.push_back(number_text(range.low * std::pow(*factor, static_cast<double>(i))));
  }
}

void append_range(const Range& range, std::vector<std::string>& values) {
  const bool is_linear = range.spacing.starts_with("lin");
  const bool is_geometric = range.spacing.starts_with("log");
  if (!is_linear && !is_geometric && !range.spacing.starts_with('x')) {
    fail_input("--sweep: range '{}': {}", range.text, kForms);
  }
  const bool is_finite = std::isfinite(range.low) && std::isfinite(range.high);
  if (!is_finite || !(range.low < range.high)) {
    fail_input("--sweep: range '{}': empty or backwards; expected the smaller end first, then a larger one",
               range.text);
  }
  if (!is_linear && range.low <= 0) {
    fail_input("--sweep: range '{}': ratios need ends above 0; expected that, or A:B:linN", range.text);
  }
  if (is_linear) {
    append_spaced(
        range, [&](double x) { return range.low + (range.high - range.low) * x; }, values);
  } else if (is_geometric) {
    append_spaced(
        range, [&](double x) { return range.low * std::pow(range.high / range.low, x); }, values);
  } else {
    append_powers(range, values);
  }
}

}  // namespace

SweepAxis parse_sweep(const std::string& text) {
  const std::size_t equals = text.find('=');
  SweepAxis axis{std::string(trim(text.substr(0, equals))), {}};
  if (equals == std::string::npos || axis.key.empty()) {
    fail_input("--sweep {}: expected KEY=VALUES, as optimizer.learning-rate=1e-4:1e-1:log7", text);
  }
  const std::string_view values = std::string_view(text).substr(equals + 1);
  const char separator = values.find('|') != std::string_view::npos ? '|' : ',';
  for (const std::string_view value : split(values, separator)) {
    if (value.empty()) {
      fail_input(
          "--sweep {}: an empty value; expected values separated by commas, or by '|' where they hold commas",
          text);
    }
    const auto range = as_range(value);
    if (range) {
      append_range(*range, axis.values);
    } else {
      axis.values.emplace_back(value);
    }
  }
  std::vector<std::string> sorted = axis.values;
  std::sort(sorted.begin(), sorted.end());
  const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
  if (twice != sorted.end()) fail_input("--sweep {}: has {} twice; give each value once", text, *twice);
  return axis;
}

SweepGrid::SweepGrid(const std::vector<std::string>& sweeps) {
  if (sweeps.empty()) {
    fail_input("--sweep is missing; expected KEY=VALUES, as optimizer.learning-rate=1e-4:1e-1:log7");
  }
  for (const std::string& text : sweeps) {
    SweepAxis axis = parse_sweep(text);
    for (const SweepAxis& other : axes_) {
      if (other.key == axis.key) fail_input("--sweep {}: swept twice; give all its values in one", axis.key);
    }
    size_ *= static_cast<Index>(axis.values.size());
    if (size_ > kMostPoints) fail_input("--sweep: more than {} points; sweep less", kMostPoints);
    axes_.push_back(std::move(axis));
  }
}

std::vector<std::size_t> SweepGrid::indices(Index point) const {
  std::vector<std::size_t> indices(axes_.size());
  auto left = static_cast<std::size_t>(point);
  for (std::size_t axis = axes_.size(); axis-- > 0;) {
    indices[axis] = left % axes_[axis].values.size();
    left /= axes_[axis].values.size();
  }
  return indices;
}

std::vector<std::pair<std::string, std::string>> SweepGrid::settings(Index point) const {
  const std::vector<std::size_t> at = indices(point);
  std::vector<std::pair<std::string, std::string>> settings;
  settings.reserve(axes_.size());
  for (std::size_t axis = 0; axis < axes_.size(); ++axis) {
    settings.emplace_back(axes_[axis].key, axes_[axis].values[at[axis]]);
  }
  return settings;
}

std::string SweepGrid::name(Index point) const {
  std::vector<std::string> parts;
  parts.reserve(axes_.size());
  for (const auto& [key, value] : settings(point)) parts.push_back(fmt::format("{} = {}", key, value));
  return join(parts);
}

}  // namespace lockstep
