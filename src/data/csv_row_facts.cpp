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

/// Where it stands; nothing where a later file need not have it, and does not.
std::optional<Index> find_fact(const std::string& file, const FactColumn& fact, const CsvOptions& options,
                               const CsvColumns& columns) {
  std::string_view name = trim(fact.asked);
  const auto has = [&](std::string_view text) {
    return std::ranges::find(columns.names, text) != columns.names.end();
  };
  // As a label, one that is given by number is found by its name where the training file has one.
  if (!fact.known.empty() && has(fact.known) && (name.empty() || parse_integer(name))) name = fact.known;
  if (name.empty()) return std::nullopt;
  const bool is_needed = !options.training || (fact.role == Role::kWeight && options.wanted == Columns::kAll);
  if (!is_needed && !has(name)) {
    const bool has_more = columns.features() > std::ssize(options.training->table_columns());
    if (!has_more || !column_by_number(name, columns.count())) return std::nullopt;
  }
  return named_column(file, fact.key, fact.asked, name, columns);
}

/// What becomes of the column in this file.
Role role_of(const std::string& file, const FactColumn& fact, const CsvOptions& options) {
  if (!options.training) return fact.role;
  if (fact.role == Role::kGroup || options.wanted == Columns::kFeatures) return Role::kLeftOut;
  if (!trim(fact.asked).empty()) return fact.role;
  log::warn_once(
      fmt::format("lockstep: {}: column '{}', the weights in the training, is left out; set `weight` = {} to "
                  "weigh the loss by it",
                  file, shown(fact.known), shown(fact.known)));
  return Role::kLeftOut;
}

}  // namespace

void place_row_facts(const std::string& file, const CsvOptions& options, CsvColumns& columns) {
  const DatasetDescription training = options.training.value_or(DatasetDescription());
  for (const FactColumn& fact : {FactColumn{"weight", options.weight, training.weight_name, Role::kWeight},
                                 FactColumn{"group", options.group, training.group_name, Role::kGroup}}) {
    const std::optional<Index> column = find_fact(file, fact, options, columns);
    if (!column) continue;
    Role& role = columns.places[static_cast<std::size_t>(*column)].role;
    if (role == Role::kTarget || role == Role::kWeight) {
      fail_input("`{}` = {}: is a column of the {}; name another", fact.key, shown(fact.asked),
                 role == Role::kTarget ? "label" : "weight");
    }
    role = role_of(file, fact, options);
    if (columns.features() == 0) {
      fail_input("`{}` = {}: {} has no other column for features; leave at least one", fact.key,
                 shown(fact.asked), file);
    }
  }
}

void RowFacts::add_group(std::string_view text) {
  auto number = numbers_.find(text);
  if (number == numbers_.end()) {
    number = numbers_.emplace(std::string(text), static_cast<std::int32_t>(numbers_.size())).first;
  }
  groups_.push_back(number->second);
}

void RowFacts::add_weight(double weight) { weights_.push_back(static_cast<float>(weight)); }

void RowFacts::finish(const CsvColumns& columns, DatasetContent& content) {
  DatasetDescription& description = content.description;
  for (std::size_t column = 0; column < columns.places.size(); ++column) {
    const Role role = columns.places[column].role;
    const std::string name = columns.has_header ? columns.names[column] : "";
    if (role == Role::kGroup) {
      description.groups = std::ssize(numbers_);
      description.group_name = name;
    } else if (role == Role::kWeight) {
      description.has_sample_weights = true;
      description.weight_name = name;
    }
  }
  content.groups = std::move(groups_);
  content.sample_weights = std::move(weights_);
  if (description.groups == description.samples && description.samples > 1) {
    log::warn_once(fmt::format("lockstep: {}: every row is a group of its own (`group`)", description.name));
  }
}

}  // namespace lockstep
