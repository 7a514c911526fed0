#pragma once

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include "data/pixels.hpp"

namespace lockstep {

/// What the header of a picture's file says.
struct PictureHeader {
  Index height = 0;
  Index width = 0;
  bool has_colour = false;
};

/// The header of a PNG or JPEG file, or the picture itself in one channel or three. The file's first bytes
/// tell which it is, and not its name. Values of 16 bits become 8, palettes and few bits are expanded, and
/// alpha is composed onto black; gamma, colour profiles and orientation are left alone. Memory is taken only
/// for what the file can hold. Errors: a file that can't be read, is neither, is damaged or truncated, CMYK.
/// Formats: PNG Specification (Third Edition), W3C 2025; ITU-T T.81 with T.871 (JFIF).
PictureHeader read_picture_header(const std::filesystem::path& file);
Pixels decode_picture(const std::filesystem::path& file);

/// A picture's file that is being read, from its beginning.
class PictureFile {
 public:
  explicit PictureFile(const std::filesystem::path& file);

  const std::string& name() const { return name_; }
  std::FILE* stream() const { return stream_.get(); }
  bool is_png() const { return is_png_; }

  /// Errors: a byte holds `most_pixels_a_byte`, and so the file fewer than its header promises.
  void check_plausible(const PictureHeader& header, Index most_pixels_a_byte) const;
  /// Throws the error for a file that its library, with these words, refuses.
  [[noreturn]] void fail(const std::string& words) const;

 private:
  struct Close {
    void operator()(std::FILE* stream) const { std::fclose(stream); }
  };

  std::string name_;
  std::unique_ptr<std::FILE, Close> stream_;
  Index bytes_ = 0;
  bool is_png_ = false;
};

PictureHeader read_png_header(const PictureFile& file);
Pixels decode_png(const PictureFile& file);

PictureHeader read_jpeg_header(const PictureFile& file);
Pixels decode_jpeg(const PictureFile& file);

}  // namespace lockstep
