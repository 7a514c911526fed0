#include "lockstep/data/idx.hpp"

#include <algorithm>
#include <vector>

#include <fmt/ranges.h>

#include "core/text.hpp"
#include "data/array_features.hpp"
#include "data/folder.hpp"
#include "data/idx_file.hpp"
#include "data/picture_layout.hpp"
#include "data/whole_labels.hpp"
#include "lockstep/core/error.hpp"

namespace lockstep {

namespace fs = std::filesystem;

namespace {

enum class Kind { kImages, kLabels };

const char* part_name(Part part) { return part == Part::kTraining ? "training" : "test"; }

std::vector<std::string> stems(Part part) {
  if (part == Part::kTraining) return {"train"};
  return {"t10k", "test"};
}

/// The names a file of this stem may have after the prefix, the preferred first.
std::vector<std::string> names_of(const std::string& stem, Kind kind) {
  const std::string start = stem + (kind == Kind::kImages ? "-images" : "-labels");
  std::vector<std::string> names;
  for (const std::string end : {"idx3-ubyte", "idx4-ubyte", "idx1-ubyte"}) {
    if ((kind == Kind::kLabels) != (end == "idx1-ubyte")) continue;
    for (const char* const gzip : {"", ".gz"}) {
      for (const char* const separator : {"-", "."})
        names.push_back(fmt::format("{}{}{}{}", start, separator, end, gzip));
    }
  }
  return names;
}

/// What stands in front of the names of the image files of `part`, without repetition.
std::vector<std::string> prefixes(const std::vector<std::string>& files, Part part) {
  std::vector<std::string> found;
  for (const std::string& stem : stems(part)) {
    for (const std::string& name : names_of(stem, Kind::kImages)) {
      for (const std::string& file : files) {
        if (file.ends_with(name)) found.push_back(file.substr(0, file.size() - name.size()));
      }
    }
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

/// Both parts together decide what an empty prefix stands for, so that they cannot come from different sets.
std::string resolve_prefix(const fs::path& folder, const std::vector<std::string>& files,
                           const std::string& prefix) {
  if (!prefix.empty()) return prefix;
  std::vector<std::string> found = prefixes(files, Part::kTraining);
  for (const std::string& other : prefixes(files, Part::kTest)) {
    if (std::find(found.begin(), found.end(), other) == found.end()) found.push_back(other);
  }
  if (found.empty() || std::find(found.begin(), found.end(), "") != found.end()) return "";
  if (found.size() > 1) {
    fail_input("{}: holds several data sets; set `prefix` to one of: {}", folder.string(), join(found));
  }
  return found.front();
}

[[noreturn]] void fail_missing(const fs::path& folder, const std::vector<std::string>& files, Part part,
                               Kind kind, const std::string& prefix) {
  std::vector<std::string> looked_for;
  for (const std::string& stem : stems(part)) {
    const std::vector<std::string> names = names_of(stem, kind);
    for (const std::string& name : names) {
      if (!name.ends_with(".gz")) looked_for.push_back(prefix + name);
    }
  }
  const std::vector<std::string> known = prefixes(files, part);
  fail_input(
      "{}: no {} {}; looked for {}, each also with .gz; {}", folder.string(), part_name(part),
      kind == Kind::kImages ? "images" : "labels", join(looked_for),
      prefix.empty() || known.empty()
          ? std::string(
                "check `source`, which also takes data_batch_1.bin or train.bin of CIFAR, x_train.npy, and a "
                "sub-folder of pictures for each class")
          : fmt::format("set `prefix` to one of: '{}'", fmt::join(known, "', '")));
}

/// The names of the files of this kind that are there: one, unless there are none or too many.
std::vector<std::string> files_of(const std::vector<std::string>& files, Part part, Kind kind,
                                  const std::string& prefix) {
  std::vector<std::string> found;
  for (const std::string& stem : stems(part)) {
    for (const std::string& name : names_of(stem, kind)) {
      if (std::binary_search(files.begin(), files.end(), prefix + name)) {
        found.push_back(prefix + name);
        break;
      }
    }
  }
  return found;
}

fs::path find_file(const fs::path& folder, const std::vector<std::string>& files, Part part, Kind kind,
                   const std::string& prefix) {
  const std::vector<std::string> found = files_of(files, part, kind, prefix);
  if (found.empty()) fail_missing(folder, files, part, kind, prefix);
  if (found.size() > 1) {
    fail_input("{}: holds both {}; expected one of them, move the other away", folder.string(),
               fmt::join(found, " and "));
  }
  return folder / found.front();
}

/// What the images in `file` are without labels.
DatasetContent content_of(const fs::path& folder, const fs::path& file, bool transpose,
                          const Scratch& scratch) {
  IdxFile images(file, {3, 4});
  PictureLayout layout = layout_of(file.string(), images.sizes());
  if (transpose) layout = layout.transposed();

  DatasetContent content;
  content.description.name = folder.string();
  content.description.task = Task::kClassification;
  content.description.storage = Storage::kBytes;
  content.description.samples = images.sizes()[0];
  content.description.feature_shape = layout.feature_shape();
  content.description.targets = 0;
  content.description.transposed = transpose;
  take_array_features(images, layout, scratch, content);
  return content;
}

}  // namespace

DatasetContent read_idx(const fs::path& folder, Part part, const std::string& prefix, Index classes,
                        bool transpose, const Scratch& scratch) {
  const std::vector<std::string> files = files_in(folder);
  const std::string chosen = resolve_prefix(folder, files, prefix);
  const fs::path image_file = find_file(folder, files, part, Kind::kImages, chosen);
  const fs::path label_file = find_file(folder, files, part, Kind::kLabels, chosen);
  DatasetContent content = content_of(folder, image_file, transpose, scratch);
  IdxFile labels(label_file, {1});
  const std::vector<std::uint8_t> bytes = labels.bytes();
  if (content.description.samples != labels.sizes()[0]) {
    fail_input(
        "{}: counts disagree: {} images, but {} labels in {}; expected as many of each; "
        "is one the file of another data set?",
        image_file.string(), content.description.samples, labels.sizes()[0], label_file.filename().string());
  }
  content.description.classes = classes;
  content.description.targets = 1;
  take_labels(label_file.string(), bytes, content);
  return content;
}

DatasetContent read_idx_images(const fs::path& folder, Part part, const std::string& prefix, bool transpose,
                               const Scratch& scratch) {
  const std::vector<std::string> files = files_in(folder);
  const std::string chosen = resolve_prefix(folder, files, prefix);
  return content_of(folder, find_file(folder, files, part, Kind::kImages, chosen), transpose, scratch);
}

bool has_idx_part(const fs::path& folder, Part part, const std::string& prefix) {
  const std::vector<std::string> files = files_in(folder);
  const std::vector<std::string> found = prefixes(files, part);
  return std::binary_search(found.begin(), found.end(), resolve_prefix(folder, files, prefix));
}

bool has_idx_labels(const fs::path& folder, Part part, const std::string& prefix) {
  const std::vector<std::string> files = files_in(folder);
  return !files_of(files, part, Kind::kLabels, resolve_prefix(folder, files, prefix)).empty();
}

bool has_idx_files(const fs::path& folder) {
  const std::vector<std::string> files = files_in(folder);
  return !prefixes(files, Part::kTraining).empty() || !prefixes(files, Part::kTest).empty();
}

}  // namespace lockstep
