#pragma once

#include <string>
#include <utility>
#include <vector>

#include "lockstep/core/real.hpp"

namespace lockstep {

/// A configuration key and the values that a sweep gives it, as text.
struct SweepAxis {
  std::string key;
  std::vector<std::string> values;
};

/// Reads "KEY=VALUES". VALUES are separated by '|' where there is one ("relu | tanh"), else by commas, and
/// each is a value or a range from A to B, both included:
///
///     A:B:logN   N numbers with the same ratio of neighbours   1e-4:1e-1:log7
///     A:B:linN   N numbers with the same distance              0:0.5:lin6
///     A:B:xF     A, A·F, A·F² … up to B                        16:16384:x4
///
/// A pure function. Errors: no key or value, a value twice, a range that is empty, backwards or unknown.
SweepAxis parse_sweep(const std::string& text);

/// All combinations of the values of several keys. Points are counted from 0, the last key's values follow
/// each other.
class SweepGrid {
 public:
  /// Errors: no sweep, a key in two of them, more than ten thousand points.
  explicit SweepGrid(const std::vector<std::string>& sweeps);

  const std::vector<SweepAxis>& axes() const { return axes_; }
  Index size() const { return size_; }

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
