#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lockstep/comm/communicator.hpp"
#include "lockstep/data/sampler.hpp"
#include "lockstep/nn/network.hpp"
#include "lockstep/parallel/batch_plan.hpp"
#include "lockstep/train/problem.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// A step whose loss or gradient came out as no finite number; everything in it is the same on every rank.
struct FailedStep {
  const Problem& problem;
  const Sampler& sampler;
  const GlobalBatch& batch;
  const BatchPlan& plan;
  const Block* whole;              ///< this rank's part, of a network that needs the whole batch; else null
  RowBlock rows;                   ///< seed, step, precision and sums over the batch; no rows yet
  std::span<const double> losses;  ///< of its micro-batches
};

/// Where a step is first not finite, in words; empty: nowhere.
struct NonFinite {
  std::string text;
  std::string on_any_ranks;  ///< without the rank: the same text at every rank count

  NonFinite& operator+=(std::string_view more) {
    text += more;
    on_any_ranks += more;
    return *this;
  }
};

/// Says where a step with finite weights is first not finite: step, micro-batch, the rank that computed it,
/// unit or tensor, and samples, as indices of the data set. Goes through the network once more for that,
/// with the first micro-batch whose loss is not finite, or else with each until one's gradient is not;
/// samples are then tried one by one. A network that needs the whole batch gets all of that again, on all
/// ranks together. `whole_gradient`, a collective, gives the gradient of the step. The
/// same on every rank. Collective.
NonFinite find_nonfinite(const FailedStep& step, Network& model,
                         const std::function<std::vector<Real>()>& whole_gradient,
                         Communicator& communicator);

/// What to try where a loss or a gradient (`in_step`), or else the weights, are not finite after `updates`
/// steps of the optimizer.
std::string nonfinite_advice(const TrainingOptions& options, const Problem& problem, double learning_rate,
                             std::uint64_t updates, bool in_step);

/// The first tensor with weights that are not finite, and how many they are; empty where all are. Local.
std::string nonfinite_weights(const Network& model);

}  // namespace lockstep::inline LOCKSTEP_REAL
