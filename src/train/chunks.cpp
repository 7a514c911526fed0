#include "chunks.hpp"

#include <algorithm>

namespace lockstep {

void for_each_chunk(Model& model, const Normalization& normalization, const Selection& selection,
                    const Communicator& communicator,
                    const std::function<void(const Batch& batch, ConstMatrixView outputs)>& visit) {
  const Interval mine = part_of(chunks_of(selection), communicator.size(), communicator.rank());
  Batch batch;
  for (Index chunk = mine.first; chunk < mine.last; ++chunk) {
    const Index first = chunk * kChunk;
    batch.samples.resize(static_cast<std::size_t>(std::min(kChunk, selection.count - first)));
    for (Index i = 0; i < batch.rows(); ++i) {
      batch.samples[static_cast<std::size_t>(i)] = selection.sample(first + i);
    }
    gather(selection.data, normalization, batch);
    const MicroBatchRows all{0, 0, batch.rows()};
    visit(batch, model.forward({.micro_batches = {&all, 1}, .samples = batch.samples},
                               ConstMatrixView(batch.features.data(), batch.rows(), model.inputs())));
  }
}

}  // namespace lockstep
