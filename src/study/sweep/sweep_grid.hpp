#pragma once

#include <string>
#include <utility>
#include <vector>

#include "lockstep/core/index.hpp"

namespace lockstep {

/// A configuration key and the values that a sweep gives it, as text.
struct SweepAxis {
  std::string key;
  std::vector<std::string> values;
};

/// Reads "KEY=VALUES", see parse_values. A pure function. Errors: those of parse_values, no key, a value
/// twice.
SweepAxis parse_sweep(const std::string& text);

/// Seeds are no settings to choose among: trainings that differ in them alone are repetitions.
bool is_seed(const SweepAxis& axis);

/// All combinations of the values of several keys. Points are counted from 0, the last key's values follow
/// each other.
class SweepGrid {
 public:
  /// Errors: no sweep, a key in two of them, more than ten thousand points.
  explicit SweepGrid(const std::vector<std::string>& sweeps);

  const std::vector<SweepAxis>& axes() const { return axes_; }
  Index size() const { return size_; }
  /// Of the keys that are no seeds.
  Index settings_count() const;

  /// Which value of each key `point` has, and the keys with these values.
  std::vector<std::size_t> indices(Index point) const;
  std::vector<std::pair<std::string, std::string>> settings(Index point) const;
  /// "key = value, key = value".
  std::string name(Index point) const;

 private:
  std::vector<SweepAxis> axes_;
  Index size_ = 1;
};

}  // namespace lockstep
