#pragma once

#include <limits>

// Numbers that pages and tables share.
namespace lockstep {

inline constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();  ///< what was not measured
inline constexpr double kInfinity = std::numeric_limits<double>::infinity();
inline constexpr double kMega = 1e6;     ///< ones in a million
inline constexpr double kMilli = 1e3;    ///< thousandths in one
inline constexpr double kPercent = 100;  ///< hundredths in one

}  // namespace lockstep
