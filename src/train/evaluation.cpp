#include "lockstep/train/evaluation.hpp"

#include "chunks.hpp"

namespace lockstep {

namespace {

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
  std::vector<ChunkResult> results;
  for_each_chunk(model, normalization, selection, communicator,
                 [&](const Batch& batch, ConstMatrixView outputs) {
                   const MicroBatchRows all{0, 0, batch.rows()};
                   ChunkResult result{};
                   loss.evaluate({.micro_batches = {&all, 1}, .samples = batch.samples}, outputs,
                                 {batch.labels, batch.targets}, {&result.loss, 1}, MatrixView(nullptr, 0, 0));
                   if (description.task == Task::kClassification)
                     result.correct = count_correct(outputs, batch.labels);
                   if (description.task == Task::kMultiLabel)
                     result.correct = count_correct(outputs, batch.targets);
                   results.push_back(result);
                 });

  double sum = 0;
  Index correct = 0;
  for (const ChunkResult& result : gather_parts<ChunkResult>(communicator, chunks_of(selection), results)) {
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
