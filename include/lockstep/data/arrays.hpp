#pragma once

#include <filesystem>

#include "lockstep/data/dataset.hpp"
#include "lockstep/data/scratch.hpp"

namespace lockstep {

/// Reads `part` from a set of arrays: a folder of NPY files, as numpy.save writes them ("x_train.npy"), an
/// NPZ file, as numpy.savez and numpy.savez_compressed do, or the root group of an HDF5 file.
/// The training part is the arrays x_train and y_train or, where there is no x_train, x and y; the test part
/// is x_test and y_test.
/// x: a table (samples, features), or pictures (samples, height, width), also with up to 4 channels as second
/// axis or last, of type u1 (which stay bytes), f4 or f8.
/// y: classes (samples) or (samples, 1) of type u1, i1, i2, i4 or i8, from 0 on; for Task::kRegression
/// targets (samples) or (samples, targets), also of type f4 or f8. `classes` is the number of classes to
/// expect, or 0 for the largest + 1. Errors: a missing array, a damaged file, other shapes and types,
/// Fortran's order, counts that disagree, labels out of range, numbers that are not finite, channels that
/// can't be told, several labels.
DatasetContent read_arrays(const std::filesystem::path& source, Part part, Task task, Index classes,
                           const Scratch& scratch = {});

/// Reads x alone of `part`, or where there is none the only array of the set: description.targets is 0.
/// Errors: as above, several arrays none of which is x.
DatasetContent read_array_features(const std::filesystem::path& source, Part part,
                                   const Scratch& scratch = {});

/// Whether `source` holds an x of `part`, and a y.
bool has_array_part(const std::filesystem::path& source, Part part);
bool has_array_labels(const std::filesystem::path& source, Part part);

/// Whether `folder` holds the x of any part; whether `file` ends as one of arrays does:
/// .npy, .npz, .h5, .hdf5.
bool has_npy_files(const std::filesystem::path& folder);
bool is_array_file(const std::filesystem::path& file);

}  // namespace lockstep
