#pragma once

#include <string>
#include <vector>

#include "lockstep/train/config.hpp"
#include "train/configuration/setting_values.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// One key of the configuration: its help, and its field in the Config the table was made for.
struct Setting {
  std::string key;
  std::string default_value;
  std::string help;
  Field field;
  /// What stands between the values of several lines of a file; empty where there may be only one.
  std::string separator = {};
};

/// The table of all keys, bound to `config`, which may not move while it is used; the hyperparameters of
/// every known optimizer included, after the key that chooses one.
std::vector<Setting> make_settings(Config& config);

/// Adds those of the section [data] to `settings`.
void add_data(Config::Data& data, std::vector<Setting>& settings);

}  // namespace lockstep::inline LOCKSTEP_REAL
