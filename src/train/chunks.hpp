#pragma once

#include <functional>

#include "lockstep/data/batch.hpp"
#include "lockstep/parallel/partition.hpp"
#include "lockstep/train/evaluation.hpp"

namespace lockstep {

/// Samples that pass together. A constant, so that no sum depends on the rank count.
inline constexpr Index kChunk = 512;

/// Chunks of `selection`.
inline Index chunks_of(const Selection& selection) { return (selection.count + kChunk - 1) / kChunk; }

/// Passes this rank's chunks of `selection`, part_of(chunks_of(selection), ranks, rank), through `model`
/// without dropout and calls visit(samples, outputs) for each, in order. Local.
void for_each_chunk(Model& model, const Normalization& normalization, const Selection& selection,
                    const Communicator& communicator,
                    const std::function<void(const Batch& batch, ConstMatrixView outputs)>& visit);

}  // namespace lockstep
