#include "data/csv_features.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <numeric>
#include <tuple>
#include <utility>

#include <fmt/ranges.h>

#include "core/text.hpp"
#include "data/column_units.hpp"
#include "data/csv_encoding.hpp"
#include "data/csv_fields.hpp"
#include "data/value_store.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/core/log.hpp"

namespace lockstep {

FeatureColumns::FeatureColumns(std::string file, const CsvOptions& options, const CsvColumns& columns)
    : file_(std::move(file)),
      options_(options),
      has_names_(columns.has_header),
      columns_(options.training ? options.training->table_columns() : std::vector<TableColumn>()),
      cells_(options.training ? columns_.size() : static_cast<std::size_t>(columns.features()),
             options.scratch) {
  titles_.resize(options.training ? columns_.size() : static_cast<std::size_t>(columns.features()), {-1});
  for (Index column = 0; column < columns.count(); ++column) {
    const auto [role, at, wish] = columns.places[static_cast<std::size_t>(column)];
    if (role != CsvColumns::Role::kFeature) continue;
    const std::string name = columns.has_header ? columns.names[static_cast<std::size_t>(column)] : "";
    titles_[static_cast<std::size_t>(at)] = {column, name, wish};
  }
  for (std::size_t i = 0; i < titles_.size(); ++i) {
    const bool is_category = titles_[i].wish == CsvColumns::Wish::kCategory;
    values_.emplace_back(cells_, i, options.training ? takes_texts(columns_[i]) : is_category);
  }
  std::string words = options.missing;
  if (options.training) words += "," + options.training->missing;
  for (const std::string_view word : split(words, ',')) {
    if (word.empty()) continue;
    missing_words_.emplace_back(word);
    if (const std::optional<double> number = parse_number(word)) missing_numbers_.push_back(*number);
  }
}

bool FeatureColumns::is_missing(std::string_view field, const std::optional<double>& number) const {
  if (number && !std::isnan(*number))
    return std::ranges::find(missing_numbers_, *number) != missing_numbers_.end();
  return is_gap(field) || std::ranges::find(missing_words_, trim(field)) != missing_words_.end();
}

std::optional<std::string> FeatureColumns::add(Index at, std::string_view field, char separator, Index line,
                                               const std::function<std::string()>& row) {
  ColumnValues& values = values_[static_cast<std::size_t>(at)];
  if (first_line_ == 0) first_line_ = line;
  std::optional<double> number = parse_field(field, separator);
  if (number && std::isnan(*number)) number = std::nullopt;  // a gap, as which it is written
  if (is_missing(field, number)) {
    values.add_gap(line);
  } else if (!number) {
    values.add_text(trim(field), line, row);
  } else if (titles_[static_cast<std::size_t>(at)].wish != CsvColumns::Wish::kIgnore &&
             !is_in_range(*number, field)) {
    return number_problem(field, row());
  } else {
    values.add_number(*number, field, line);
  }
  return std::nullopt;
}

bool FeatureColumns::may_be_numbers(Index at) const {
  const CsvColumns::Wish wish = titles_[static_cast<std::size_t>(at)].wish;
  const bool is_known = options_.training.has_value();
  return is_known ? columns_[static_cast<std::size_t>(at)].kind == TableColumn::Kind::kNumber
                  : wish != CsvColumns::Wish::kIgnore && wish != CsvColumns::Wish::kCategory;
}

bool FeatureColumns::first_texts_are_names() const {
  bool is_one = false;
  for (const ColumnValues& values : values_) {
    const std::vector<ColumnValues::Text>& texts = values.different_texts();
    if (texts.empty() || 2 * std::ssize(texts) > values.texts()) continue;  // texts that hardly occur twice
    const ColumnValues::Text& first = texts.front();
    if (first.line != first_line_ || first.count > 1) return false;
    is_one = true;
  }
  return is_one;
}

bool FeatureColumns::have_names_as_values() const {
  Index of_texts = 0;
  Index named_so = 0;
  for (std::size_t i = 0; i < titles_.size(); ++i) {
    const std::vector<ColumnValues::Text>& texts = values_[i].different_texts();
    if (texts.empty()) continue;
    ++of_texts;
    const auto is_name = [&](const ColumnValues::Text& text) { return text.text == titles_[i].name; };
    if (std::ranges::any_of(texts, is_name)) ++named_so;
  }
  return named_so > 0 && 2 * named_so >= of_texts;
}

std::string FeatureColumns::title(std::size_t at) const {
  const auto& [column, name, wish] = titles_[at];
  return fmt::format("column {}{}", column + 1, name.empty() ? "" : fmt::format(" ('{}')", shown(name)));
}

void FeatureColumns::note(std::size_t at, const ColumnProblem& problem) {
  const bool may_be_names = problem.line == first_line_ && !has_names_ && options_.header == Header::kAuto &&
                            !joins_numbers(values_[at].first_text().field);
  problems_.push_back(fmt::format("{}:{} {}: {}{}", file_,
                                  problem.line > 0 ? fmt::format("{}:", problem.line) : "", title(at),
                                  problem.text, may_be_names ? kNamesAdvice : ""));
}

void FeatureColumns::fail_if_there_are_problems() const {
  constexpr std::size_t kMost = 5;
  if (problems_.empty()) return;
  if (problems_.size() == 1) fail_input("{}", problems_.front());
  std::string text = fmt::format("{}: problems in {} columns", file_, problems_.size());
  for (std::size_t i = 0; i < std::min(kMost, problems_.size()); ++i)
    text += fmt::format("; ({}) {}", i + 1, problems_[i]);
  if (problems_.size() > kMost) text += "; …";
  fail_input("{}", text);
}

void FeatureColumns::find_kinds() {
  std::map<std::string, std::vector<std::string>> left_out;  // by why
  std::vector<Index> nameless;
  for (std::size_t i = 0; i < titles_.size(); ++i) {
    ColumnKind kind = find_kind(values_[i], titles_[i].name, titles_[i].wish, options_.max_categories);
    const bool is_used = kind.column.kind != TableColumn::Kind::kLeftOut;
    if (has_names_ && titles_[i].name.empty() && is_used) nameless.push_back(titles_[i].column + 1);
    if (kind.problem) note(i, *kind.problem);
    if (!kind.left_out_since.empty())
      left_out[kind.left_out_since].push_back(titles_[i].name.empty() ? std::to_string(titles_[i].column)
                                                                      : titles_[i].name);
    if (!kind.remark.empty())
      log::warn_once(fmt::format("lockstep: {}: {}: {}", file_, title(i), kind.remark));
    columns_.push_back(std::move(kind.column));
  }
  if (nameless.size() > 1) {
    fail_input("{}: columns {} have no name; give each column a name of its own", file_,
               fmt::join(nameless, " and "));
  }
  fail_if_there_are_problems();
  for (const auto& [why, names] : left_out) {
    log::warn_once(fmt::format("lockstep: {}: left out, since {}: {}; `columns` = … takes what it lists",
                               file_, why, some_of(names)));
  }
}

void FeatureColumns::compare_with_training() {
  const bool is_described = !options_.training->columns.empty();
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (titles_[i].column < 0) continue;
    const UnseenValues unseen = find_unseen(columns_[i], values_[i]);
    if (unseen.broken) note(i, *unseen.broken);
    if (!unseen.fresh) continue;
    if (options_.unseen == Unseen::kRefuse || !is_described) {
      note(i, {unseen.fresh->line,
               unseen.fresh->text + (is_described ? "; correct it, or set `unseen` = ignore"
                                                  : "; fill it, or remove the row; only weights of a table "
                                                    "that has text, dates or gaps can ignore gaps")});
      continue;
    }
    log::warn_once(fmt::format("lockstep: {}:{}: {}: {} ({} in all): ignored", file_, unseen.fresh->line,
                               title(i), unseen.fresh->text, count_of(unseen.fresh_rows, "row")));
  }
  fail_if_there_are_problems();
}

