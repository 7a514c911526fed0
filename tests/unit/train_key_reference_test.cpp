// The table of all keys in configs/README.md is that of the program.
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "lockstep/train/config.hpp"

namespace lockstep {

namespace {

constexpr auto kFile = LOCKSTEP_TEST_CONFIGS "/README.md";
constexpr auto kBegin = "<!-- keys: begin -->\n";
constexpr auto kEnd = "<!-- keys: end -->\n";

/// As a cell of a table.
std::string cell(const std::string& text) {
  std::string cell;
  for (const char c : text) cell += c == '|' ? "\\|" : std::string(1, c);
  return cell;
}

/// A heading and a table for each section.
std::string key_reference() {
  std::string text;
  std::string section;
  for (const SettingHelp& setting : setting_help()) {
    const std::size_t dot = setting.key.find('.');
    if (setting.key.substr(0, dot) != section) {
      section = setting.key.substr(0, dot);
      text += fmt::format("\n### [{}]\n\n| key | default | what it is |\n| --- | --- | --- |\n", section);
    }
    const std::string value =
        setting.default_value.empty() ? "" : fmt::format("`{}`", cell(setting.default_value));
    text += fmt::format("| `{}` | {} | {} |\n", setting.key.substr(dot + 1), value, cell(setting.help));
  }
  return text + "\n";
}

}  // namespace

TEST(KeyReference, IsThatOfTheProgram) {
  std::stringstream content;
  content << std::ifstream(kFile).rdbuf();
  const std::string text = content.str();
  const std::size_t begin = text.find(kBegin);
  const std::size_t end = text.find(kEnd);
  ASSERT_NE(begin, std::string::npos) << kFile << " has no line " << kBegin;
  ASSERT_NE(end, std::string::npos) << kFile << " has no line " << kEnd;
  const std::size_t first = begin + std::string(kBegin).size();
  ASSERT_LE(first, end);
  const std::string keys = key_reference();
  if (std::getenv("LOCKSTEP_WRITE_KEYS") != nullptr) {
    std::ofstream(kFile) << text.substr(0, first) << keys << text.substr(end);
  } else {
    EXPECT_EQ(text.substr(first, end - first), keys)
        << "To write them anew: LOCKSTEP_WRITE_KEYS=1 "
           "build/release/tests/unit/unit_train --gtest_filter='KeyReference.*'";
  }
}

}  // namespace lockstep
