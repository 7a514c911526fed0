#pragma once

#include <functional>
#include <span>

#include "lockstep/data/batch.hpp"
#include "lockstep/parallel/partition.hpp"
#include "lockstep/train/evaluation.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// Samples that pass together. A constant, so that no sum depends on the rank count.
inline constexpr Index kChunk = 512;

/// Chunks of `selection`.
inline Index chunks_of(const Selection& selection) { return (selection.count + kChunk - 1) / kChunk; }

/// Fills `batch` with the samples of a chunk of `selection` and passes them through `model`, without dropout;
/// its outputs, until the next pass. Local.
ConstMatrixView pass_chunk(Network& model, const SampleNormalization& normalization,
                           const Selection& selection, Index chunk, Batch& batch);

/// The samples of all ranks. Collective.
NonFiniteSamples of_all_ranks(Communicator& communicator, const NonFiniteSamples& mine);

/// What a network makes of the samples of a chunk, without dropout.
struct Answers {
  const Batch& batch;
  ConstMatrixView outputs;
  std::span<const double> losses;  ///< of each sample, not multiplied by its weight in the data
};

/// Passes this rank's chunks of `selection`, part_of(chunks_of(selection), ranks, rank), through `model` and
/// calls visit(answers) for each, in order. Returns the samples, of all ranks, whose answers are not finite.
/// Collective.
NonFiniteSamples for_each_chunk(Network& model, const Loss& loss, const SampleNormalization& normalization,
                                const Selection& selection, Communicator& communicator,
                                const std::function<void(const Answers& answers)>& visit);

}  // namespace lockstep::inline LOCKSTEP_REAL