void FeatureColumns::for_each_block(
    const std::function<void(Index, const std::vector<std::vector<double>>&)>& take) const {
  constexpr Index kMostTogether = 4096;
  constexpr Index kValuesTogether = Index{1} << 17U;
  std::vector<ColumnEncoder> encoders;
  for (std::size_t i = 0; i < columns_.size(); ++i) encoders.emplace_back(columns_[i], values_[i]);
  const auto rows = static_cast<Index>(cells_.rows());
  const Index together = std::clamp<Index>(kValuesTogether / count_features(), 1, kMostTogether);
  std::vector<std::vector<double>> features;
  for (Index first = 0; first < rows; first += together) {
    features.clear();
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      encoders[i].take_rows(first, std::min(together, rows - first));
      for (Index which = 0; which < columns_[i].features(); ++which) {
        features.push_back(encoders[i].feature(which));
      }
    }
    take(first, features);
  }
}

void FeatureColumns::choose_units(std::vector<ColumnUnit>& units) const {
  std::vector<ColumnRange> ranges(units.size());
  for_each_block([&](Index /*first*/, const std::vector<std::vector<double>>& features) {
    for (std::size_t i = 0; i < ranges.size(); ++i) ranges[i].add(features[i]);
  });
  std::ranges::transform(ranges, units.begin(), &ColumnRange::unit);
}

