#include "study/sweep/sweep_grid.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "core/text.hpp"
#include "lockstep/core/error.hpp"
#include "study/sweep/value_list.hpp"

namespace lockstep {

namespace {

constexpr Index kMostPoints = 10'000;

}  // namespace

SweepAxis parse_sweep(const std::string& text) {
  const std::size_t equals = text.find('=');
  SweepAxis axis{std::string(trim(text.substr(0, equals))), {}};
  if (equals == std::string::npos || axis.key.empty()) {
    fail_input("--sweep {}: expected KEY=VALUES, as optimizer.learning-rate=1e-4:1e-1:log7", text);
  }
  axis.values = parse_values("--sweep " + axis.key, std::string_view(text).substr(equals + 1));
  std::vector<std::string> sorted = axis.values;
  std::sort(sorted.begin(), sorted.end());
  const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
  if (twice != sorted.end()) fail_input("--sweep {}: has {} twice; give each value once", text, *twice);
  return axis;
}

bool is_seed(const SweepAxis& axis) { return axis.key == "train.seed" || axis.key == "data.seed"; }

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

Index SweepGrid::settings_count() const {
  Index count = 1;
  for (const SweepAxis& axis : axes_) count *= is_seed(axis) ? 1 : static_cast<Index>(axis.values.size());
  return count;
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
