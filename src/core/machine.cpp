#include "core/machine.hpp"

#include <array>
#include <fstream>
#include <unistd.h>

#include "core/digest.hpp"
#include "core/text.hpp"

namespace lockstep {

std::string cpu_model() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("model name")) return std::string(trim(line.substr(line.find(':') + 1)));
  }
  return "unknown";
}

std::string host_name() {
  std::array<char, 256> name{};
  gethostname(name.data(), name.size() - 1);
  return name.data();
}

std::string program_digest() {
  std::ifstream file("/proc/self/exe", std::ios::binary);
  if (!file) return "unknown";
  Digest digest;
  std::array<char, 65536> piece{};
  while (file.read(piece.data(), piece.size()) || file.gcount() > 0) {
    digest.add(std::string_view(piece.data(), static_cast<std::size_t>(file.gcount())));
  }
  return digest.text();
}

}  // namespace lockstep
