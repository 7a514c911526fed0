// How messages of the library become those of a program with configurations.

#include <map>
#include <string>

#include <gtest/gtest.h>

#include "lockstep/train/config.hpp"
#include "lockstep/train/with_keys.hpp"

namespace lockstep {
namespace {

TEST(WithKeys, PutsKeysForOptions) {
  EXPECT_EQ(with_keys("`warmup-steps` = 500: longer than the run of 100 steps"),
            "schedule.warmup-steps = 500: longer than the run of 100 steps");
  EXPECT_EQ(with_keys("the first line does not name the columns (`header` = no); set `header` = yes"),
            "the first line does not name the columns (data.header = no); set data.header = yes");
  EXPECT_EQ(with_keys("`loss` = mse: set `task`, or check `label` and `test`; remove `exchange`"),
            "model.loss = mse: set data.task, or check data.label and data.test; remove train.exchange");
}

TEST(WithKeys, TellsTheEndOfASentenceFromTheNameOfAFile) {
  EXPECT_EQ(with_keys("set `clip-norm`. Or lower `learning-rate`."),
            "set optimizer.clip-norm. Or lower optimizer.learning-rate.");
  EXPECT_EQ(with_keys("`label`.csv: no rows"), "`label`.csv: no rows");
}

TEST(WithKeys, LeavesAllElse) {
  for (const std::string text : {"",
                                 "no option",
                                 "`",
                                 "``",
                                 "```",
                                 "` `",
                                 "`header",
                                 "header`",  // none in backquotes
                                 "`seed`",
                                 "`name`",
                                 "`every`",  // of two sections
                                 "`data.header`",
                                 "`head`",
                                 "`Header`",
                                 "`header `",  // none of any section
                                 "'`header`'",
                                 "/tmp/`source`/a.csv",
                                 "my`label`",
                                 "`label`s",
                                 "``label`"}) {
    EXPECT_EQ(with_keys(text), text);
  }
  EXPECT_EQ(with_keys("column 'a`b': `header` = no"), "column 'a`b': data.header = no");
  EXPECT_EQ(with_keys("`header` `header"), "data.header `header");
}

TEST(WithKeys, KnowsEveryKeyWhoseNameIsThatOfNoOther) {
  std::map<std::string, int> sections;
  const auto name_of = [](const SettingHelp& setting) {
    return setting.key.substr(setting.key.find('.') + 1);
  };
  for (const SettingHelp& setting : setting_help()) ++sections[name_of(setting)];
  for (const SettingHelp& setting : setting_help()) {
    const std::string option = "`" + name_of(setting) + "`";
    EXPECT_EQ(with_keys(option), sections.at(name_of(setting)) == 1 ? setting.key : option);
  }
}

}  // namespace
}  // namespace lockstep
