#include "lockstep/data/synthetic.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <span>

#include "core/text.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/core/random.hpp"

namespace lockstep {

namespace {

/// What a number of the synthetic stream is for; counters are (part, sample or class, what, block of 4).
enum class What : std::uint64_t { kFeature = 0, kNoise = 1, kCentre = 2, kWeight = 3 };

// Larger tables are mistakes, and their size might not fit into 64 bits.
constexpr Index kMostValues = Index{1} << 40U;

std::array<double, 4> draw(const SyntheticOptions& options, Part part, Index item, What what,
                           std::size_t block) {
  return normal(random_bits(options.seed, Purpose::kSynthetic,
                            {static_cast<std::uint64_t>(part), static_cast<std::uint64_t>(item),
                             static_cast<std::uint64_t>(what), block}));
}

/// values[i] += the i-th normal number of (part, item, what).
void add_normal(const SyntheticOptions& options, Part part, Index item, What what, std::span<float> values) {
  std::array<double, 4> numbers{};
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i % 4 == 0) numbers = draw(options, part, item, what, i / 4);
    values[i] += static_cast<float>(numbers[i % 4]);
  }
}

void fill_blobs(Part part, const SyntheticOptions& options, DatasetContent& content) {
  const auto features = static_cast<std::size_t>(options.features);
  std::vector<std::vector<float>> centres;
  for (Index label = 0; label < std::min(options.classes, options.samples); ++label) {
    // Both parts share the centres.
    add_normal(options, Part::kTraining, label, What::kCentre, centres.emplace_back(features, 0.0F));
  }
  for (Index sample = 0; sample < options.samples; ++sample) {
    const Index label = sample % options.classes;
    const auto row = std::span(content.values).subspan(static_cast<std::size_t>(sample) * features, features);
    std::ranges::copy(centres[static_cast<std::size_t>(label)], row.begin());
    add_normal(options, part, sample, What::kFeature, row);
    content.labels.push_back(static_cast<std::int32_t>(label));
  }
}

void fill_linear(Part part, const SyntheticOptions& options, DatasetContent& content) {
  const auto features = static_cast<std::size_t>(options.features);
  for (Index sample = 0; sample < options.samples; ++sample) {
    const auto row = std::span(content.values).subspan(static_cast<std::size_t>(sample) * features, features);
    add_normal(options, part, sample, What::kFeature, row);
    double target = 0.05 + 0.01 * draw(options, part, sample, What::kNoise, 0)[0];
    for (const float feature : row) target += 0.01 * static_cast<double>(feature);
    content.targets.push_back(static_cast<float>(target));
  }
}

void fill_tags(Part part, const SyntheticOptions& options, DatasetContent& content) {
  const auto features = static_cast<std::size_t>(options.features);
  const auto labels = static_cast<std::size_t>(options.classes);
  std::vector<std::vector<float>> weights;
  for (Index label = 0; label < options.classes; ++label) {
    // Both parts share the weights.
    add_normal(options, Part::kTraining, label, What::kWeight, weights.emplace_back(features, 0.0F));
  }
  std::vector<float> noise(labels);
  for (Index sample = 0; sample < options.samples; ++sample) {
    const auto row = std::span(content.values).subspan(static_cast<std::size_t>(sample) * features, features);
    add_normal(options, part, sample, What::kFeature, row);
    std::ranges::fill(noise, 0.0F);
    add_normal(options, part, sample, What::kNoise, noise);
    for (std::size_t label = 0; label < labels; ++label) {
      const double score = std::inner_product(row.begin(), row.end(), weights[label].begin(),
                                              static_cast<double>(noise[label]));
      content.targets.push_back(score > 0 ? 1.0F : 0.0F);
    }
  }
}

struct SyntheticSet {
  Task task;
  void (*fill)(Part, const SyntheticOptions&, DatasetContent&);
};

SyntheticSet find_set(const std::string& name) {
  if (name == "blobs") return {Task::kClassification, fill_blobs};
  if (name == "linear") return {Task::kRegression, fill_linear};
  if (name == "tags") return {Task::kMultiLabel, fill_tags};
  fail_input("'{}': no such synthetic set; expected one of {}", name, join(synthetic_names()));
}

void check_options(const SyntheticOptions& options, Task task) {
  const auto in_range = [](const char* name, Index value, Index least, Index most) {
    if (value < least || value > most) {
      fail_input("`{}` = {}: expected a number from {} to {}", name, value, least, most);
    }
  };
  const Index samples = std::max(options.samples, options.test_samples);
  in_range("samples", options.samples, 1, kMostValues);
  in_range("test-samples", options.test_samples, 0, kMostValues);
  in_range("features", options.features, 1, kMostValues);
  if (task != Task::kRegression) in_range("classes", options.classes, 2, 1'000'000);
  if (samples > kMostValues / options.features) {
    fail_input(
        "`{}` = {} with `features` = {}: expected at most 2^40 values together; "
        "make one of them smaller",
        samples == options.samples ? "samples" : "test-samples", samples, options.features);
  }
}

}  // namespace

const std::vector<std::string>& synthetic_names() {
  static const std::vector<std::string> names = {"blobs", "linear", "tags"};
  return names;
}

Task synthetic_task(const std::string& name) { return find_set(name).task; }

DatasetContent make_synthetic(const std::string& name, Part part, const SyntheticOptions& requested) {
  const SyntheticSet set = find_set(name);
  check_options(requested, set.task);
  SyntheticOptions options = requested;
  if (part == Part::kTest && requested.test_samples > 0) options.samples = requested.test_samples;
  DatasetContent content;
  content.description.name = name;
  content.description.task = set.task;
  content.description.storage = Storage::kFloats;
  content.description.samples = options.samples;
  content.description.feature_shape = {options.features};
  content.description.classes = set.task == Task::kClassification ? options.classes : 0;
  content.description.targets = set.task == Task::kMultiLabel ? options.classes : 1;
  content.values.assign(static_cast<std::size_t>(options.samples * options.features), 0.0F);
  set.fill(part, options, content);
  return content;
}

}  // namespace lockstep
