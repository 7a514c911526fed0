#include "core/machine.hpp"

#include <array>
#include <fstream>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

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

pid_t parent_of(pid_t process) {
  std::ifstream file(fmt::format("/proc/{}/status", process));
  constexpr std::string_view kLabel = "PPid:";
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(kLabel)) continue;
    return static_cast<pid_t>(parse_integer(trim(line.substr(kLabel.size()))).value_or(0));
  }
  return 0;
}

bool ends_by_itself(pid_t process) {
  std::ifstream file(fmt::format("/proc/{}/stat", process));
  std::string status;  // proc_pid_stat(5): the last field, as waitpid(2) would have it
  for (std::string field; file >> field;) status = field;
  const auto number = parse_integer(status);
  return number && WIFEXITED(static_cast<int>(*number));
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
