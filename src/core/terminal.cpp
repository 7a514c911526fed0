#include "core/terminal.hpp"

#include <algorithm>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <sys/ioctl.h>
#include <unistd.h>

#include <fmt/format.h>

#include "core/machine.hpp"
#include "core/text.hpp"

namespace lockstep {

namespace {

bool has_value(const char* variable) {
  const char* const value = std::getenv(variable);
  return value != nullptr && *value != '\0';
}

bool is_dumb() {
  const char* const term = std::getenv("TERM");
  return term == nullptr || std::string_view(term).empty() || std::string_view(term) == "dumb";
}

std::string path_of(pid_t process, int descriptor) {
  return fmt::format("/proc/{}/fd/{}", process, descriptor);
}

/// Of the launcher: the nearest process above whose output goes elsewhere. A shell may stand between.
std::string output_above(int descriptor) {
  std::error_code error;
  const std::filesystem::path own = std::filesystem::read_symlink(path_of(getpid(), descriptor), error);
  pid_t process = getppid();
  while (process > 1 && std::filesystem::read_symlink(path_of(process, descriptor), error) == own) {
    process = parent_of(process);
  }
  return path_of(process, descriptor);
}

/// A descriptor of what the person looks at, which closes with it where it is the launcher's.
class Screen {
 public:
  explicit Screen(int descriptor) : descriptor_(descriptor) {
    if (std::getenv("OMPI_COMM_WORLD_SIZE") == nullptr || isatty(descriptor) != 1) return;
    opened_ = open(output_above(descriptor).c_str(), O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    descriptor_ = opened_;
  }
  ~Screen() {
    if (opened_ >= 0) close(opened_);
  }
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
  int opened_ = -1;
};

/// Where the label of `line` ends; 0 where it has none.
std::size_t end_of_label(std::string_view line) {
  const bool is_epoch = line.starts_with("epoch ");
  const std::size_t end = is_epoch ? line.find(':') : line.find("  ");
  if (end == std::string_view::npos) return 0;
  return is_epoch || line.substr(0, end).find(' ') == std::string_view::npos ? end : 0;
}

}  // namespace

Terminal Terminal::of(int descriptor) {
  const bool is_one = isatty(Screen(descriptor).descriptor()) == 1 && !is_dumb();
  return {.is_one = is_one, .has_colours = is_one && !has_value("NO_COLOR")};
}

std::size_t terminal_columns() {
  constexpr std::size_t kUsual = 80;
  winsize size{};
  const bool tells = ioctl(Screen(STDOUT_FILENO).descriptor(), TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return tells ? size.ws_col : kUsual;
}

std::string with_colours(std::string_view line) {
  constexpr std::string_view kWorry = "lockstep:";
  if (line.starts_with(kWorry)) {
    return fmt::format("\x1b[1;31m{}\x1b[0m{}", kWorry, line.substr(kWorry.size()));
  }
  const std::size_t end = end_of_label(line);
  return end == 0 ? std::string(line)
                  : fmt::format("\x1b[1m{}\x1b[0m{}", line.substr(0, end), line.substr(end));
}

std::string_view cut_to(std::string_view text, std::size_t columns) {
  std::size_t end = text.size();
  while (columns_of(text.substr(0, end)) > columns) --end;
  // No half character: what follows in UTF-8 belongs to the one before.
  while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) ++end;
  return text.substr(0, end);
}

}  // namespace lockstep
