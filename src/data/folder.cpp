#include "data/folder.hpp"

#include <algorithm>
#include <cctype>
#include <system_error>

#include "lockstep/core/error.hpp"

namespace lockstep {

namespace fs = std::filesystem;

namespace {

std::vector<std::string> names_in(const fs::path& folder, bool folders) {
  std::error_code error;
  std::vector<std::string> names;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    std::error_code unreadable;  // found when the file is needed
    if (entry->is_directory(unreadable) == folders) names.push_back(entry->path().filename().string());
  }
  if (error) {
    fail_input(
        "`source` = {}: cannot read this folder ({}); expected a folder of IDX, CIFAR or NPY files or of "
        "pictures",
        folder.string(), error.message());
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

std::string ending_of(const fs::path& path) {
  std::string ending = path.extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
  return ending;
}

bool is_hidden(const fs::path& path) { return path.filename().string().starts_with('.'); }

std::vector<std::string> files_in(const fs::path& folder) { return names_in(folder, false); }

std::vector<std::string> folders_in(const fs::path& folder) {
  std::vector<std::string> names = names_in(folder, true);
  std::erase_if(names, is_hidden);
  return names;
}

}  // namespace lockstep
