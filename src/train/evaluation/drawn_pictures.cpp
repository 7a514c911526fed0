#include "train/evaluation/drawn_pictures.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/text.hpp"
#include "data/mixup.hpp"
#include "data/picture_changes.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

using Json = nlohmann::ordered_json;

/// What the network sees, as bytes again.
std::vector<std::uint8_t> stored_again(std::span<const Real> features, const Normalization& normalization) {
  std::vector<std::uint8_t> bytes;
  for (std::size_t i = 0; i < features.size(); ++i) {
    const double value = std::round(denormalized(normalization, i, features[i]));
    bytes.push_back(static_cast<std::uint8_t>(std::clamp(value, 0.0, 255.0)));
  }
  return bytes;
}

/// [channels][pixels] as bytes with the channels last, from 1 to 255 by the largest size of a weight.
std::vector<std::uint8_t> drawn_filter(std::span<const Real> weights, Index channels) {
  Real largest = 0;
  for (const Real weight : weights) largest = std::max(largest, std::abs(weight));
  const double scale = largest > 0 && std::isfinite(largest) ? 127 / static_cast<double>(largest) : 0;
  const Index pixels = std::ssize(weights) / channels;
  std::vector<std::uint8_t> bytes;
  for (Index pixel = 0; pixel < pixels; ++pixel) {
    for (Index channel = 0; channel < channels; ++channel) {
      const double weight = weights[static_cast<std::size_t>(channel * pixels + pixel)];
      bytes.push_back(static_cast<std::uint8_t>(std::round(128 + (scale > 0 ? scale * weight : 0))));
    }
  }
  return bytes;
}

}  // namespace

bool can_be_drawn(const DatasetDescription& data) {
  return is_picture(data) && data.storage == Storage::kBytes &&
         (data.channels() == 1 || data.channels() == 3);
}

void add_picture(const DatasetDescription& data, std::span<const std::uint8_t> picture, Json& entry) {
  entry["width"] = data.feature_shape.back();
  entry["height"] = data.feature_shape[data.feature_shape.size() - 2];
  entry["channels"] = data.channels();
  entry["pixels"] = base64(std::as_bytes(picture));
}

Json first_filters(const Network& network) {
  constexpr std::size_t kAxes = 4;  // outputs, channels, height, width
  constexpr Index kLeastSide = 3;
  constexpr Index kMostFilters = 64;
  const std::vector<ParameterTensor>& tensors = network.layout().tensors();
  const auto first =
      std::ranges::find(tensors, kAxes, [](const auto& tensor) { return tensor.shape.size(); });
  if (first == tensors.end()) return nullptr;
  const std::vector<Index>& shape = first->shape;
  if ((shape[1] != 1 && shape[1] != 3) || shape[2] < kLeastSide) return nullptr;

  const DatasetDescription drawn{.feature_shape = {shape[1], shape[2], shape[3]}};
  const auto size = static_cast<std::size_t>(drawn.features());
  Json pictures = Json::array();
  for (Index i = 0; i < std::min(shape[0], kMostFilters); ++i) {
    const auto begin = static_cast<std::size_t>(first->range.offset) + static_cast<std::size_t>(i) * size;
    Json entry = {{"filter", i}};
    add_picture(drawn, drawn_filter(network.parameters().subspan(begin, size), shape[1]), entry);
    pictures.push_back(std::move(entry));
  }
  return {{"tensor", first->name}, {"filters", shape[0]}, {"pictures", pictures}};
}

Json augmented_samples(const Problem& problem, std::uint64_t seed) {
  constexpr Index kMostSamples = 8;
  constexpr std::uint64_t kEpochs = 4;
  const DatasetDescription& data = problem.training.description();
  Augmentation changes = problem.augmentation;
  if (mixes(changes)) changes.pop_back();
  if (changes.empty() || !can_be_drawn(data)) return nullptr;

  Json pictures = Json::array();
  Batch batch;
  for (Index i = 0; i < std::min(kMostSamples, problem.split.training_size()); ++i) {
    batch.samples = {problem.split.training(i)};
    for (std::uint64_t epoch = 0; epoch < kEpochs; ++epoch) {
      gather(problem.training, problem.normalization, batch,
             {.changes = changes, .seed = seed, .epoch = epoch});
      Json entry = {{"sample", batch.samples[0]}, {"epoch", epoch + 1}};
      if (data.task == Task::kClassification) entry["label"] = data.class_name(batch.labels[0]);
      add_picture(data, stored_again(batch.features, problem.normalization.features), entry);
      pictures.push_back(std::move(entry));
    }
  }
  return {{"augment", to_text(changes)}, {"pictures", pictures}};
}

}  // namespace lockstep::inline LOCKSTEP_REAL
