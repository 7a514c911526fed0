#include "data/folder.hpp"

#include <algorithm>
#include <system_error>

#include "lockstep/core/error.hpp"

namespace lockstep {

namespace fs = std::filesystem;

std::vector<std::string> files_in(const fs::path& folder) {
  std::error_code error;
  std::vector<std::string> files;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    std::error_code unreadable;  // found when the file is needed
    if (!entry->is_directory(unreadable)) files.push_back(entry->path().filename().string());
  }
  if (error) {
    fail_input("`source` = {}: cannot read this folder ({}); expected a folder of IDX or CIFAR files",
               folder.string(), error.message());
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace lockstep
