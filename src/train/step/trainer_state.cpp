// What a training carries from one step to the next, for checkpoints.

#include <algorithm>
#include <utility>

#include "lockstep/core/error.hpp"
#include "lockstep/nn/weights.hpp"
#include "lockstep/parallel/agreement.hpp"
#include "lockstep/parallel/share_vectors.hpp"
#include "lockstep/train/trainer.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// What goes into a TrainingState besides the parameters, of what this rank owns.
std::vector<NamedState> Trainer::owned_state() {
  std::vector<NamedState> vectors;
  for (const NamedState& kept : optimizer_.state())
    vectors.push_back({"optimizer." + kept.name, kept.values, kept.layout});
  if (average_) vectors.push_back({"average", average_->values(), StateLayout(network_.layout())});
  return vectors;
}

TrainingState Trainer::state() {
  const std::vector<NamedState> kept = owned_state();
  if (!gathered_) {
    std::vector<StateLayout> layouts(kept.size());
    std::transform(kept.begin(), kept.end(), layouts.begin(),
                   [](const NamedState& vector) { return vector.layout; });
    gathered_ = std::make_shared<GatheredVectors>(
        topology_, shares_, StateLayout(network_.statistics_layout()), std::move(layouts));
  }
  std::vector<std::span<const Real>> owned(kept.size());
  std::transform(kept.begin(), kept.end(), owned.begin(),
                 [](const NamedState& vector) { return vector.values; });
  std::string digest = gathered_->gather(whole_network().parameters(), network_.statistics(), owned);

  TrainingState state{.steps_done = steps_done_,
                      .skipped = skipped_,
                      .vectors = {},
                      .digest = std::move(digest),
                      .noise = {},
                      .memory = gathered_};
  if (noise_meter_) state.noise = noise_meter_->average().values();
  if (communicator_.rank() != 0) return state;
  state.vectors.push_back({"parameters", gathered_->parameters()});
  if (!network_.statistics().empty()) {
    state.vectors.push_back({"statistics", gathered_->statistics(), &gathered_->statistics_layout()});
  }
  for (std::size_t i = 0; i < kept.size(); ++i) {
    state.vectors.push_back({kept[i].name, gathered_->vector(i), &gathered_->layout(i)});
  }
  return state;
}

void Trainer::restore(const TrainingState& state) {
  std::vector<Real> parameters(static_cast<std::size_t>(shares_.size_of(communicator_.rank())));
  std::vector<NamedState> vectors = owned_state();
  vectors.insert(vectors.begin(), {"parameters", parameters, StateLayout(network_.layout())});
  const bool has_statistics = !network_.statistics().empty();
  if (has_statistics) {
    vectors.insert(vectors.begin() + 1,
                   {"statistics", network_.statistics(), StateLayout(network_.statistics_layout())});
  }
  together(communicator_, [&] {
    if (communicator_.rank() != 0) return;
    const auto fits = [&](const StateVector& stored, const NamedState& kept) {
      return stored.name == kept.name && std::ssize(stored.values) == kept.layout.size();
    };
    if (!std::equal(state.vectors.begin(), state.vectors.end(), vectors.begin(), vectors.end(), fits)) {
      fail_input(
          "the state to go on from belongs to another network or optimizer; expected that of this run");
    }
  });
  const bool deals = communicator_.rank() == 0;
  for (std::size_t i = 0; i < vectors.size(); ++i) {
    if (has_statistics && i == 1) {  // which all ranks have
      if (deals) std::ranges::copy(state.vectors[i].values, vectors[i].values.begin());
      communicator_.broadcast(std::as_writable_bytes(vectors[i].values), 0);
      continue;
    }
    deal_shares(communicator_, shares_, vectors[i].layout,
                deals ? state.vectors[i].values : std::span<const Real>(), vectors[i].values);
  }
  set_own_parameters(parameters);
  steps_done_ = state.steps_done;
  communicator_.broadcast(std::as_writable_bytes(std::span(&steps_done_, 1)), 0);
  skipped_ = state.skipped;
  communicator_.broadcast(std::as_writable_bytes(std::span(&skipped_, 1)), 0);
  NoiseEstimate noise = state.noise;
  communicator_.broadcast(std::as_writable_bytes(std::span(&noise, 1)), 0);
  if (noise_meter_) noise_meter_->average().set(noise);
  if (average_) average_->set_empty(updates_done() == 0);
}

/// Writes this rank's shares, packed, into the replica. Collective.
void Trainer::set_own_parameters(std::span<const Real> packed) {
  replica_->publish();  // nobody reads any more
  for (const Share& share : shares_.owned_by(communicator_.rank())) {
    std::copy_n(packed.begin() + share.position, share.range.size,
                replica_->values().begin() + share.range.offset);
  }
  replica_->publish();
}

void Trainer::save(const std::filesystem::path& file) {
  replica_->complete();
  together(communicator_, [&] {
    if (communicator_.rank() != 0) return;
    write_safetensors(file, weights_metadata(network_, problem_), to_tensors(network_));
  });
}

}  // namespace lockstep::inline LOCKSTEP_REAL
