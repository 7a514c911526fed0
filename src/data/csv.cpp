#include "lockstep/data/csv.hpp"

#include <cmath>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "csv_columns.hpp"
#include "csv_labels.hpp"
#include "csv_rows.hpp"
#include <fmt/format.h>

#include "lockstep/core/error.hpp"
#include "lockstep/core/text.hpp"

namespace lockstep {

namespace fs = std::filesystem;

namespace {

using Fields = std::span<const std::string_view>;

/// Builds the table row by row. The first row decides what the columns are.
class TableReader {
 public:
  TableReader(const fs::path& file, const CsvOptions& options)
      : name_(file.string()), options_(options), labels_(options.class_names, options.classes) {
    content_.description.name = name_;
    content_.description.task = options.task;
    content_.description.storage = Storage::kFloats;
  }

  void add_row(Index line, Fields fields) {
    line_ = line;
    if (columns_.count() == 0) {
      check_several(fields);
      columns_ = find_columns(name_, options_, fields);
      if (columns_.has_header) return;
    }
    if (std::ssize(fields) != columns_.count()) {
      fail_input("{}:{}: {} fields, expected {} as in the first line; correct the row", name_, line_,
                 fields.size(), columns_.count());
    }
    row_targets_.resize(static_cast<std::size_t>(columns_.targets));
    for (Index column = 0; column < columns_.count(); ++column) {
      const std::string_view field = fields[static_cast<std::size_t>(column)];
      const std::optional<Index> target = columns_.target_of[static_cast<std::size_t>(column)];
      if (!target) {
        content_.values.push_back(number(column, field));
      } else if (options_.task != Task::kClassification) {
        row_targets_[static_cast<std::size_t>(*target)] = target_value(column, field);
      } else if (const std::optional<std::string> problem = labels_.add(trim(field))) {
        fail_field(column, *problem);
      }
    }
    if (options_.task != Task::kClassification) {
      content_.targets.insert(content_.targets.end(), row_targets_.begin(), row_targets_.end());
    }
    ++content_.description.samples;
  }

  DatasetContent finish() && {
    DatasetDescription& description = content_.description;
    if (description.samples == 0) {
      fail_input("{}: no rows of data{}; expected at least one", name_,
                 columns_.has_header ? " below the names of the columns" : "");
    }
    description.feature_shape = {columns_.count() - columns_.targets};
    description.targets = columns_.targets;
    if (options_.task == Task::kClassification) {
      std::move(labels_).finish(content_);
    } else {
      description.target_names = columns_.target_names();
    }
    return std::move(content_);
  }

 private:
  void check_several(Fields fields) const {
    if (fields.size() > 1) return;
    fail_input("{}:{}: only one column; expected features and a label, separated by commas{}", name_, line_,
               fields.front().find_first_of(";\t|") != std::string_view::npos
                   ? "; replace the other separator by commas"
                   : "");
  }

  float target_value(Index column, std::string_view field) const {
    const float value = number(column, field);
    if (options_.task == Task::kMultiLabel && value != 0 && value != 1) {
      fail_field(column, fmt::format("expected 0 or 1, found '{}'; encode the label so, or set data.task = "
                                     "regression",
                                     shown(field)));
    }
    return value;
  }

  float number(Index column, std::string_view field) const {
    const std::optional<double> value = parse_number(field);
    if (!value && trim(field).empty()) {
      fail_field(column, "expected a number, found nothing; fill the gap or remove the row");
    }
    if (!value) {
      fail_field(column,
                 fmt::format("expected a number, found '{}'; remove the column or encode it as numbers",
                             shown(field)));
    }
    if (!std::isfinite(*value)) {
      fail_field(column, fmt::format("expected a finite number, found '{}'; replace it or remove the row",
                                     shown(field)));
    }
    if (std::abs(*value) > std::numeric_limits<float>::max()) {
      fail_field(column, fmt::format("expected a number up to {:.1e}, found '{}'; scale the column down",
                                     std::numeric_limits<float>::max(), shown(field)));
    }
    return static_cast<float>(*value);
  }

  [[noreturn]] void fail_field(Index column, const std::string& problem) const {
    const std::string title =
        columns_.has_header ? fmt::format(" ('{}')", shown(columns_.names[static_cast<std::size_t>(column)]))
                            : "";
    fail_input("{}:{}: column {}{}: {}", name_, line_, column + 1, title, problem);
  }

  std::string name_;
  const CsvOptions& options_;
  LabelEncoder labels_;
  DatasetContent content_;
  Index line_ = 0;
  CsvColumns columns_;
  std::vector<float> row_targets_;  // of one row, in the order of data.label
};

}  // namespace

DatasetContent read_csv(const fs::path& file, const CsvOptions& options) {
  TableReader table(file, options);
  for_each_csv_row(file, [&](Index line, Fields fields) { table.add_row(line, fields); });
  return std::move(table).finish();
}

}  // namespace lockstep
