#include "lockstep/data/source.hpp"

#include <algorithm>
#include <filesystem>
#include <utility>

#include <fmt/ranges.h>

#include "core/text.hpp"
#include "data/source_form.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/core/log.hpp"

namespace lockstep {

namespace fs = std::filesystem;

namespace {

CsvOptions options_of(const DataSource& source, Task task,
                      const std::optional<DatasetDescription>& training) {
  CsvOptions options = source.csv;
  options.task = task;
  options.training = training;
  options.scratch = source.scratch;
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
    return read_cifar(source.source, part, source.scratch);
  }
  if (form == Form::kArrays) {
    if (part == Part::kTest && !has_array_part(source.source, part)) return std::nullopt;
    return read_arrays(source.source, part, source.task, training ? training->classes : 0, source.scratch);
  }
  if (form == Form::kPictures) {
    if (part == Part::kTest && !has_picture_part(source.source, part)) return std::nullopt;
    return find_pictures(source.source, part, source.pictures, training, source.scratch);
  }
  if (form == Form::kIdx) {
    const fs::path folder = folder_of(source.source);
    if (part == Part::kTest && !has_idx_part(folder, part, source.prefix)) return std::nullopt;
    return read_idx(folder, part, source.prefix, training ? training->classes : 0, source.transpose,
                    source.scratch);
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
    fail_input("`task` = {}: only for tables and arrays, `source` = {} is a {} set; remove `task`",
               task_name(source.task), source.source, task_name(description.task));
  }
}

/// With pictures in the size of the training data, unless the source has another, and turned as those were.
DataSource as_for_training(DataSource source, const DatasetDescription& training) {
  const Form form = form_of(source.source);
  PictureOptions& pictures = source.pictures;
  const std::vector<Index>& axes = training.feature_shape;
  if (form == Form::kPictures && pictures.height == 0 && axes.size() > 1) {
    pictures.height = axes[axes.size() - 2];
    pictures.width = axes.back();
  }
  if (training.transposed && form == Form::kIdx) source.transpose = true;
  return source;
}

/// Whether `part` says what its samples are, as that of a training set does.
bool has_labels(const DataSource& source, const DatasetDescription& training, Part part) {
  const Form form = form_of(source.source);
  if (form == Form::kArrays) return has_array_labels(source.source, part);
  if (form == Form::kPictures) return has_class_of(source.source, part, training);
  return form != Form::kIdx || has_idx_labels(folder_of(source.source), part, source.prefix);
}

/// Reads the features alone of a part without labels.
DatasetContent read_features(const DataSource& given, const DatasetDescription& training, Part part) {
  const DataSource source = as_for_training(given, training);
  const Form form = form_of(source.source);
  check_keys(source, form);
  DatasetContent content =
      form == Form::kPictures
          ? find_unlabelled_pictures(source.source, source.pictures, training, source.scratch)
      : form == Form::kArrays
          ? read_array_features(source.source, part, source.scratch)
          : read_idx_images(folder_of(source.source), part, source.prefix, source.transpose, source.scratch);
  content.description.task = training.task;
  content.description.classes = training.classes;
  content.description.class_names = training.class_names;
  return content;
}

}  // namespace

bool is_synthetic(const std::string& source) {
  const std::vector<std::string>& names = synthetic_names();
  return std::find(names.begin(), names.end(), source) != names.end();
}

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
  if (form == Form::kArrays) return has_array_part(source.source, Part::kTest);
  if (form == Form::kPictures) return has_picture_part(source.source, Part::kTest);
  return form == Form::kSynthetic || has_idx_part(folder_of(source.source), Part::kTest, source.prefix);
}

DatasetContent read_for_evaluation(const DataSource& given, const DatasetDescription& training, Part part) {
  const DataSource source = as_for_training(given, training);
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
  if (source.source == kStandardInput || form_of(source.source) == Form::kCsv) {
    check_keys(source, Form::kCsv);
    CsvOptions options = options_of(source, training.task, training);
    options.wanted = Columns::kFeatures;
    DatasetContent content = read_csv(source.source, options);
    warn_of_names(training, content.description);
    return content;
  }
  const Part part = has_test_part(source) ? Part::kTest : Part::kTraining;
  const bool labelled = has_labels(source, training, part);
  if (labelled || part == Part::kTest) {
    log::warn(fmt::format("lockstep: `source` = {}: predicting its {} part", source.source,
                          part == Part::kTest ? "test" : "training"));
  }
  return labelled ? read_for_evaluation(source, training, part) : read_features(source, training, part);
}

}  // namespace lockstep
