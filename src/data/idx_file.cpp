#include "data/idx_file.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <string>

#include <fmt/ranges.h>

#include "data/array_sizes.hpp"
#include "data/byte_reader.hpp"
#include "lockstep/core/error.hpp"

namespace lockstep {

namespace fs = std::filesystem;

namespace {

constexpr std::uint8_t kUnsignedByte = 0x08;

std::uint64_t header_bytes(std::size_t dimensions) { return 4 + 4 * dimensions; }

void check_magic(const ByteReader& reader, std::span<const std::uint8_t, 4> magic,
                 const std::vector<std::size_t>& dimensions) {
  if (magic[0] != 0 || magic[1] != 0) {
    fail_input("{}: wrong magic number 0x{:02x}; expected 0x{:08x}; is it an IDX file?", reader.name(),
               fmt::join(magic, ""), kUnsignedByte << 8U | dimensions.front());
  }
  if (magic[2] != kUnsignedByte) {
    fail_input("{}: element type 0x{:02x}; expected 0x08, unsigned bytes; convert the file", reader.name(),
               magic[2]);
  }
  if (std::find(dimensions.begin(), dimensions.end(), magic[3]) == dimensions.end()) {
    fail_input("{}: wrong magic number: {} dimensions, expected {}; are images and labels exchanged?",
               reader.name(), magic[3], fmt::join(dimensions, " or "));
  }
}

/// Reads the file's header on to `size` bytes.
void read_header(ByteReader& reader, std::vector<std::uint8_t>& header, std::size_t size) {
  const std::size_t begin = header.size();
  header.resize(size);
  const std::size_t count = begin + reader.read(std::as_writable_bytes(std::span(header).subspan(begin)));
  if (count < size) {
    fail_input("{}: truncated: {} bytes, expected a header of {}; get the file again", reader.name(), count,
               size);
  }
}

std::vector<Index> read_sizes(ByteReader& reader, const std::vector<std::size_t>& dimensions) {
  std::vector<std::uint8_t> header;
  read_header(reader, header, header_bytes(0));
  check_magic(reader, std::span(header).first<4>(), dimensions);
  read_header(reader, header, header_bytes(header[3]));
  std::vector<Index> sizes;
  for (std::size_t i = 4; i < header.size(); i += 4) {
    Index size = 0;
    for (const std::uint8_t byte : std::span(header).subspan(i, 4)) size = size << 8U | byte;
    sizes.push_back(size);
  }
  return sizes;
}

[[noreturn]] void fail_count(const ByteReader& reader, const std::vector<Index>& sizes,
                             const std::string& found) {
  fail_input("{}: counts disagree: the header promises {} bytes, but the file holds {}; get the file again",
             reader.name(), fmt::join(sizes, " x "), found);
}

/// Refuses what the file cannot hold before any memory is taken for it.
void check_plausible(const ByteReader& reader, const std::vector<Index>& sizes) {
  if (std::find(sizes.begin(), sizes.end(), 0) != sizes.end()) {
    fail_input("{}: empty: sizes {} in its header; expected at least one sample", reader.name(),
               fmt::join(sizes, " x "));
  }
  const std::uint64_t expected = product(sizes);
  const std::uint64_t stored = reader.stored_bytes();
  if (!reader.compressed()) {
    const std::uint64_t held = stored - header_bytes(sizes.size());
    if (held != expected) fail_count(reader, sizes, fmt::format("{}", held));
  } else if (expected / kLargestDeflateRatio > stored) {
    fail_count(reader, sizes,
               fmt::format("at most {} in {} compressed", stored * kLargestDeflateRatio, stored));
  }
}

}  // namespace

IdxFile::IdxFile(const fs::path& file, const std::vector<std::size_t>& dimensions)
    : StoredArray(file.string()), reader_(file, "an IDX file") {
  const std::vector<Index> sizes = read_sizes(reader_, dimensions);
  check_plausible(reader_, sizes);
  describe("|u1", sizes);
  if (!reader_.compressed()) set_place({file, header_bytes(sizes.size())});
}

void IdxFile::read(std::span<std::byte> target) {
  const std::uint64_t wanted = count_ + target.size();
  if (wanted < value_bytes()) {
    count_ += reader_.read(target);
  } else {
    // The last read asks for one byte too many: only then does zlib look at the checksum, which comes last.
    std::vector<std::byte> rest(target.size() + 1);
    count_ += reader_.read(rest);
    std::copy_n(rest.begin(), target.size(), target.begin());
  }
  if (count_ > wanted) fail_count(reader_, sizes(), "more");
  if (count_ < wanted) fail_count(reader_, sizes(), fmt::format("{}", count_));
}

}  // namespace lockstep
