#pragma once

#include <map>
#include <string>
#include <vector>

#include "lockstep/train/config.hpp"

namespace lockstep {

/// An option of one command, beside --config, --help and the keys of the configuration.
struct CommandOption {
  std::string name;           ///< "weights" for --weights
  std::string default_value;  ///< empty: none
  std::string help;
  bool is_switch = false;   ///< takes no value; "true" where it is given
  bool is_list = false;     ///< may be given several times: Arguments::lists
  bool is_subject = false;  ///< what the command works on: also the word that stands alone, without the name
};

/// What the person typed after the command.
struct Arguments {
  std::map<std::string, GivenValue> settings;  ///< configuration keys, from the file and the command line
  std::map<std::string, std::string> options;  ///< the command's own, defaults included
  std::map<std::string, std::vector<std::string>> lists;  ///< its options that may be given several times
  std::vector<std::string> positional;
};

/// Reads `words` and the --config file they may name; the command line wins over the file. `unused`: keys and
/// sections that the command refuses, which no error proposes.
/// Errors: an unknown option or key (the nearest known one is named), one without a value, a bad or missing
/// file.
Arguments parse_arguments(const std::vector<std::string>& words, const std::vector<CommandOption>& options,
                          const std::vector<std::string>& unused = {});

/// The keys of `section` ("train.") but those in `used`.
std::vector<std::string> settings_but(const std::string& section, const std::vector<std::string>& used);

/// The option's value. Errors: not given; no whole number of at least 1.
std::string required_option(const Arguments& arguments, const std::string& name);
std::int64_t count_option(const Arguments& arguments, const std::string& name);

}  // namespace lockstep
