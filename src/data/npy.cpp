#include "lockstep/data/npy.hpp"

#include <algorithm>
#include <string>
#include <system_error>
#include <vector>

#include <fmt/ranges.h>

#include "data/npy_file.hpp"
#include "data/picture_layout.hpp"
#include "data/whole_labels.hpp"
#include "lockstep/core/error.hpp"

namespace lockstep {

namespace fs = std::filesystem;

namespace {

std::string npy_name(char array, Part part) {
  return fmt::format("{}_{}.npy", array, part == Part::kTraining ? "train" : "test");
}

void take_features(NpyFile& file, DatasetContent& content) {
  DatasetDescription& description = content.description;
  const std::vector<Index>& sizes = file.sizes();
  if (sizes.size() < 2 || sizes.size() > 4 || !(file.is_real() || file.type() == "u1")) {
    fail_input(
        "{}: an array of ({}) of type {}; expected 2 axes for a table or 3 or 4 for pictures, of type u1, f4 "
        "or f8; convert the array",
        file.name(), fmt::join(sizes, ", "), file.type());
  }
  description.samples = sizes[0];
  description.storage = file.is_real() ? Storage::kFloats : Storage::kBytes;
  PictureLayout layout;
  if (sizes.size() == 2) {
    description.feature_shape = {sizes[1]};
  } else {
    layout = layout_of(file.name(), sizes);
    description.feature_shape = layout.feature_shape();
  }
  if (file.is_real()) {
    content.values = file.floats();
    if (sizes.size() > 2) put_in_order(layout, content.values);
  } else {
    content.bytes = file.bytes();
    if (sizes.size() > 2) put_in_order(layout, content.bytes);
  }
}

void take_targets(NpyFile& file, Task task, DatasetContent& content) {
  DatasetDescription& description = content.description;
  const std::vector<Index>& sizes = file.sizes();
  description.task = task;
  if (task == Task::kRegression && sizes.size() <= 2) {
    description.targets = sizes.size() == 2 ? sizes[1] : 1;
    content.targets = file.floats();
    return;
  }
  const bool one_each = sizes.size() == 1 || (sizes.size() == 2 && sizes[1] == 1);
  if (task != Task::kClassification || file.is_real() || !one_each) {
    fail_input(
        "{}: an array of ({}) of type {}; expected one whole number a sample for its class, or any numbers "
        "with `task` = regression; convert the array",
        file.name(), fmt::join(sizes, ", "), file.type());
  }
  take_labels(file.name(), file.whole_numbers(), content);
}

}  // namespace

DatasetContent read_npy(const fs::path& folder, Part part, Task task, Index classes) {
  NpyFile x(folder / npy_name('x', part));
  NpyFile y(folder / npy_name('y', part));
  if (x.sizes()[0] != y.sizes()[0]) {
    fail_input("{}: {} samples, but {} in {}; expected as many of each; is one the file of another data set?",
               x.name(), x.sizes()[0], y.sizes()[0], npy_name('y', part));
  }
  DatasetContent content;
  content.description.name = folder.string();
  content.description.classes = task == Task::kClassification ? classes : 0;
  take_features(x, content);
  take_targets(y, task, content);
  return content;
}

bool has_npy_part(const fs::path& folder, Part part) {
  std::error_code error;
  return fs::exists(folder / npy_name('x', part), error);
}

bool has_npy_files(const fs::path& folder) {
  return has_npy_part(folder, Part::kTraining) || has_npy_part(folder, Part::kTest);
}

}  // namespace lockstep
