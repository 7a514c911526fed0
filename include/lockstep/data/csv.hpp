#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "lockstep/data/dataset.hpp"

namespace lockstep {

/// Whether the first line of a CSV file names the columns; kAuto: it does if a feature in it is no number.
enum class Header { kAuto, kYes, kNo };

struct CsvOptions {
  Task task = Task::kClassification;
  /// Name of the label or target column, or its number from 0; negative numbers count from the end. For
  /// several targets a list of them, separated by commas, in the order the targets shall have; where the
  /// whole text names one column, it is that one.
  std::string label = "-1";
  Header header = Header::kAuto;
  /// Classification: text labels in the order of their class numbers, as the training file had them; empty
  /// for a training file: whole numbers 0, 1, 2, … are classes themselves, anything else is sorted and
  /// numbered.
  std::vector<std::string> class_names;
  Index classes = 0;  ///< number of classes to expect, or 0 to count them
};

/// Reads a table of numbers with one label column, or one or more target columns; fields are separated by
/// commas and may be quoted (RFC 4180). Features are float.
/// Errors name file, line and column: text or a non-finite value where a number is expected, ragged rows, no
/// rows, an unknown label column or one named twice, several for a classification, a label that the training
/// file did not have, one of a multi-label set that is neither 0 nor 1, an unreadable file.
DatasetContent read_csv(const std::filesystem::path& file, const CsvOptions& options);

}  // namespace lockstep
