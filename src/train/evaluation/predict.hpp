#pragma once

#include <functional>
#include <string_view>

#include "lockstep/train/evaluation.hpp"
#include "train/evaluation/prediction_table.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// What `model` predicts for `selection`, dropout off, as the lines of `table`: its header, then one for each
/// sample in order, the same bytes at every rank count. In each round every rank passes and formats one
/// chunk; then all call write(text), rank 0 with the text of the round and the others with none. Returns the
/// samples whose outputs are not finite, in order. Collective. Errors: those of `write` on any rank, on every
/// one.
NonFiniteSamples predict(Network& model, const SampleNormalization& normalization, const Selection& selection,
                         const PredictionTable& table, Communicator& communicator,
                         const std::function<void(std::string_view text)>& write);

}  // namespace lockstep::inline LOCKSTEP_REAL
