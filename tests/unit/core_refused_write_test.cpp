// Files that the system refuses to write past its cache, as one with larger blocks does in the middle. This
// program's own write() stands before the C library's.

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <span>
#include <sys/syscall.h>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "core/file.hpp"
#include "data_helpers.hpp"
#include "temporary_folder.hpp"

namespace {

std::size_t accepted = 0;  // bytes, before the next calls are refused
int refusals = 0;

}  // namespace

extern "C" ssize_t write(int descriptor, const void* bytes, std::size_t size) {
  if (refusals > 0) {
    if (accepted == 0) {
      --refusals;
      errno = EINVAL;
      return -1;
    }
    size = std::min(size, accepted);
    accepted -= size;
  }
  return syscall(SYS_write, descriptor, bytes, size);
}

namespace lockstep {
namespace {

using test::is_bad_input;
using test::TemporaryFolder;

/// Memory that is written from where it stands, by several calls.
class RefusedWriteTest : public testing::TestWithParam<std::size_t> {
 protected:
  RefusedWriteTest() {
    std::size_t i = 0;
    std::generate(bytes_.begin(), bytes_.end(), [&] { return static_cast<std::byte>(i++ % 251); });
  }
  void TearDown() override { refusals = 0; }

  void write(int refused) {
    accepted = GetParam();
    refusals = refused;
    const std::span<const std::byte> part = bytes_;
    write_file(file_, std::span(&part, 1));
  }

  static constexpr std::size_t kSize = (std::size_t{17} << 20U) + 5;
  struct Free {
    void operator()(std::byte* memory) const { std::free(memory); }
  };
  std::unique_ptr<std::byte, Free> memory_{
      static_cast<std::byte*>(std::aligned_alloc(kFileBlock, (kSize / kFileBlock + 1) * kFileBlock))};
  std::span<std::byte> bytes_{memory_.get(), kSize};
  TemporaryFolder folder_;
  std::filesystem::path file_ = folder_.path() / "f";
};

TEST_P(RefusedWriteTest, GoesOnThroughTheCache) {
  write(1);
  EXPECT_EQ(refusals, 0) << "the call that was to be refused did not come";
  const std::vector<std::byte> found = read_file(file_);
  EXPECT_TRUE(std::equal(found.begin(), found.end(), bytes_.begin(), bytes_.end()));
}

TEST_P(RefusedWriteTest, ForEverIsAnErrorAndLeavesNothing) {
  EXPECT_TRUE(is_bad_input([&] { write(1000); }, {"f", "cannot be written", "Invalid argument"}));
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
}

/// At the first byte, between two blocks, inside one, in the second call, in the rest that is no whole block.
INSTANTIATE_TEST_SUITE_P(After, RefusedWriteTest,
                         testing::Values(0, kFileBlock, kFileBlock + 512, (std::size_t{16} << 20U) + 4096,
                                         (std::size_t{17} << 20U)));

}  // namespace
}  // namespace lockstep
