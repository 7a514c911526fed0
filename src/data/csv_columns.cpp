#include "data/csv_columns.hpp"

#include <algorithm>
#include <map>
#include <optional>

#include <fmt/format.h>

#include "core/suggestion.hpp"
#include "core/text.hpp"
#include "data/csv_fields.hpp"
#include "data/csv_header.hpp"
#include "data/csv_known_features.hpp"
#include "data/csv_row_facts.hpp"
#include "data/csv_wishes.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/core/log.hpp"

namespace lockstep {

namespace {

using Fields = std::span<const std::string_view>;
using Role = CsvColumns::Role;

/// Finds out what the label means for one file, and which column is which feature.
class ColumnFinder {
 public:
  ColumnFinder(const std::string& file, const CsvOptions& options, Fields fields)
      : file_(file), options_(options), fields_(fields), count_(std::ssize(fields)) {
    if (options.training) {
      known_targets_ = options.training->target_names;
      known_columns_ = options.training->table_columns();
      const bool has_names = !options.training->feature_names.empty();
      for (const TableColumn& column : known_columns_) {
        if (has_names) known_features_.push_back(column.name);
      }
    }
    // A name may hold a comma itself.
    const std::string_view text = trim(options.label);
    labels_ = options.header != Header::kNo && is_field(text) ? std::vector{text} : split(text, ',');
  }

  CsvColumns find() {
    if (has_features_alone(0)) labels_.clear();
    CsvColumns columns;
    columns.places.resize(fields_.size());
    columns.has_header = is_header();
    if (columns.has_header) {
      for (const std::string_view field : fields_) columns.names.emplace_back(trim(field));
      check_names(columns.names);
      take_known_labels();
    }
    const bool by_name = columns.has_header && !known_features_.empty();
    const bool picks_features = by_name && wants_features_alone();
    if (picks_features) {
      leave_out_labels(columns);
    } else {
      place_targets(columns);
    }
    if (picks_features || !labels_.empty()) place_row_facts(file_, options_, columns);
    if (columns.has_header && !picks_features) leave_out_row_names(columns);
    if (by_name) {
      check_label(columns);
      place_features_by_name(file_, options_, columns);
    } else {
      Index next = 0;
      for (CsvColumns::Place& place : columns.places) {
        if (place.role == Role::kFeature) place.at = next++;
      }
    }
    if (!options_.training) take_wishes(file_, options_, columns);
    if (options_.training) check_number_of_features(columns);
    return columns;
  }

 private:
  bool wants_features_alone() const { return options_.wanted == Columns::kFeatures; }
  /// Whether no column is left for a label after the features, and so many that are left out.
  bool has_features_alone(Index left_out) const {
    return wants_features_alone() && count_ - left_out == std::ssize(known_columns_);
  }

  bool is_field(std::string_view name) const { return std::ranges::count(fields_, name, trim) > 0; }
  bool are_fields(const std::vector<std::string>& names) const {
    return std::all_of(names.begin(), names.end(), [&](const std::string& name) { return is_field(name); });
  }

  bool is_header() const {
    if (options_.header != Header::kAuto) return options_.header == Header::kYes;
    if (!known_features_.empty() && std::ranges::all_of(known_columns_, [&](const TableColumn& column) {
          return is_needless(column) || is_field(column.name);
        }))
      return true;
    const auto is_found = [&](const std::string& name) { return !parse_number(name) && is_field(name); };
    if (wants_features_alone() && std::ranges::any_of(known_features_, is_found)) return true;
    std::vector<std::string_view> asked = labels_;
    for (const std::string_view name : {trim(options_.group), trim(options_.weight)}) {
      if (!name.empty()) asked.push_back(name);
    }
    std::vector<bool> is_beside(fields_.size());
    for (const std::string_view name : asked) {
      const std::optional<Index> column = column_by_number(name, count_);
      if (!parse_integer(name) && is_field(name)) return true;
      if (column) is_beside[static_cast<std::size_t>(*column)] = true;
    }
    const bool may_be_known = known_features_.empty() && is_row_of(known_columns_, fields_, is_beside);
    return looks_like_names(fields_, is_beside) && !may_be_known;
  }

