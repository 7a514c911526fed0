#include <csetjmp>
#include <new>
#include <png.h>
#include <string>
#include <vector>

#include "data/decode_picture.hpp"
#include "lockstep/core/error.hpp"

namespace lockstep {

namespace {

/// Deflate packs at most 1032 bytes into one.
constexpr Index kMostPngBitsAByte = Index{1032} * 8;

/// libpng reports an error by a long jump, so each member that calls it has nothing to destroy and returns
/// whether all went well.
class PngReader {
 public:
  explicit PngReader(const PictureFile& file)
      : file_(file), png_(png_create_read_struct(PNG_LIBPNG_VER_STRING, this, on_error, on_warning)) {
    if (png_ != nullptr) info_ = png_create_info_struct(png_);
    if (info_ == nullptr) {
      png_destroy_read_struct(&png_, nullptr, nullptr);
      throw std::bad_alloc();
    }
  }
  ~PngReader() { png_destroy_read_struct(&png_, &info_, nullptr); }
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;

  PictureHeader header() {
    if (!read_info()) file_.fail(words_);
    const PictureHeader header{png_get_image_height(png_, info_), png_get_image_width(png_, info_),
                               (png_get_color_type(png_, info_) & PNG_COLOR_MASK_COLOR) != 0};
    const Index bits = Index{png_get_bit_depth(png_, info_)} * png_get_channels(png_, info_);
    file_.check_plausible(header, kMostPngBitsAByte / bits);
    return header;
  }

  /// After header(): red, green, blue or grey, then alpha where there is some.
  Pixels pixels(const PictureHeader& header) {
    if (!expand()) file_.fail(words_);
    Pixels pixels{header.height, header.width, png_get_channels(png_, info_)};
    const auto row_bytes = static_cast<std::size_t>(pixels.width * pixels.channels);
    LOCKSTEP_CHECK(png_get_rowbytes(png_, info_) == row_bytes);
    pixels.values.resize(static_cast<std::size_t>(pixels.height) * row_bytes);
    std::vector<png_bytep> rows;
    for (std::size_t row = 0; row < static_cast<std::size_t>(pixels.height); ++row) {
      rows.push_back(pixels.values.data() + row * row_bytes);
    }
    if (!read(rows.data())) file_.fail(words_);
    return pixels;
  }

 private:
  static void on_error(png_structp png, png_const_charp words) {
    static_cast<PngReader*>(png_get_error_ptr(png))->words_ = words;
    png_longjmp(png, 1);
  }
  static void on_warning(png_structp /*png*/, png_const_charp /*words*/) {}

  bool read_info() {
    if (setjmp(png_jmpbuf(png_)) != 0) return false;
    png_init_io(png_, file_.stream());
    png_read_info(png_, info_);
    return true;
  }

  bool expand() {
    if (setjmp(png_jmpbuf(png_)) != 0) return false;
    png_set_expand(png_);
    png_set_scale_16(png_);
    png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
    return true;
  }

  bool read(png_bytepp rows) {
    if (setjmp(png_jmpbuf(png_)) != 0) return false;
    png_read_image(png_, rows);
    png_read_end(png_, nullptr);
    return true;
  }

  const PictureFile& file_;
  png_structp png_;
  png_infop info_ = nullptr;
  std::string words_;
};

/// `pixels`, whose last channel is alpha, in front of black.
Pixels onto_black(const Pixels& pixels) {
  Pixels result{pixels.height, pixels.width, pixels.channels - 1};
  const auto channels = static_cast<std::size_t>(pixels.channels);
  result.values.reserve(pixels.values.size() / channels * (channels - 1));
  for (std::size_t pixel = 0; pixel < pixels.values.size(); pixel += channels) {
    const unsigned alpha = pixels.values[pixel + channels - 1];
    for (std::size_t channel = 0; channel + 1 < channels; ++channel) {
      result.values.push_back(
          static_cast<std::uint8_t>((pixels.values[pixel + channel] * alpha + 127) / 255));
    }
  }
  return result;
}

}  // namespace

PictureHeader read_png_header(const PictureFile& file) { return PngReader(file).header(); }

Pixels decode_png(const PictureFile& file) {
  PngReader reader(file);
  const Pixels pixels = reader.pixels(reader.header());
  return pixels.channels % 2 == 0 ? onto_black(pixels) : pixels;
}

}  // namespace lockstep
