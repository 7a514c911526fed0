#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <iterator>
#include <span>
#include <vector>

#include "data_helpers.hpp"
#include "temporary_folder.hpp"
#include <gtest/gtest.h>

#include "lockstep/core/file.hpp"

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
    const std::vector<std::span<const std::byte>> parts = {bytes.first(cut), {}, bytes.subspan(cut)};
    write_file(folder.path() / "f", parts);
    EXPECT_TRUE(read_file(folder.path() / "f") == all) << "cut at " << cut;
  }
  const auto entries = std::filesystem::directory_iterator(folder.path());
  EXPECT_EQ(std::distance(begin(entries), end(entries)), 1) << "nothing else is left";
}

INSTANTIATE_TEST_SUITE_P(Sizes, WriteFileTest,
                         testing::Values(0, 1, 4095, 4096, 4097, (1 << 20) - 1, 1 << 20, (1 << 20) + 1,
                                         (3 << 20) + 4096, (3 << 20) + 5));

TEST(WriteFile, IntoAFolderThatIsNotThereIsAnError) {
  const TemporaryFolder folder;
  EXPECT_TRUE(is_bad_input([&] { write_file(folder.path() / "none" / "f", "text"); },
                           {"none/f", "cannot be written"}));
}

}  // namespace
}  // namespace lockstep