void FeatureColumns::store(DatasetContent& content) const {
  const DatasetDescription& description = content.description;
  const auto width = static_cast<std::size_t>(description.features());
  ValueStore<float> store(options_.scratch, static_cast<std::uint64_t>(description.samples) * width);
  std::vector<float> values;
  for_each_block([&](Index first, const std::vector<std::vector<double>>& features) {
    const std::size_t rows = features[0].size();
    values.resize(rows * width);
    for (std::size_t i = 0; i < width; ++i) {
      const ColumnUnit unit = description.units.empty() ? ColumnUnit() : description.units[i];
      for (std::size_t row = 0; row < rows; ++row) {
        const float value = in_unit(features[i][row], unit);
        if (std::isinf(value)) {
          fail_input(
              "{}: sample {}: {} is beyond what float holds beside the training data's numbers; scale them",
              file_, first + static_cast<Index>(row), features[i][row]);
        }
        values[row * width + i] = value;
      }
    }
    store.append(values);
  });
  std::tie(content.values, content.feature_file) = std::move(store).finish();
}

Index FeatureColumns::count_features() const {
  return std::transform_reduce(columns_.begin(), columns_.end(), Index{0}, std::plus<>(),
                               [](const TableColumn& column) { return column.features(); });
}

void FeatureColumns::finish(DatasetContent& content) {
  cells_.finish();
  if (options_.training) {
    compare_with_training();
  } else {
    find_kinds();
  }
  DatasetDescription& description = content.description;
  const Index features = count_features();
  if (features == 0) {
    fail_input("{}: no column is left for features; list those to take in `columns`", file_);
  }
  description.feature_shape = {features};
  if (has_names_) {
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (titles_[i].column >= 0) columns_[i].name = titles_[i].name;
    }
    description.feature_names = names_of_features(columns_);
  }
  if (options_.training) {
    description.columns = options_.training->columns;
    description.missing = options_.training->missing;
    description.units = options_.training->units;
  } else {
    if (!std::ranges::all_of(columns_, &TableColumn::is_plain)) description.columns = columns_;
    description.missing = options_.missing;
    description.units.resize(static_cast<std::size_t>(features));
    choose_units(description.units);
  }
  store(content);
  const auto is_plain = [](ColumnUnit unit) { return unit == ColumnUnit(); };
  if (std::ranges::all_of(description.units, is_plain)) description.units.clear();
}

}  // namespace lockstep
