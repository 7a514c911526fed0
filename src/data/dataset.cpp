#include "lockstep/data/dataset.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <utility>

#include <fmt/ranges.h>

#include "core/digest.hpp"
#include "data/file_mapping.hpp"
#include "data/picture_files.hpp"
#include "lockstep/core/error.hpp"

namespace lockstep {

namespace {

template <typename Value>
std::span<const Value> view(std::span<const std::byte> memory) {
  return {reinterpret_cast<const Value*>(memory.data()), memory.size() / sizeof(Value)};
}

void check_labels(const DatasetDescription& description, std::span<const std::int32_t> labels) {
  const auto wrong = std::find_if(labels.begin(), labels.end(), [&](std::int32_t label) {
    return label < 0 || label >= description.classes;
  });
  if (wrong != labels.end()) {
    fail_input("{}: sample {} has label {}, but there are {} classes; labels must be 0 to {}",
               description.name, wrong - labels.begin(), *wrong, description.classes,
               description.classes - 1);
  }
}

void check_groups(const DatasetDescription& description, std::span<const std::int32_t> groups) {
  const auto wrong = std::ranges::find_if(
      groups, [&](std::int32_t group) { return group < 0 || group >= description.groups; });
  if (wrong == groups.end()) return;
  fail_input("{}: sample {} has group {}, but there are {} groups; groups must be 0 to {}", description.name,
             wrong - groups.begin(), *wrong, description.groups, description.groups - 1);
}

void check_weights(const DatasetDescription& description, std::span<const float> weights) {
  const auto wrong =
      std::ranges::find_if(weights, [](float weight) { return !(weight >= 0 && std::isfinite(weight)); });
  if (wrong == weights.end()) return;
  fail_input("{}: sample {} has the weight {}; expected a finite number not below 0", description.name,
             wrong - weights.begin(), *wrong);
}

template <typename Value>
void check_categories(const DatasetDescription& description, std::span<const Value> features) {
  const auto wrong = std::find_if(features.begin(), features.end(), [&](Value value) {
    const auto number = static_cast<double>(value);
    return !(number >= 0 && number < static_cast<double>(description.categories) &&
             number == std::floor(number));
  });
  if (wrong == features.end()) return;
  const Index at = wrong - features.begin();
  fail_input("{}: sample {} has {} at place {}; categories must be whole numbers from 0 to {}",
             description.name, at / description.features(), static_cast<double>(*wrong),
             at % description.features(), description.categories - 1);
}

}  // namespace

const std::vector<NamedTask>& tasks() {
  static const std::vector<NamedTask> all = {{"classification", Task::kClassification},
                                             {"regression", Task::kRegression},
                                             {"multi-label", Task::kMultiLabel}};
  return all;
}

std::string task_name(Task task) {
  return std::find_if(tasks().begin(), tasks().end(), [&](const NamedTask& t) { return t.task == task; })
      ->name;
}

Index DatasetDescription::outputs() const { return task == Task::kClassification ? classes : targets; }

Index DatasetDescription::features() const {
  return std::accumulate(feature_shape.begin(), feature_shape.end(), Index{1}, std::multiplies<>());
}

Index DatasetDescription::channels() const { return feature_shape.size() == 3 ? feature_shape.front() : 1; }

std::string DatasetDescription::class_name(Index label) const {
  return class_names.empty() ? std::to_string(label) : class_names[static_cast<std::size_t>(label)];
}

std::vector<TableColumn> DatasetDescription::table_columns() const {
  if (!columns.empty()) return columns;
  std::vector<TableColumn> plain(static_cast<std::size_t>(features()));
  for (std::size_t i = 0; i < feature_names.size(); ++i) plain[i].name = feature_names[i];
  return plain;
}

std::size_t DatasetDescription::feature_bytes() const {
  const std::size_t value_bytes = storage == Storage::kBytes ? sizeof(std::uint8_t) : sizeof(float);
  return static_cast<std::size_t>(samples * features()) * value_bytes;
}

std::size_t DatasetDescription::target_bytes() const {
  const std::size_t value_bytes = task == Task::kClassification ? sizeof(std::int32_t) : sizeof(float);
  return static_cast<std::size_t>(samples * targets) * value_bytes;
}

std::size_t DatasetDescription::group_bytes() const {
  return groups == 0 ? 0 : static_cast<std::size_t>(samples) * sizeof(std::int32_t);
}

std::size_t DatasetDescription::weight_bytes() const {
  return has_sample_weights ? static_cast<std::size_t>(samples) * sizeof(float) : 0;
}

Dataset::Dataset(DatasetDescription description, const DatasetMemory& memory,
                 std::shared_ptr<const void> owner)
    : description_(std::move(description)), memory_(memory), owner_(std::move(owner)) {
  LOCKSTEP_CHECK(memory_.features.size() == description_.feature_bytes());
  LOCKSTEP_CHECK(memory_.targets.size() == description_.target_bytes());
  LOCKSTEP_CHECK(memory_.groups.size() == description_.group_bytes());
  LOCKSTEP_CHECK(memory_.sample_weights.size() == description_.weight_bytes());
}

std::span<const std::uint8_t> Dataset::bytes() const {
  LOCKSTEP_CHECK(description_.storage == Storage::kBytes);
  return view<std::uint8_t>(memory_.features);
}

std::span<const float> Dataset::values() const {
  LOCKSTEP_CHECK(description_.storage == Storage::kFloats);
  return view<float>(memory_.features);
}

std::span<const std::int32_t> Dataset::labels() const {
  LOCKSTEP_CHECK(description_.task == Task::kClassification);
  return view<std::int32_t>(memory_.targets);
}

std::span<const float> Dataset::targets() const {
  LOCKSTEP_CHECK(description_.task != Task::kClassification);
  return view<float>(memory_.targets);
}

std::span<const std::int32_t> Dataset::groups() const { return view<std::int32_t>(memory_.groups); }

std::span<const float> Dataset::sample_weights() const { return view<float>(memory_.sample_weights); }

std::string digest(const Dataset& data) {
  const DatasetDescription& d = data.description();
  Digest digest;
  digest.add(fmt::format("{} {} {} {} {} {}\n", task_name(d.task), static_cast<int>(d.storage), d.samples,
                         d.classes, d.targets, fmt::join(d.feature_shape, "x")));
  if (d.categories > 0) digest.add(fmt::format("{} categories\n", d.categories));
  const bool has_targets = d.task != Task::kClassification;
  for (const auto& names : {d.class_names, has_targets ? d.target_names : std::vector<std::string>()}) {
    for (const std::string& name : names) digest.add(fmt::format("{} {}\n", name.size(), name));
    digest.add("\n");
  }
  if (!d.columns.empty()) digest.add(columns_to_text(d.columns) + "\n");
  for (const ColumnUnit& unit : d.units) digest.add(fmt::format("{} {}\n", unit.origin, unit.unit));
  if (d.groups > 0) digest.add(fmt::format("{} groups\n", d.groups));
  if (d.has_sample_weights) digest.add("weights\n");
  digest.add(data.memory().features);
  digest.add(data.memory().targets);
  digest.add(data.memory().groups);
  digest.add(data.memory().sample_weights);
  return digest.text();
}

DatasetMemory DatasetContent::memory() const {
  return {.features = description.storage == Storage::kBytes ? std::as_bytes(std::span(bytes))
                                                             : std::as_bytes(std::span(values)),
          .targets = description.task == Task::kClassification ? std::as_bytes(std::span(labels))
                                                               : std::as_bytes(std::span(targets)),
          .groups = std::as_bytes(std::span(groups)),
          .sample_weights = std::as_bytes(std::span(sample_weights))};
}

void check_content(const DatasetContent& content) {
  const DatasetDescription& description = content.description;
  if (description.samples <= 0 || description.features() <= 0) {
    fail_input("{}: {} samples of {} features; expected at least one of each; check its source",
               description.name, description.samples, description.features());
  }
  if (description.task == Task::kClassification) check_labels(description, content.labels);
  if (description.categories < 0 || description.categories > kMostCategories) {
    fail_input("{}: {} categories; expected at most {}, or 0 for real numbers", description.name,
               description.categories, kMostCategories);
  }
  if (description.categories > 0) {
    if (description.storage == Storage::kBytes) {
      check_categories<std::uint8_t>(description, content.bytes);
    } else {
      check_categories<float>(description, content.values);
    }
  }
  check_groups(description, content.groups);
  check_weights(description, content.sample_weights);
  const DatasetMemory memory = content.memory();
  LOCKSTEP_CHECK(memory.targets.size() == description.target_bytes());
  LOCKSTEP_CHECK(memory.groups.size() == description.group_bytes());
  LOCKSTEP_CHECK(memory.sample_weights.size() == description.weight_bytes());
  if (!content.picture_files.empty()) {
    LOCKSTEP_CHECK(std::ssize(content.picture_files) == description.samples);
  } else if (!content.feature_file) {
    LOCKSTEP_CHECK(memory.features.size() == description.feature_bytes());
  }
}

Dataset make_dataset(DatasetContent content) {
  check_content(content);
  const bool decodes = !content.picture_files.empty();
  if (decodes && !content.feature_file) content.bytes.resize(content.description.feature_bytes());
  struct Owner {
    DatasetContent content;
    std::optional<FileMapping> mapping;
  };
  const auto owner = std::make_shared<Owner>();
  owner->content = std::move(content);
  DatasetMemory memory = owner->content.memory();
  std::span<std::byte> pixels = std::as_writable_bytes(std::span(owner->content.bytes));
  if (owner->content.feature_file) {
    owner->mapping.emplace(*owner->content.feature_file, owner->content.description.feature_bytes(),
                           decodes ? MappedFor::kWriting : MappedFor::kReading);
    memory.features = pixels = owner->mapping->bytes();
  }
  if (decodes) {
    read_pictures(owner->content.picture_files, owner->content.description, 0,
                  {reinterpret_cast<std::uint8_t*>(pixels.data()), pixels.size()});
  }
  return Dataset(owner->content.description, memory, owner);
}

}  // namespace lockstep
