// What a line becomes on a terminal. What is a terminal, tests/cli/terminal_test.cpp tries on one.
#include <string>

#include <gtest/gtest.h>

#include "core/terminal.hpp"

namespace lockstep {
namespace {

std::string bold(const std::string& text) { return "\x1b[1m" + text + "\x1b[0m"; }

TEST(WithColours, SetsOffTheLabelAndChangesNothingElse) {
  EXPECT_EQ(with_colours("data     blobs: 5 samples"), bold("data") + "     blobs: 5 samples");
  EXPECT_EQ(with_colours("epoch    3: training loss 1"), bold("epoch    3") + ": training loss 1");
  EXPECT_EQ(with_colours("lockstep: x  y"), "\x1b[1;31mlockstep:\x1b[0m x  y");
  for (const std::string line : {"", "    3  10  same", "one two  three", "weights_digest 0123"}) {
    EXPECT_EQ(with_colours(line), line);
  }
}

TEST(CutTo, CountsCharactersAndKeepsThemWhole) {
  EXPECT_EQ(cut_to("abc", 3), "abc");
  EXPECT_EQ(cut_to("abcd", 3), "abc");
  EXPECT_EQ(cut_to("λμν", 2), "λμ");
  EXPECT_EQ(cut_to("λμν", 3), "λμν");
  EXPECT_EQ(cut_to("", 0), "");
}

}  // namespace
}  // namespace lockstep
