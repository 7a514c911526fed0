#include "data/byte_reader.hpp"

#include <cerrno>
#include <system_error>
#include <unistd.h>

#include "core/refusal.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/data/csv.hpp"

namespace lockstep {

namespace {

constexpr unsigned kBuffer = 1U << 17U;

bool is_standard_input(const std::filesystem::path& path) { return path == kStandardInput; }

gzFile open_file(const std::filesystem::path& path) {
  return is_standard_input(path) ? gzdopen(dup(STDIN_FILENO), "rb") : gzopen(path.c_str(), "rb");
}

}  // namespace

std::string shown_name(const std::filesystem::path& path) {
  return is_standard_input(path) ? "standard input" : path.string();
}

ByteReader::ByteReader(const std::filesystem::path& path, const std::string& expected)
    : name_(shown_name(path)), expected_(expected), file_(open_file(path)) {
  if (!file_) {
    fail_input("{}: cannot read this file {}", name_,
               because(errno, "expected " + expected_ + "; check the path and its permissions"));
  }
  gzbuffer(file_.get(), kBuffer);
  compressed_ = gzdirect(file_.get()) == 0;
}

std::uint64_t ByteReader::stored_bytes() const {
  std::error_code error;
  const std::uint64_t bytes = std::filesystem::file_size(name_, error);
  if (error) fail_input("{}: cannot read this file ({}); expected {}", name_, error.message(), expected_);
  return bytes;
}

std::size_t ByteReader::read(std::span<std::byte> target) {
  const int count = gzread(file_.get(), target.data(), static_cast<unsigned>(target.size()));
  if (count == static_cast<int>(target.size())) return target.size();
  int code = Z_OK;
  gzerror(file_.get(), &code);
  if (code == Z_BUF_ERROR) {
    fail_input("{}: the compressed data are truncated; expected a whole gzip file; get the file again",
               name_);
  }
  if (code == Z_ERRNO) {
    fail_input("{}: cannot read this file {}", name_, because(errno, "try again, or copy it elsewhere"));
  }
  if (code < 0) {
    fail_input("{}: the compressed data are corrupt; expected an undamaged gzip file; get the file again",
               name_);
  }
  return static_cast<std::size_t>(count);
}

}  // namespace lockstep