  static bool is_needless(const TableColumn& column) { return column.kind == TableColumn::Kind::kLeftOut; }

  bool is_known_feature(std::string_view name) const {
    return std::ranges::find(known_features_, name) != known_features_.end();
  }

  static void leave_out(CsvColumns& columns, std::size_t column) {
    columns.places[column].role = Role::kLeftOut;
  }

  /// Of those nobody needs a warning.
  void leave_out_labels(CsvColumns& columns) const {
    for (std::size_t i = 0; i < fields_.size(); ++i) {
      const std::string& name = columns.names[i];
      const bool is_label = std::ranges::find(known_targets_, name) != known_targets_.end() ||
                            std::ranges::find(labels_, name) != labels_.end();
      if (is_label && !is_known_feature(name)) leave_out(columns, i);
    }
  }

  /// Columns are told apart by their names.
  void check_names(const std::vector<std::string>& names) const {
    std::map<std::string_view, std::size_t> columns;
    for (std::size_t i = 0; i < names.size(); ++i) {
      const auto [first, is_new] = columns.emplace(names[i], i);
      const bool is_needless = names[i].empty() || (wants_features_alone() && !is_known_feature(names[i]));
      if (is_new || is_needless) continue;  // columns without a name may be empty
      fail_input(
          "{}: column '{}' occurs twice ({} and {}); give each column a name of its own{}", file_,
          shown(names[i]), first->second + 1, i + 1,
          options_.header == Header::kAuto ? ", or set `header` = no if the first line is a sample" : "");
    }
  }

  /// A label that is given by number is that of the training file, and found by its name in others.
  void take_known_labels() {
    const bool by_number = std::all_of(labels_.begin(), labels_.end(),
                                       [](std::string_view l) { return parse_integer(l).has_value(); });
    if (!by_number || known_targets_.empty() || !are_fields(known_targets_)) return;
    labels_.assign(known_targets_.begin(), known_targets_.end());
  }

  void place_targets(CsvColumns& columns) {
    const Index row_names = std::ranges::find_if_not(columns.names, names_rows) - columns.names.begin();
    if (has_features_alone(row_names)) labels_.clear();
    columns.targets = std::ssize(labels_);
    for (std::size_t i = 0; i < labels_.size(); ++i) {
      CsvColumns::Place& place = columns.places[static_cast<std::size_t>(column_of(labels_[i], columns))];
      if (place.role == Role::kTarget)
        fail_label(fmt::format("names column '{}' twice; name it once", shown(labels_[i])));
      place.role = Role::kTarget;
      place.at = static_cast<Index>(i);
    }
    check_number_of_labels();
  }

  /// The first columns that have the names of an index, as far as they are no features of the training data
  /// and others are left to be some.
  void leave_out_row_names(CsvColumns& columns) const {
    const bool by_position = options_.training && known_features_.empty();
    if (by_position && std::ssize(known_columns_) == columns.features()) return;
    const auto is_row_name = [&](std::size_t i) {
      return columns.places[i].role == Role::kFeature && names_rows(columns.names[i]) &&
             !is_known_feature(columns.names[i]) &&
             (options_.columns.empty() ||
              !std::ranges::count(split(options_.columns, ','), columns.names[i]));
    };
    while (columns.features() > 1 && is_row_name(static_cast<std::size_t>(columns.row_names))) {
      const auto column = static_cast<std::size_t>(columns.row_names++);
      leave_out(columns, column);
      const std::string& name = columns.names[column];
      log::warn_once(fmt::format(
          "lockstep: {}: column {} {}, as the row numbers that pandas and R write: it is left out; give it "
          "another name to make it a feature",
          file_, columns.row_names, name.empty() ? "has no name" : fmt::format("is '{}'", shown(name))));
    }
  }

  /// Errors: a column is taken for the label by its number that is a feature of the training data.
  void check_label(const CsvColumns& columns) const {
    for (const std::string& name : columns.target_names()) {
      if (!is_known_feature(name)) continue;
      fail_label(fmt::format(
          "is column '{}' of {}, which the training data have as a feature; their label is {}", shown(name),
          file_, known_targets_.empty() ? "another" : "'" + join(known_targets_) + "'"));
    }
  }

