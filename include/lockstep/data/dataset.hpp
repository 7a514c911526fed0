#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
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
  Index groups = 0;      ///< samples are of groups 0 … groups-1, as of a patient; 0: each is its own
  std::string group_name = {};      ///< of the groups' column, if it has a name
  bool has_sample_weights = false;  ///< samples count in the loss by weights of their own
  std::string weight_name = {};     ///< of the weights' column, if it has a name

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
  /// Bytes of all features, of all labels or targets, of all groups, and of all weights.
  std::size_t feature_bytes() const;
  std::size_t target_bytes() const;
  std::size_t group_bytes() const;
  std::size_t weight_bytes() const;
};

/// The memory of a data set, each part in the layout that Dataset describes.
struct DatasetMemory {
  std::span<const std::byte> features;
  std::span<const std::byte> targets;
  std::span<const std::byte> groups = {};
  std::span<const std::byte> sample_weights = {};
};

/// An immutable table of samples: index to features and label (or targets). Copies share the data, which may
/// stand in memory that all ranks of a node see.
///
/// Layout: features [samples x features], row-major, std::uint8_t or float; then either labels [samples],
/// std::int32_t, or targets [samples x targets], row-major, float; those of Task::kMultiLabel are 0 or 1.
/// Samples to predict may have neither. Where samples are of groups, std::int32_t [samples]; where they have
/// weights, float [samples], finite and not below 0: the loss is Σ weight · loss of the sample / Σ weight
/// over the samples of a batch or an evaluation. Nothing else is weighed, neither normalisation nor measures.
class Dataset {
 public:
  Dataset() = default;
  /// Views `memory`, which `owner` keeps alive.
  Dataset(DatasetDescription description, const DatasetMemory& memory, std::shared_ptr<const void> owner);

  const DatasetDescription& description() const { return description_; }
  Index size() const { return description_.samples; }

  std::span<const std::uint8_t> bytes() const;    ///< all features, Storage::kBytes
  std::span<const float> values() const;          ///< all features, Storage::kFloats
  std::span<const std::int32_t> labels() const;   ///< Task::kClassification
  std::span<const float> targets() const;         ///< the other tasks
  std::span<const std::int32_t> groups() const;   ///< empty where there are none
  std::span<const float> sample_weights() const;  ///< empty where all count alike
  const DatasetMemory& memory() const { return memory_; }

 private:
  DatasetDescription description_;
  DatasetMemory memory_;
  std::shared_ptr<const void> owner_;
};

/// A digest of what `data` hold: kind, shapes, names of classes and targets (not of a label's column and of
/// features), and every value, also of groups and weights; not of where they were read.
std::string digest(const Dataset& data);

/// Where in a file something begins.
struct FilePlace {
  std::filesystem::path file;
  std::uint64_t offset = 0;                ///< in bytes
  std::shared_ptr<const void> owner = {};  ///< what a file without a name lasts as long as
};

/// What a reader fills: the same table in memory of its own. Features may still be in files. Pictures, one a
/// sample, are decoded where the data set is made, by all ranks that share it. What stands in a file as it
/// would in memory is mapped there, so that a set may be larger than memory; such a file must not change as
/// long as the data set lives, and the process ends by SIGBUS if it gets shorter. Where a reader makes more
/// than memory should hold, `feature_file` is one of the scratch folder (see Scratch).
struct DatasetContent {
  DatasetDescription description = {};
  std::vector<std::uint8_t> bytes = {};         ///< or
  std::vector<float> values = {};               ///< by description.storage
  std::vector<std::string> picture_files = {};  ///< of PNG or JPEG, whose pixels bytes or feature_file get
  std::optional<FilePlace> feature_file = {};   ///< instead of either, where features stand as in memory
  std::vector<std::int32_t> labels = {};        ///< or
  std::vector<float> targets = {};              ///< by description.task
  std::vector<std::int32_t> groups = {};        ///< where description.groups > 0
  std::vector<float> sample_weights = {};       ///< where description.has_sample_weights

  /// As that of a Dataset; features are none while they are in files.
  DatasetMemory memory() const;
};

/// Errors: nothing in it, sizes that disagree, labels, categories, groups or weights out of range.
void check_content(const DatasetContent& content);

/// The data set that owns `content`. Errors: those of check_content, pictures that can't be decoded.
Dataset make_dataset(DatasetContent content);

}  // namespace lockstep
