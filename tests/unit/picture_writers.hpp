#pragma once

#include <csetjmp>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <initializer_list>
#include <jpeglib.h>
#include <png.h>
#include <stdexcept>
#include <string>
#include <vector>

namespace lockstep::test {

using Bytes = std::vector<std::uint8_t>;

/// What a PNG file is of: libpng's colour type, bits of a value, and the palette's colours with their alphas.
struct PngForm {
  int colour_type = PNG_COLOR_TYPE_GRAY;
  int bits = 8;
  std::vector<png_color> palette = {};
  Bytes alphas = {};
  int interlace = PNG_INTERLACE_NONE;
};

/// A PNG file as bytes. `rows` are those of the file: packed, and values of 16 bits with the larger byte
/// first.
inline std::string png(int height, int width, const Bytes& rows, const PngForm& form = {}) {
  std::string result;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  png_set_write_fn(
      png, &result,
      [](png_structp file, png_bytep bytes, std::size_t count) {
        static_cast<std::string*>(png_get_io_ptr(file))->append(reinterpret_cast<const char*>(bytes), count);
      },
      [](png_structp) {});
  png_set_IHDR(png, info, static_cast<png_uint_32>(width), static_cast<png_uint_32>(height), form.bits,
               form.colour_type, form.interlace, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  if (!form.palette.empty()) {
    png_set_PLTE(png, info, form.palette.data(), static_cast<int>(form.palette.size()));
  }
  if (!form.alphas.empty()) {
    png_set_tRNS(png, info, form.alphas.data(), static_cast<int>(form.alphas.size()), nullptr);
  }
  png_write_info(png, info);
  std::vector<png_bytep> pointers;
  for (int row = 0; row < height; ++row) {
    pointers.push_back(const_cast<png_bytep>(rows.data()) +
                       rows.size() / static_cast<std::size_t>(height) * static_cast<std::size_t>(row));
  }
  png_write_image(png, pointers.data());
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  return result;
}

/// A PNG file of 8 bits a value in grey, or in colour where there are three values a pixel.
inline std::string plain_png(int height, int width, const Bytes& values) {
  const bool grey = values.size() == static_cast<std::size_t>(height * width);
  return png(height, width, values, {.colour_type = grey ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB});
}

/// A JPEG file with all quantisers 1, as bytes; `space` has `components` values a pixel.
inline std::string jpeg(int height, int width, const Bytes& values, J_COLOR_SPACE space, int components) {
  jpeg_compress_struct info{};
  jpeg_error_mgr errors{};
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* memory = nullptr;
  unsigned long size = 0;  // NOLINT(google-runtime-int): libjpeg's type
  jpeg_mem_dest(&info, &memory, &size);
  info.image_width = static_cast<JDIMENSION>(width);
  info.image_height = static_cast<JDIMENSION>(height);
  info.input_components = components;
  info.in_color_space = space;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, 100, TRUE);
  jpeg_start_compress(&info, TRUE);
  for (int row = 0; row < height; ++row) {
    JSAMPROW start = const_cast<JSAMPROW>(values.data()) + row * width * components;
    jpeg_write_scanlines(&info, &start, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  std::string result(reinterpret_cast<const char*>(memory), size);
  std::free(memory);
  return result;
}

}  // namespace lockstep::test
