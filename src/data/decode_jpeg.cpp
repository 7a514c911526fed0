#include <array>
#include <csetjmp>
#include <cstdio>

// Each needs those before it.
// clang-format off
#include <jpeglib.h>
#include <jerror.h>
// clang-format on

#include "data/decode_picture.hpp"
#include "lockstep/core/error.hpp"

namespace lockstep {

namespace {

/// A block of 8 x 8 takes one bit at least, and where channels are sampled unlike each other, one of them
/// still has a block for each 16 x 8 pixels.
constexpr Index kMostJpegPixelsAByte = 1024;

/// libjpeg reports an error by a long jump, so each member that calls it has nothing to destroy and returns
/// whether all went well.
class JpegReader {
 public:
  explicit JpegReader(const PictureFile& file) : file_(file) {
    info_.err = jpeg_std_error(&errors_);
    errors_.error_exit = on_error;
    errors_.emit_message = on_message;
    info_.client_data = this;
  }
  ~JpegReader() { jpeg_destroy_decompress(&info_); }
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;

  PictureHeader header() {
    if (!read_header()) file_.fail(words_.data());
    if (info_.jpeg_color_space == JCS_CMYK || info_.jpeg_color_space == JCS_YCCK) {
      fail_input("{}: a JPEG picture in CMYK; expected grey or RGB; convert the file", file_.name());
    }
    const PictureHeader header{info_.image_height, info_.image_width, info_.num_components > 1};
    file_.check_plausible(header, kMostJpegPixelsAByte);
    return header;
  }

  /// After header().
  Pixels pixels(const PictureHeader& header) {
    Pixels pixels{header.height, header.width, header.has_colour ? 3 : 1};
    pixels.values.resize(static_cast<std::size_t>(pixels.height * pixels.width * pixels.channels));
    if (!read(pixels.values.data(), static_cast<std::size_t>(pixels.width * pixels.channels))) {
      file_.fail(words_.data());
    }
    return pixels;
  }

 private:
  static void on_error(j_common_ptr info) {
    auto* const reader = static_cast<JpegReader*>(info->client_data);
    info->err->format_message(info, reader->words_.data());
    std::longjmp(reader->back_, 1);
  }

  /// What libjpeg makes up for missing values is a mere warning to it, as are oddities that change nothing.
  static void on_message(j_common_ptr info, int level) {
    const int code = info->err->msg_code;
    const bool is_harmless = code == JWRN_EXTRANEOUS_DATA || code == JWRN_ADOBE_XFORM ||
                             code == JWRN_JFIF_MAJOR || code == JWRN_NOT_SEQUENTIAL;
    if (level < 0 && !is_harmless) on_error(info);
  }

  bool read_header() {
    if (setjmp(back_) != 0) return false;
    jpeg_create_decompress(&info_);
    jpeg_stdio_src(&info_, file_.stream());
    jpeg_read_header(&info_, TRUE);
    return true;
  }

  bool read(JSAMPROW into, std::size_t row_bytes) {
    if (setjmp(back_) != 0) return false;
    info_.out_color_space = info_.num_components > 1 ? JCS_RGB : JCS_GRAYSCALE;
    info_.dct_method = JDCT_ISLOW;  // the one that is defined to the bit
    jpeg_start_decompress(&info_);
    while (info_.output_scanline < info_.output_height) {
      JSAMPROW row = into + info_.output_scanline * row_bytes;
      jpeg_read_scanlines(&info_, &row, 1);
    }
    jpeg_finish_decompress(&info_);
    return true;
  }

  const PictureFile& file_;
  jpeg_error_mgr errors_{};
  jpeg_decompress_struct info_{};
  std::jmp_buf back_{};
  std::array<char, JMSG_LENGTH_MAX> words_{};
};

}  // namespace

PictureHeader read_jpeg_header(const PictureFile& file) { return JpegReader(file).header(); }

Pixels decode_jpeg(const PictureFile& file) {
  JpegReader reader(file);
  const PictureHeader header = reader.header();
  return reader.pixels(header);
}

}  // namespace lockstep
