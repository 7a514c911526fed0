#include "lockstep/data/csv.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "csv_labels.hpp"
#include "csv_rows.hpp"

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
    if (columns_ == 0) {
      start(fields);
      if (has_header_) return;
    }
    if (std::ssize(fields) != columns_) {
      fail_input("{}:{}: {} fields, expected {} as in the first line; correct the row", name_, line_,
                 fields.size(), columns_);
    }
    for (Index column = 0; column < columns_; ++column) {
      const std::string_view field = fields[static_cast<std::size_t>(column)];
      if (column != label_column_) {
        content_.values.push_back(number(column, field));
      } else if (options_.task == Task::kRegression) {
        content_.targets.push_back(number(column, field));
      } else if (const std::optional<std::string> problem = labels_.add(trim(field))) {
        fail_field(column, *problem);
      }
    }
    ++content_.description.samples;
  }

  DatasetContent finish() && {
    if (content_.description.samples == 0) {
      fail_input("{}: no rows of data{}; expected at least one", name_,
                 has_header_ ? " below the names of the columns" : "");
    }
    content_.description.feature_shape = {columns_ - 1};
    if (options_.task == Task::kClassification) std::move(labels_).finish(content_);
    return std::move(content_);
  }

 private:
  void start(Fields fields) {
    columns_ = std::ssize(fields);
    if (columns_ < 2) {
      const std::string_view only = fields.front();
      fail_input("{}:{}: only one column; expected features and a label, separated by commas{}", name_, line_,
                 only.find_first_of(";\t|") != std::string_view::npos
                     ? "; replace the other separator by commas"
                     : "");
    }
    has_header_ = is_header(fields);
    if (has_header_) {
      for (const std::string_view field : fields) names_.emplace_back(trim(field));
    }
    label_column_ = find_label();
  }

  bool is_header(Fields fields) const {
    if (options_.header != Header::kAuto) return options_.header == Header::kYes;
    if (!parse_integer(options_.label) && std::ranges::count(fields, options_.label) > 0) return true;
    const std::optional<Index> label = label_by_number(std::ssize(fields));
    for (Index column = 0; column < std::ssize(fields); ++column) {
      const std::string_view field = fields[static_cast<std::size_t>(column)];
      // An empty field is a gap in the data rather than a name.
      if (column != label && !field.empty() && !parse_number(field)) return true;
    }
    return false;
  }

  /// The column that data.label gives as a number, if it does.
  std::optional<Index> label_by_number(Index columns) const {
    std::optional<std::int64_t> column = parse_integer(options_.label);
    if (column && *column < 0) *column += columns;
    if (!column || *column < 0 || *column >= columns) return std::nullopt;
    return static_cast<Index>(*column);
  }

  Index find_label() const {
    const auto named = std::find(names_.begin(), names_.end(), options_.label);
    if (named != names_.end()) return named - names_.begin();
    if (const std::optional<Index> column = label_by_number(columns_)) return *column;
    if (parse_integer(options_.label)) {
      fail_input("data.label = {}: {} has {} columns; expected 0 to {}, or -{} to -1 from the end",
                 options_.label, name_, columns_, columns_ - 1, columns_);
    }
    if (!has_header_) {
      fail_input(
          "data.label = {}: the first line of {} does not name the columns{}; "
          "expected a number from 0 to {}",
          shown(options_.label), name_, options_.header == Header::kNo ? " (data.header = no)" : "",
          columns_ - 1);
    }
    fail_input("data.label = {}: no such column in {}; did you mean '{}'?", shown(options_.label), name_,
               shown(nearest(options_.label, names_)));
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
        has_header_ ? fmt::format(" ('{}')", shown(names_[static_cast<std::size_t>(column)])) : "";
    fail_input("{}:{}: column {}{}: {}", name_, line_, column + 1, title, problem);
  }

  std::string name_;
  const CsvOptions& options_;
  LabelEncoder labels_;
  DatasetContent content_;
  Index line_ = 0;
  Index columns_ = 0;
  bool has_header_ = false;
  std::vector<std::string> names_;  // of the columns, if they have any
  Index label_column_ = 0;
};

}  // namespace

DatasetContent read_csv(const fs::path& file, const CsvOptions& options) {
  TableReader table(file, options);
  for_each_csv_row(file, [&](Index line, Fields fields) { table.add_row(line, fields); });
  return std::move(table).finish();
}

}  // namespace lockstep
