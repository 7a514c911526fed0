#include "data/csv_known_features.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>

#include <fmt/format.h>

#include "core/text.hpp"
#include "data/csv_fields.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/core/log.hpp"

namespace lockstep {

namespace {

std::string some_shown(std::vector<std::string> names) {
  for (std::string& name : names) name = shown(name);
  return some_of(names);
}

/// `others`: columns of the file that the training file has not.
void leave_out_others(const std::string& file, const std::vector<std::size_t>& others, CsvColumns& columns) {
  std::vector<std::string> names;
  for (const std::size_t column : others) {
    columns.places[column].role = CsvColumns::Role::kLeftOut;
    names.push_back(columns.names[column]);
  }
  log::warn_once(
      fmt::format("lockstep: {}: left out as no features of the training data: {}", file, some_shown(names)));
}

[[noreturn]] void fail_other_table(const std::string& file, const CsvOptions& options,
                                   const CsvColumns& columns, const std::vector<std::string>& expected) {
  fail_input(
      "{}: none of its columns ({}) is a feature of the training data; expected {}, in any order; is it "
      "another table{}?",
      file, some_shown(columns.names), some_shown(expected),
      options.header == Header::kYes ? "" : ", or one whose first line does not name the columns");
}

}  // namespace

std::vector<std::string> needed_columns(const DatasetDescription& training) {
  std::vector<std::string> names;
  if (training.feature_names.empty()) return names;
  for (const TableColumn& column : training.table_columns()) {
    if (column.kind != TableColumn::Kind::kLeftOut) names.push_back(column.name);
  }
  return names;
}

void place_features_by_name(const std::string& file, const CsvOptions& options, CsvColumns& columns) {
  const std::vector<TableColumn> known_columns = options.training->table_columns();
  std::map<std::string_view, Index> place;
  for (const TableColumn& column : known_columns) place.emplace(column.name, std::ssize(place));
  std::vector<std::size_t> others;
  std::set<std::string_view> found;
  for (std::size_t i = 0; i < columns.places.size(); ++i) {
    if (columns.places[i].role != CsvColumns::Role::kFeature) continue;
    const auto known = place.find(columns.names[i]);
    if (known == place.end()) {
      others.push_back(i);
      continue;
    }
    columns.places[i].at = known->second;
    found.insert(known->first);
  }
  const std::string other = others.empty() ? ""
                                           : fmt::format("column {} is '{}'", others.front() + 1,
                                                         shown(columns.names[others.front()]));
  const std::vector<std::string> needed = needed_columns(*options.training);
  std::vector<std::string> missing = needed;
  std::erase_if(missing, [&](const std::string& name) { return found.contains(name); });
  if (missing.size() == needed.size()) fail_other_table(file, options, columns, needed);
  if (!missing.empty()) {
    fail_input("{}: no {} {}, which the training data have{}; expected the same names in any order", file,
               missing.size() == 1 ? "column" : "columns", some_shown(missing),
               others.empty() ? "" : fmt::format(" ({}, which they do not have)", other));
  }
  if (others.empty()) return;
  if (options.wanted == Columns::kFeatures) return leave_out_others(file, others, columns);
  fail_input("{}: {}, which the training data do not have; remove it", file, other);
}

}  // namespace lockstep
