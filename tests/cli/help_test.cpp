// What `--help` says: short at first, whole when asked for, and true of the program.

#include <algorithm>
#include <map>
#include <sstream>

#include <gtest/gtest.h>

#include "program.hpp"

namespace lockstep::test {
namespace {

class HelpTest : public testing::Test {
 protected:
  std::string output_of(const Words& words) const {
    const Outcome outcome = run_lockstep(0, words, folder_);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_EQ(outcome.err, "");
    return outcome.out;
  }

  /// Everything about the settings of `command`; nothing where it takes none.
  std::string all_settings_of(const std::string& command) const {
    return command == "report" || command == "export" ? "" : output_of({command, "--help", "all"});
  }

  /// The names in the list of commands.
  Words commands() const {
    Words names;
    bool in_list = false;
    for (const std::string& line : lines_of(output_of({"--help"}))) {
      if (in_list && line.empty()) break;
      if (in_list) names.push_back(line.substr(2, line.find(' ', 2) - 2));
      in_list = in_list || line == "Commands:";
    }
    EXPECT_GE(names.size(), 11U);
    return names;
  }

  TemporaryFolder folder_;
};

/// The options and keys that begin an entry, in their order.
Words names_in(const std::string& help) {
  Words names;
  for (const std::string& line : lines_of(help)) {
    if (line.starts_with("  --")) names.push_back(line.substr(2, line.find(' ', 2) - 2));
  }
  return names;
}

Words keys_in(const std::string& help) {
  Words names = names_in(help);
  std::erase_if(names, [](const std::string& name) { return name.find('.') == std::string::npos; });
  return names;
}

std::ptrdiff_t characters(const std::string& line) {
  return std::count_if(line.begin(), line.end(),
                       [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U; });
}

// A line that goes on in the next would be taken for a command, and have no help.
TEST_F(HelpTest, IsOneLineACommandAndFits100Columns) {
  std::string all = output_of({"--help"});
  for (const std::string& name : commands()) all += output_of({name, "--help"}) + all_settings_of(name);
  for (const std::string& line : lines_of(all)) EXPECT_LE(characters(line), 100) << line;
}

TEST_F(HelpTest, TheMostUsedSettingsComeFirstAndTheRestWhenAskedFor) {
  const Words usual = keys_in(output_of({"train", "--help"}));
  const Words first = {"--data.source",      "--model.layers",
                       "--optimizer.name",   "--optimizer.learning-rate",
                       "--train.batch-size", "--train.epochs"};
  ASSERT_GE(usual.size(), first.size());
  EXPECT_TRUE(std::equal(first.begin(), first.end(), usual.begin()));
  const Words all = keys_in(all_settings_of("train"));
  EXPECT_LT(2 * usual.size(), all.size());
  for (const std::string& key : usual) EXPECT_EQ(std::count(all.begin(), all.end(), key), 1) << key;
  Words of_sections;
  for (const std::string section : {"data", "model", "train", "optimizer", "schedule", "checkpoint", "run"}) {
    for (const std::string& key : keys_in(output_of({"train", "--help", section}))) {
      EXPECT_TRUE(key.starts_with("--" + section + ".")) << key;
      of_sections.push_back(key);
    }
  }
  EXPECT_EQ(of_sections, all);
  EXPECT_EQ(keys_in(output_of({"train", "--help", "momentum"})), Words{"--optimizer.momentum"});
}

TEST_F(HelpTest, ListsOnlyWhatACommandUses) {
  const std::map<std::string, Words> unused = {{"verify", {"checkpoint", "run.dir"}},
                                               {"evaluate", {"train", "optimizer", "schedule", "checkpoint"}},
                                               {"inspect", {"train", "optimizer", "run"}},
                                               {"schedule", {"model", "checkpoint", "optimizer.momentum"}}};
  for (const auto& [command, names] : unused) {
    const Words keys = keys_in(all_settings_of(command));
    EXPECT_FALSE(keys.empty());
    for (const std::string& key : keys) {
      for (const std::string& name : names) EXPECT_FALSE(key.starts_with("--" + name)) << command << key;
    }
  }
  expect_one_line(run_lockstep(0, {"report", "--help", "all"}, folder_), 2, "'report' takes no settings");
  EXPECT_TRUE(keys_in(output_of({"report", "--help"})).empty());
}

TEST_F(HelpTest, ComesHoweverItIsAskedFor) {
  const std::string help = output_of({"train", "--help"});
  for (const Words& words :
       {Words{"train", "-h"}, Words{"help", "train"}, Words{"--help", "train"},
        Words{"train", "--data.source", "nowhere", "--help"}, Words{"train", "--help", "--no.such", "1"}}) {
    EXPECT_EQ(output_of(words), help) << words[1];
  }
  const std::string section = output_of({"train", "--help", "optimizer"});
  for (const Words& words : {Words{"help", "train", "optimizer"}, Words{"train", "--help=optimizer"},
                             Words{"train", "-h", "optimizer"}}) {
    EXPECT_EQ(output_of(words), section);
  }
  const std::string program = output_of({});
  for (const Words& words : {Words{"-h"}, Words{"help"}, Words{"--help"}})
    EXPECT_EQ(output_of(words), program);
}

TEST_F(HelpTest, OfOneKeyNamesItsDefaultAndTheCommandsThatTakeIt) {
  const std::string help = output_of({"help", "checkpoint.keep"});
  EXPECT_EQ(keys_in(help), Words{"--checkpoint.keep"});
  EXPECT_NE(help.find("(default 3)"), std::string::npos) << help;
  EXPECT_NE(help.find("\nTaken by train"), std::string::npos) << help;
  for (const Words& words : {Words{"help", "--checkpoint.keep"}, Words{"help", "train", "checkpoint.keep"},
                             Words{"train", "--help", "checkpoint.keep"}, Words{"help", "keep"}}) {
    EXPECT_EQ(output_of(words), help) << words.back();
  }
  // True of every command.
  const std::string users = help.substr(help.find("Taken by"));
  for (const std::string& name : commands()) {
    const Words keys = keys_in(all_settings_of(name));
    const bool takes = std::find(keys.begin(), keys.end(), "--checkpoint.keep") != keys.end();
    EXPECT_EQ(users.find(" " + name) != std::string::npos, takes) << name;
  }
  EXPECT_EQ(output_of({"help", "seed"}).find("Taken by"), std::string::npos) << "two settings";
  EXPECT_EQ(output_of({"help", "optimizer"}), output_of({"train", "--help", "optimizer"}));
}

TEST_F(HelpTest, ExamplesAreOfOptionsThatThereAre) {
  for (const std::string& name : commands()) {
    const std::string help = output_of({name, "--help"});
    const Words known = names_in(help) + keys_in(all_settings_of(name)) + Words{"--bind-to"};  // mpirun's
    const std::size_t begin = help.find("Examples:\n");
    ASSERT_NE(begin, std::string::npos) << name;
    std::istringstream examples(help.substr(begin, help.find("\n\n", begin) - begin));
    int lines = 0;
    for (std::string line; std::getline(examples, line);) {
      std::istringstream words(line);
      for (std::string word; words >> word;) {
        if (!word.starts_with("--")) continue;
        EXPECT_NE(std::find(known.begin(), known.end(), word), known.end()) << line;
      }
      lines += line.find("lockstep " + name) != std::string::npos ? 1 : 0;
    }
    EXPECT_GE(lines, 2) << name;
    EXPECT_LE(lines, 3) << name;
  }
}

}  // namespace
}  // namespace lockstep::test
