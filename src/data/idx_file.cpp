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
constexpr std::size_t kChunk = std::size_t{1} << 20U;

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
std::uint64_t plausible_bytes(const ByteReader& reader, const std::vector<Index>& sizes) {
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
  return expected;
}

std::vector<std::uint8_t> read_bytes(ByteReader& reader, const std::vector<Index>& sizes) {
  const auto expected = static_cast<std::size_t>(plausible_bytes(reader, sizes));
  std::vector<std::uint8_t> bytes;
  // A header may still promise a thousand times what comes: memory follows what has been read.
  bytes.reserve(std::min<std::size_t>(expected + 1, 8 * reader.stored_bytes()));
  while (bytes.size() < expected) {
    const std::size_t begin = bytes.size();
    // The last read asks for one byte too many: only then does zlib look at the checksum, which comes last.
    const std::size_t rest = expected + 1 - begin;
    const std::size_t wanted = rest <= kChunk + 1 ? rest : kChunk;
    if (begin + wanted > bytes.capacity()) bytes.reserve(std::min(expected + 1, 2 * begin + wanted));
    bytes.resize(begin + wanted);
    const std::size_t count = reader.read(std::as_writable_bytes(std::span(bytes).subspan(begin)));
    bytes.resize(begin + count);
    if (count < wanted) break;
  }
  if (bytes.size() > expected) fail_count(reader, sizes, "more");
  if (bytes.size() < expected) fail_count(reader, sizes, fmt::format("{}", bytes.size()));
  return bytes;
}

}  // namespace

IdxArray read_idx_file(const fs::path& file, const std::vector<std::size_t>& dimensions) {
  ByteReader reader(file, "an IDX file");
  IdxArray array;
  array.sizes = read_sizes(reader, dimensions);
  array.bytes = read_bytes(reader, array.sizes);
  return array;
}

}  // namespace lockstep
