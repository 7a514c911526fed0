#pragma once

#include <cstdint>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "lockstep/train/evaluation.hpp"
#include "lockstep/train/trainer.hpp"

namespace lockstep {

/// The lines of metrics.jsonl: one object each, told apart by its `event`.

/// "start": what runs where.
nlohmann::ordered_json start_event(const Trainer& trainer, const Problem& problem, int world_size,
                                   const std::string& message_library);

/// "resume" after `step`: what runs where from there on, as in `start`, this session's start_event.
nlohmann::ordered_json resume_event(const nlohmann::ordered_json& start, std::uint64_t step);

/// "step": one optimizer step, with rank 0's seconds; where it is measured, "noise_scale" of the averages,
/// and the step's own estimates "gradient_square" and "gradient_variance" (see noise_scale.hpp).
nlohmann::ordered_json step_event(const StepReport& report);

/// "evaluation" of a part of the data after `step`; `of_average`: of the moving average of the weights. A
/// loss that is not finite is null.
nlohmann::ordered_json evaluation_event(const std::string& part, const StepReport& step,
                                        const Evaluation& evaluation, bool of_average);

}  // namespace lockstep
