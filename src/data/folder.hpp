#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace lockstep {

/// What the last name of `path` ends with, in small letters: ".csv".
std::string ending_of(const std::filesystem::path& path);

/// Whether the last name of `path` begins with a dot.
bool is_hidden(const std::filesystem::path& path);

/// The names of the files in `folder`, in order. Errors: a folder that can't be read.
std::vector<std::string> files_in(const std::filesystem::path& folder);

/// The names of the folders in `folder` that are not hidden, in order. Errors: as above.
std::vector<std::string> folders_in(const std::filesystem::path& folder);

}  // namespace lockstep
