#pragma once

#include <cstring>
#include <string>
#include <vector>

namespace lockstep::test {

/// `values` as they stand in memory, the smaller byte first.
template <typename Value>
std::string raw(const std::vector<Value>& values) {
  std::string bytes(values.size() * sizeof(Value), '\0');
  if (!values.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

/// A file of that header and content, whose text is padded so that the values begin at a multiple of 64.
inline std::string npy_of(std::string header, const std::string& content, char version = 1) {
  const std::size_t before = version == 1 ? 10 : 12;
  header.resize((before + header.size() + 1 + 63) / 64 * 64 - before - 1, ' ');
  header += '\n';
  std::string file = "\x93NUMPY";
  file += {version, '\0'};
  for (std::size_t i = 0; i < before - 8; ++i) file += static_cast<char>(header.size() >> 8U * i & 0xFFU);
  return file + header + content;
}

/// A file of an array of that type and shape, as Python writes both.
inline std::string npy(const std::string& type, const std::string& shape, const std::string& content) {
  return npy_of("{'descr': '" + type + "', 'fortran_order': False, 'shape': " + shape + ", }", content);
}

}  // namespace lockstep::test
