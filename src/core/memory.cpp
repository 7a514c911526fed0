#include "core/memory.hpp"

#include <algorithm>
#include <fstream>
#include <limits>
#include <string>
#include <string_view>
#include <sys/resource.h>
#include <vector>

#include "core/text.hpp"

namespace lockstep {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();

/// The number after the word `name` in `file`, or the first one where `name` is empty; `otherwise` where
/// there is none.
std::uint64_t number_in(const fs::path& file, std::string_view name, std::uint64_t otherwise) {
  std::ifstream text(file);
  std::string word;
  while (!name.empty() && word != name && text >> word) continue;
  std::uint64_t number = 0;
  return text >> number ? number : otherwise;
}

/// What the files of a kind of control group are called.
struct GroupFiles {
  const char* folder;
  const char* limit;
  const char* used;
  std::string before;  // the names in memory.stat of what its own groups hold too
};

/// What the group in `folder` leaves; kNoLimit where it limits nothing.
std::uint64_t room_in(const fs::path& folder, const GroupFiles& files) {
  const std::uint64_t limit = number_in(folder / files.limit, "", kNoLimit);
  const std::uint64_t used = number_in(folder / files.used, "", 0);
  if (limit == kNoLimit) return limit;
  const fs::path kinds = folder / "memory.stat";
  const std::uint64_t of_files =
      number_in(kinds, files.before + "active_file", 0) + number_in(kinds, files.before + "inactive_file", 0);
  const std::uint64_t held = used - std::min(used, of_files);
  return limit - std::min(limit, held);
}

/// The group at `path`, and all that hold it. A container sees its own group as the uppermost one, whatever
/// its path is outside.
std::uint64_t room_in_groups(const fs::path& root, std::string_view path, const GroupFiles& files) {
  const fs::path top = root / files.folder;
  std::uint64_t room = room_in(top, files);
  for (fs::path group = fs::path(path).relative_path(); !group.empty(); group = group.parent_path()) {
    room = std::min(room, room_in(top / group, files));
  }
  return room;
}

std::uint64_t room_of_groups(const fs::path& root) {
  static const GroupFiles version_1 = {"sys/fs/cgroup/memory", "memory.limit_in_bytes",
                                       "memory.usage_in_bytes", "total_"};
  static const GroupFiles version_2 = {"sys/fs/cgroup", "memory.max", "memory.current", ""};
  std::uint64_t room = kNoLimit;
  std::ifstream lines(root / "proc/self/cgroup");
  for (std::string line; std::getline(lines, line);) {  // number:controllers:path
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::vector<std::string_view> names = split(controllers, ',');
    const bool is_one = std::find(names.begin(), names.end(), "memory") != names.end();
    if (!is_one && !controllers.empty()) continue;
    room = std::min(room, room_in_groups(root, std::string_view(line).substr(second + 1),
                                         is_one ? version_1 : version_2));
  }
  return room;
}

std::uint64_t room_of_data(const fs::path& root) {
  rlimit limit{};
  if (getrlimit(RLIMIT_DATA, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return kNoLimit;
  const std::uint64_t used = number_in(root / "proc/self/status", "VmData:", 0) << 10U;
  return limit.rlim_cur - std::min<std::uint64_t>(limit.rlim_cur, used);
}

}  // namespace

std::uint64_t available_memory(const fs::path& root) {
  const std::uint64_t kilobytes = number_in(root / "proc/meminfo", "MemAvailable:", kNoLimit >> 10U);
  return std::min({kilobytes << 10U, room_of_groups(root), room_of_data(root)});
}

}  // namespace lockstep
