#pragma once

#include <limits>
#include <span>
#include <string>
#include <vector>

#include "lockstep/data/dataset.hpp"

namespace lockstep {

/// Numbers of a column that differ by no more than this times the largest are one number and the rounding of
/// sums in double, such as 0.3 and 0.1 + 0.2.
inline constexpr double kRoundingOfSums = 0x1p-46;

/// What is known of a column's numbers, but NaN, once they have come.
class ColumnRange {
 public:
  void add(std::span<const double> values);

  /// The unit in which float keeps them: an origin amid numbers that are not float's and lie closer together
  /// than 1/1024 of their size, a unit for those that float takes for zeros. {0, 1} wherever they are
  /// float's.
  ColumnUnit unit() const;

 private:
  double smallest_ = std::numeric_limits<double>::infinity();
  double largest_ = -std::numeric_limits<double>::infinity();
  bool is_exact_ = true;  // in float
};

/// `value` as float in `unit`.
inline float in_unit(double value, ColumnUnit unit) {
  return static_cast<float>((value - unit.origin) / unit.unit);
}

/// How many different numbers a column holds, NaN aside, and how many are left of them in float, in the unit
/// {0, 1}.
struct Distinct {
  Index numbers = 0;
  Index floats = 0;
};

/// That of each feature of a table whose unit is not {0, 1}, and no difference for the others.
std::vector<Distinct> distinct_values(const Dataset& table);
Distinct distinct_values(std::span<const double> values);

/// Text form: JSON with round-trip numbers. Errors: text that is none.
std::string units_to_text(const std::vector<ColumnUnit>& units);
std::vector<ColumnUnit> units_from_text(const std::string& text);

}  // namespace lockstep