  Index column_of(std::string_view label, const CsvColumns& columns) const {
    const auto named = std::find(columns.names.begin(), columns.names.end(), label);
    if (named != columns.names.end()) return named - columns.names.begin();
    if (const std::optional<Index> column = column_by_number(label, count_)) return *column;
    if (parse_integer(label)) {
      fail_label(
          fmt::format("no column {}: {} has {} columns; expected 0 to {}, or -{} to -1 from the end{}", label,
                      file_, count_, count_ - 1, count_,
                      is_field(label) ? "; or set `header` = yes if its first line names the columns" : ""));
    }
    if (!columns.has_header && wants_features_alone() && !known_features_.empty()) fail_number_of_columns();
    if (!columns.has_header) {
      fail_label(fmt::format(
          "no column '{}': the first line of {} does not name the columns{}; "
          "expected a number from 0 to {}",
          shown(label), file_, options_.header == Header::kNo ? " (`header` = no)" : "", count_ - 1));
    }
    fail_label(fmt::format("no column '{}' in {}{}", shown(label), file_, suggestion(label, columns.names)));
  }

  void check_number_of_labels() const {
    if (options_.task == Task::kClassification && labels_.size() > 1) {
      fail_label(
          "several columns, but a classification has one label; set `task` = multi-label or regression");
    }
    if (labels_.size() == fields_.size()) {
      fail_label(fmt::format("all {} columns of {}; leave at least one as feature", count_, file_));
    }
  }

  void check_number_of_features(const CsvColumns& columns) const {
    const Index expected = std::ssize(known_columns_);
    if (!known_features_.empty() && columns.has_header) return;  // they were found by name
    if (columns.features() == expected) return;
    if (!wants_features_alone()) {
      fail_input("{}: has {} columns for features, the training data {}; expected the same", file_,
                 columns.features(), expected);
    }
    fail_number_of_columns();
  }

  /// Errors: of features alone, the table has not as many columns, nor names for them.
  [[noreturn]] void fail_number_of_columns() const {
    const Index expected = std::ssize(known_columns_);
    const bool may_have_names = !known_features_.empty() && options_.header == Header::kAuto;
    fail_input(
        "{}: {} columns; expected the {} columns that the weights were trained on, or {} with those of "
        "`label`{}",
        file_, count_, expected, expected + options_.training->targets,
        may_have_names
            ? fmt::format("; in a table with others, the first line has to name {}, and it names none "
                          "of them",
                          some_of(needed_columns(*options_.training)))
            : "");
  }

  [[noreturn]] void fail_label(const std::string& problem) const {
    fail_input("`label` = {}: {}", shown(options_.label), problem);
  }

  const std::string& file_;
  const CsvOptions& options_;
  Fields fields_;
  Index count_;
  std::vector<std::string_view> labels_;  // what `label` lists
  // The names of the training file's columns, if this is another file and they have any.
  std::vector<std::string> known_targets_;
  std::vector<TableColumn> known_columns_;
  std::vector<std::string> known_features_;
};

}  // namespace

Index CsvColumns::features() const { return std::ranges::count(places, Role::kFeature, &Place::role); }

std::vector<bool> CsvColumns::are_beside_features() const {
  std::vector<bool> result;
  for (const Place& place : places) {
    result.push_back(place.role != Role::kFeature && place.role != Role::kLeftOut);
  }
  return result;
}

std::vector<std::string> CsvColumns::target_names() const {
  if (!has_header) return {};
  std::vector<std::string> result(static_cast<std::size_t>(targets));
  for (std::size_t column = 0; column < names.size(); ++column) {
    const Place& place = places[column];
    if (place.role == Role::kTarget) result[static_cast<std::size_t>(place.at)] = names[column];
  }
  return result;
}

CsvColumns find_columns(const std::string& file, const CsvOptions& options, Fields first_line) {
  return ColumnFinder(file, options, first_line).find();
}

}  // namespace lockstep
