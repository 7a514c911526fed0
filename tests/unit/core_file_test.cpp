#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <sys/stat.h>
#include <vector>

#include <gtest/gtest.h>

#include "core/file.hpp"
#include "data_helpers.hpp"
#include "temporary_folder.hpp"

namespace lockstep {
namespace {

using test::is_bad_input;
using test::TemporaryFolder;
using Bytes = std::vector<std::byte>;

Bytes numbered(std::size_t size) {
  Bytes bytes(size);
  std::size_t i = 0;
  // A period that divides no block: a block in the wrong place is seen.
  std::generate(bytes.begin(), bytes.end(), [&] { return static_cast<std::byte>(i++ % 251); });
  return bytes;
}

/// Sizes around those of blocks and pieces.
class WriteFileTest : public testing::TestWithParam<std::size_t> {};

TEST_P(WriteFileTest, WritesAllParts) {
  const Bytes all = numbered(GetParam());
  const std::span<const std::byte> bytes(all);
  const TemporaryFolder folder;
  for (const std::size_t cut : {std::size_t{0}, GetParam() / 3, GetParam()}) {
    const Bytes apart(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(cut));
    for (const std::span<const std::byte> first : {bytes.first(cut), std::span(apart)}) {
      const std::vector<std::span<const std::byte>> parts = {first, {}, bytes.subspan(cut)};
      write_file(folder.path() / "f", parts);
      EXPECT_TRUE(read_file(folder.path() / "f") == all) << "cut at " << cut;
    }
  }
  const auto entries = std::filesystem::directory_iterator(folder.path());
  EXPECT_EQ(std::distance(begin(entries), end(entries)), 1) << "nothing else is left";
}

INSTANTIATE_TEST_SUITE_P(Sizes, WriteFileTest,
                         testing::Values(0, 1, 4095, 4096, 4097, (1 << 20) - 1, 1 << 20, (1 << 20) + 1,
                                         (3 << 20) + 4096, (3 << 20) + 5));

/// A part that is written from where it stands, after others and before others.
TEST(WriteFile, WritesPartsThatBeginAtBlocks) {
  const TemporaryFolder folder;
  const Bytes all = numbered((std::size_t{3} << 20U) + 3 * kFileBlock + 7);
  Bytes room(all.size() + kFileBlock);
  std::size_t left = room.size();
  void* aligned = room.data();
  ASSERT_NE(std::align(kFileBlock, all.size(), aligned, left), nullptr);
  const std::span<std::byte> bytes(static_cast<std::byte*>(aligned), all.size());
  std::copy(all.begin(), all.end(), bytes.begin());
  for (const std::size_t before : {std::size_t{0}, std::size_t{1}, kFileBlock, 2 * kFileBlock}) {
    const Bytes head = numbered(before);
    const std::vector<std::span<const std::byte>> parts = {head, bytes.first(kFileBlock),
                                                           bytes.subspan(kFileBlock), head};
    write_file(folder.path() / "f", parts);
    Bytes expected = head;
    expected.insert(expected.end(), all.begin(), all.end());
    expected.insert(expected.end(), head.begin(), head.end());
    EXPECT_TRUE(read_file(folder.path() / "f") == expected) << before << " bytes before it";
  }
}

TEST(ReadFile, OfWhatIsNoFileIsAnError) {
  const TemporaryFolder folder;
  const auto refuses = [&](const std::string& name, const std::string& reason) {
    return is_bad_input([&] { read_file(folder.path() / name); }, {name, "cannot be read", reason});
  };
  EXPECT_TRUE(refuses("none", "No such file"));
  EXPECT_TRUE(refuses(std::string(300, 'x'), "name too long"));
  std::filesystem::create_directory(folder.path() / "folder");
  EXPECT_TRUE(refuses("folder", "it is a folder"));
  std::filesystem::create_symlink("loop", folder.path() / "loop");
  EXPECT_TRUE(refuses("loop", "Too many levels"));
  // Opening it would wait for a writer.
  ASSERT_EQ(mkfifo((folder.path() / "pipe").c_str(), S_IRUSR | S_IWUSR), 0);
  EXPECT_TRUE(refuses("pipe", "it is no file"));
}

TEST(WriteFile, IntoAFolderThatIsNotThereIsAnError) {
  const TemporaryFolder folder;
  EXPECT_TRUE(is_bad_input([&] { write_file(folder.path() / "none" / "f", "text"); },
                           {"none/f", "cannot be written"}));
}

}  // namespace
}  // namespace lockstep
