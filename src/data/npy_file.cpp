#include "data/npy_file.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>
#include <utility>

#include <fmt/ranges.h>

#include "data/byte_reader.hpp"
#include "data/npy_header.hpp"
#include "lockstep/core/error.hpp"

namespace lockstep {

namespace {

constexpr std::string_view kMagic = "\x93NUMPY";

ByteSequence sequence_of(const std::filesystem::path& file) {
  const auto reader = std::make_shared<ByteReader>(file, "an NPY file");
  if (reader->compressed()) {
    fail_input("{}: a gzip file; expected an NPY file, not compressed; unpack it", reader->name());
  }
  return {reader->name(), reader->stored_bytes(),
          [reader](std::span<std::byte> target) { return reader->read(target); }, file};
}

}  // namespace

NpyFile::NpyFile(const std::filesystem::path& file) : NpyFile(sequence_of(file)) {}

NpyFile::NpyFile(ByteSequence sequence)
    : StoredArray(sequence.name), sequence_(std::move(sequence)), rest_(sequence_.size) {
  const std::string text = read_header();
  const NpyHeader header = parse_npy_header(name(), text);
  if (header.type.starts_with('>')) {
    fail_input(
        "{}: numbers with the larger byte first ({}); expected the smaller first; save x.astype('<{}')",
        name(), header.type, header.type.substr(1));
  }
  describe(header.type, header.sizes);
  if (header.fortran_order && header.sizes.size() > 1) {
    fail_input("{}: an array in Fortran's order; expected C's; save numpy.ascontiguousarray(x)", name());
  }
  if (rest_ != value_bytes()) {
    fail_input("{}: the header promises {} bytes, but the file holds {}; get the file again", name(),
               value_bytes(), rest_);
  }
  const std::uint64_t begin = sequence_.size - rest_;
  const bool is_as_in_memory = type() == "u1" || (type() == "f4" && begin % alignof(float) == 0);
  if (is_as_in_memory && !sequence_.file.empty()) set_place({sequence_.file, begin});
}

std::string NpyFile::read_header() {
  std::array<unsigned char, 8> begin{};  // the magic, then the version
  read(std::as_writable_bytes(std::span(begin)));
  if (!std::equal(kMagic.begin(), kMagic.end(), reinterpret_cast<char*>(begin.data()))) {
    fail_input("{}: begins with 0x{:02x}; expected an NPY file; write it by numpy.save", name(),
               fmt::join(begin, ""));
  }
  const unsigned version = begin[6];
  if (version < 1 || version > 3) {
    fail_input("{}: version {} of the NPY format; expected 1 to 3; save the array again", name(), version);
  }
  std::array<unsigned char, 4> length_bytes{};
  read(std::as_writable_bytes(std::span(length_bytes).first(version == 1 ? 2 : 4)));
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < length_bytes.size(); ++i) length += std::uint64_t{length_bytes[i]} << 8U * i;
  if (length > rest_) {
    fail_input("{}: {} bytes; expected a header of {} bytes and an array; get the file again", name(),
               sequence_.size, sequence_.size - rest_ + length);
  }
  std::string text(static_cast<std::size_t>(length), ' ');
  read(std::as_writable_bytes(std::span(text)));
  return text;
}

void NpyFile::read(std::span<std::byte> target) {
  constexpr std::size_t kMost = std::size_t{1} << 30U;
  while (!target.empty()) {
    const std::span<std::byte> part = target.first(std::min(target.size(), kMost));
    if (part.size() > rest_ || sequence_.read(part) < part.size()) {
      fail_input("{}: truncated; expected an NPY file; get the file again", name());
    }
    rest_ -= part.size();
    target = target.subspan(part.size());
  }
  // An archive looks at a file's checksum where its end is found.
  std::byte beyond{};
  if (rest_ == 0 && sequence_.read({&beyond, 1}) > 0) {
    fail_input("{}: more than the {} bytes that it should have; get the file again", name(), sequence_.size);
  }
}

}  // namespace lockstep
