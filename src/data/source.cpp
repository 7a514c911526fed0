#include "lockstep/data/source.hpp"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <tuple>
#include <utility>

#include <fmt/ranges.h>

#include "core/suggestion.hpp"
#include "core/text.hpp"
#include "data/folder.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/core/log.hpp"

namespace lockstep {

namespace fs = std::filesystem;

namespace {

constexpr const char* kFashionMnist = "fashion-mnist";
constexpr const char* kFashionMnistFolder = "/usr/share/datasets/fashion-mnist";

enum class Form { kIdx, kCifar, kNpy, kPictures, kCsv, kSynthetic };

[[noreturn]] void fail_unknown(const std::string& source) {
  std::vector<std::string> names = synthetic_names();
  names.insert(names.begin(), kFashionMnist);
  fail_input(
      "`source` = {}: no such data set, folder or file; expected {}, a folder of IDX, CIFAR or NPY files or "
      "of pictures, or FILE.csv{}",
      source, join(names), suggestion(source, names));
}

Form form_of_folder(const fs::path& folder) {
  std::vector<Form> forms;
  std::vector<std::string> names;
  for (const auto& [has_files, form, name] : {std::tuple(&has_idx_files, Form::kIdx, "IDX files"),
                                              {&has_cifar_files, Form::kCifar, "those of CIFAR"},
                                              {&has_npy_files, Form::kNpy, "NPY files"}}) {
    if (!has_files(folder)) continue;
    forms.push_back(form);
    names.emplace_back(name);
  }
  if (forms.size() > 1) {
    fail_input("{}: holds {}; expected one data set; move the other away", folder.string(),
               fmt::join(names, " and "));
  }
  if (!forms.empty()) return forms.front();
  return has_class_folders(folder) ? Form::kPictures : Form::kIdx;
}

Form form_of(const std::string& source) {
  std::error_code error;
  if (source == kFashionMnist) return Form::kIdx;
  if (is_synthetic(source)) return Form::kSynthetic;
  if (fs::is_directory(source, error)) return form_of_folder(source);
  if (ending_of(source) == ".csv" || fs::exists(source, error)) return Form::kCsv;
  fail_unknown(source);
}

fs::path folder_of(const std::string& source) {
  if (source != kFashionMnist) return source;
  std::error_code error;
  if (!fs::is_directory(kFashionMnistFolder, error)) {
    fail_input(
        "`source` = {}: {} is missing; install the package dataset-fashion-mnist, "
        "or give the folder of its IDX files",
        kFashionMnist, kFashionMnistFolder);
  }
  return kFashionMnistFolder;
}

/// Refuses keys that would have no effect.
void check_keys(const DataSource& source, Form form) {
  static const DataSource usual;
  const SyntheticOptions& synthetic = source.synthetic;
  const auto refuse_beside = [&](Form right, const std::string& forms, const std::string& key,
                                 bool is_given) {
    if (form == right || !is_given) return;
    fail_input("`{}`: has an effect only for {}, but `source` = {}; remove `{}`", key, forms, source.source,
               key);
  };
  const std::string csv = "CSV files";
  refuse_beside(Form::kCsv, csv, "test", !source.test.empty());
  const CsvOptions& table = source.csv;
  refuse_beside(Form::kCsv, csv, "label", table.label != usual.csv.label);
  refuse_beside(Form::kCsv, csv, "group", !table.group.empty());
  refuse_beside(Form::kCsv, csv, "weight", !table.weight.empty());
  refuse_beside(Form::kCsv, csv, "header", table.header != usual.csv.header);
  refuse_beside(Form::kCsv, csv, "separator", table.separator.has_value());
  refuse_beside(Form::kCsv, csv, "columns", !table.columns.empty());
  refuse_beside(Form::kCsv, csv, "ignore", !table.ignore.empty());
  refuse_beside(Form::kCsv, csv, "categories", !table.categories.empty());
  refuse_beside(Form::kCsv, csv, "missing", !table.missing.empty());
  refuse_beside(Form::kCsv, csv, "unseen", table.unseen != usual.csv.unseen);
  const std::string idx = "folders of IDX files";
  refuse_beside(Form::kIdx, idx, "prefix", !source.prefix.empty());
  refuse_beside(Form::kIdx, idx, "transpose", source.transpose);
  const PictureOptions& pictures = source.pictures;
  const std::string folders = "folders of pictures";
  refuse_beside(Form::kPictures, folders, "resize", pictures.height > 0);
  refuse_beside(Form::kPictures, folders, "colour", pictures.colour != usual.pictures.colour);
  const std::string sets = "synthetic sets";
  refuse_beside(Form::kSynthetic, sets, "samples", synthetic.samples != usual.synthetic.samples);
  refuse_beside(Form::kSynthetic, sets, "test-samples",
                synthetic.test_samples != usual.synthetic.test_samples);
  refuse_beside(Form::kSynthetic, sets, "features", synthetic.features != usual.synthetic.features);
  refuse_beside(Form::kSynthetic, sets, "classes", synthetic.classes != usual.synthetic.classes);
}

CsvOptions options_of(const DataSource& source, Task task,
                      const std::optional<DatasetDescription>& training) {
  CsvOptions options = source.csv;
  options.task = task;
  options.training = training;
  return options;
}

/// Reads `part` as that of a data set with the given training part, or nothing where the source has no such
/// part.
std::optional<DatasetContent> read_part(const DataSource& source, Part part,
                                        const std::optional<DatasetDescription>& training) {
  const Form form = form_of(source.source);
  check_keys(source, form);
  if (form == Form::kSynthetic) return make_synthetic(source.source, part, source.synthetic);
  if (form == Form::kCifar) {
    if (part == Part::kTest && !has_cifar_part(source.source, part)) return std::nullopt;
    return read_cifar(source.source, part);
  }
  if (form == Form::kNpy) {
    if (part == Part::kTest && !has_npy_part(source.source, part)) return std::nullopt;
    return read_npy(source.source, part, source.task, training ? training->classes : 0);
  }
  if (form == Form::kPictures) {
    if (part == Part::kTest && !has_picture_part(source.source, part)) return std::nullopt;
    return find_pictures(source.source, part, source.pictures, training);
  }
  if (form == Form::kIdx) {
    const fs::path folder = folder_of(source.source);
    if (part == Part::kTest && !has_idx_part(folder, part, source.prefix)) return std::nullopt;
    return read_idx(folder, part, source.prefix, training ? training->classes : 0, source.transpose);
  }
  const std::string& file = part == Part::kTraining ? source.source : source.test;
  if (file.empty()) return std::nullopt;
  return read_csv(file, options_of(source, source.task, training));
}

/// Where one of two has names and the other has not, nothing tells whether their columns are the same.
void warn_of_names(const DatasetDescription& training, const DatasetDescription& other) {
  const bool named = !other.feature_names.empty();
  if (named != training.feature_names.empty()) return;
  log::warn_once(
      fmt::format("lockstep: {}: its columns have {}, those of the training data have {}: they are "
                  "taken by position",
                  other.name, named ? "names" : "no names", named ? "none" : "some"));
}

void check_task(const DataSource& source, const DatasetDescription& description) {
  if (source.task != Task::kClassification && description.task != source.task) {
    fail_input("`task` = {}: only for CSV and NPY files, `source` = {} is a {} set; remove `task`",
               task_name(source.task), source.source, task_name(description.task));
  }
}

}  // namespace

bool is_synthetic(const std::string& source) {
  const std::vector<std::string>& names = synthetic_names();
  return std::find(names.begin(), names.end(), source) != names.end();
}

bool is_path(const std::string& source) { return source != kFashionMnist && !is_synthetic(source); }

Task task_of(const DataSource& source) {
  return is_synthetic(source.source) ? synthetic_task(source.source) : source.task;
}

SourceParts read_source(const DataSource& source) {
  SourceParts parts;
  parts.training = *read_part(source, Part::kTraining, std::nullopt);
  const DatasetDescription& training = parts.training.description;
  check_task(source, training);
  parts.test = read_part(source, Part::kTest, training);
  if (parts.test) {
    check_same_shape(training, parts.test->description);
    warn_of_names(training, parts.test->description);
  }
  return parts;
}

void check_same_shape(const DatasetDescription& training, const DatasetDescription& test) {
  if (training.feature_shape != test.feature_shape) {
    fail_input(
        "{}: the test part has samples of {} features, the training part ({}) of {}; expected the same",
        test.name, fmt::join(test.feature_shape, " x "), training.name,
        fmt::join(training.feature_shape, " x "));
  }
  if (training.categories != test.categories || training.classes != test.classes) {
    fail_input(
        "{}: the test part has {} categories and {} classes, the training part ({}) {} and {}; expected the "
        "same",
        test.name, test.categories, test.classes, training.name, training.categories, training.classes);
  }
  if (training.targets != test.targets) {
    fail_input("{}: the test part has {} targets, the training part ({}) has {}; expected the same",
               test.name, test.targets, training.name, training.targets);
  }
  if (training.targets > 1 && training.target_names != test.target_names) {
    fail_input(
        "{}: its targets are {}, those of the training part ({}) {}; expected the same in the same order",
        test.name, join(test.target_names), training.name, join(training.target_names));
  }
}

bool has_test_part(const DataSource& source) {
  const Form form = form_of(source.source);
  if (form == Form::kCsv) return !source.test.empty();
  if (form == Form::kCifar) return has_cifar_part(source.source, Part::kTest);
  if (form == Form::kNpy) return has_npy_part(source.source, Part::kTest);
  if (form == Form::kPictures) return has_picture_part(source.source, Part::kTest);
  return form == Form::kSynthetic || has_idx_part(folder_of(source.source), Part::kTest, source.prefix);
}

DatasetContent read_for_evaluation(const DataSource& given, const DatasetDescription& training, Part part) {
  DataSource source = given;
  PictureOptions& pictures = source.pictures;
  const std::vector<Index>& axes = training.feature_shape;
  if (form_of(source.source) == Form::kPictures && pictures.height == 0 && axes.size() > 1) {
    pictures.height = axes[axes.size() - 2];
    pictures.width = axes.back();
  }
  if (training.transposed && form_of(source.source) == Form::kIdx) source.transpose = true;
  std::optional<DatasetContent> content = read_part(source, part, training);
  check_task(source, content->description);
  if (content->description.classes != training.classes) {
    fail_input(
        "`source` = {}: {} classes, but the model was trained for {} (0: no classification); "
        "expected the kind of data it was trained on",
        source.source, content->description.classes, training.classes);
  }
  warn_of_names(training, content->description);
  return std::move(*content);
}

DatasetContent read_for_prediction(const DataSource& source, const DatasetDescription& training) {
  const bool is_table = source.source == kStandardInput || form_of(source.source) == Form::kCsv;
  if (!is_table) {
    const Part part = has_test_part(source) ? Part::kTest : Part::kTraining;
    log::warn(fmt::format("lockstep: `source` = {}: predicting its {} part", source.source,
                          part == Part::kTest ? "test" : "training"));
    return read_for_evaluation(source, training, part);
  }
  check_keys(source, Form::kCsv);
  CsvOptions options = options_of(source, training.task, training);
  options.wanted = Columns::kFeatures;
  DatasetContent content = read_csv(source.source, options);
  warn_of_names(training, content.description);
  return content;
}

}  // namespace lockstep
