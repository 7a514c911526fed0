#include "lockstep/data/csv.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/ranges.h>

#include "core/text.hpp"
#include "data/byte_reader.hpp"
#include "data/column_units.hpp"
#include "data/csv_columns.hpp"
#include "data/csv_decimals.hpp"
#include "data/csv_features.hpp"
#include "data/csv_fields.hpp"
#include "data/csv_header.hpp"
#include "data/csv_known_features.hpp"
#include "data/csv_labels.hpp"
#include "data/csv_row_facts.hpp"
#include "data/csv_rows.hpp"
#include "data/value_store.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/core/log.hpp"

namespace lockstep {

namespace fs = std::filesystem;

namespace {

/// Builds the table row by row. The first row decides what the columns are.
class TableReader {
 public:
  TableReader(const fs::path& file, const CsvOptions& options)
      : name_(shown_name(file)),
        options_(options),
        labels_(options.training),
        classifies_(options.task == Task::kClassification),
        wants_targets_(options.wanted == Columns::kAll),
        targets_(options.scratch) {
    content_.description.name = name_;
    content_.description.task = options.task;
    content_.description.storage = Storage::kFloats;
  }

  void add_row(const CsvRow& row) {
    line_ = row.line;
    row_ = row.fields;
    separator_ = row.separator;
    if (!single_.empty()) fail_single(line());
    if (columns_.count() == 0 && !begin()) return;
    if (wants_targets_ && std::ranges::all_of(row_, [](std::string_view f) { return trim(f).empty(); })) {
      if (!has_empty_rows_)
        log::warn(
            fmt::format("lockstep: {}: rows without any value, as line {}, are left out", name_, line_));
      has_empty_rows_ = true;
      return;
    }
    if (std::ssize(row_) != columns_.count()) {
      fail_input("{}:{}: {} fields, expected {} as in the first line{}", name_, line_, row_.size(),
                 columns_.count(), ragged_advice());
    }
    target_row_.resize(static_cast<std::size_t>(wants_targets_ && !classifies_ ? columns_.targets : 0));
    for (Index column = 0; column < columns_.row_names; ++column) check_row_name(column);
    for (Index column = columns_.row_names; column < columns_.count(); ++column) add_field(column);
    features_->end_row();
    targets_.append(target_row_);
    ++content_.description.samples;
  }

  DatasetContent finish() && {
    DatasetDescription& description = content_.description;
    if (!single_.empty()) fail_single("");
    if (description.samples == 0) {
      fail_input("{}: no rows of data{}; expected at least one", name_,
                 columns_.has_header ? " below the names of the columns" : "");
    }
    if (options_.header == Header::kAuto && columns_.has_header && !options_.training &&
        features_->have_names_as_values()) {
      fail_input(
          "{}:{}: taken for the names of the columns, but they occur below it as values; set `header` = no "
          "if it is a sample, yes if it names the columns",
          name_, first_line_);
    }
    features_->finish(content_);
    facts_.finish(columns_, content_);
    if (options_.header == Header::kAuto && !columns_.has_header) {
      doubt_first_sample(fmt::format("{}:{}", name_, first_line_), first_row_, columns_.are_beside_features(),
                         labels_.first_label(), features_->first_texts_are_names());
    }
    if (!wants_targets_) {
      description.targets = 0;
      description.classes = options_.training->classes;
      description.class_names = options_.training->class_names;
      return std::move(content_);
    }
    description.targets = columns_.targets;
    description.target_names = columns_.target_names();
    if (classifies_) {
      if (const auto problem = std::move(labels_).finish(content_)) fail_input("{}: {}", name_, *problem);
      doubt_numbers_as_classes();
    } else {
      store_targets();
    }
    return std::move(content_);
  }

 private:
  /// Whether the first row is one of data.
  bool begin() {
    first_line_ = line_;
    const bool has_one_feature = !wants_targets_ && options_.training->table_columns().size() == 1;
    if (row_.size() == 1 && !has_one_feature) {  // what separates its fields is better told with the next
      single_ = row_.front();
      if (single_.empty()) fail_single("");
      return false;
    }
    columns_ = find_columns(name_, options_, row_);
    features_.emplace(name_, options_, columns_);
    for (const std::string_view field : row_) first_row_.emplace_back(trim(field));
    return !columns_.has_header;
  }

  [[noreturn]] void fail_single(const std::string& next_line) const {
    const std::vector<std::string> known =
        options_.training ? needed_columns(*options_.training) : std::vector<std::string>();
    fail_input("{}:{}: only one column; expected {}{}, separated by commas{}", name_, first_line_,
               wants_targets_ ? "features and a label" : "features",
               known.empty() ? "" : fmt::format(" ({})", some_of(known)),
               separator_advice(single_ + "\n" + next_line));
  }

  std::string ragged_advice() const {
    const std::string advice = row_.size() == 1 ? separator_advice(row_.front()) : "";
    return advice.empty() ? "; correct the row" : advice;
  }

  /// Errors: what is measured stands where rows should be named.
  void check_row_name(Index column) const {
    const std::optional<double> value = parse_number(row_[static_cast<std::size_t>(column)]);
    if (!value || *value == std::trunc(*value)) return;
    fail_field(column, fmt::format("expected row numbers below such a name, found '{}'; give the column "
                                   "another name to make it a feature, or remove it",
                                   shown(row_[static_cast<std::size_t>(column)])));
  }

