#include "csv_columns.hpp"

#include <algorithm>

#include "csv_rows.hpp"
#include <fmt/format.h>

#include "lockstep/core/error.hpp"
#include "lockstep/core/suggestion.hpp"
#include "lockstep/core/text.hpp"

namespace lockstep {

namespace {

using Fields = std::span<const std::string_view>;

/// The column that `label` gives as a number, if it does.
std::optional<Index> column_by_number(std::string_view label, Index columns) {
  std::optional<std::int64_t> column = parse_integer(label);
  if (column && *column < 0) *column += columns;
  if (!column || *column < 0 || *column >= columns) return std::nullopt;
  return static_cast<Index>(*column);
}

/// Finds out what data.label means for one file.
class ColumnFinder {
 public:
  ColumnFinder(const std::string& file, const CsvOptions& options, Fields fields)
      : file_(file), options_(options), fields_(fields), count_(std::ssize(fields)) {
    // A name may hold a comma itself.
    const std::string_view text = trim(options.label);
    const bool is_one_name = options.header != Header::kNo && std::ranges::count(fields, text, trim) > 0;
    labels_ = is_one_name ? std::vector{text} : split(text, ',');
  }

  CsvColumns find() const {
    CsvColumns columns;
    columns.has_header = is_header();
    if (columns.has_header) {
      for (const std::string_view field : fields_) columns.names.emplace_back(trim(field));
    }
    columns.target_of.resize(fields_.size());
    columns.targets = std::ssize(labels_);
    for (std::size_t i = 0; i < labels_.size(); ++i) {
      std::optional<Index>& place =
          columns.target_of[static_cast<std::size_t>(column_of(labels_[i], columns))];
      if (place) fail_label(fmt::format("names column '{}' twice; name it once", shown(labels_[i])));
      place = static_cast<Index>(i);
    }
    check_number_of_labels();
    return columns;
  }

 private:
  bool is_header() const {
    if (options_.header != Header::kAuto) return options_.header == Header::kYes;
    std::vector<bool> is_label(fields_.size());
    for (const std::string_view label : labels_) {
      if (!parse_integer(label) && std::ranges::count(fields_, label, trim) > 0) return true;
      if (const auto column = column_by_number(label, count_))
        is_label[static_cast<std::size_t>(*column)] = true;
    }
    for (std::size_t column = 0; column < fields_.size(); ++column) {
      const std::string_view field = fields_[column];
      // An empty field is a gap in the data rather than a name.
      if (!is_label[column] && !field.empty() && !parse_number(field)) return true;
    }
    return false;
  }

  Index column_of(std::string_view label, const CsvColumns& columns) const {
    const auto named = std::find(columns.names.begin(), columns.names.end(), label);
    if (named != columns.names.end()) return named - columns.names.begin();
    if (const std::optional<Index> column = column_by_number(label, count_)) return *column;
    if (parse_integer(label)) {
      fail_label(fmt::format("no column {}: {} has {} columns; expected 0 to {}, or -{} to -1 from the end",
                             label, file_, count_, count_ - 1, count_));
    }
    if (!columns.has_header) {
      fail_label(fmt::format(
          "no column '{}': the first line of {} does not name the columns{}; "
          "expected a number from 0 to {}",
          shown(label), file_, options_.header == Header::kNo ? " (data.header = no)" : "", count_ - 1));
    }
    fail_label(fmt::format("no column '{}' in {}{}", shown(label), file_, suggestion(label, columns.names)));
  }

  void check_number_of_labels() const {
    if (options_.task == Task::kClassification && labels_.size() > 1) {
      fail_label(
          "several columns, but a classification has one label; set data.task = multi-label or regression");
    }
    if (labels_.size() == fields_.size()) {
      fail_label(fmt::format("all {} columns of {}; leave at least one as feature", count_, file_));
    }
  }

  [[noreturn]] void fail_label(const std::string& problem) const {
    fail_input("data.label = {}: {}", shown(options_.label), problem);
  }

  const std::string& file_;
  const CsvOptions& options_;
  Fields fields_;
  Index count_;
  std::vector<std::string_view> labels_;  // what data.label lists
};

}  // namespace

std::vector<std::string> CsvColumns::target_names() const {
  if (!has_header) return {};
  std::vector<std::string> result(static_cast<std::size_t>(targets));
  for (std::size_t column = 0; column < names.size(); ++column) {
    if (target_of[column]) result[static_cast<std::size_t>(*target_of[column])] = names[column];
  }
  return result;
}

CsvColumns find_columns(const std::string& file, const CsvOptions& options, Fields first_line) {
  return ColumnFinder(file, options, first_line).find();
}

}  // namespace lockstep
