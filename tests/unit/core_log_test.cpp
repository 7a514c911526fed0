// In whose words lines reach the person.

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "lockstep/core/log.hpp"
#include "temporary_folder.hpp"

namespace lockstep {
namespace {

std::string in_brackets(std::string_view line) { return "[" + std::string(line) + "]"; }

class Wording : public testing::Test {
 protected:
  void TearDown() override { log::set_wording(nullptr); }
};

TEST_F(Wording, IsThatOfTheProgramForWhatShouldWorry) {
  testing::internal::CaptureStderr();
  testing::internal::CaptureStdout();
  log::warn("plain");
  log::set_wording(in_brackets);
  log::warn("shared");
  log::warn_once("once");
  log::warn_once("once");
  log::warn_here("here");
  log::info("good news");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "plain\n[shared]\n[once]\n[here]\n");
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "good news\n");
}

TEST_F(Wording, IsThatOfEveryRank) {
  log::set_rank(3);
  log::set_wording(in_brackets);
  testing::internal::CaptureStderr();
  log::warn("shared");
  log::warn_here("here");
  log::set_rank(0);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "[here]\n");
}

TEST_F(Wording, StandsInTheFileToo) {
  const test::TemporaryFolder folder;
  const auto file = folder.path() / "train.log";
  const auto warn = [&] {
    log::open_file(file);
    log::set_wording(in_brackets);
    log::warn("shared");
    std::exit(0);
  };
  EXPECT_EXIT(warn(), testing::ExitedWithCode(0),
              R"(^\[shared\])");  // a process of its own: the file stays open
  std::stringstream text;
  text << std::ifstream(file).rdbuf();
  EXPECT_TRUE(text.str().ends_with(" [shared]\n")) << text.str();
}

}  // namespace
}  // namespace lockstep
