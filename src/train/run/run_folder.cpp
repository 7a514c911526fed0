#include "train/run/run_folder.hpp"

#include <exception>
#include <unistd.h>

#include <fmt/format.h>

#include "lockstep/core/error.hpp"
#include "lockstep/core/log.hpp"
#include "lockstep/nn/weights.hpp"
#include "report/run_report.hpp"
#include "train/evaluation/drawn_pictures.hpp"
#include "train/run/metrics.hpp"

namespace lockstep {

namespace {

using Json = nlohmann::ordered_json;

}  // namespace

RunFolder::RunFolder(const RunStart& start, const RunIdentity& identity, const Problem& problem,
                     const Trainer& trainer, Checkpointing& checkpointing)
    : problem_(problem),
      trainer_(trainer),
      checkpointing_(checkpointing),
      writes_events_(start.config.run.tensorboard),
      config_text_(to_text(settings_of(with_absolute_paths(start.config)))) {
  const Config& config = start.config;
  if (start.checkpoint) {
    check_goes_on(*start.checkpoint, identity, config, problem.split.training_size());
    directory_.emplace(config.run.dir, start.checkpoint->state.steps_done);
  } else if (start.replaces) {
    directory_.emplace(config.run.dir, 0);
  } else {
    directory_.emplace(config.run.dir.empty() ? make_run_folder() : config.run.dir);
  }
  if (writes_events_) directory_->write_events();
  run_dir_ = path().string();
  directory_->write("config.cfg", config_text_);
  const Json augmented = augmented_samples(problem, config.training.seed);
  if (!augmented.is_null()) directory_->write("augmented.json", to_line(augmented));
  log::open_file(path() / "train.log", start.checkpoint.has_value());
  checkpointing.open(
      CheckpointStore(path(), static_cast<std::size_t>(config.checkpoint.keep), trainer.network().layout(),
                      weights_metadata(trainer.network(), problem)),
      [this] { directory_->sync(); });
}

void RunFolder::begin(const Json& start, const std::optional<std::uint64_t>& resumed) {
  start_ = start;
  directory_->metric(resumed ? resume_event(start, *resumed) : start);
}

void RunFolder::keep() {
  if (!directory_->is_gone()) return;
  checkpointing_.wait();  // it uses the directory
  try {
    directory_.emplace(run_dir_);
    if (writes_events_) directory_->write_events();
    directory_->write("config.cfg", config_text_);
  } catch (const Error& error) {
    throw Error(
        error.code(),
        fmt::format("run.dir = {}: was removed or moved before step {} ended, and can't be made again "
                    "({}); the weights after that step are in {}{}",
                    run_dir_, trainer_.steps_done(), error.what(), save_elsewhere().string(),
                    trainer_.has_whole_network() ? "" : ", those of other hosts rounded to bfloat16"));
  }
  directory_->metric(start_);
  log::open_file(path() / "train.log", true);
  log::warn(
      fmt::format("lockstep: run.dir = {}: was removed or moved before step {} ended; it is made again, "
                  "and holds what comes from here on",
                  run_dir_, trainer_.steps_done()));
}

std::filesystem::path RunFolder::save_elsewhere() const {
  std::filesystem::path file =
      std::filesystem::temp_directory_path() /
      fmt::format("lockstep-{}-step-{}.safetensors", getpid(), trainer_.steps_done());
  write_safetensors(file, weights_metadata(trainer_.network(), problem_), to_tensors(trainer_.network()));
  return file;
}

void RunFolder::write_weights(const std::string& name, const Network& network) {
  keep();
  write_safetensors(path() / name, weights_metadata(network, problem_), to_tensors(network));
}

void RunFolder::leave(bool failed, const std::string& message) {
  directory_->metric(
      {{"event", "stop"}, {"step", trainer_.steps_done()}, {"failed", failed}, {"message", message}});
  write_page();
}

void RunFolder::write_page() const {
  const std::filesystem::path page = path() / "report.html";
  try {
    write_run_report({path()}, page);
    log::info(fmt::format("page     {}", page.string()));
  } catch (const std::exception& exception) {
    log::warn(fmt::format("{}: not written: {}", page.string(), as_error(exception).what()));
  }
}

}  // namespace lockstep
