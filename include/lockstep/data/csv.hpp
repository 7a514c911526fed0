#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "lockstep/data/dataset.hpp"
#include "lockstep/data/scratch.hpp"

namespace lockstep {

/// Whether the first line of a CSV file names the columns. kAuto: it does if a column that is asked for by
/// its name (the label, or the features of the training file) is in it, or if one of its features is a name
/// (text that doesn't begin as a number, nor stands for a gap as ? or NA) and none is a number. A first line
/// of numbers that may be names all the same is an error where its label tells, and else a warning where they
/// count up (0, 1, 2, …).
enum class Header { kAuto, kYes, kNo };

/// Which columns of a table are wanted.
enum class Columns { kAll, kFeatures };

/// What to do with what a later file holds and the training file did not: a category, a gap. kIgnore: a gap
/// is taken for the column's mean, and a category for none of those known.
enum class Unseen { kRefuse, kIgnore };

/// How to read a table.
struct CsvOptions {
  Task task = Task::kClassification;
  /// Name of the label or target column, or its number from 0; negative numbers count from the end. For
  /// several targets a list of them, separated by commas, in the order the targets shall have; where the
  /// whole text names one column, it is that one.
  std::string label = "-1";
  /// The column that says to which group, such as a patient, a row belongs, by its text; named or numbered as
  /// a label. It is no feature, and of training files alone it is read: others need not have it.
  std::string group = {};
  /// The column that says how much a row counts in the loss: a number not below 0. It is no feature. A later
  /// file needs it where it is asked for here, but for its features alone.
  std::string weight = {};
  Header header = Header::kAuto;
  /// None for a training file. Its labels are classes by their text, but "1.0" is "1": numbers in their
  /// order, other labels in that of their text; labels 0 … n-1 that all occur are the classes' numbers and
  /// need no names. For a test file, or one to evaluate, what the training file was: classes, units, and the
  /// names of the columns. Where both files have names, features are put into the training file's order by
  /// name, and a label that is given by number is found by its name too; else columns are taken by position.
  std::optional<DatasetDescription> training;
  /// kFeatures, of a file like the training one: what is found has no labels or targets, and the file need
  /// not have them. Where both files have names, the features are found by name, and all other columns are
  /// left out, with a warning unless they are labels. Else the file has as many columns as there are
  /// features, or those of `label` beside them.
  Columns wanted = Columns::kAll;
  std::optional<char> separator = {};  ///< of fields: a comma, semicolon, tab or bar; or found
  // Of a training file, lists of names or numbers of columns, separated by commas:
  std::string columns = {};     ///< those for features; empty: all but the label
  std::string ignore = {};      ///< those not for features
  std::string categories = {};  ///< those of categories, though they may be numbers
  /// Of a training file: how many categories of a column have a feature of their own, the most frequent ones.
  Index max_categories = 100;
  /// Words, separated by commas, that stand for a missing value beside those of the training file and those
  /// that always do: an empty field, ? - . NA N/A NaN null none nil.
  std::string missing = {};
  Unseen unseen = Unseen::kRefuse;  ///< of another file than the training file
  Scratch scratch = {};             ///< where the table's numbers go when they are many
};

/// As the path of a file: the standard input of the process.
inline constexpr const char* kStandardInput = "-";

/// Reads a table with one label column, or one or more target columns. Fields may be quoted (RFC 4180); where
/// commas do not separate them, numbers may have decimal commas. The file may be gzip, or kStandardInput.
///
/// What the other columns are, their values say (see find_kind in data/csv_kinds.hpp): numbers, dates, or
/// categories, with gaps or without (see TableColumn). What only says which row it is, or nothing at all, is
/// left out with a warning. A gap in a number or date is NaN among the values; Normalization says what a
/// network gets for it. A later file is read as the training file's description says.
///
/// First columns without a name, or with the name "Unnamed: 0", are the row numbers that pandas and R write,
/// and are left out with a warning, unless the training file has them as features. Warns of targets that are
/// one number in float. Errors name file, line and column, and several columns together: text or an infinite
/// value where a number is expected, decimal points and commas in one file, what the training file did not
/// have (see Unseen), no column left for features, ragged rows, no rows, row numbers that are none, a name
/// that two columns have, an unknown label column or one named twice, several for a classification, features
/// other than the training file's, a label that the training file did not have, two labels that are one
/// number, a label of a multi-label set that is neither 0 nor 1, a row without a group or weight where
/// there are such, a weight that is none, an unreadable file.
DatasetContent read_csv(const std::filesystem::path& file, const CsvOptions& options);

}  // namespace lockstep
