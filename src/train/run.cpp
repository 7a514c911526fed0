#include "lockstep/train/run.hpp"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <optional>
#include <utility>

#include "progress.hpp"
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "lockstep/core/log.hpp"
#include "lockstep/core/text.hpp"
#include "lockstep/core/version.hpp"
#include "lockstep/nn/products.hpp"
#include "lockstep/nn/weights.hpp"
#include "lockstep/parallel/agreement.hpp"
#include "lockstep/train/run_directory.hpp"
#include "lockstep/train/trainer.hpp"

namespace lockstep {

namespace {

using Json = nlohmann::ordered_json;

std::string cpu_model() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("model name")) return std::string(trim(line.substr(line.find(':') + 1)));
  }
  return "unknown";
}

/// One run as the person and the run directory see it; rank 0 alone writes.
class Run {
 public:
  Run(const Config& config, const Problem& problem, Communicator& communicator)
      : problem_(problem),
        communicator_(communicator),
        trainer_(config, problem, communicator),
        progress_(trainer_.total_steps(), static_cast<std::uint64_t>(trainer_.steps_per_epoch())) {
    together(communicator, [&] {
      if (communicator.rank() != 0) return;
      directory_.emplace(config.run.dir);
      directory_->write("config.cfg", to_text(config));
      log::open_file(directory_->path() / "train.log");
    });
  }

  void train(const std::string& message_library) {
    announce(message_library);
    const auto begin = std::chrono::steady_clock::now();
    const auto steps_per_epoch = static_cast<std::uint64_t>(trainer_.steps_per_epoch());
    while (trainer_.steps_done() < trainer_.total_steps()) {
      const StepReport report = trainer_.step();
      record(report);
      if (report.step % steps_per_epoch == 0 || report.step == trainer_.total_steps()) evaluate(report);
    }
    finish(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }

 private:
  void announce(const std::string& message_library) {
    if (!directory_) return;
    const DatasetDescription& data = problem_.training.description();
    directory_->metric({{"event", "start"},
                        {"version", kVersion},
                        {"world_size", communicator_.size()},
                        {"cpu", cpu_model()},
                        {"libraries", {message_library, products_library()}},
                        {"threads", 1},
                        {"micro_batches", trainer_.micro_batches()},
                        {"parameters", trainer_.model().layout().size()},
                        {"training_samples", problem_.split.training_size()}});
    log::info(fmt::format("data     {}: {} training samples of {} features", data.name,
                          problem_.split.training_size(), data.features()));
    log::info(fmt::format("network  {} ({} parameters)", trainer_.model().text(),
                          trainer_.model().layout().size()));
    log::info(fmt::format("run      {} steps on {} rank{}, {} micro-batches a step, into {}",
                          trainer_.total_steps(), communicator_.size(), communicator_.size() == 1 ? "" : "s",
                          trainer_.micro_batches(), directory_->path().string()));
  }

  void record(const StepReport& report) {
    if (!directory_) return;
    progress_.step(report);
    directory_->metric({{"event", "step"},
                        {"step", report.step},
                        {"epoch", report.epoch},
                        {"loss", report.loss},
                        {"learning_rate", report.learning_rate},
                        {"gradient_norm", report.gradient_norm},
                        {"samples_per_second", static_cast<double>(report.samples) / report.seconds}});
    epoch_loss_ += report.loss * static_cast<double>(report.samples);
    epoch_samples_ += report.samples;
  }

  /// Collective.
  void evaluate(const StepReport& report) {
    std::string line = fmt::format("epoch {:.4g}: training loss {:.4f}", report.epoch,
                                   epoch_loss_ / static_cast<double>(std::max<Index>(epoch_samples_, 1)));
    epoch_loss_ = 0;
    epoch_samples_ = 0;
    if (problem_.split.validation_size() > 0) {
      line += evaluate_part(report, "validation",
                            {problem_.training, problem_.split.validation_size(),
                             [this](Index i) { return problem_.split.validation(i); }});
    }
    if (problem_.test) line += evaluate_part(report, "test", all_of(*problem_.test));
    log::info(fmt::format("{}, {:.0f} samples/s", line, progress_.samples_per_second()));
  }

  std::string evaluate_part(const StepReport& report, const std::string& part, const Selection& selection) {
    const Evaluation evaluation = trainer_.evaluate(selection);
    Json line = {{"event", "evaluation"},         {"part", part},
                 {"epoch", report.epoch},         {"step", report.step},
                 {"samples", evaluation.samples}, {"loss", evaluation.loss}};
    std::string text = fmt::format(", {} loss {:.4f}", part, evaluation.loss);
    if (evaluation.accuracy) {
      line["accuracy"] = *evaluation.accuracy;
      text += fmt::format(", {} accuracy {:.2f}%", part, 100 * *evaluation.accuracy);
    }
    if (directory_) directory_->metric(line);
    return text;
  }

  void finish(double seconds) {
    together(communicator_, [&] {
      if (!directory_) return;
      const std::string digest = weights_digest(trainer_.model());
      write_safetensors(directory_->path() / "weights.safetensors",
                        {weights_metadata(trainer_.model(), problem_), to_tensors(trainer_.model())});
      directory_->metric({{"event", "end"},
                          {"steps", trainer_.steps_done()},
                          {"samples_per_second", progress_.samples_per_second()},
                          {"weights_digest", digest}});
      log::info(fmt::format("done     {} steps in {}, {:.0f} samples/s", trainer_.steps_done(),
                            duration_text(seconds), progress_.samples_per_second()));
      log::info(fmt::format("weights  {}/weights.safetensors", directory_->path().string()));
      log::info(fmt::format("weights_digest {}", digest));
    });
  }

  const Problem& problem_;
  Communicator& communicator_;
  Trainer trainer_;
  Progress progress_;
  std::optional<RunDirectory> directory_;  // rank 0 alone
  double epoch_loss_ = 0;                  // summed over the samples since the last evaluation
  Index epoch_samples_ = 0;
};

}  // namespace

void run_training(Config config, Communicator& communicator, const std::string& message_library) {
  resolve_micro_batches(config, communicator.size());
  if (config.run.dir.empty()) config.run.dir = default_run_path();
  const Problem problem = make_problem(config, communicator);
  Run(config, problem, communicator).train(message_library);
}

}  // namespace lockstep
