#pragma once

#include <filesystem>
#include <string>

#include "lockstep/data/source.hpp"

namespace lockstep {

/// What a source consists of.
enum class Form { kIdx, kCifar, kArrays, kPictures, kCsv, kSynthetic };

/// That of `source`, by its name, its ending, or the files in its folder. Errors: no such source, a folder of
/// several data sets.
Form form_of(const std::string& source);

/// The folder of a source that is one of IDX files. Errors: the package of Fashion-MNIST is missing.
std::filesystem::path folder_of(const std::string& source);

/// Refuses options that have no effect for a source of this form.
void check_keys(const DataSource& source, Form form);

}  // namespace lockstep
