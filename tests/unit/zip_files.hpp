#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>
#include <zlib.h>

#include "gzip.hpp"

namespace lockstep::test {

/// How the files of an archive are kept: as they are, or by deflate; other numbers are other methods.
enum class ZipMethod : std::uint16_t { kStored = 0, kDeflated = 8 };

/// A ZIP archive of these files, names and contents, as PKWARE's APPNOTE describes it: for each a local
/// header and its data, then the central directory and its end. Sizes are those of the contents, plus
/// `added`.
inline std::string zip_of(const std::vector<std::pair<std::string, std::string>>& files,
                          ZipMethod method = ZipMethod::kStored, std::uint32_t added = 0) {
  const auto number = [](std::uint64_t value, int bytes) {
    std::string text;
    for (int i = 0; i < bytes; ++i) text.push_back(static_cast<char>(value >> 8 * i & 0xFFU));
    return text;
  };
  std::string archive;
  std::string directory;
  for (const auto& [name, content] : files) {
    const std::string data = method == ZipMethod::kDeflated ? deflated(content, kWithoutHeader) : content;
    const auto checksum =
        crc32(0, reinterpret_cast<const Bytef*>(content.data()), static_cast<uInt>(content.size()));
    // Version, flags, method, time, date, checksum, sizes, lengths of the name and of what else there is.
    const std::string common = number(20, 2) + number(0, 2) + number(static_cast<std::uint16_t>(method), 2) +
                               number(0, 2) + number(0x21, 2) + number(checksum, 4) + number(data.size(), 4) +
                               number(content.size() + added, 4) + number(name.size(), 2) + number(0, 2);
    directory += "PK\1\2" + number(20, 2) + common + number(0, 2) + number(0, 2) + number(0, 2) +
                 number(0, 4) + number(archive.size(), 4) + name;
    archive += "PK\3\4" + common + name + data;
  }
  const std::string end = "PK\5\6" + number(0, 4) + number(files.size(), 2) + number(files.size(), 2) +
                          number(directory.size(), 4) + number(archive.size(), 4) + number(0, 2);
  return archive + directory + end;
}

}  // namespace lockstep::test
