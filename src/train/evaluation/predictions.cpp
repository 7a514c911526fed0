#include "train/evaluation/predictions.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "lockstep/core/functions.hpp"
#include "train/checkpoint/chunks.hpp"
#include "train/evaluation/drawn_pictures.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kWorst = 24;
constexpr std::size_t kPairs = 2000;
constexpr Index kMostClasses = 200;

constexpr std::int32_t kNone = -1;

struct Sample {
  double loss;
  double probability;  // of the true class
  Index sample;
  std::int32_t label;
  std::int32_t predicted;  // or none
};

/// What one rank has seen.
struct Seen {
  std::vector<std::vector<Index>> confusion;
  std::vector<Sample> worst;
  std::vector<Real> targets, predictions;
};

double softmax_at(std::span<const Real> outputs, std::size_t k) {
  double sum = 0;
  for (const Real output : outputs) sum += portable::exp(static_cast<double>(output) - outputs[k]);
  return 1 / sum;
}

/// Larger losses first; of equal ones the earlier sample, so that the choice does not depend on the rank
/// count.
void keep_worst(std::vector<Sample>& samples) {
  std::sort(samples.begin(), samples.end(), [](const Sample& a, const Sample& b) {
    return a.loss != b.loss ? a.loss > b.loss : a.sample < b.sample;
  });
  if (samples.size() > kWorst) samples.resize(kWorst);
}

void see_classes(const Answers& answers, Seen& seen) {
  const auto width = static_cast<std::size_t>(answers.outputs.cols());
  for (Index r = 0; r < answers.outputs.rows(); ++r) {
    const auto row = static_cast<std::size_t>(r);
    const std::int32_t label = answers.batch.labels[row];
    const std::optional<Index> predicted = predicted_class(answers.outputs, r);
    if (!seen.confusion.empty() && predicted)
      ++seen.confusion[static_cast<std::size_t>(label)][static_cast<std::size_t>(*predicted)];
    // A loss that is no number is the worst of all.
    const double loss = answers.losses[row];
    seen.worst.push_back({std::isnan(loss) ? std::numeric_limits<double>::infinity() : loss,
                          softmax_at({answers.outputs.data() + r * answers.outputs.cols(), width}, label),
                          answers.batch.samples[row], label,
                          static_cast<std::int32_t>(predicted.value_or(kNone))});
  }
  keep_worst(seen.worst);
}

void see_values(const Answers& answers, const Normalization& targets, Seen& seen) {
  for (Index r = 0; r < answers.outputs.rows() && seen.targets.size() < kPairs; ++r) {
    const auto as_stored = [&](Real value) { return static_cast<Real>(denormalized(targets, 0, value)); };
    seen.targets.push_back(as_stored(answers.batch.targets[static_cast<std::size_t>(r)]));
    seen.predictions.push_back(as_stored(answers.outputs(r, 0)));
  }
}

std::vector<std::string> class_names(const DatasetDescription& data) {
  std::vector<std::string> names = data.class_names;
  for (Index k = std::ssize(names); k < data.classes; ++k) names.push_back(std::to_string(k));
  return names;
}

Json worst_json(const Dataset& data, const std::vector<Sample>& worst,
                const std::vector<std::string>& names) {
  const DatasetDescription& description = data.description();
  const auto features = static_cast<std::size_t>(description.features());
  Json list = Json::array();
  for (const Sample& s : worst) {
    Json entry = {
        {"sample", s.sample},
        {"label", names[static_cast<std::size_t>(s.label)]},
        {"predicted", s.predicted == kNone ? Json() : Json(names[static_cast<std::size_t>(s.predicted)])},
        {"probability", s.predicted == kNone ? Json() : Json(s.probability)},
        {"loss", s.loss}};
    if (can_be_drawn(description)) {
      add_picture(description, data.bytes().subspan(static_cast<std::size_t>(s.sample) * features, features),
                  entry);
    }
    list.push_back(std::move(entry));
  }
  return list;
}

/// All ranks' counts, entry by entry. Collective.
void add_up(Communicator& communicator, std::vector<std::vector<Index>>& confusion) {
  for (std::vector<Index>& row : confusion) {
    const std::vector<Index> all = all_gather_list<Index>(communicator, row);
    std::fill(row.begin(), row.end(), 0);
    for (std::size_t i = 0; i < all.size(); ++i) row[i % row.size()] += all[i];
  }
}

}  // namespace

Json examine_predictions(Network& model, const Loss& loss, const SampleNormalization& normalization,
                         const Selection& selection, const std::string& part, Communicator& communicator) {
  const DatasetDescription& data = selection.data.description();
  const bool classifies = data.task == Task::kClassification;
  if (!classifies && (data.task != Task::kRegression || model.outputs() != 1)) return nullptr;

  Seen seen;
  if (classifies && data.classes <= kMostClasses) {
    const auto classes = static_cast<std::size_t>(data.classes);
    seen.confusion.assign(classes, std::vector<Index>(classes));
  }
  const NonFiniteSamples nonfinite =
      for_each_chunk(model, loss, normalization, selection, communicator, [&](const Answers& answers) {
        if (classifies) {
          see_classes(answers, seen);
        } else {
          see_values(answers, normalization.targets, seen);
        }
      });
  add_up(communicator, seen.confusion);
  seen.worst = all_gather_list<Sample>(communicator, seen.worst);
  keep_worst(seen.worst);
  seen.targets = all_gather_list<Real>(communicator, seen.targets);
  seen.predictions = all_gather_list<Real>(communicator, seen.predictions);
  if (communicator.rank() != 0) return nullptr;

  Json result = {{"part", part}, {"samples", selection.count}};
  add_nonfinite(result, nonfinite);
  if (classifies) {
    const std::vector<std::string> names = class_names(data);
    result.update({{"task", "classification"}, {"classes", names}});
    if (!seen.confusion.empty()) result["confusion"] = seen.confusion;
    result["worst"] = worst_json(selection.data, seen.worst, names);
  } else {
    seen.targets.resize(std::min(seen.targets.size(), kPairs));
    seen.predictions.resize(seen.targets.size());
    result.update({{"task", "regression"}, {"targets", seen.targets}, {"predictions", seen.predictions}});
  }
  return result;
}

}  // namespace lockstep::inline LOCKSTEP_REAL
