#include "train/evaluation/prediction_table.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "core/text.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

std::vector<std::string> output_names(const DatasetDescription& data) {
  std::vector<std::string> names;
  for (Index k = 0; k < data.outputs(); ++k) {
    if (data.task == Task::kClassification) {
      names.push_back(data.class_name(k));
    } else {
      names.push_back(data.target_names.empty() ? std::to_string(k)
                                                : data.target_names[static_cast<std::size_t>(k)]);
    }
  }
  const bool is_plain = data.task == Task::kRegression && data.target_names.empty() && names.size() == 1;
  if (is_plain) names.front() = "prediction";
  return names;
}

std::optional<std::size_t> place_of_largest(std::span<const Real> outputs) {
  const auto largest = predicted_class({outputs.data(), 1, std::ssize(outputs)}, 0);
  return largest ? std::optional(static_cast<std::size_t>(*largest)) : std::nullopt;
}

}  // namespace

PredictionTable::PredictionTable(const DatasetDescription& trained_on, std::shared_ptr<const Loss> loss,
                                 Normalization targets, std::vector<std::string> samples)
    : task_(trained_on.task),
      loss_(std::move(loss)),
      targets_(std::move(targets)),
      samples_(std::move(samples)),
      names_(output_names(trained_on)) {
  std::transform(names_.begin(), names_.end(), std::back_inserter(class_fields_),
                 [](const std::string& name) { return csv_field(name); });
}

std::string PredictionTable::header() const {
  const std::string measure = loss_->has_probabilities() ? "probability" : "score";
  std::string text = samples_.empty() ? "row" : "file";
  if (task_ == Task::kClassification) text += ",class";
  for (const std::string& name : names_) {
    if (task_ != Task::kClassification) text += "," + csv_field(name);
    if (task_ != Task::kRegression) text += "," + csv_field(fmt::format("{} {}", measure, name));
  }
  return text + "\n";
}

void PredictionTable::add_row(Index sample, std::span<const Real> outputs, std::string& text) const {
  const auto add = [&](auto value) { fmt::format_to(std::back_inserter(text), ",{}", value); };
  text += samples_.empty() ? std::to_string(sample) : csv_field(samples_[static_cast<std::size_t>(sample)]);
  const std::optional<std::size_t> largest = place_of_largest(outputs);
  if (task_ == Task::kClassification) add(largest ? std::string_view(class_fields_[*largest]) : "");
  std::vector<double> measures(outputs.begin(), outputs.end());
  if (loss_->has_probabilities() && largest) loss_->row_probabilities(outputs, measures);
  for (std::size_t k = 0; k < outputs.size(); ++k) {
    if (task_ == Task::kMultiLabel) add(largest ? std::string_view(outputs[k] > 0 ? "1" : "0") : "");
    add(static_cast<Real>(denormalized(targets_, k, measures[k])));
  }
  text += '\n';
}

}  // namespace lockstep::inline LOCKSTEP_REAL
