#include "train/run/metrics_file.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/file.hpp"
#include "core/file_lock.hpp"
#include "core/json.hpp"
#include "core/refusal.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/core/log.hpp"

namespace lockstep {

MetricsFile::MetricsFile(std::filesystem::path file)
    : file_(std::move(file)),
      descriptor_(open(file_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666)) {
  if (descriptor_ < 0) {
    fail_input("{}: cannot be written {}", file_.string(),
               because(errno, "give a folder that you may write to"));
  }
  const Lock lock = try_lock(descriptor_);
  if (lock == Lock::kTaken) {
    close(descriptor_);
    fail_input("{}: a run that still goes on writes it; stop that first, or give another run.dir",
               file_.string());
  }
  if (lock == Lock::kRefused) {
    log::warn(
        fmt::format("lockstep: {}: cannot be locked ({}); a second run in this folder would not be noticed",
                    file_.string(), std::generic_category().message(errno)));
  }
}

MetricsFile::~MetricsFile() { close(descriptor_); }

bool MetricsFile::is_gone() const { return lockstep::is_gone(file_, descriptor_); }

void MetricsFile::cut(std::uint64_t step) {
  const std::vector<std::byte> bytes = read_file(file_);
  const KeptMetrics kept = metrics_until({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, step);
  if (kept.last_step < step) {
    log::warn(fmt::format(
        "lockstep: {}: ends with step {}, the run goes on after step {}; what lies between is lost",
        file_.string(), kept.last_step, step));
  }
  if (ftruncate(descriptor_, static_cast<off_t>(kept.length)) != 0) {
    fail_input("{}: cannot be cut {}", file_.string(), because(errno, "check its permissions"));
  }
}

void MetricsFile::append(std::string_view line) {
  if (append_line(descriptor_, line, false) || std::exchange(warned_, true)) return;
  log::warn(fmt::format("lockstep: {}: cannot be written {}; the run goes on, lines are lost", file_.string(),
                        because(errno, "check the disk")));
}

void MetricsFile::sync() const { fdatasync(descriptor_); }

KeptMetrics metrics_until(std::string_view metrics, std::uint64_t step) {
  KeptMetrics kept;
  while (step > 0) {
    const std::size_t end = metrics.find('\n', kept.length);
    if (end == std::string_view::npos) break;
    const nlohmann::json line =
        parse_json_or_nothing<nlohmann::json>(metrics.substr(kept.length, end - kept.length));
    if (!line.is_object() || line.value("event", nlohmann::json()) == "end") break;
    const nlohmann::json line_step = line.value("step", nlohmann::json(0U));
    if (!line_step.is_number_unsigned() || line_step.get<std::uint64_t>() > step) break;
    kept.last_step = std::max(kept.last_step, line_step.get<std::uint64_t>());
    kept.length = end + 1;
  }
  return kept;
}

}  // namespace lockstep
