#pragma once

#include <functional>
#include <optional>

#include "lockstep/comm/communicator.hpp"
#include "lockstep/data/normalization.hpp"
#include "lockstep/nn/loss.hpp"
#include "lockstep/nn/model.hpp"

namespace lockstep {

struct Evaluation {
  Index samples = 0;
  double loss = 0;  ///< mean over samples
  /// Classification: part of the samples whose largest output is at their label; multi-label: part of all
  /// labels predicted right, an output above 0 meaning 1; regression: none.
  std::optional<double> accuracy;
};

/// Samples sample(0) … sample(count-1) of a data set.
struct Selection {
  const Dataset& data;
  Index count;
  std::function<Index(Index)> sample;
};

/// All samples of `data`.
Selection all_of(const Dataset& data);

/// Mean loss and accuracy of `model` over `selection`, each sample once, dropout off: the same bits at every
/// rank count. Ranks share chunks of a fixed number of samples. Collective.
Evaluation evaluate(Model& model, const Loss& loss, const Normalization& normalization,
                    const Selection& selection, Communicator& communicator);

}  // namespace lockstep
