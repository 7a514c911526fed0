#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "lockstep/comm/communicator.hpp"
#include "lockstep/train/problem.hpp"
#include "lockstep/train/trainer.hpp"

namespace lockstep {

/// Says what is about to be trained, on what and into which folder; `resumed` is the step after which the run
/// goes on. Warns of threads that have no CPU of their own, and of samples that pass together and take more
/// memory than somebody has set for them in the place of the default. Local, on the rank that writes the run.
void announce_run(const Trainer& trainer, const Problem& problem, const Communicator& communicator,
                  const std::filesystem::path& folder, std::optional<std::uint64_t> resumed);

}  // namespace lockstep
