#pragma once

#include <limits>
#include <map>
#include <string>
#include <vector>

namespace lockstep {

/// The default of a hyperparameter that has none: it has to be given.
inline constexpr double kRequired = std::numeric_limits<double>::quiet_NaN();

/// Which numbers between lowest and highest fit.
enum class Numbers { kAll, kBelowHighest, kWhole };

/// A number, or one of several words, that a named method (a loss, an optimizer, a schedule) takes from its
/// section of the configuration.
struct Hyperparameter {
  std::string name;
  double default_value = 0;  ///< or kRequired
  double lowest = 0;
  double highest = 0;
  std::string help;
  std::vector<std::string> choices = {};  ///< not empty: the value is the index of one of these words
  Numbers numbers = Numbers::kAll;
};

/// The words of a flag: false is 0, true is 1.
inline const std::vector<std::string> kFlag = {"false", "true"};

/// Values by name.
using Hyperparameters = std::map<std::string, double, std::less<>>;

/// The values of all of `own`: as in `given`, otherwise the defaults. Others in `given` are dropped.
Hyperparameters with_defaults(const std::vector<Hyperparameter>& own, const Hyperparameters& given);

}  // namespace lockstep
