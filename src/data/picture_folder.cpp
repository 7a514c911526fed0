#include "lockstep/data/picture_folder.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <limits>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "core/text.hpp"
#include "data/decode_picture.hpp"
#include "data/folder.hpp"
#include "data/scratch_file.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/core/log.hpp"

namespace lockstep {

namespace fs = std::filesystem;

namespace {

constexpr const char* kTrainFolder = "train";
constexpr const char* kTestFolder = "test";

bool is_folder(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

/// Whether `folder` is one of classes, and no class itself, as one of vehicles may have the class "train".
bool holds_classes(const fs::path& folder) {
  if (!is_folder(folder) || folders_in(folder).empty()) return false;
  const std::vector<std::string> files = files_in(folder);
  return std::none_of(files.begin(), files.end(), is_picture_file);
}

bool has_parts(const fs::path& folder) {
  return holds_classes(folder / kTrainFolder) || holds_classes(folder / kTestFolder);
}

fs::path folder_of_part(const fs::path& folder, Part part) {
  if (!has_parts(folder)) return folder;
  return folder / (part == Part::kTraining ? kTrainFolder : kTestFolder);
}

constexpr Index kAll = std::numeric_limits<Index>::max();

/// The pictures below `folder`, in order, or the `most` that are found first; `left_alone` counts what else
/// was there. Links to files are files, but those to folders are not entered, as they may go round in a
/// circle.
std::vector<std::string> pictures_below(const fs::path& folder, Index& left_alone, Index most = kAll) {
  std::error_code error;
  std::vector<std::string> files;
  fs::recursive_directory_iterator entry(folder, error);
  for (; !error && entry != fs::recursive_directory_iterator() && std::ssize(files) < most;
       entry.increment(error)) {
    std::error_code unreadable;  // found when the picture is decoded
    if (entry->is_directory(unreadable) && !entry->is_symlink(unreadable)) {
      if (is_hidden(entry->path())) entry.disable_recursion_pending();
    } else if (is_hidden(entry->path()) || !is_picture_file(entry->path()) || entry->is_other(unreadable)) {
      ++left_alone;
    } else {
      files.push_back(entry->path().string());
    }
  }
  if (error) {
    fail_input("{}: cannot read this folder ({}); expected a folder of pictures", folder.string(),
               error.message());
  }
  std::sort(files.begin(), files.end());
  return files;
}

void warn_of_files(const fs::path& folder, Index files, const std::string& beside_classes = "") {
  if (files == 0) return;
  log::warn_once(fmt::format(
      "lockstep: {}: {} left alone: hidden, {}no files, or with other endings than .png, .jpg and "
      ".jpeg",
      folder.string(), count_of(files, "file") + (files == 1 ? " is" : " are"), beside_classes));
}

void warn_of_folders_beside_parts(const fs::path& folder) {
  std::vector<std::string> others = folders_in(folder);
  std::erase_if(others, [](const std::string& name) { return name == kTrainFolder || name == kTestFolder; });
  if (others.empty()) return;
  log::warn_once(fmt::format("lockstep: {}: {} left alone; the parts are `{}` and `{}`", folder.string(),
                             join(others) + (others.size() == 1 ? " is" : " are"), kTrainFolder,
                             kTestFolder));
}

/// Errors: folders that look like parts under other names, as all of them hold the same folders.
void check_for_parts(const fs::path& folder) {
  const std::vector<std::string> names = folders_in(folder);
  const std::vector<std::string> inside = folders_in(folder / names.front());
  const bool are_parts =
      names.size() > 1 && inside.size() > 1 && std::ranges::all_of(names, [&](const auto& name) {
        return holds_classes(folder / name) && folders_in(folder / name) == inside;
      });
  if (!are_parts) return;
  fail_input("{}: all of {} hold the folders {}; expected the parts of a set as `{}` and `{}`; rename them",
             folder.string(), join(names), join(inside), kTrainFolder, kTestFolder);
}

/// What to call the classes of the part whose class folders have these names.
std::vector<std::string> classes_of(std::vector<std::string> folders,
                                    const std::optional<DatasetDescription>& training) {
  if (!training) return folders;
  std::vector<std::string> names;
  for (Index label = 0; label < training->classes; ++label) names.push_back(training->class_name(label));
  return names;
}

/// Takes the files of all classes in `part` over into `content`, with their labels.
void take_classes(const fs::path& part, Index& left_alone, DatasetContent& content) {
  const std::vector<std::string>& names = content.description.class_names;
  for (const std::string& name : folders_in(part)) {
    const auto label = std::find(names.begin(), names.end(), name);
    if (label == names.end()) {
      fail_input("{}: no class of the training part; expected any of {}; move the folder away",
                 (part / name).string(), join(names));
    }
    std::vector<std::string> files = pictures_below(part / name, left_alone);
    if (files.empty()) {
      fail_input(
          "{}: a class without pictures; expected files that end in .png, .jpg or .jpeg; remove the folder, "
          "or check `source`",
          (part / name).string());
    }
    content.labels.insert(content.labels.end(), files.size(),
                          static_cast<std::int32_t>(label - names.begin()));
    std::move(files.begin(), files.end(), std::back_inserter(content.picture_files));
  }
}

/// The shape of all pictures.
std::vector<Index> shape_of(const std::vector<std::string>& files, const PictureOptions& options,
                            const std::optional<DatasetDescription>& training) {
  bool has_colour = options.colour == Colour::kColour;
  const bool colour_is_known = options.colour != Colour::kAuto || training;
  if (options.colour == Colour::kAuto && training) has_colour = training->channels() > 1;
  std::array<Index, 2> size = {options.height, options.width};
  const bool any_size = options.height > 0;
  for (const std::string& file : any_size&& colour_is_known ? std::span<const std::string>() : files) {
    const PictureHeader header = read_picture_header(file);
    if (!colour_is_known) has_colour = has_colour || header.has_colour;
    if (any_size) continue;
    if (&file == &files.front()) size = {header.height, header.width};
    if (size != std::array{header.height, header.width}) {
      fail_input("{}: {} x {} pixels, but {} has {} x {}; expected one size; set `resize` = HEIGHT WIDTH",
                 file, header.height, header.width, files.front(), size[0], size[1]);
    }
  }
  if (has_colour) return {3, size[0], size[1]};
  return {size[0], size[1]};
}

}  // namespace

DatasetContent find_pictures(const fs::path& folder, Part part, const PictureOptions& options,
                             const std::optional<DatasetDescription>& training, const Scratch& scratch) {
  const fs::path of_part = folder_of_part(folder, part);
  if (!has_picture_part(folder, part) || folders_in(of_part).empty()) {
    fail_input("{}: no folders of classes; expected a sub-folder of pictures for each class; check `source`",
               of_part.string());
  }
  if (of_part == folder) check_for_parts(folder);
  DatasetContent content;
  DatasetDescription& description = content.description;
  description.name = folder.string();
  description.task = Task::kClassification;
  description.storage = Storage::kBytes;
  description.class_names = classes_of(folders_in(of_part), training);
  description.classes = std::ssize(description.class_names);
  Index left_alone = std::ssize(files_in(of_part));
  take_classes(of_part, left_alone, content);
  description.samples = std::ssize(content.picture_files);
  description.feature_shape = shape_of(content.picture_files, options, training);
  content.feature_file = room_in_scratch(scratch, description.feature_bytes());
  warn_of_files(of_part, left_alone, "beside the folders of classes, ");
  if (of_part != folder) warn_of_folders_beside_parts(folder);
  return content;
}

DatasetContent find_unlabelled_pictures(const fs::path& path, const PictureOptions& options,
                                        const DatasetDescription& training, const Scratch& scratch) {
  DatasetContent content;
  DatasetDescription& description = content.description;
  description.name = path.string();
  description.storage = Storage::kBytes;
  description.targets = 0;
  const bool is_one = !is_folder(path);
  Index left_alone = 0;
  content.picture_files = is_one ? std::vector{path.string()} : pictures_below(path, left_alone);
  if (content.picture_files.empty()) {
    fail_input("{}: no pictures; expected files that end in .png, .jpg or .jpeg; check `source`",
               path.string());
  }
  const fs::path folder = is_one ? path.parent_path() : path;
  for (const std::string& file : content.picture_files) {
    description.sample_names.push_back(fs::path(file).lexically_relative(folder).string());
  }
  description.samples = std::ssize(content.picture_files);
  description.feature_shape = shape_of(content.picture_files, options, training);
  content.feature_file = room_in_scratch(scratch, description.feature_bytes());
  warn_of_files(path, left_alone);
  return content;
}

bool has_class_of(const fs::path& folder, Part part, const DatasetDescription& training) {
  const fs::path of_part = folder_of_part(folder, part);
  if (!is_folder(of_part)) return false;
  const std::vector<std::string> names = folders_in(of_part);
  const std::vector<std::string> classes = classes_of({}, training);
  return std::ranges::any_of(names,
                             [&](const std::string& name) { return std::ranges::count(classes, name) > 0; });
}

bool is_picture_file(const fs::path& file) {
  const std::string ending = ending_of(file);
  return ending == ".png" || ending == ".jpg" || ending == ".jpeg";
}

bool has_pictures(const fs::path& folder) {
  Index left_alone = 0;
  return !pictures_below(folder, left_alone, 1).empty();
}

bool has_picture_part(const fs::path& folder, Part part) {
  if (has_parts(folder)) return is_folder(folder_of_part(folder, part));
  return part == Part::kTraining && has_class_folders(folder);
}

bool has_class_folders(const fs::path& folder) {
  if (!is_folder(folder)) return false;
  const std::vector<std::string> names = folders_in(folder);
  return std::ranges::any_of(names, [&](const std::string& name) { return has_pictures(folder / name); });
}

}  // namespace lockstep
