#pragma once

#include <filesystem>

#include "lockstep/data/dataset.hpp"

namespace lockstep {

/// Reads `part` from a folder of NPY files, as numpy.save writes them: "x_train.npy" and "y_train.npy", or
/// "x_test.npy" and "y_test.npy".
/// x: a table (samples, features), or pictures (samples, height, width), also with up to 4 channels as second
/// axis or last, of type u1 (which stay bytes), f4 or f8.
/// y: classes (samples) or (samples, 1) of type u1, i1, i2, i4 or i8, from 0 on; for Task::kRegression
/// targets (samples) or (samples, targets), also of type f4 or f8. `classes` is the number of classes to
/// expect, or 0 for the largest + 1. Errors: a missing or truncated file, other shapes and types, Fortran's
/// order, counts that disagree, labels out of range, numbers that are not finite, channels that can't be
/// told, several labels.
DatasetContent read_npy(const std::filesystem::path& folder, Part part, Task task, Index classes);

/// Whether `folder` holds an x of `part`; whether it holds that of any part.
bool has_npy_part(const std::filesystem::path& folder, Part part);
bool has_npy_files(const std::filesystem::path& folder);

}  // namespace lockstep
