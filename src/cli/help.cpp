#include "cli/help.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "core/named.hpp"
#include "core/suggestion.hpp"
#include "core/text.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/train/config.hpp"

namespace lockstep {

namespace {

constexpr std::size_t kHelpColumns = 100;
constexpr const char* kEverySetting = "all";

/// Name and text, side by side.
using Entries = std::vector<std::pair<std::string, std::string>>;

std::string text_of(const Entries& entries) {
  constexpr std::size_t kGap = 2;
  std::size_t widest = 0;
  for (const auto& [name, text] : entries) widest = std::max(widest, columns_of(name));
  const std::size_t indent = kGap + widest + kGap;
  std::string all;
  for (const auto& [name, text] : entries) {
    std::string left = fmt::format("{:{}}{}", "", kGap, name);
    for (const std::string& line : wrapped(text, kHelpColumns - indent)) {
      all += fmt::format("{}{:{}}{}\n", left, "", indent - columns_of(left), line);
      left.clear();
    }
  }
  return all;
}

/// The lines of `text`, wrapped; those that begin with a space are entries, "  name  what it is".
std::string paragraphs(const std::string& text) {
  std::string all;
  Entries entries;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = std::string_view(text).substr(begin, end - begin);
    begin = end + 1;

    if (line.starts_with(' ')) {
      const std::string_view entry = trim(line);
      const std::size_t gap = std::min(entry.find("  "), entry.size());
      entries.emplace_back(entry.substr(0, gap), trim(entry.substr(gap)));
      continue;
    }
    all += text_of(std::exchange(entries, {}));
    for (const std::string& part : wrapped(line, kHelpColumns)) all += part + '\n';
  }
  return all + text_of(entries);
}

std::string with_default(const std::string& help, const std::string& default_value) {
  return default_value.empty() ? help : fmt::format("{} (default {})", help, default_value);
}

/// The settings that have an effect on `command`.
std::vector<SettingHelp> settings_for(const Command& command) {
  std::vector<SettingHelp> settings = command.takes_settings ? setting_help() : std::vector<SettingHelp>();
  std::erase_if(settings, [&](const SettingHelp& s) { return is_key_among(s.key, command.unused); });
  return settings;
}

std::vector<std::string> sections_of(const std::vector<SettingHelp>& settings) {
  std::vector<std::string> sections;
  for (const SettingHelp& setting : settings) {
    const std::string section = setting.key.substr(0, setting.key.find('.'));
    if (sections.empty() || sections.back() != section) sections.push_back(section);
  }
  return sections;
}

std::vector<SettingHelp> usual_of(const std::vector<SettingHelp>& settings) {
  std::vector<SettingHelp> usual;
  for (const std::string& key : usual_settings()) {
    const auto found = std::find_if(settings.begin(), settings.end(),
                                    [&](const SettingHelp& setting) { return setting.key == key; });
    if (found != settings.end()) usual.push_back(*found);
  }
  return usual;
}

std::string text_of(const std::vector<SettingHelp>& settings) {
  Entries entries;
  for (const SettingHelp& setting : settings) {
    entries.emplace_back("--" + setting.key, with_default(setting.help, setting.default_value));
  }
  return text_of(entries);
}

std::string options_text(const Command& command) {
  Entries entries;
  for (const CommandOption& option : command.options) {
    entries.emplace_back("--" + option.name, with_default(option.help, option.default_value));
  }
  if (command.takes_settings)
    entries.emplace_back("--config", "a file of settings; the command line has the last word");
  entries.emplace_back("--help", "this help");
  return text_of(entries);
}

std::string without_dashes(std::string topic) {
  topic.erase(0, std::min(topic.find_first_not_of('-'), topic.size()));
  return topic;
}

/// Those of the section or the key `topic`, or that are called so in their section.
std::vector<SettingHelp> on_topic(std::vector<SettingHelp> settings, const std::string& topic) {
  std::erase_if(settings, [&](const SettingHelp& s) {
    return s.key != topic && !s.key.starts_with(topic + ".") && !s.key.ends_with("." + topic);
  });
  return settings;
}

/// The same, and of one setting alone also which of `commands` take it.
std::string text_of(const std::vector<SettingHelp>& settings, const std::vector<Command>& commands) {
  if (settings.size() != 1) return text_of(settings);
  std::vector<std::string> users;
  for (const Command& command : commands) {
    const bool takes = command.takes_settings && !is_key_among(settings.front().key, command.unused);
    if (takes) users.push_back(command.name);
  }
  return text_of(settings) + paragraphs(fmt::format("Taken by {}.", join(users)));
}

std::string help_on_topic(const Command& command, const std::string& asked,
                          const std::vector<Command>& commands) {
  const std::vector<SettingHelp> settings = settings_for(command);
  if (settings.empty())
    fail_input("--help {}: '{}' takes no settings; use --help alone", asked, command.name);
  if (asked == kEverySetting) return text_of(settings);
  const std::string topic = without_dashes(asked);
  std::vector<std::string> known = sections_of(settings);
  known.insert(known.begin(), kEverySetting);
  const std::string topics = join(known);
  for (const SettingHelp& setting : settings) known.push_back(setting.key);
  const std::vector<SettingHelp> found = on_topic(settings, topic);
  if (found.empty()) {
    fail_input("--help {}: '{}' has no settings of this name; expected {}, or a key{}", topic, command.name,
               topics, suggestion(topic, known));
  }
  return text_of(found, commands);
}

}  // namespace

