// Checkpoints. By chance no made-up input has the checksums that belong to it: here it is given them.

#include "train/checkpoint/checkpoint.hpp"

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "core/digest.hpp"
#include "fuzz.hpp"

namespace {

/// `file` with the last bytes made the checksums of the rest, where it has a header and room for them.
std::vector<std::byte> with_checksums(std::span<const std::byte> file) {
  constexpr std::size_t kLength = sizeof(std::uint64_t);
  constexpr std::size_t kChecksums = 64;
  std::vector<std::byte> signed_file(file.begin(), file.end());
  std::uint64_t header = 0;
  if (file.size() < kLength + kChecksums) return signed_file;
  std::memcpy(&header, file.data(), kLength);
  if (header > file.size() - kLength - kChecksums) return signed_file;
  const std::span<const std::byte> rest = file.first(file.size() - kChecksums);
  const std::string checksums = lockstep::digest_of(rest.first(kLength + header)) +
                                lockstep::DigestBlocks(rest.subspan(kLength + header)).digest();
  std::memcpy(signed_file.data() + rest.size(), checksums.data(), kChecksums);
  return signed_file;
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lockstep;
  fuzz::Input input(data, size);
  const bool is_damaged = input.choose(8) == 7;
  const std::vector<std::byte> file = with_checksums(input.bytes());
  fuzz::expect_value_or_error([&] {
    if (is_damaged) parse_checkpoint(input.bytes(), "file");
    const Checkpoint checkpoint = parse_checkpoint(file, "file");
    const Checkpoint again = checkpoint_from_metadata(to_metadata(checkpoint), "metadata");
    fuzz::expect(to_metadata(again) == to_metadata(checkpoint), "metadata that change on their way");
  });
  return 0;
}
