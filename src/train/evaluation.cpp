#include "lockstep/train/evaluation.hpp"

#include <algorithm>

#include "lockstep/data/batch.hpp"
#include "lockstep/parallel/partition.hpp"

namespace lockstep {

namespace {

/// Samples that pass together. A constant, so that no sum depends on the rank count.
constexpr Index kChunk = 512;

struct ChunkResult {
  double loss;
  Index correct;
};

}  // namespace

Selection all_of(const Dataset& data) {
  return {data, data.size(), [](Index i) { return i; }};
}

Evaluation evaluate(Model& model, const Loss& loss, const Normalization& normalization,
                    const Selection& selection, Communicator& communicator) {
  const DatasetDescription& description = selection.data.description();
  const Index chunks = (selection.count + kChunk - 1) / kChunk;
  const Interval mine = part_of(chunks, communicator.size(), communicator.rank());
  std::vector<ChunkResult> results;
  Batch batch;
  for (Index chunk = mine.first; chunk < mine.last; ++chunk) {
    const Index first = chunk * kChunk;
    batch.samples.resize(static_cast<std::size_t>(std::min(kChunk, selection.count - first)));
    for (Index i = 0; i < batch.rows(); ++i) {
      batch.samples[static_cast<std::size_t>(i)] = selection.sample(first + i);
    }
    gather(selection.data, normalization, batch);

    const MicroBatchRows all{0, 0, batch.rows()};
    const RowBlock block{.micro_batches = {&all, 1}, .samples = batch.samples};
    const ConstMatrixView outputs =
        model.forward(block, ConstMatrixView(batch.features.data(), batch.rows(), model.inputs()));
    ChunkResult result{};
    loss.evaluate(block, outputs, {batch.labels, batch.targets}, {&result.loss, 1},
                  MatrixView(nullptr, 0, 0));
    if (description.task == Task::kClassification) result.correct = count_correct(outputs, batch.labels);
    if (description.task == Task::kMultiLabel) result.correct = count_correct(outputs, batch.targets);
    results.push_back(result);
  }

  double sum = 0;
  Index correct = 0;
  for (const ChunkResult& result : gather_parts<ChunkResult>(communicator, chunks, results)) {
    sum += result.loss;
    correct += result.correct;
  }
  const auto count = static_cast<double>(selection.count);
  Evaluation evaluation{.samples = selection.count, .loss = sum / count, .accuracy = std::nullopt};
  if (description.task != Task::kRegression) {
    evaluation.accuracy = static_cast<double>(correct) / (count * static_cast<double>(description.targets));
  }
  return evaluation;
}

}  // namespace lockstep
