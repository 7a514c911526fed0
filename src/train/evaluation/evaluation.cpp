#include "lockstep/train/evaluation.hpp"

#include <algorithm>
#include <cmath>
#include <memory>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "lockstep/core/error.hpp"
#include "train/checkpoint/chunks.hpp"
#include "train/evaluation/meter.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

struct ChunkResult {
  double loss;
  double weight;  // by which that is divided
};

ChunkResult result_of(const Loss& loss, const Answers& answers) {
  const Batch& batch = answers.batch;
  const Targets targets{.labels = batch.labels, .values = batch.targets, .weights = batch.weights};
  ChunkResult result{0, 0};
  for (Index row = 0; row < batch.rows(); ++row) {
    const auto at = static_cast<std::size_t>(row);
    result.loss += batch.weights.empty() ? answers.losses[at] : batch.weights[at] * answers.losses[at];
    result.weight += loss.total_weight(targets, row);
  }
  return result;
}

std::unique_ptr<Meter> make_meter(const Loss& loss, const SampleNormalization& normalization,
                                  const Selection& selection) {
  const Task task = selection.data.description().task;
  if (task == Task::kClassification) return make_class_meter(loss, selection);
  if (task == Task::kMultiLabel) return make_label_meter(selection);
  return make_target_meter(normalization.targets, selection);
}

}  // namespace

std::optional<double> Evaluation::measure(const std::string& name) const {
  const auto found = std::ranges::find(measures, name, &Measure::name);
  return found == measures.end() ? std::nullopt : std::optional(found->value);
}

std::string name_samples(std::span<const Index> samples, Index count) {
  const bool all = std::ssize(samples) == count && samples.size() <= kMostNamedSamples;
  return fmt::format("sample{} {}{}", count == 1 ? "" : "s",
                     fmt::join(samples.first(std::min(samples.size(), kMostNamedSamples)), ", "),
                     all ? "" : ", …");
}

std::vector<Measure> scalars_of(const Evaluation& evaluation) {
  std::vector<Measure> scalars = {{"loss", evaluation.loss}};
  if (evaluation.accuracy) scalars.push_back({"accuracy", *evaluation.accuracy});
  scalars.insert(scalars.end(), evaluation.measures.begin(), evaluation.measures.end());
  return scalars;
}

void add_results(nlohmann::ordered_json& line, const Evaluation& evaluation) {
  line["samples"] = evaluation.samples;
  for (const Measure& scalar : scalars_of(evaluation)) line[scalar.name] = scalar.value;
  add_nonfinite(line, evaluation.nonfinite);
}

void add_nonfinite(nlohmann::ordered_json& line, const NonFiniteSamples& samples) {
  if (samples.count == 0) return;
  line.update({{"nonfinite", samples.count}, {"nonfinite_samples", samples.first}});
}

std::string nonfinite_text(const Evaluation& evaluation) {
  if (std::isfinite(evaluation.loss)) return {};
  const NonFiniteSamples& nonfinite = evaluation.nonfinite;
  if (nonfinite.count == 0) return "their sum is not finite";
  return fmt::format("outputs or loss of {} of {} samples are not finite ({})", nonfinite.count,
                     evaluation.samples, name_samples(nonfinite.first, nonfinite.count));
}

Selection all_of(const Dataset& data) {
  return {data, data.size(), [](Index i) { return i; }};
}

Evaluation evaluate(Network& model, const Loss& loss, const SampleNormalization& normalization,
                    const Selection& selection, Communicator& communicator) {
  const DatasetDescription& description = selection.data.description();
  const std::unique_ptr<Meter> meter = make_meter(loss, normalization, selection);
  std::vector<ChunkResult> results;
  NonFiniteSamples nonfinite =
      for_each_chunk(model, loss, normalization, selection, communicator, [&](const Answers& answers) {
        results.push_back(result_of(loss, answers));
        meter->see(answers);
      });

  double sum = 0;
  double weight = 0;
  for (const ChunkResult& result : gather_chunks(communicator, selection, results)) {
    sum += result.loss;
    weight += result.weight;
  }
  if (weight == 0) {
    fail_input("{}: all its {} samples have the weight 0; evaluate others", description.name,
               selection.count);
  }
  Evaluation evaluation{.samples = selection.count,
                        .loss = sum / weight,
                        .accuracy = std::nullopt,
                        .nonfinite = std::move(nonfinite)};
  meter->finish(communicator, evaluation);
  return evaluation;
}

}  // namespace lockstep::inline LOCKSTEP_REAL
