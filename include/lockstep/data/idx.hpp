#pragma once

#include <filesystem>
#include <string>

#include "lockstep/data/dataset.hpp"
#include "lockstep/data/scratch.hpp"

namespace lockstep {

/// Reads the images and labels of `part` from a folder of IDX files as MNIST, Fashion-MNIST and EMNIST are
/// published: "train-images-idx3-ubyte" and "train-labels-idx1-ubyte", "t10k-…" (or "test-…") for the test
/// part, each plain or gzip (".gz"), with "-" or "." before "idx", and with `prefix` in front of the name
/// ("emnist-letters-"). An empty `prefix` takes what is there if that is unambiguous.
/// Images of four dimensions ("…idx4-ubyte") have channels, up to 4, as the second dimension or as the last.
/// With `transpose`, rows and columns of each image change places, which EMNIST needs.
/// `classes` is the number of classes to expect, or 0 for the largest label + 1.
/// Errors: a missing, ambiguous, truncated, corrupt or oversized file, a wrong magic number, an element type
/// other than unsigned byte, counts that disagree, labels out of range, channels that can't be told. Format:
/// LeCun, Cortes, Burges: The MNIST database of handwritten digits, section "File formats".
DatasetContent read_idx(const std::filesystem::path& folder, Part part, const std::string& prefix,
                        Index classes, bool transpose = false, const Scratch& scratch = {});

/// Reads the images alone, without their labels: description.targets is 0. Errors: as above.
DatasetContent read_idx_images(const std::filesystem::path& folder, Part part, const std::string& prefix,
                               bool transpose = false, const Scratch& scratch = {});

/// Whether `folder` holds images of `part`; whether it holds their labels, too; whether it holds those of any
/// part and prefix.
bool has_idx_part(const std::filesystem::path& folder, Part part, const std::string& prefix);
bool has_idx_labels(const std::filesystem::path& folder, Part part, const std::string& prefix);
bool has_idx_files(const std::filesystem::path& folder);

}  // namespace lockstep
