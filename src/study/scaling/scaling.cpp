#include "study/scaling/scaling.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <thread>

#include <fmt/format.h>

#include "core/statistics.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/core/log.hpp"
#include "study/studies.hpp"
#include "study/study_run.hpp"
#include "study/sweep/value_list.hpp"
#include "train/step/timed_training.hpp"

namespace lockstep {

namespace {

constexpr const char* kAuto = "auto";

/// The numbers of an option, see parse_whole_numbers; nothing for "auto".
std::vector<Index> numbers_of(const StudyRun& study, const std::string& name, Index most,
                              const std::string& what) {
  const std::string& text = study.option(name);
  return text == kAuto ? std::vector<Index>{}
                       : parse_whole_numbers("--" + name, text, most, what + ", or auto");
}

/// All up to 8, then powers of two, and all that were started.
std::vector<Index> chosen_ranks(const StudyRun& study, Index started) {
  constexpr Index kAll = 8;
  const std::vector<Index> given = numbers_of(study, "ranks", started, "the ranks that mpirun started");
  std::set<Index> ranks(given.begin(), given.end());
  if (given.empty()) {
    for (Index count = 1; count <= started; count += count < kAll ? 1 : count) ranks.insert(count);
    ranks.insert(started);
  }
  ranks.insert(1);  // what speed-up is over
  return {ranks.begin(), ranks.end()};
}

/// That of the configuration, and a quarter of it, which tells the costs of a step from those of a sample.
std::vector<Index> chosen_batches(const StudyRun& study, Index batch_size, Index samples) {
  constexpr Index kLess = 4;
  const std::vector<Index> given = numbers_of(study, "batches", samples, "the training samples");
  std::set<Index> batches(given.begin(), given.end());
  if (given.empty()) batches.insert(std::max<Index>(batch_size / kLess, 1));
  batches.insert(batch_size);
  return {batches.begin(), batches.end()};
}

Index chosen_rank_batch(const StudyRun& study, Index batch_size, Index most_ranks, Index samples) {
  const std::vector<Index> given =
      numbers_of(study, "rank-batch", samples / most_ranks, "the training samples over the ranks");
  if (given.size() > 1) fail_input("--rank-batch {}: expected one number", study.option("rank-batch"));
  return given.empty() ? std::max<Index>(batch_size / most_ranks, 1) : given.front();
}

/// Measures all cells in turn, again and again. Collective.
void measure(StudyRun& study, const Problem& problem, ScalingResults& results) {
  const Index rounds = study.count("rounds");
  std::vector<std::vector<StepMeasurement>> measured(results.cells.size());
  for (Index round = 0; round < rounds; ++round) {
    log::status(fmt::format("round {} of {}", round + 1, rounds));
    for (std::size_t i = 0; i < results.cells.size(); ++i) {
      const ScalingCell& cell = results.cells[i];
      const Config config = study.config_of(
          {fmt::format("{} ranks", cell.ranks), {{"train.batch-size", std::to_string(cell.batch_size)}}});
      // A new trainer each time: the memory of all at once might be too much.
      TimedTraining training(config, problem, study.communicator(), static_cast<int>(cell.ranks));
      training.round();
      measured[i].push_back(training.result());
    }
  }
  for (std::size_t i = 0; i < results.cells.size(); ++i) {
    const auto all_of = [&](double StepMeasurement::*part) {
      std::vector<double> values;
      for (const StepMeasurement& m : measured[i]) values.push_back(m.*part);
      return values;
    };
    ScalingCell& cell = results.cells[i];
    const std::vector<double> seconds = all_of(&StepMeasurement::seconds);
    cell.seconds = median(seconds);
    cell.fastest = *std::min_element(seconds.begin(), seconds.end());
    cell.slowest = *std::max_element(seconds.begin(), seconds.end());
    cell.exchange = median(all_of(&StepMeasurement::exchange));
    cell.waiting = median(all_of(&StepMeasurement::waiting));
  }
}

std::vector<ScalingCell> cells_of(const ScalingResults& results) {
  std::set<std::pair<Index, Index>> pairs;
  for (const Index ranks : results.ranks) {
    for (const Index batch : results.batches) pairs.insert({ranks, batch});
    pairs.insert({ranks, ranks * results.rank_batch});
  }
  std::vector<ScalingCell> cells;
  cells.reserve(pairs.size());
  for (const auto& [ranks, batch] : pairs) cells.push_back({.ranks = ranks, .batch_size = batch});
  return cells;
}

/// Says where the figures are those of ranks that share cores. Collective.
void warn_of_shared_cores(StudyRun& study) {
  const int on_node = study.communicator().split_by_node()->size();
  const int threads = study.config().training.threads;
  const auto cores = static_cast<int>(std::thread::hardware_concurrency());
  if (cores == 0 || on_node * threads <= cores) return;
  study.say(fmt::format(
      "{} ranks{} share {} cores: beyond {} ranks the times are those of sharing, not of scaling.", on_node,
      threads == 1 ? "" : fmt::format(" of {} threads", threads), cores, std::max(1, cores / threads)));
}

void run_scaling(StudyRun& study) {
  const Config& config = study.config();
  const Problem problem = make_problem(config, study.communicator());
  const Network model = make_model(config, problem);
  const Index samples = problem.split.training_size();
  ScalingResults results;
  results.batch_size = plan_training(config.training, samples).batch_size;
  results.ranks = chosen_ranks(study, study.communicator().size());
  results.batches = chosen_batches(study, results.batch_size, samples);
  results.rank_batch = chosen_rank_batch(study, results.batch_size, results.ranks.back(), samples);
  results.micro_batches = config.training.micro_batches;
  results.threads = config.training.threads;
  results.parameters = model.layout().size();
  results.most_predicted = study.count("predict");
  study.count("rounds");  // wrong numbers show before anything is measured
  results.cells = cells_of(results);
  warn_of_shared_cores(study);

  measure(study, problem, results);
  study.open();
  // Only rank 0 was in all groups.
  if (study.communicator().rank() != 0) return;
  const std::vector<TimedStep> steps = timed_steps(results);
  results.model = fit_step_model(steps);
  results.held_out = leave_one_out(steps);
  std::vector<double> seconds;
  seconds.reserve(results.ranks.size());
  for (const Index ranks : results.ranks) seconds.push_back(results.cell(ranks, results.batch_size).seconds);
  results.serial_share = serial_share(results.ranks, seconds);

  for (const Json& event : scaling_events(results)) study.record(event);
  for (const std::string& finding : scaling_findings(results)) study.say(finding);
  for (const Json& section : scaling_sections(results)) study.show(section);
}

}  // namespace

const ScalingCell& ScalingResults::cell(Index at_ranks, Index batch) const {
  const auto found = std::find_if(cells.begin(), cells.end(), [&](const ScalingCell& c) {
    return c.ranks == at_ranks && c.batch_size == batch;
  });
  LOCKSTEP_CHECK(found != cells.end());
  return *found;
}

double ScalingResults::predicted(Index at_ranks, Index batch) const {
  return model.seconds(shape_of(batch, micro_batches, at_ranks, parameters));
}

double ScalingResults::speedup(Index at_ranks, Index batch) const {
  return cell(1, batch).seconds / cell(at_ranks, batch).seconds;
}

double ScalingResults::weak_efficiency(Index at_ranks) const {
  return cell(1, rank_batch).seconds / cell(at_ranks, at_ranks * rank_batch).seconds;
}

std::vector<Index> ScalingResults::ranks_to_draw() const {
  std::vector<Index> all = ranks;
  for (Index count = 1; count <= most_predicted; count *= 2) {
    if (count > ranks.back()) all.push_back(count);
  }
  return all;
}

double ScalingResults::largest_error() const {
  double largest = 0;
  for (const HeldOut& one : held_out) largest = larger(largest, std::abs(one.error()));
  return largest;
}

std::vector<TimedStep> timed_steps(const ScalingResults& results) {
  std::vector<TimedStep> steps;
  steps.reserve(results.cells.size());
  for (const ScalingCell& cell : results.cells) {
    steps.push_back({cell.ranks, cell.batch_size,
                     shape_of(cell.batch_size, results.micro_batches, cell.ranks, results.parameters),
                     cell.seconds});
  }
  return steps;
}

Study scaling_study() {
  return {
      .name = "scaling",
      .summary =
          "a step's time on 1, 2, … of the ranks: strong and weak scaling, and a model that predicts more",
      .options =
          {{"ranks", kAuto, "rank counts to measure, such as 1,2,4; auto: all to 8, then powers of two"},
           {"batches", kAuto, "global batches of strong scaling; auto: train.batch-size and a quarter of it"},
           {"rank-batch", kAuto, "samples a rank of weak scaling; auto: train.batch-size over all ranks"},
           {"rounds", "5", "times that everything is measured, in turn; the median counts"},
           {"predict", "64", "most ranks to predict for"}},
      .run = run_scaling};
}

}  // namespace lockstep
