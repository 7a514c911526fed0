#include "data/npy_file.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <type_traits>

#include <fmt/ranges.h>

#include "data/array_sizes.hpp"
#include "data/npy_header.hpp"
#include "lockstep/core/error.hpp"

namespace lockstep {

namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::array kNpyTypes = {"u1", "i1", "i2", "i4", "i8", "f4", "f8"};
constexpr std::size_t kValuesTogether = std::size_t{1} << 16U;

}  // namespace

NpyFile::NpyFile(const std::filesystem::path& file) : reader_(file, "an NPY file") {
  const std::string text = read_header();
  const NpyHeader header = parse_npy_header(name(), text);
  if (header.type.starts_with('>')) {
    fail_input(
        "{}: numbers with the larger byte first ({}); expected the smaller first; save x.astype('<{}')",
        name(), header.type, header.type.substr(1));
  }
  type_ = header.type.substr(header.type.empty() ? 0 : 1);
  if (std::find(kNpyTypes.begin(), kNpyTypes.end(), type_) == kNpyTypes.end()) {
    fail_input("{}: numbers of type '{}'; expected one of {}; convert the array", name(), header.type,
               fmt::join(kNpyTypes, ", "));
  }
  if (header.fortran_order && header.sizes.size() > 1) {
    fail_input("{}: an array in Fortran's order; expected C's; save numpy.ascontiguousarray(x)", name());
  }
  sizes_ = header.sizes;
  std::vector<Index> of_bytes = sizes_;
  of_bytes.push_back(type_[1] - '0');
  const std::uint64_t expected = product(of_bytes);
  if (expected == 0 || sizes_.empty()) {
    fail_input("{}: an array of ({}); expected at least one sample", name(), fmt::join(sizes_, ", "));
  }
  const std::uint64_t held = reader_.stored_bytes() - header_bytes_;
  if (held != expected) {
    fail_input("{}: the header promises {} bytes, but the file holds {}; get the file again", name(),
               expected, held);
  }
}

std::string NpyFile::read_header() {
  std::array<unsigned char, 8> begin{};  // the magic, then the version
  read(std::as_writable_bytes(std::span(begin)));
  if (reader_.compressed() ||
      !std::equal(kMagic.begin(), kMagic.end(), reinterpret_cast<char*>(begin.data()))) {
    fail_input("{}: begins with 0x{:02x}; expected an NPY file, not compressed; write it by numpy.save",
               name(), fmt::join(begin, ""));
  }
  const unsigned version = begin[6];
  if (version < 1 || version > 3) {
    fail_input("{}: version {} of the NPY format; expected 1 to 3; save the array again", name(), version);
  }
  std::array<unsigned char, 4> length_bytes{};
  const std::span length_span = std::span(length_bytes).first(version == 1 ? 2 : 4);
  read(std::as_writable_bytes(length_span));
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < length_bytes.size(); ++i) length += std::uint64_t{length_bytes[i]} << 8U * i;
  header_bytes_ = begin.size() + length_span.size() + length;
  if (header_bytes_ > reader_.stored_bytes()) {
    fail_input("{}: {} bytes; expected a header of {} bytes and an array; get the file again", name(),
               reader_.stored_bytes(), header_bytes_);
  }
  std::string text(static_cast<std::size_t>(length), ' ');
  read(std::as_writable_bytes(std::span(text)));
  return text;
}

void NpyFile::read(std::span<std::byte> target) {
  constexpr std::size_t kMost = std::size_t{1} << 30U;
  while (!target.empty()) {
    const std::span<std::byte> part = target.first(std::min(target.size(), kMost));
    if (reader_.read(part) < part.size()) {
      fail_input("{}: truncated; expected an NPY file; get the file again", name());
    }
    target = target.subspan(part.size());
  }
}

template <typename Stored, typename Value>
void NpyFile::read_as(std::vector<Value>& values) {
  std::vector<Stored> stored(std::min(values.size(), kValuesTogether));
  for (std::size_t begin = 0; begin < values.size(); begin += stored.size()) {
    stored.resize(std::min(stored.size(), values.size() - begin));
    read(std::as_writable_bytes(std::span(stored)));
    for (std::size_t i = 0; i < stored.size(); ++i) {
      // NOLINTNEXTLINE(bugprone-signed-char-misuse): one of type i1 is a number
      values[begin + i] = static_cast<Value>(stored[i]);
      if constexpr (std::is_floating_point_v<Value>) {
        if (std::isfinite(values[begin + i])) continue;
        const std::uint64_t columns = product(std::span(sizes_).subspan(1));
        fail_input("{}: sample {} has {} in column {}; expected finite numbers of single precision", name(),
                   (begin + i) / columns, stored[i], (begin + i) % columns);
      }
    }
  }
}

std::vector<std::uint8_t> NpyFile::bytes() {
  LOCKSTEP_CHECK(type_ == "u1");
  std::vector<std::uint8_t> values(static_cast<std::size_t>(product(sizes_)));
  read(std::as_writable_bytes(std::span(values)));
  return values;
}

std::vector<std::int64_t> NpyFile::whole_numbers() {
  LOCKSTEP_CHECK(!is_real());
  std::vector<std::int64_t> values(static_cast<std::size_t>(product(sizes_)));
  if (type_ == "u1") read_as<std::uint8_t>(values);
  if (type_ == "i1") read_as<std::int8_t>(values);
  if (type_ == "i2") read_as<std::int16_t>(values);
  if (type_ == "i4") read_as<std::int32_t>(values);
  if (type_ == "i8") read_as<std::int64_t>(values);
  return values;
}

std::vector<float> NpyFile::floats() {
  std::vector<float> values;
  if (is_real()) {
    values.resize(static_cast<std::size_t>(product(sizes_)));
    type_ == "f4" ? read_as<float>(values) : read_as<double>(values);
  } else {
    const std::vector<std::int64_t> numbers = whole_numbers();
    values.assign(numbers.begin(), numbers.end());
  }
  return values;
}

}  // namespace lockstep
