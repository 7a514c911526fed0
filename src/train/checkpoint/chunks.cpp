#include "train/checkpoint/chunks.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "lockstep/parallel/agreement.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

std::vector<double> losses_of(const Loss& loss, const Batch& batch, ConstMatrixView outputs) {
  std::vector<MicroBatchRows> rows;
  rows.reserve(batch.samples.size());
  for (Index r = 0; r < batch.rows(); ++r) rows.push_back({static_cast<int>(r), r, 1});
  std::vector<double> losses(rows.size());
  loss.evaluate({.micro_batches = rows, .samples = batch.samples}, outputs, {batch.labels, batch.targets},
                losses, MatrixView(nullptr, 0, 0));
  return losses;
}

void add_nonfinite(const Answers& answers, NonFiniteSamples& found) {
  for (Index row = 0; row < answers.batch.rows(); ++row) {
    const auto at = static_cast<std::size_t>(row);
    if (is_finite_row(answers.outputs, row) && std::isfinite(answers.losses[at])) continue;
    ++found.count;
    if (found.first.size() < kMostNamedSamples) found.first.push_back(answers.batch.samples[at]);
  }
}

}  // namespace

ConstMatrixView pass_chunk(Network& model, const SampleNormalization& normalization,
                           const Selection& selection, Index chunk, Batch& batch) {
  const Index first = chunk * kChunk;
  batch.samples.resize(static_cast<std::size_t>(std::min(kChunk, selection.count - first)));
  for (Index i = 0; i < batch.rows(); ++i) {
    batch.samples[static_cast<std::size_t>(i)] = selection.sample(first + i);
  }
  gather(selection.data, normalization, batch);
  if (selection.change) selection.change(first, batch);
  return model.evaluate(batch.samples, ConstMatrixView(batch.features.data(), batch.rows(), model.inputs()));
}

NonFiniteSamples of_all_ranks(Communicator& communicator, const NonFiniteSamples& mine) {
  NonFiniteSamples all;
  for (const Index count : all_gather(communicator, mine.count)) all.count += count;
  if (all.count == 0) return all;
  all.first = all_gather_list<Index>(communicator, mine.first);
  all.first.resize(std::min(all.first.size(), kMostNamedSamples));
  return all;
}

NonFiniteSamples for_each_chunk(Network& model, const Loss& loss, const SampleNormalization& normalization,
                                const Selection& selection, Communicator& communicator,
                                const std::function<void(const Answers& answers)>& visit) {
  const Interval mine = part_of(chunks_of(selection), communicator.size(), communicator.rank());
  NonFiniteSamples nonfinite;
  Batch batch;
  for (Index chunk = mine.first; chunk < mine.last; ++chunk) {
    const ConstMatrixView outputs = pass_chunk(model, normalization, selection, chunk, batch);
    const std::vector<double> losses = losses_of(loss, batch, outputs);
    const Answers answers{batch, outputs, losses};
    add_nonfinite(answers, nonfinite);
    visit(answers);
  }
  return of_all_ranks(communicator, nonfinite);
}

}  // namespace lockstep::inline LOCKSTEP_REAL