std::optional<HelpRequest> read_help(const std::vector<std::string>& words) {
  const auto is_flag = [](const std::string& word) { return word == "--help" || word == "-h"; };
  constexpr std::string_view kWithTopic = "--help=";
  if (words.empty()) return HelpRequest{};
  const bool comes_first = words[0] == "help" || is_flag(words[0]);
  const auto flag = std::find_if(words.begin(), words.end(), [&](const std::string& word) {
    return is_flag(word) || word.starts_with(kWithTopic);
  });
  if (!comes_first && flag == words.end()) return std::nullopt;
  const auto word = [&](std::size_t i) { return i < words.size() ? words[i] : ""; };
  if (comes_first) return HelpRequest{is_flag(word(1)) ? "" : word(1), word(2)};
  if (flag->starts_with(kWithTopic)) return HelpRequest{words[0], flag->substr(kWithTopic.size())};
  const std::string next = word(static_cast<std::size_t>(flag - words.begin()) + 1);
  return HelpRequest{words[0], next.starts_with("--") ? "" : next};
}

std::string help_of_program(const std::vector<Command>& commands) {
  Entries entries;
  for (const Command& command : commands) entries.emplace_back(command.name, command.brief);
  return fmt::format(
      "Lockstep trains neural networks data-parallel, with the same bits at every rank count.\n\n"
      "  lockstep COMMAND [options]               on one process\n"
      "  mpirun -np 4 lockstep COMMAND [options]  on four\n\n"
      "Commands:\n{}\n"
      "Examples:\n"
      "  lockstep train --data.source blobs --model.layers \"linear 32, relu, linear 4\"\n"
      "  mpirun -np 4 lockstep train --config configs/quickstart.cfg --run.dir runs/a\n"
      "  lockstep report runs/a\n\n"
      "'lockstep COMMAND --help' tells more of a command, 'lockstep help KEY' of a setting, and\n"
      "'lockstep --version' which program this is.\n",
      text_of(entries));
}

std::string help_of_settings(const std::string& asked, const std::vector<Command>& commands) {
  const std::string topic = without_dashes(asked);
  const std::vector<SettingHelp> found = on_topic(setting_help(), topic);
  if (!found.empty()) return text_of(found, commands);
  const std::vector<std::string> names = names_of(commands);
  std::vector<std::string> known = names;
  for (const SettingHelp& setting : setting_help()) known.push_back(setting.key);
  fail_input("unknown command or setting '{}'; known commands are: {}{}", topic, join(names),
             suggestion(topic, known));
}

std::string help_of_command(const Command& command, const std::string& topic,
                            const std::vector<Command>& commands) {
  if (!topic.empty()) return help_on_topic(command, topic, commands);
  std::string text = fmt::format("lockstep {} {}\n\n{}\nExamples:\n", command.name, command.usage,
                                 paragraphs(fmt::format("{} {}", command.brief, command.details)));
  for (const std::string& example : command.examples) text += fmt::format("  {}\n", example);
  text += fmt::format("\nOptions:\n{}", options_text(command));
  const std::vector<SettingHelp> settings = settings_for(command);
  if (!settings.empty()) {
    const std::vector<SettingHelp> usual = usual_of(settings);
    text += fmt::format(
        "\nThe most used of {} settings; in a file 'key = value' under [section]:\n{}\n"
        "'lockstep {} --help all' lists all, and '--help SECTION' those of one section:\n{}.\n",
        settings.size(), text_of(usual), command.name, join(sections_of(settings)));
  }
  return text;
}

}  // namespace lockstep
