#pragma once

#include <span>
#include <string>
#include <vector>

#include "lockstep/data/dataset.hpp"

namespace lockstep {

/// Numbers of a column that differ by no more than this times the largest are one number and the rounding of
/// sums in double, such as 0.3 and 0.1 + 0.2.
inline constexpr double kRoundingOfSums = 0x1p-46;

/// The units in which float keeps the numbers of `values` [rows x columns]: an origin amid a column whose
/// numbers are not float's and lie closer together than 1/1024 of their size, a unit for one that float takes
/// for zeros. Empty where no column needs any, as everywhere where the numbers are float's. Local.
std::vector<ColumnUnit> choose_units(std::span<const double> values, Index columns);

/// `values` [rows x columns] as float in `units` (empty: as they are).
std::vector<float> in_units(std::span<const double> values, const std::vector<ColumnUnit>& units,
                            Index columns);

/// How many different numbers a column holds, and how many are left of them in float, in the unit {0, 1}.
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
