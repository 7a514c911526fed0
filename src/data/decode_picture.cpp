#include "data/decode_picture.hpp"

#include <array>
#include <cerrno>
#include <cstdint>
#include <sys/stat.h>

#include "core/refusal.hpp"
#include "lockstep/core/error.hpp"

namespace lockstep {

namespace {

constexpr std::array<std::uint8_t, 8> kPng = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
constexpr std::array<std::uint8_t, 2> kJpeg = {0xFF, 0xD8};

}  // namespace

PictureFile::PictureFile(const std::filesystem::path& file)
    : name_(file.string()), stream_(std::fopen(name_.c_str(), "rb")) {
  struct stat facts {};
  std::array<std::uint8_t, kPng.size()> begin{};
  std::size_t count = 0;
  const bool is_open = stream_ && fstat(fileno(stream_.get()), &facts) == 0;
  if (is_open) count = std::fread(begin.data(), 1, begin.size(), stream_.get());
  if (!is_open || std::ferror(stream_.get()) != 0) {
    fail_input("{}: cannot read this file {}", name_,
               because(errno, "expected a PNG or JPEG picture; check the path and its permissions"));
  }
  if (count == 0) {
    fail_input("{}: 0 bytes; expected a PNG or JPEG picture; get the file again, or remove it", name_);
  }
  bytes_ = facts.st_size;
  is_png_ = begin == kPng;
  if (!is_png_ && (begin[0] != kJpeg[0] || begin[1] != kJpeg[1])) {
    fail_input("{}: begins with 0x{:02x}{:02x}{:02x}{:02x}; expected a PNG or JPEG picture; convert the file",
               name_, begin[0], begin[1], begin[2], begin[3]);
  }
  std::rewind(stream_.get());
}

void PictureFile::check_plausible(const PictureHeader& header, Index most_pixels_a_byte) const {
  // Neither library takes sides whose product would overflow.
  if (header.height * header.width / most_pixels_a_byte <= bytes_) return;
  fail_input("{}: {} bytes; expected more, as its header promises {} x {} pixels; get the file again", name_,
             bytes_, header.height, header.width);
}

void PictureFile::fail(const std::string& words) const {
  fail_input("{}: cannot be decoded ({}); expected a whole {} picture; get the file again, or remove it",
             name_, words, is_png_ ? "PNG" : "JPEG");
}

PictureHeader read_picture_header(const std::filesystem::path& file) {
  const PictureFile picture(file);
  return picture.is_png() ? read_png_header(picture) : read_jpeg_header(picture);
}

Pixels decode_picture(const std::filesystem::path& file) {
  const PictureFile picture(file);
  return picture.is_png() ? decode_png(picture) : decode_jpeg(picture);
}

}  // namespace lockstep
