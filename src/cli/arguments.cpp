#include "cli/arguments.hpp"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>

#include <boost/program_options.hpp>

#include "core/named.hpp"
#include "core/refusal.hpp"
#include "core/suggestion.hpp"
#include "core/text.hpp"
#include "lockstep/core/error.hpp"
#include "train/run/run_directory.hpp"

namespace lockstep {

namespace {

namespace po = boost::program_options;

po::options_description describe_options(const std::vector<CommandOption>& options) {
  po::options_description description;
  description.add_options()("help", "")("config", po::value<std::string>(), "");
  for (const CommandOption& option : options) {
    if (option.is_switch) {
      description.add_options()(option.name.c_str(), "");
    } else {
      description.add_options()(option.name.c_str(), po::value<std::string>(), "");
    }
  }
  return description;
}

po::options_description describe_settings() {
  po::options_description description;
  for (const SettingHelp& setting : setting_help()) {
    description.add_options()(setting.key.c_str(), po::value<std::string>(), "");
  }
  return description;
}

const po::options_description& settings_description() {
  static const po::options_description description = describe_settings();
  return description;
}

/// By key: what joins the values of several lines.
const std::map<std::string, std::string>& separators() {
  static const std::map<std::string, std::string> all = [] {
    std::map<std::string, std::string> separators;
    for (const SettingHelp& setting : setting_help()) separators[setting.key] = setting.separator;
    return separators;
  }();
  return all;
}

/// Errors: `typed` is no option, with what may have been meant.
[[noreturn]] void fail_unknown(const std::string& typed, const std::vector<std::string>& known) {
  const auto of_section = std::find_if(
      known.begin(), known.end(), [&](const std::string& name) { return name.starts_with(typed + '.'); });
  if (of_section == known.end()) {
    fail_input("{}: unknown option (see --help){}", typed, suggestion(typed, known));
  }
  fail_input("{}: is a section; did you mean '{}'? (see --help {})", typed, *of_section, typed.substr(2));
}

std::vector<std::string> names_but(const std::vector<std::string>& unused,
                                   const po::options_description& description) {
  std::vector<std::string> names;
  for (const auto& option : description.options()) {
    if (!is_key_among(option->long_name(), unused)) names.push_back("--" + option->long_name());
  }
  return names;
}

void add_setting(Arguments& arguments, const po::option& option, const std::string& origin, GivenBy by) {
  const std::string value(trim(option.value.empty() ? "" : option.value.front()));
  arguments.settings[option.string_key] = {value, origin, by};
}

// The errors' own texts are not asked for: Boost looks for its placeholders in what was typed too, and does
// not end where it finds one ("--%option%=").

void read_file(const std::string& path, const po::options_description& settings, Arguments& arguments) {
  constexpr auto kAdvice = "give the path of a configuration file";
  std::ifstream file(path);
  if (!file) fail_input("--config {}: cannot be read {}", path, because(errno, kAdvice));
  if (std::filesystem::is_directory(path))
    fail_input("--config {}: cannot be read (it is a folder); {}", path, kAdvice);
  const GivenBy by = is_config_of_run(path) ? GivenBy::kRun : GivenBy::kFile;
  try {
    for (const po::option& option : po::parse_config_file(file, settings, true).options) {
      const auto before = arguments.settings.find(option.string_key);
      if (before == arguments.settings.end()) {
        add_setting(arguments, option, "in " + path, by);
        continue;
      }
      const auto separator = separators().find(option.string_key);
      if (separator == separators().end() || separator->second.empty()) {
        fail_input("{}: {} is given twice; remove one", path, option.string_key);
      }
      before->second.text += separator->second + std::string(trim(option.value.front()));
    }
  } catch (const po::invalid_config_file_syntax& error) {
    fail_input("{}: '{}': expected [section] lines and 'key = value' lines", path, error.tokens());
  }
}

void take_subject(Arguments& arguments, const std::vector<CommandOption>& options) {
  const auto subject = std::ranges::find_if(options, &CommandOption::is_subject);
  if (subject == options.end() || arguments.positional.empty()) return;
  const bool is_taken = arguments.options.emplace(subject->name, arguments.positional.front()).second;
  if (is_taken) arguments.positional.erase(arguments.positional.begin());
}

}  // namespace

Arguments parse_arguments(const std::vector<std::string>& words, const std::vector<CommandOption>& options,
                          const std::vector<std::string>& unused) {
  const po::options_description own = describe_options(options);
  const po::options_description& settings = settings_description();
  po::options_description all;
  all.add(own).add(settings);

  namespace style = po::command_line_style;
  Arguments arguments;
  std::vector<po::option> parsed;
  try {
    // Without short options a value may begin with a minus sign.
    parsed = po::command_line_parser(words)
                 .options(all)
                 .style(style::allow_long | style::long_allow_adjacent | style::long_allow_next)
                 .allow_unregistered()
                 .run()
                 .options;
  } catch (const po::invalid_command_line_syntax& error) {
    const bool has_value = error.kind() == po::invalid_syntax::extra_parameter;
    fail_input("{}: {}; see --help", error.tokens(), has_value ? "takes no value" : "needs a value");
  }

  for (const po::option& option : parsed) {
    if (option.string_key == "config") read_file(option.value.front(), settings, arguments);
  }
  for (const CommandOption& option : options) {
    if (!option.default_value.empty()) arguments.options[option.name] = option.default_value;
  }
  for (const po::option& option : parsed) {
    if (option.position_key >= 0 || option.string_key.empty()) {
      arguments.positional.push_back(option.value.front());
    } else if (option.unregistered) {
      fail_unknown("--" + option.string_key, names_but(unused, all));
    } else if (option.string_key == "config") {
      continue;  // read before
    } else if (option.string_key.find('.') != std::string::npos) {
      add_setting(arguments, option, "on the command line", GivenBy::kPerson);
    } else if (find_named(options, option.string_key)->is_list) {
      arguments.lists[option.string_key].push_back(option.value.front());
    } else {
      arguments.options[option.string_key] = option.value.empty() ? "true" : option.value.front();
    }
  }
  take_subject(arguments, options);
  return arguments;
}

std::vector<std::string> settings_but(const std::string& section, const std::vector<std::string>& used) {
  std::vector<std::string> keys;
  for (const SettingHelp& setting : setting_help()) {
    const bool is_used = std::find(used.begin(), used.end(), setting.key) != used.end();
    if (setting.key.starts_with(section) && !is_used) keys.push_back(setting.key);
  }
  return keys;
}

std::string required_option(const Arguments& arguments, const std::string& name) {
  const auto option = arguments.options.find(name);
  if (option == arguments.options.end()) fail_input("--{} is missing; see --help", name);
  return option->second;
}

std::int64_t count_option(const Arguments& arguments, const std::string& name) {
  const std::string text = required_option(arguments, name);
  const auto number = parse_integer(text);
  if (!number || *number < 1) fail_input("--{} {}: expected a whole number of at least 1", name, text);
  return *number;
}

}  // namespace lockstep
