#include "csv_labels.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "csv_rows.hpp"
#include <fmt/format.h>

#include "lockstep/core/suggestion.hpp"
#include "lockstep/core/text.hpp"

namespace lockstep {

namespace {

// Larger numbers are rather identifiers; as classes they would need a network output each.
constexpr double kMostClasses = 1'000'000;

/// The class that `text` is the number of, also as "1.0".
std::optional<std::int32_t> class_number(std::string_view text) {
  const std::optional<double> value = parse_number(text);
  if (!value || !(*value >= 0.0 && *value < kMostClasses) || *value != std::floor(*value))
    return std::nullopt;
  return static_cast<std::int32_t>(*value);
}

}  // namespace

LabelEncoder::LabelEncoder(const std::vector<std::string>& class_names, Index classes)
    : class_names_(class_names), classes_(class_names.empty() ? classes : std::ssize(class_names)) {
  for (const std::string& name : class_names_) codes_.emplace(name, static_cast<std::int32_t>(codes_.size()));
}

std::optional<std::string> LabelEncoder::add(std::string_view text) {
  if (text.empty()) return "expected a label, found nothing; fill it in or remove the row";
  if (classes_ > 0) return add_known(text);
  auto code = codes_.find(text);
  if (code == codes_.end()) code = codes_.emplace(text, static_cast<std::int32_t>(codes_.size())).first;
  labels_.push_back(code->second);
  return std::nullopt;
}

std::optional<std::string> LabelEncoder::add_known(std::string_view text) {
  if (class_names_.empty()) {
    const std::optional<std::int32_t> number = class_number(text);
    if (!number || *number >= classes_) {
      return fmt::format(
          "expected one of the training data's labels, 0 to {}, found '{}'; "
          "check data.label and data.test",
          classes_ - 1, shown(text));
    }
    labels_.push_back(*number);
    return std::nullopt;
  }
  const auto code = codes_.find(text);
  if (code == codes_.end()) {
    return fmt::format(
        "expected one of the training data's {} labels, found '{}'{}; "
        "check data.label and data.test",
        classes_, shown(text), suggestion(text, class_names_));
  }
  labels_.push_back(code->second);
  return std::nullopt;
}

void LabelEncoder::finish(DatasetContent& content) && {
  DatasetDescription& description = content.description;
  if (classes_ > 0) {
    description.classes = classes_;
    description.class_names = std::move(class_names_);
  } else {
    std::vector<std::int32_t> number(codes_.size());
    const bool numbers = std::all_of(codes_.begin(), codes_.end(),
                                     [](const auto& entry) { return class_number(entry.first).has_value(); });
    numbers ? number_by_value(number, description) : number_by_order(number, description);
    for (std::int32_t& label : labels_) label = number[static_cast<std::size_t>(label)];
  }
  content.labels = std::move(labels_);
}

void LabelEncoder::number_by_value(std::vector<std::int32_t>& number, DatasetDescription& description) const {
  for (const auto& [text, code] : codes_) number[static_cast<std::size_t>(code)] = *class_number(text);
  description.classes = *std::max_element(number.begin(), number.end()) + 1;
}

void LabelEncoder::number_by_order(std::vector<std::int32_t>& number, DatasetDescription& description) const {
  // The map is sorted.
  for (const auto& [text, code] : codes_) {
    number[static_cast<std::size_t>(code)] = static_cast<std::int32_t>(description.class_names.size());
    description.class_names.push_back(text);
  }
  description.classes = std::ssize(description.class_names);
}

}  // namespace lockstep
