#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace lockstep {

/// metrics.jsonl while its run goes on: whole lines alone, each there at once. Nobody else may have it open
/// so.
class MetricsFile {
 public:
  /// Opens `file`, or makes it. Where its file system has no locks, warns that another process that has it
  /// open so would not be noticed. Errors: it can't be written; another process has it open so.
  explicit MetricsFile(std::filesystem::path file);
  ~MetricsFile();
  MetricsFile(const MetricsFile&) = delete;
  MetricsFile& operator=(const MetricsFile&) = delete;

  /// Whether the file's name leads to it no more: somebody has removed or moved it, or its folder.
  bool is_gone() const;

  /// Cuts off what follows `step`, see metrics_until, and warns where lines before it are missing.
  void cut(std::uint64_t step);

  /// Appends `line` and a line break. What can't be written is lost, and warned of once; the run is worth
  /// more.
  void append(std::string_view line);

  /// Returns when all lines are on the disk. May be called on another thread.
  void sync() const;

 private:
  std::filesystem::path file_;
  int descriptor_;
  bool warned_ = false;
};

/// What is left of `metrics` for a run that goes on after `step`: whole lines up to the first that is
/// damaged, marks the end or belongs to a later step. After step 0 that is nothing.
struct KeptMetrics {
  std::size_t length = 0;
  std::uint64_t last_step = 0;  ///< in these lines
};
KeptMetrics metrics_until(std::string_view metrics, std::uint64_t step);

}  // namespace lockstep
