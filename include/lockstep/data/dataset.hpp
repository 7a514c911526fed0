#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "lockstep/core/index.hpp"
#include "lockstep/data/table_column.hpp"

namespace lockstep {

/// What a sample's label or targets are: one class, values, or several labels that are 0 or 1 each.
enum class Task { kClassification, kRegression, kMultiLabel };

/// A task, and the word for it.
struct NamedTask {
  std::string name;
  Task task;
};

/// All tasks, in the order of their help.
const std::vector<NamedTask>& tasks();
std::string task_name(Task task);

/// Which samples of a data set: those to learn from, or those to test by.
enum class Part { kTraining, kTest };

/// How the features are stored: images stay bytes until a batch is gathered.
enum class Storage { kBytes, kFloats };

/// What a stored value of a table's column stands for: the number in the file was origin + unit · value,
/// which keeps the digits that float would lose beside a large origin or below its smallest normal number.
struct ColumnUnit {
  double origin = 0;
  double unit = 1;  ///< a power of two

  bool operator==(const ColumnUnit&) const = default;
};

/// So many categories at most: float holds their numbers exactly.
inline constexpr Index kMostCategories = Index{1} << 24U;

/// What a data set is, without its data.
///
/// A picture's shape is {height, width}, or {channels, height, width} as PyTorch names it. In memory its
/// values stand row by row with the channels last (height, width, channels), as the network's units take
/// them.
struct DatasetDescription {
  std::string name = {};  ///< file, folder or synthetic set, for messages
  Task task = Task::kClassification;
  Storage storage = Storage::kBytes;
  Index samples = 0;
  std::vector<Index> feature_shape = {};  ///< of one sample: {28, 28} for a picture, {features} for a table
  Index classes = 0;                      ///< classification: labels are 0 … classes-1; otherwise 0
  std::vector<std::string> class_names = {};  ///< of the classes, if they have names other than 0 … classes-1
  Index targets = 1;  ///< of one sample; classification: its label; 0: what is to be learned is not known
  std::vector<std::string> target_names = {};   ///< of the label's or targets' columns, if they have names
  std::vector<std::string> feature_names = {};  ///< of a table's features, if its columns have names
  std::vector<TableColumn> columns = {};  ///< of a table, but labels; empty: each feature is a plain number
  std::string missing = {};               ///< words for missing values in a table's file, see CsvOptions
  std::vector<ColumnUnit> units = {};     ///< of a table's features; empty: every unit is {0, 1}
  std::vector<std::string> sample_names = {};  ///< of samples that are asked for by name: pictures to predict
  bool transposed = false;  ///< pictures whose rows and columns have changed places since their file
  Index categories = 0;  ///< features are whole numbers from 0 to categories-1, as of words; 0: real numbers

  /// What to call class `label`: its name, else its number.
  std::string class_name(Index label) const;
  /// The columns of a table, also where each is a plain number.
  std::vector<TableColumn> table_columns() const;
  /// How many outputs a network for it has: one a class, or one a target.
  Index outputs() const;
  /// Features of one sample: the product of `feature_shape`.
  Index features() const;
  /// Channels of a picture of three axes; 1 for everything else.
  Index channels() const;
  /// Bytes of all features, and of all labels or targets.
  std::size_t feature_bytes() const;
  std::size_t target_bytes() const;
};

/// An immutable table of samples: index to features and label (or targets). Copies share the data, which may
/// stand in memory that all ranks of a node see.
///
/// Layout: features [samples x features], row-major, std::uint8_t or float; then either labels [samples],
/// std::int32_t, or targets [samples x targets], row-major, float; those of Task::kMultiLabel are 0 or 1.
/// Samples to predict may have neither.
class Dataset {
 public:
  Dataset() = default;
  /// Views `features` and `targets`, which `owner` keeps alive.
  Dataset(DatasetDescription description, std::span<const std::byte> features,
          std::span<const std::byte> targets, std::shared_ptr<const void> owner);

  const DatasetDescription& description() const { return description_; }
  Index size() const { return description_.samples; }

  std::span<const std::uint8_t> bytes() const;   ///< all features, Storage::kBytes
  std::span<const float> values() const;         ///< all features, Storage::kFloats
  std::span<const std::int32_t> labels() const;  ///< Task::kClassification
  std::span<const float> targets() const;        ///< the other tasks
  std::span<const std::byte> feature_memory() const { return features_; }
  std::span<const std::byte> target_memory() const { return targets_; }

 private:
  DatasetDescription description_;
  std::span<const std::byte> features_;
  std::span<const std::byte> targets_;
  std::shared_ptr<const void> owner_;
};

/// A digest of what `data` hold: kind, shapes, names of classes and targets (not of a label's column and of
/// features), and every value; not of where they were read.
std::string digest(const Dataset& data);

/// What a reader fills: the same table in memory of its own. Features that are pictures may still be in their
/// files, one a sample: they are decoded where the data set is made, by all ranks that share it.
struct DatasetContent {
  DatasetDescription description = {};
  std::vector<std::uint8_t> bytes = {};         ///< or
  std::vector<float> values = {};               ///< by description.storage
  std::vector<std::string> picture_files = {};  ///< instead of bytes, of PNG or JPEG
  std::vector<std::int32_t> labels = {};        ///< or
  std::vector<float> targets = {};              ///< by description.task

  /// As those of a Dataset; features are none while they are in files.
  std::span<const std::byte> feature_memory() const;
  std::span<const std::byte> target_memory() const;
};

/// Errors: nothing in it, sizes that disagree, labels or categories out of range.
void check_content(const DatasetContent& content);

/// The data set that owns `content`. Errors: those of check_content, pictures that can't be decoded.
Dataset make_dataset(DatasetContent content);

}  // namespace lockstep
