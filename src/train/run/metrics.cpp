#include "train/run/metrics.hpp"

#include <nlohmann/json.hpp>

#include "core/machine.hpp"
#include "core/vector_unit.hpp"
#include "lockstep/core/threads.hpp"
#include "lockstep/core/version.hpp"

namespace lockstep {

using Json = nlohmann::ordered_json;

Json start_event(const Trainer& trainer, const Problem& problem, int world_size,
                 const std::string& message_library) {
  return {{"event", "start"},
          {"version", kVersion},
          {"world_size", world_size},
          {"cpu", cpu_model()},
          {"libraries", Json::array({message_library})},
          {"vector_unit", to_text(vector_unit())},
          {"threads", threads()},
          {"micro_batches", trainer.micro_batches()},
          {"parameters", trainer.network().layout().size()},
          {"training_samples", problem.split.training_size()}};
}

Json resume_event(const Json& start, std::uint64_t step) {
  Json line = {{"event", "resume"}, {"step", step}};
  for (const auto& [name, value] : start.items()) {
    if (name != "event") line[name] = value;
  }
  return line;
}

Json step_event(const StepReport& report) {
  Json seconds;
  for (const StepPart part : all_step_parts()) seconds[name_of(part)] = report.times[part];
  seconds["other"] = report.seconds - report.times.sum();
  Json line = {{"event", "step"},
               {"step", report.step},
               {"epoch", report.epoch},
               {"loss", report.loss},
               {"learning_rate", report.learning_rate},
               {"gradient_norm", report.gradient_norm},
               {"samples_per_second", static_cast<double>(report.samples) / report.seconds},
               {"seconds", seconds}};
  if (report.skipped) line["skipped"] = true;
  if (report.noise) {
    line["noise_scale"] = report.noise->scale;
    line["gradient_square"] = report.noise->estimate.square;
    line["gradient_variance"] = report.noise->estimate.variance;
  }
  return line;
}

Json evaluation_event(const std::string& part, const StepReport& step, const Evaluation& evaluation,
                      bool of_average) {
  Json line = {{"event", "evaluation"}, {"part", part}};
  if (of_average) line["weights"] = "average";
  line.update({{"epoch", step.epoch}, {"step", step.step}});
  add_results(line, evaluation);
  return line;
}

}  // namespace lockstep
