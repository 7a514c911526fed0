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
  const std::size_t pairs = normalization.shift.size();
  std::vector<std::uint8_t> bytes;
  for (std::size_t i = 0; i < features.size(); ++i) {
    const double scale = pairs == 0 ? 1 : normalization.scale[i % pairs];
    const double shift = pairs == 0 ? 0 : normalization.shift[i % pairs];
    const double value = scale == 0 ? shift : features[i] / scale + shift;
    bytes.push_back(static_cast<std::uint8_t>(std::clamp(std::round(value), 0.0, 255.0)));
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
      add_picture(data, stored_again(batch.features, problem.normalization), entry);
      pictures.push_back(std::move(entry));
    }
  }
  return {{"augment", to_text(changes)}, {"pictures", pictures}};
}

}  // namespace lockstep::inline LOCKSTEP_REAL
