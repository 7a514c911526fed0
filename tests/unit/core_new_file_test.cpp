// A file that is written piece by piece, and seen whole or not at all.

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/file.hpp"
#include "core/new_file.hpp"
#include "data_helpers.hpp"
#include "temporary_folder.hpp"

namespace lockstep {
namespace {

namespace fs = std::filesystem;
using test::is_bad_input;
using test::TemporaryFolder;

std::string text_of(const fs::path& file) {
  const std::vector<std::byte> bytes = read_file(file);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

TEST(NewFile, TakesTheOldOnesPlaceWhenItIsWhole) {
  const TemporaryFolder folder;
  const fs::path file = folder.write("f", "old");
  NewFile made(file);
  made.append("one ");
  made.append("");
  EXPECT_EQ(text_of(file), "old");
  made.append("two");
  made.finish();
  EXPECT_EQ(text_of(file), "one two");
  EXPECT_EQ(names_in(folder.path()), std::vector<std::string>{"f"});
}

TEST(NewFile, LeavesNothingWithoutAnEnd) {
  const TemporaryFolder folder;
  const fs::path file = folder.write("f", "old");
  {
    NewFile made(file);
    made.append("new");
    EXPECT_EQ(names_in(folder.path()).size(), 2U);
  }
  EXPECT_EQ(text_of(file), "old");
  EXPECT_EQ(names_in(folder.path()), std::vector<std::string>{"f"});
}

TEST(NewFile, RefusesPlacesOfOtherThings) {
  const TemporaryFolder folder;
  EXPECT_TRUE(is_bad_input([] { NewFile("/dev/null"); },
                           {"/dev/null: cannot be written (it is a device or a pipe)"}));
  EXPECT_TRUE(is_bad_input([&] { NewFile made(folder.path()); }, {"cannot be written (it is a folder)"}));
  EXPECT_TRUE(is_bad_input([&] { NewFile made(folder.path() / "none" / "f"); },
                           {"none/f: cannot be written (No such file or directory)"}));
  EXPECT_TRUE(is_bad_input([] { write_file("/dev/null", "text"); }, {"it is a device or a pipe"}));
  EXPECT_TRUE(names_in(folder.path()).empty());
}

TEST(NewFile, TellsWhyAPieceCannotBeWritten) {
  const TemporaryFolder folder;
  NewFile made(folder.path() / "f");
  EXPECT_TRUE(is_bad_input(
      [&] {
        made.write([](int) {
          errno = ENOSPC;
          return false;
        });
      },
      {"f: cannot be written (No space left on device)"}));
  EXPECT_TRUE(names_in(folder.path()).empty());
}

}  // namespace
}  // namespace lockstep
