#include "lockstep/data/arrays.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include <fmt/ranges.h>

#include "core/text.hpp"
#include "data/array_features.hpp"
#include "data/array_set.hpp"
#include "data/folder.hpp"
#include "data/picture_layout.hpp"
#include "data/whole_labels.hpp"
#include "lockstep/core/error.hpp"

namespace lockstep {

namespace fs = std::filesystem;

namespace {

/// The names that the arrays of a part have.
struct PartNames {
  std::string x;
  std::string y;
};

bool is_in(const std::string& name, const std::vector<std::string>& names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// Those of `part` among the names that a set holds, or none if it has no x.
std::optional<PartNames> names_of_part(const std::vector<std::string>& held, Part part) {
  for (const std::string end : {part == Part::kTraining ? "_train" : "_test", ""}) {
    if (part == Part::kTest && end.empty()) break;
    if (is_in("x" + end, held)) return PartNames{"x" + end, "y" + end};
  }
  return std::nullopt;
}

[[noreturn]] void fail_without(const fs::path& source, const std::string& name,
                               const std::vector<std::string>& held) {
  fail_input(
      "{}: no array {}; expected x_train and y_train, or x and y, and x_test and y_test for a test part; it "
      "holds {}",
      source.string(), name, held.empty() ? "none" : join(held));
}

void take_features(StoredArray& file, const Scratch& scratch, DatasetContent& content) {
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
  std::optional<PictureLayout> layout;
  if (sizes.size() == 2) {
    description.feature_shape = {sizes[1]};
  } else {
    layout = layout_of(file.name(), sizes);
    description.feature_shape = layout->feature_shape();
  }
  take_array_features(file, layout, scratch, content);
}

void take_targets(StoredArray& file, Task task, DatasetContent& content) {
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

DatasetContent read_arrays(const fs::path& source, Part part, Task task, Index classes,
                           const Scratch& scratch) {
  const auto set = open_array_set(source);
  const std::vector<std::string> held = set->names();
  const auto names = names_of_part(held, part);
  if (!names) fail_without(source, part == Part::kTraining ? "x_train" : "x_test", held);
  const auto x = set->open(names->x);
  if (!is_in(names->y, held)) fail_without(source, names->y, held);
  const auto y = set->open(names->y);
  if (x->sizes()[0] != y->sizes()[0]) {
    fail_input("{}: {} samples, but {} in {}; expected as many of each; is one that of another data set?",
               x->name(), x->sizes()[0], y->sizes()[0], fs::path(y->name()).filename().string());
  }
  DatasetContent content;
  content.description.name = source.string();
  content.description.classes = task == Task::kClassification ? classes : 0;
  take_features(*x, scratch, content);
  take_targets(*y, task, content);
  return content;
}

DatasetContent read_array_features(const fs::path& source, Part part, const Scratch& scratch) {
  const auto set = open_array_set(source);
  const std::vector<std::string> held = set->names();
  const auto names = names_of_part(held, part);
  if (!names && held.size() != 1) fail_without(source, "x, and not a single one", held);
  DatasetContent content;
  content.description.name = source.string();
  content.description.targets = 0;
  take_features(*set->open(names ? names->x : held.front()), scratch, content);
  return content;
}

bool has_array_part(const fs::path& source, Part part) {
  return names_of_part(open_array_set(source)->names(), part).has_value();
}

bool has_array_labels(const fs::path& source, Part part) {
  const std::vector<std::string> held = open_array_set(source)->names();
  const auto names = names_of_part(held, part);
  return names && is_in(names->y, held);
}

bool has_npy_files(const fs::path& folder) {
  return has_array_part(folder, Part::kTraining) || has_array_part(folder, Part::kTest);
}

bool is_array_file(const fs::path& file) {
  const std::string ending = ending_of(file);
  return ending == ".npy" || ending == ".npz" || ending == ".h5" || ending == ".hdf5";
}

}  // namespace lockstep
