#include "core/refusal.hpp"

#include <cerrno>
#include <cstdint>
#include <optional>
#include <sys/resource.h>
#include <system_error>

#include <fmt/format.h>

namespace lockstep {

namespace {

/// A limit of this process; none where it has none.
std::optional<std::uint64_t> limit_of(__rlimit_resource_t resource) {
  rlimit limit{};
  if (getrlimit(resource, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return std::nullopt;
  return limit.rlim_cur;
}

/// What to do about `error`; empty where that depends on what was refused.
std::string advice_for(int error) {
  switch (error) {
    case EFBIG:
      if (const auto limit = limit_of(RLIMIT_FSIZE)) {
        return fmt::format(
            "raise the limit of a file's size (ulimit -f), which is {} bytes and counts for shared memory "
            "too",
            *limit);
      }
      return "its file system takes no file of that size; give a folder elsewhere";
    case EMFILE:
      return fmt::format("raise the limit of open files (ulimit -n), which is {}",
                         limit_of(RLIMIT_NOFILE).value_or(0));
    case ENFILE:
      return "the whole system has too many open files; end other programs, or raise fs.file-max";
    case ENOSPC:
      return "free some space on that file system, or give a folder elsewhere";
    case EDQUOT:
      return "your quota there is used up; free some space, or give a folder elsewhere";
    case EROFS:
      return "that file system can only be read; give a folder elsewhere";
    case EACCES:
    case EPERM:
      return "check the permissions of the file and of its folder";
    case EIO:
      return "the disk or its connection has failed; check it, or give a folder elsewhere";
    case ENOMEM:
      if (const auto limit = limit_of(RLIMIT_AS)) {
        return fmt::format(
            "raise the limit of memory (ulimit -v), which is {} bytes, or use a smaller network, "
            "fewer ranks or less data",
            *limit);
      }
      return "use a smaller network, fewer ranks or less data";
    case EAGAIN:
      if (const auto limit = limit_of(RLIMIT_NPROC)) {
        return fmt::format(
            "raise the limit of processes and threads (ulimit -u), which is {}, or use fewer "
            "ranks and threads",
            *limit);
      }
      return "use fewer ranks and threads, or end other programs";
    default:
      return "";
  }
}

}  // namespace

std::string because(int error, std::string_view advice) {
  const std::string own = advice_for(error);
  return fmt::format("({}); {}", std::generic_category().message(error), own.empty() ? advice : own);
}

}  // namespace lockstep
