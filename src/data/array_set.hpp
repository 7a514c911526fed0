#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "data/stored_array.hpp"

namespace lockstep {

/// Arrays that have names: the NPY files of a folder, or what a file holds.
class ArraySet {
 public:
  ArraySet() = default;
  virtual ~ArraySet() = default;
  ArraySet(const ArraySet&) = delete;
  ArraySet& operator=(const ArraySet&) = delete;

  virtual std::vector<std::string> names() const = 0;
  /// The array of one of these names, which may outlive the set. Errors: those of its reader.
  virtual std::unique_ptr<StoredArray> open(const std::string& name) const = 0;
};

/// Those of a folder, or of a file by its ending: see read_arrays. Errors: a file that can't be read.
std::unique_ptr<ArraySet> open_array_set(const std::filesystem::path& source);

}  // namespace lockstep
