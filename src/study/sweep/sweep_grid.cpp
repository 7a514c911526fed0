#include "study/sweep/sweep_grid.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <set>

#include <fmt/format.h>

#include "core/text.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/train/config.hpp"
#include "study/sweep/value_list.hpp"

namespace lockstep {

namespace {

constexpr Index kMostPoints = 10'000;
/// Most draws for one setting that was not drawn before, as long as there may be such.
constexpr Index kDrawsOfASample = 64;

/// The keys that take whole numbers alone.
std::set<std::string> whole_settings() {
  std::set<std::string> keys;
  for (const SettingHelp& setting : setting_help()) {
    if (setting.is_whole) keys.insert(setting.key);
  }
  return keys;
}

/// Errors: ends that are no whole numbers where the key takes such.
void check_range(const SweepAxis& axis, bool is_whole) {
  for (const double end : {axis.range->low, axis.range->high}) {
    if (is_whole && end != std::floor(end)) {
      fail_input("--sweep {}: range '{}': expected whole numbers as ends, which the setting takes alone",
                 axis.key, axis.range->text);
    }
  }
}

}  // namespace

SweepAxis parse_sweep(const std::string& text) {
  const std::size_t equals = text.find('=');
  SweepAxis axis{std::string(trim(text.substr(0, equals))), {}, std::nullopt};
  if (equals == std::string::npos || axis.key.empty()) {
    fail_input("--sweep {}: expected KEY=VALUES, as optimizer.learning-rate=1e-4:1e-1:log7", text);
  }
  const std::string option = "--sweep " + axis.key;
  const std::string_view values = std::string_view(text).substr(equals + 1);
  axis.range = parse_open_range(option, values);
  if (axis.range && is_seed(axis)) {
    fail_input("{}: seeds repeat every setting and are not drawn; list them, as {}=1,2,3", option, axis.key);
  }
  if (axis.range) return axis;
  axis.values = parse_values(option, values);
  std::vector<std::string> sorted = axis.values;
  std::sort(sorted.begin(), sorted.end());
  const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
  if (twice != sorted.end()) fail_input("--sweep {}: has {} twice; give each value once", text, *twice);
  return axis;
}

bool is_seed(const SweepAxis& axis) { return axis.key == "train.seed" || axis.key == "data.seed"; }

SweepGrid::SweepGrid(const std::vector<std::string>& sweeps, const Samples& samples) : samples_(samples) {
  if (sweeps.empty()) {
    fail_input("--sweep is missing; expected KEY=VALUES, as optimizer.learning-rate=1e-4:1e-1:log7");
  }
  Index combinations = samples.count > 0 ? samples.count : 1;
  for (const std::string& text : sweeps) {
    SweepAxis axis = parse_sweep(text);
    for (const SweepAxis& other : given_) {
      if (other.key == axis.key) fail_input("--sweep {}: swept twice; give all its values in one", axis.key);
    }
    const auto values = static_cast<Index>(axis.values.size());
    if (is_seed(axis)) seeds_ *= values;
    if (is_seed(axis) || !is_drawn()) combinations *= values;
    if (axis.range && !is_drawn()) {
      fail_input(
          "--sweep {}: range '{}' is to draw from; give --samples N, or a count of values, as in {}:{}:{}5",
          axis.key, axis.range->text, axis.range->low_text, axis.range->high_text,
          axis.range->is_geometric ? "log" : "lin");
    }
    if (combinations > kMostPoints) fail_input("--sweep: more than {} points; sweep less", kMostPoints);
    given_.push_back(std::move(axis));
  }
  axes_ = given_;
  if (is_drawn()) draw_settings();
}

/// Errors: see the constructor.
void SweepGrid::draw_settings() {
  const std::set<std::string> whole = whole_settings();
  std::vector<std::size_t> places;  // of the axes to draw
  bool has_range = false;
  for (std::size_t i = 0; i < given_.size(); ++i) {
    const SweepAxis& axis = given_[i];
    if (is_seed(axis)) continue;
    places.push_back(i);
    if (axis.range) check_range(axis, whole.contains(axis.key));
    has_range = has_range || axis.range;
  }
  if (!has_range) {
    fail_input(
        "--samples {}: no --sweep has a range to draw from; give one without a count, as "
        "optimizer.learning-rate=1e-4:1e-1:log, or remove --samples to train every combination",
        samples_.count);
  }
  if (samples_.sampling == Sampling::kSobol && places.size() > kSobolAxes) {
    fail_input("--sampling sobol: draws {} settings at most, {} are swept; give --sampling random",
               kSobolAxes, places.size());
  }
  std::set<std::vector<std::string>> known;
  std::vector<std::map<std::string, std::size_t>> place_of(axes_.size());
  for (const std::size_t place : places) axes_[place].values.clear();
  const Index most_draws = kDrawsOfASample * samples_.count + kMostPoints;
  for (Index index = 0; std::ssize(drawn_) < samples_.count; ++index) {
    if (index == most_draws) {
      fail_input("--samples {}: {} draws have given {} different settings; give fewer, or wider ranges",
                 samples_.count, most_draws, drawn_.size());
    }
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < places.size(); ++i) {
      const SweepAxis& axis = given_[places[i]];
      const double share = draw(samples_, static_cast<std::uint32_t>(index), i);
      texts.push_back(
          axis.range
              ? number_at(*axis.range, whole.contains(axis.key), share)
              : axis.values[static_cast<std::size_t>(share * static_cast<double>(axis.values.size()))]);
    }
    if (!known.insert(texts).second) continue;
    std::vector<std::size_t> at(axes_.size());
    for (std::size_t i = 0; i < places.size(); ++i) {
      std::vector<std::string>& values = axes_[places[i]].values;
      const auto [entry, is_new] = place_of[places[i]].emplace(texts[i], values.size());
      if (is_new) values.push_back(texts[i]);
      at[places[i]] = entry->second;
    }
    drawn_.push_back(std::move(at));
  }
}

SweepGrid SweepGrid::first(Index count) const {
  SweepGrid grid = *this;
  if (count >= samples_.count) return grid;
  grid.samples_.count = count;
  grid.axes_ = given_;
  grid.drawn_.clear();
  grid.draw_settings();
  return grid;
}

Index SweepGrid::settings_count() const {
  if (is_drawn()) return samples_.count;
  Index count = 1;
  for (const SweepAxis& axis : axes_) count *= is_seed(axis) ? 1 : static_cast<Index>(axis.values.size());
  return count;
}

std::vector<std::size_t> SweepGrid::indices(Index point) const {
  std::vector<std::size_t> indices(axes_.size());
  if (is_drawn()) indices = drawn_[static_cast<std::size_t>(point / seeds_)];
  auto left = static_cast<std::size_t>(is_drawn() ? point % seeds_ : point);
  for (std::size_t axis = axes_.size(); axis-- > 0;) {
    if (is_drawn() && !is_seed(axes_[axis])) continue;
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
