#pragma once

#include <stdexcept>
#include <string>
#include <zlib.h>

namespace lockstep::test {

/// What deflate puts around its data, as zlib's windowBits say it.
constexpr int kWithoutHeader = -15;
constexpr int kGzipHeader = 15 + 16;

inline std::string deflated(const std::string& content, int header) {
  z_stream stream{};
  if (deflateInit2(&stream, 9, Z_DEFLATED, header, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::runtime_error("zlib does not start");
  }
  std::string result(deflateBound(&stream, content.size()) + 32, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(result.data());
  stream.avail_out = static_cast<uInt>(result.size());
  const bool is_whole = deflate(&stream, Z_FINISH) == Z_STREAM_END;
  result.resize(stream.total_out);
  deflateEnd(&stream);
  if (!is_whole) throw std::runtime_error("zlib does not end");
  return result;
}

/// `content` as a gzip file.
inline std::string gzip(const std::string& content) { return deflated(content, kGzipHeader); }

}  // namespace lockstep::test
