#include <gtest/gtest.h>

#include "lockstep/core/error.hpp"

namespace lockstep {
namespace {

TEST(Error, IsOneLineWhateverItRepeats) {
  const Error error(ExitCode::kBadInput, "a\nb\r\n\tc\033[2J \x7f 100 % größer…");
  EXPECT_STREQ(error.what(), "a?b???c?[2J ? 100 % größer…");
  EXPECT_EQ(error.code(), ExitCode::kBadInput);
}

}  // namespace
}  // namespace lockstep
