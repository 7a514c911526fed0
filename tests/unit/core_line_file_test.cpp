#include <iterator>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "core/line_file.hpp"
#include "lockstep/core/error.hpp"
#include "temporary_folder.hpp"

namespace lockstep {
namespace {

using Lines = std::vector<std::string>;

std::string text_of(const std::filesystem::path& file) {
  std::ifstream stream(file);
  return {std::istreambuf_iterator<char>(stream), {}};
}

void append(LineFile& file, const std::string& line) {
  file.exclusively([&] { file.append(line); });
}

class LineFileTest : public testing::Test {
 protected:
  test::TemporaryFolder folder_;
  std::filesystem::path path_ = folder_.path() / "lines";
};

TEST_F(LineFileTest, GivesEveryLineOnceToEachReader) {
  LineFile one(path_);
  LineFile two(path_);
  append(one, "a");
  append(two, "b");
  EXPECT_EQ(one.new_lines(), (Lines{"a", "b"}));
  EXPECT_EQ(one.new_lines(), Lines{});
  append(one, "");
  EXPECT_EQ(one.new_lines(), (Lines{""}));
  EXPECT_EQ(two.new_lines(), (Lines{"a", "b", ""}));
  EXPECT_EQ(text_of(path_), "a\nb\n\n");
}

TEST_F(LineFileTest, RemovesALineThatWasCutOffOnlyWhenItWrites) {
  folder_.write("lines", "whole\ncut o");
  LineFile file(path_);
  EXPECT_EQ(file.new_lines(), (Lines{"whole"}));
  EXPECT_EQ(text_of(path_), "whole\ncut o");
  append(file, "next");
  EXPECT_EQ(file.new_lines(), (Lines{"next"}));
  EXPECT_EQ(text_of(path_), "whole\nnext\n");
}

TEST_F(LineFileTest, IsMadeAgainWithAllLinesWhereItIsGone) {
  const std::filesystem::path path = folder_.path() / "a/b/lines";
  std::filesystem::create_directories(path.parent_path());
  LineFile owner(path);
  LineFile other(path);
  EXPECT_EQ(owner.try_own(), Lock::kHeld);
  append(owner, "a");
  append(other, "b");
  EXPECT_EQ(owner.new_lines(), (Lines{"a", "b"}));
  EXPECT_FALSE(owner.take_renewal());

  std::filesystem::remove_all(folder_.path() / "a");
  EXPECT_TRUE(owner.is_gone());
  append(other, "c");
  EXPECT_EQ(text_of(path), "a\nb\nc\n");
  append(owner, "d");
  EXPECT_EQ(text_of(path), "a\nb\nc\nd\n") << "they go on in the same file";
  EXPECT_EQ(owner.new_lines(), (Lines{"c", "d"}));
  EXPECT_EQ(other.new_lines(), (Lines{"a", "b", "c", "d"}));
  EXPECT_TRUE(owner.take_renewal());
  EXPECT_TRUE(other.take_renewal());
  EXPECT_FALSE(owner.take_renewal());
  LineFile late(path);
  EXPECT_EQ(late.try_own(), Lock::kTaken) << "it has its owner still";

  std::filesystem::rename(folder_.path() / "a", folder_.path() / "moved");
  append(owner, "e");
  EXPECT_EQ(text_of(path), "a\nb\nc\nd\ne\n");
  EXPECT_EQ(text_of(folder_.path() / "moved/b/lines"), "a\nb\nc\nd\n");
}

TEST_F(LineFileTest, KeepsItsLinesWhereItCannotBeMadeAgain) {
  LineFile file(path_);
  append(file, "a");
  for (const std::string there : {"another's\n", ""}) {
    std::filesystem::remove_all(path_);
    if (there.empty()) {
      std::filesystem::create_directory(path_);
    } else {
      folder_.write("lines", there);
    }
    EXPECT_THROW(append(file, "b"), Error);
    EXPECT_TRUE(file.is_gone());
  }
  EXPECT_EQ(file.text(), "a\nb\nb\n");
}

TEST_F(LineFileTest, HasOneOwnerAsLongAsThatLives) {
  LineFile other(path_);
  {
    LineFile first(path_);
    EXPECT_EQ(first.try_own(), Lock::kHeld);
    EXPECT_EQ(other.try_own(), Lock::kTaken);
    append(other, "writing is for all");
  }
  EXPECT_EQ(other.try_own(), Lock::kHeld);
}

TEST_F(LineFileTest, IsFreeAgainAfterAFailure) {
  LineFile file(path_);
  EXPECT_THROW(file.exclusively([] { throw std::runtime_error("x"); }), std::runtime_error);
  LineFile other(path_);
  append(other, "a");
  EXPECT_EQ(file.new_lines(), (Lines{"a"}));
}

TEST_F(LineFileTest, SaysWhatCannotBeOpened) {
  try {
    const LineFile file(folder_.path() / "none/lines");
    FAIL() << "no folder, no file";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kBadInput);
    EXPECT_NE(std::string(error.what()).find("none/lines: cannot be opened"), std::string::npos)
        << error.what();
  }
}

// Each process counts the lines and appends the next number; without the lock numbers would be missing or
// double.
TEST_F(LineFileTest, ProcessesTakeTurns) {
  constexpr int kProcesses = 4;
  constexpr int kTurns = 25;
  std::vector<pid_t> children;
  for (int process = 0; process < kProcesses; ++process) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child != 0) {
      children.push_back(child);
      continue;
    }
    LineFile file(path_);
    std::size_t lines = 0;
    for (int turn = 0; turn < kTurns; ++turn) {
      file.exclusively([&] {
        lines += file.new_lines().size();
        file.append(std::to_string(lines));
      });
    }
    std::_Exit(0);
  }
  for (const pid_t child : children) {
    int status = -1;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  Lines expected;
  expected.reserve(std::size_t{kProcesses} * kTurns);
  for (int line = 0; line < kProcesses * kTurns; ++line) expected.push_back(std::to_string(line));
  EXPECT_EQ(LineFile(path_).new_lines(), expected);
}

}  // namespace
}  // namespace lockstep
