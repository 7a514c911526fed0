#include "train/evaluation/predict.hpp"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <string>
#include <vector>

#include "lockstep/parallel/agreement.hpp"
#include "train/checkpoint/chunks.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

/// `text` of every rank, one after the other, on rank 0; nothing elsewhere. Collective.
std::string gather_text(Communicator& communicator, const std::string& text) {
  const std::vector<std::size_t> sizes = all_gather(communicator, text.size());
  if (communicator.rank() != 0) {
    const OutgoingMessage message{0, std::as_bytes(std::span(text))};
    communicator.exchange({&message, 1}, {});
    return {};
  }
  std::string all = text;
  all.resize(std::accumulate(sizes.begin(), sizes.end(), std::size_t{0}));
  std::vector<IncomingMessage> incoming;
  std::size_t first = text.size();
  for (int rank = 1; rank < communicator.size(); ++rank) {
    const std::size_t size = sizes[static_cast<std::size_t>(rank)];
    incoming.push_back({rank, std::as_writable_bytes(std::span(all)).subspan(first, size)});
    first += size;
  }
  communicator.exchange({}, incoming);
  return all;
}

void append(NonFiniteSamples& all, const NonFiniteSamples& more) {
  all.count += more.count;
  all.first.insert(all.first.end(), more.first.begin(), more.first.end());
  all.first.resize(std::min(all.first.size(), kMostNamedSamples));
}

/// The lines of the samples in `batch`.
std::string lines_of(const PredictionTable& table, const Batch& batch, ConstMatrixView outputs,
                     NonFiniteSamples& nonfinite) {
  std::string text;
  const auto width = static_cast<std::size_t>(outputs.cols());
  for (Index row = 0; row < batch.rows(); ++row) {
    const Index sample = batch.samples[static_cast<std::size_t>(row)];
    table.add_row(sample, {outputs.data() + row * outputs.cols(), width}, text);
    if (!is_finite_row(outputs, row)) append(nonfinite, {.count = 1, .first = {sample}});
  }
  return text;
}

}  // namespace

NonFiniteSamples predict(Network& model, const SampleNormalization& normalization, const Selection& selection,
                         const PredictionTable& table, Communicator& communicator,
                         const std::function<void(std::string_view text)>& write) {
  NonFiniteSamples nonfinite;
  Batch batch;
  for (Index round = 0; round < chunks_of(selection); round += communicator.size()) {
    const Index chunk = round + communicator.rank();
    std::string text = chunk == 0 ? table.header() : "";
    NonFiniteSamples mine;
    if (chunk < chunks_of(selection)) {
      const ConstMatrixView outputs = pass_chunk(model, normalization, selection, chunk, batch);
      text += lines_of(table, batch, outputs, mine);
    }
    append(nonfinite, of_all_ranks(communicator, mine));
    text = gather_text(communicator, text);
    together(communicator, [&] { write(text); });
  }
  return nonfinite;
}

}  // namespace lockstep::inline LOCKSTEP_REAL
