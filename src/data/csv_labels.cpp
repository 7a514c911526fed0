#include "data/csv_labels.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "core/suggestion.hpp"
#include "core/text.hpp"
#include "data/csv_fields.hpp"

namespace lockstep {

namespace {

/// The number of a class that `text` is, also as "1.0".
std::optional<std::int32_t> class_number(std::string_view text, Index classes) {
  const std::optional<double> value = parse_number(text);
  if (!value || !(*value >= 0.0 && *value < static_cast<double>(classes)) || *value != std::floor(*value))
    return std::nullopt;
  return static_cast<std::int32_t>(*value);
}

bool is_number(std::string_view text) { return kind_of(text) == FieldKind::kNumber && parse_number(text); }

/// Of the words for a missing value, those that are no name of a class.
bool stands_for_nothing(std::string_view text) {
  constexpr std::array<std::string_view, 8> kWords = {"?", "NA", "N/A", "#N/A", "<NA>", "NaN", "nan", "null"};
  return std::ranges::find(kWords, text) != kWords.end();
}

/// `text` without the ".0" that programs write where a column of whole numbers became one of decimals.
std::string without_zeros(std::string_view text) {
  const std::size_t point = text.find('.');
  if (is_number(text) && point != std::string_view::npos && point > 0 &&
      text.find_first_not_of('0', point + 1) == std::string_view::npos) {
    text = text.substr(0, point);
  }
  return std::string(text);
}

}  // namespace

LabelEncoder::LabelEncoder(const std::optional<DatasetDescription>& training)
    : class_names_(training ? training->class_names : std::vector<std::string>()),
      classes_(training ? training->classes : 0) {
  if (!class_names_.empty()) classes_ = std::ssize(class_names_);
  for (const std::string& name : class_names_) {
    codes_.emplace(without_zeros(name), static_cast<std::int32_t>(codes_.size()));
  }
}

std::optional<std::string> LabelEncoder::add(std::string_view text) {
  if (text.empty())
    return "expected a label, found nothing; fill it in or remove the row, or set `label` to another column";
  if (classes_ == 0 && stands_for_nothing(text)) {
    return fmt::format("expected a label, found '{}'; fill it in or remove the row", shown(text));
  }
  if (trim_unseen(text) != text) {
    return fmt::format("the label '{}' has a character at an end that cannot be seen; remove it",
                       shown(text));
  }
  const std::string label = without_zeros(text);
  if (classes_ > 0) return add_known(label);
  labels_.push_back(codes_.emplace(label, static_cast<std::int32_t>(codes_.size())).first->second);
  return std::nullopt;
}

std::optional<std::string> LabelEncoder::add_known(const std::string& text) {
  if (class_names_.empty()) {
    const std::optional<std::int32_t> number = class_number(text, classes_);
    if (!number) {
      return fmt::format(
          "expected one of the training data's labels, 0 to {}, found '{}'; "
          "check `label` and `test`",
          classes_ - 1, shown(text));
    }
    labels_.push_back(*number);
    return std::nullopt;
  }
  const auto code = codes_.find(text);
  if (code == codes_.end()) {
    return fmt::format(
        "expected one of the training data's {} labels, found '{}'; check `label` "
        "and `test`{}",
        classes_, shown(text), suggestion(text, class_names_));
  }
  labels_.push_back(code->second);
  return std::nullopt;
}

/// By code.
std::vector<std::string> LabelEncoder::texts() const {
  std::vector<std::string> result(codes_.size());
  for (const auto& [text, code] : codes_) result[static_cast<std::size_t>(code)] = text;
  return result;
}

FirstLabel LabelEncoder::first_label() const {
  if (classes_ > 0 || labels_.size() < 2) return FirstLabel::kOrdinary;
  const std::vector<std::string> names = texts();  // that of the first sample first
  if (is_number(names.front()) || std::count(labels_.begin(), labels_.end(), 0) > 1)
    return FirstLabel::kOrdinary;
  if (names.size() > 1 && std::all_of(names.begin() + 1, names.end(), is_number))
    return FirstLabel::kOnlyText;
  return labels_.size() > names.size() ? FirstLabel::kOnlyOnce : FirstLabel::kOrdinary;
}

/// Numbers by their size, other labels as text. The same number twice, or nothing.
std::optional<std::string> LabelEncoder::put_in_order(std::vector<std::string>& names) {
  std::sort(names.begin(), names.end());
  if (!std::all_of(names.begin(), names.end(), is_number)) return std::nullopt;
  const auto value = [](const std::string& name) { return *parse_number(name); };
  std::stable_sort(names.begin(), names.end(),
                   [&](const std::string& a, const std::string& b) { return value(a) < value(b); });
  const auto same =
      std::adjacent_find(names.begin(), names.end(),
                         [&](const std::string& a, const std::string& b) { return value(a) == value(b); });
  if (same == names.end()) return std::nullopt;
  return fmt::format(
      "the labels '{}' and '{}' are the same number, written in two ways; write them alike, or with a letter "
      "if "
      "they are two classes",
      shown(*same), shown(*(same + 1)));
}

std::optional<std::string> LabelEncoder::finish(DatasetContent& content) && {
  DatasetDescription& description = content.description;
  if (classes_ > 0) {
    description.classes = classes_;
    description.class_names = std::move(class_names_);
  } else {
    const std::vector<std::string> by_code = texts();
    std::vector<std::string> names = by_code;
    if (std::optional<std::string> problem = put_in_order(names)) return problem;
    std::map<std::string_view, std::int32_t> number;
    bool are_numbers_themselves = true;
    for (const std::string& name : names) {
      are_numbers_themselves = are_numbers_themselves && name == std::to_string(number.size());
      number.emplace(name, static_cast<std::int32_t>(number.size()));
    }
    for (std::int32_t& label : labels_) label = number.at(by_code[static_cast<std::size_t>(label)]);
    description.classes = std::ssize(names);
    if (!are_numbers_themselves) description.class_names = std::move(names);
  }
  content.labels = std::move(labels_);
  return std::nullopt;
}

}  // namespace lockstep
