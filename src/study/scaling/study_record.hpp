#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "study/study_run.hpp"

namespace lockstep {

/// A study's run directory, named by an option of another study.
class StudyRecord {
 public:
  /// What --`option` of `study` names: a directory of the study `name`. Errors: none is given; it can't be
  /// read.
  StudyRecord(const StudyRun& study, const std::string& option, const std::string& name);

  /// The lines for which `event` is their own, read by `read`. Errors: none; a damaged one.
  void each(const std::string& event, const std::function<void(const Json& line)>& read) const;
  /// The value of `key` in config.cfg.
  std::string setting(const std::string& key) const;
  const std::filesystem::path& folder() const { return folder_; }

 private:
  std::string option_, name_;
  std::filesystem::path folder_;
  std::string config_;
  std::vector<Json> lines_;
};

}  // namespace lockstep
