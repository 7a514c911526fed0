#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lockstep/data/arrays.hpp"
#include "lockstep/data/cifar.hpp"
#include "lockstep/data/csv.hpp"
#include "lockstep/data/dataset.hpp"
#include "lockstep/data/idx.hpp"
#include "lockstep/data/picture_folder.hpp"
#include "lockstep/data/scratch.hpp"
#include "lockstep/data/synthetic.hpp"

namespace lockstep {

/// Where the samples come from.
struct DataSource {
  std::string source = "fashion-mnist";  ///< "fashion-mnist", folder of IDX, CIFAR or NPY files or of
                                         ///< pictures, CSV file, file of arrays, or a synthetic set
  std::string test;                      ///< CSV: the file with the test part, empty for none
  std::string prefix;                    ///< IDX: see read_idx
  bool transpose = false;                ///< IDX
  Task task = Task::kClassification;     ///< CSV, arrays
  CsvOptions csv;                        ///< CSV, but for its task, training file and scratch
  PictureOptions pictures;               ///< folder of pictures
  SyntheticOptions synthetic;
  Scratch scratch;  ///< where numbers that are read go when they are many
};

/// Whether `source` names a set that is drawn; whether it is a path, and no name of a set.
/// Local; they look at no file.
bool is_synthetic(const std::string& source);
bool is_path(const std::string& source);

/// The task of a source: that of the synthetic set, or the one that its files are asked for. Local; it looks
/// at no file.
Task task_of(const DataSource& source);

/// What a source holds.
struct SourceParts {
  DatasetContent training;
  std::optional<DatasetContent> test;
};

/// Errors: a test part of samples of another kind than the training part's.
void check_same_shape(const DatasetDescription& training, const DatasetDescription& test);

/// Reads every part of `source`. The test part has the classes and, where there are names, the order of
/// features of the training part. Local: call it on the rank that keeps the node's copy. Errors: those of the
/// readers, an unknown source.
SourceParts read_source(const DataSource& source);

/// Whether `source` has a test part. Local, as read_source. Errors: an unknown source.
bool has_test_part(const DataSource& source);

/// Reads `part` of `source`, which has it, for a model that was trained on data of that description. Pictures
/// get the size of those, unless the source has another, and are transposed if those were. Errors: those of
/// the readers.
DatasetContent read_for_evaluation(const DataSource& source, const DatasetDescription& training, Part part);

/// Reads what a model is to predict that was trained on data of that description: of a CSV file (or
/// kStandardInput) the features alone, see Columns::kFeatures, without `test`; of another source the test
/// part if there is one, else the training part, with a line that says which it is. Where that part has no
/// labels, or the pictures stand in no folder of one of the classes, the features alone are read, and
/// description.targets is 0: see read_array_features, read_idx_images and find_unlabelled_pictures. Errors:
/// those of the readers.
DatasetContent read_for_prediction(const DataSource& source, const DatasetDescription& training);

}  // namespace lockstep