  void add_field(Index column) {
    const std::string_view field = row_[static_cast<std::size_t>(column)];
    const auto [role, at, wish] = columns_.places[static_cast<std::size_t>(column)];
    if (role == CsvColumns::Role::kLeftOut) return;
    if (role == CsvColumns::Role::kGroup) {
      check_is_there(column, field, "group");
      facts_.add_group(trim(field));
    } else if (role == CsvColumns::Role::kWeight) {
      facts_.add_weight(weight(column, field));
    } else if (role == CsvColumns::Role::kFeature) {
      const auto problem = features_->add(at, field, separator_, line_, [&] { return line(); });
      if (problem) fail_field(column, *problem);
      if (features_->may_be_numbers(at)) note_decimals(field);
    } else if (!wants_targets_) {
      return;
    } else if (!classifies_) {
      target_row_[static_cast<std::size_t>(at)] = target_value(column, field);
    } else if (const std::optional<std::string> problem = labels_.add(trim(field))) {
      fail_field(column, *problem);
    }
  }

  void check_is_there(Index column, std::string_view field, const char* what) const {
    if (!features_->is_missing(field, parse_field(field, separator_))) return;
    fail_field(column, fmt::format("expected the row's {}, found '{}'; give it one, or remove the row", what,
                                   shown(field)));
  }

  double weight(Index column, std::string_view field) {
    check_is_there(column, field, "weight");
    const double value = number(column, field);
    if (value < 0) fail_field(column, fmt::format("expected a weight not below 0, found '{}'", shown(field)));
    return value;
  }

  double target_value(Index column, std::string_view field) {
    const double value = number(column, field);
    if (options_.task == Task::kMultiLabel && value != 0 && value != 1) {
      fail_field(column, fmt::format("expected 0 or 1, found '{}'; encode the label so, or set `task` = "
                                     "regression",
                                     shown(field)));
    }
    return value;
  }

  double number(Index column, std::string_view field) {
    const std::optional<double> value = parse_field(field, separator_);
    note_decimals(field);
    if (!value || !is_in_range(*value, field)) fail_field(column, number_problem(field, line()));
    return *value;
  }

  void note_decimals(std::string_view field) {
    if (separator_ != ',' && parse_field(field, separator_)) marks_.add(name_, field, line_);
  }

  /// The line that the row was, but for quotes.
  std::string line() const { return fmt::format("{}", fmt::join(row_, std::string(1, separator_))); }

  std::string title(Index column) const {
    return columns_.has_header
               ? fmt::format(" ('{}')", shown(columns_.names[static_cast<std::size_t>(column)]))
               : "";
  }

  [[noreturn]] void fail_field(Index column, const std::string& problem) const {
    const std::string_view field = row_[static_cast<std::size_t>(column)];
    const bool may_be_names = !joins_numbers(field) && options_.header == Header::kAuto &&
                              !columns_.has_header && line_ == first_line_;
    fail_input("{}:{}: column {}{}: {}{}", name_, line_, column + 1, title(column), problem,
               may_be_names ? kNamesAdvice : "");
  }

  void doubt_numbers_as_classes() const {
    constexpr Index kUsual = 20;
    const DatasetDescription& description = content_.description;
    const bool are_numbers = std::ranges::all_of(
        description.class_names, [](const std::string& name) { return parse_number(name).has_value(); });
    if (options_.training || !are_numbers || description.classes <= std::max(kUsual, description.samples / 2))
      return;
    log::warn_once(
        fmt::format("lockstep: {}: {} classes in {} samples, all of them numbers; for numbers to be "
                    "predicted set `task` = regression",
                    name_, description.classes, description.samples));
  }

  void store_targets() {
    const StoredValues<double> stored(std::move(targets_));
    const std::span<const double> all = stored.values();
    const auto targets = static_cast<std::size_t>(columns_.targets);
    for (std::size_t target = 0; target < targets; ++target) {
      ColumnRange range;
      for (std::size_t i = target; i < all.size(); i += targets) range.add(all.subspan(i, 1));
      if (range.unit() == ColumnUnit()) continue;
      std::vector<double> values;
      for (std::size_t i = target; i < all.size(); i += targets) values.push_back(all[i]);
      const auto [numbers, floats] = distinct_values(values);
      if (floats == numbers) continue;
      const std::vector<std::string>& names = content_.description.target_names;
      log::warn_once(fmt::format(
          "lockstep: {}: {} different numbers of target {} become {} in single precision; subtract a "
          "constant "
          "from the column, or scale it",
          name_, numbers, names.empty() ? std::to_string(target + 1) : "'" + names[target] + "'", floats));
    }
    content_.targets.assign(all.begin(), all.end());
  }

  std::string name_;
  const CsvOptions& options_;
  LabelEncoder labels_;
  bool classifies_;
  bool wants_targets_;
  DatasetContent content_;
  std::optional<FeatureColumns> features_;  // from the first row on
  ValueStore<double> targets_;              // [samples x targets]
  std::vector<double> target_row_;
  RowFacts facts_;
  DecimalMarks marks_;
  bool has_empty_rows_ = false;
  Index line_ = 0;
  std::span<const std::string_view> row_;
  char separator_ = ',';
  Index first_line_ = 0;
  std::vector<std::string> first_row_;
  std::string single_;  // a first line of one field
  CsvColumns columns_;
};

}  // namespace

DatasetContent read_csv(const fs::path& file, const CsvOptions& options) {
  TableReader table(file, options);
  for_each_csv_row(file, options.separator, [&](const CsvRow& row) { table.add_row(row); });
  return std::move(table).finish();
}

}  // namespace lockstep
