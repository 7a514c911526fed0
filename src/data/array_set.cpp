#include "data/array_set.hpp"

#include <system_error>
#include <utility>

#include "data/folder.hpp"
#include "data/hdf5_file.hpp"
#include "data/npy_file.hpp"
#include "data/npz_file.hpp"

namespace lockstep {

namespace fs = std::filesystem;

namespace {

constexpr const char* kNpyEnding = ".npy";

class NpyFolder : public ArraySet {
 public:
  explicit NpyFolder(fs::path folder) : folder_(std::move(folder)) {}

  std::vector<std::string> names() const override {
    std::vector<std::string> names;
    for (const fs::path file : files_in(folder_)) {
      if (file.extension() == kNpyEnding) names.push_back(file.stem().string());
    }
    return names;
  }

  std::unique_ptr<StoredArray> open(const std::string& name) const override {
    return std::make_unique<NpyFile>(folder_ / (name + kNpyEnding));
  }

 private:
  fs::path folder_;
};

/// One array, which has the name of its file.
class SingleNpyFile : public ArraySet {
 public:
  explicit SingleNpyFile(fs::path file) : file_(std::move(file)) {}

  std::vector<std::string> names() const override { return {file_.stem().string()}; }

  std::unique_ptr<StoredArray> open(const std::string& /*name*/) const override {
    return std::make_unique<NpyFile>(file_);
  }

 private:
  fs::path file_;
};

}  // namespace

std::unique_ptr<ArraySet> open_array_set(const fs::path& source) {
  std::error_code error;
  if (fs::is_directory(source, error)) return std::make_unique<NpyFolder>(source);
  const std::string ending = ending_of(source);
  if (ending == ".npz") return open_npz_file(source);
  if (ending == ".h5" || ending == ".hdf5") return open_hdf5_file(source);
  return std::make_unique<SingleNpyFile>(source);
}

}  // namespace lockstep
