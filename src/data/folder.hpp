#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace lockstep {

/// The names of the files in `folder`, in order. Errors: a folder that can't be read.
std::vector<std::string> files_in(const std::filesystem::path& folder);

}  // namespace lockstep
