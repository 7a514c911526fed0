#include "data/csv_row_facts.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "core/text.hpp"
#include "data/csv_fields.hpp"
#include "data/csv_wishes.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/core/log.hpp"

namespace lockstep {

namespace {

using Role = CsvColumns::Role;

/// A column that is asked for beside features and labels.
struct FactColumn {
  std::string key;
  std::string asked;  // its name or number
  std::string known;  // its name in the training file, if this is a later one
  Role role;
};

/// Where it stands; nothing where a later file does not have it.
std::optional<Index> find_fact(const std::string& file, const FactColumn& fact, const CsvOptions& options,
                               const CsvColumns& columns) {
  std::string_view name = trim(fact.asked);
  const auto has = [&](std::string_view text) {
    return std::ranges::find(columns.names, text) != columns.names.end();
  };
  // As a label, one that is given by number is found by its name where the training file has one.
  if (!fact.known.empty() && has(fact.known) && (name.empty() || parse_integer(name))) name = fact.known;
  if (name.empty()) return std::nullopt;
  if (options.training && !has(name)) {
    const bool has_more = columns.features() > std::ssize(options.training->table_columns());
    if (!has_more || !column_by_number(name, columns.count())) return std::nullopt;
  }
  return named_column(file, fact.key, fact.asked, name, columns);
}

}  // namespace

void place_row_facts(const std::string& file, const CsvOptions& options, CsvColumns& columns) {
  const bool is_later = options.training.has_value();
  const FactColumn fact = {"group", options.group, is_later ? options.training->group_name : "",
                           Role::kGroup};
  const std::optional<Index> column = find_fact(file, fact, options, columns);
  if (!column) return;
  Role& role = columns.places[static_cast<std::size_t>(*column)].role;
  if (role == Role::kTarget) {
    fail_input("`{}` = {}: is a column of the label; name another", fact.key, shown(fact.asked));
  }
  role = is_later ? Role::kLeftOut : fact.role;
  if (columns.features() == 0) {
    fail_input("`{}` = {}: {} has no other column for features; leave at least one", fact.key,
               shown(fact.asked), file);
  }
}

void RowFacts::add_group(std::string_view text) {
  auto number = numbers_.find(text);
  if (number == numbers_.end()) {
    number = numbers_.emplace(std::string(text), static_cast<std::int32_t>(numbers_.size())).first;
  }
  groups_.push_back(number->second);
}

void RowFacts::finish(const CsvColumns& columns, DatasetContent& content) {
  const auto place = std::ranges::find(columns.places, Role::kGroup, &CsvColumns::Place::role);
  if (place == columns.places.end()) return;
  DatasetDescription& description = content.description;
  description.groups = std::ssize(numbers_);
  if (columns.has_header) {
    description.group_name = columns.names[static_cast<std::size_t>(place - columns.places.begin())];
  }
  content.groups = std::move(groups_);
  if (description.groups == description.samples && description.samples > 1) {
    log::warn_once(fmt::format("lockstep: {}: every row is a group of its own (`group`)", description.name));
  }
}

}  // namespace lockstep
