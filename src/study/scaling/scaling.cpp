#include "study/scaling/scaling.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>
#include <string>

#include <fmt/format.h>

#include "core/statistics.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/core/log.hpp"
#include "lockstep/parallel/shares.hpp"
#include "lockstep/parallel/topology.hpp"
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

/// All up to 8, then powers of two, and all.
std::vector<Index> some_of(Index all) {
  constexpr Index kEach = 8;
  std::vector<Index> some;
  for (Index count = 1; count < all; count += count < kEach ? 1 : count) some.push_back(count);
  some.push_back(all);
  return some;
}

/// Some of the first node's, then all of some of the nodes.
std::vector<Index> chosen_ranks(const StudyRun& study, const Hosts& hosts) {
  const std::vector<Index> given = numbers_of(study, "ranks", hosts.ranks(), "the ranks that mpirun started");
  std::set<Index> ranks(given.begin(), given.end());
  if (given.empty()) {
    for (const Index count : some_of(hosts.sizes.front())) ranks.insert(count);
    for (const Index nodes : some_of(hosts.count()))
      ranks.insert(std::accumulate(hosts.sizes.begin(), hosts.sizes.begin() + nodes, Index{0}));
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

StepTraffic traffic_of(const TrainingOptions& options, const ParameterLayout& layout) {
  StepTraffic traffic{.buckets = {}, .rounded_levels = rounded_levels(options)};
  const Shares shares(layout, Scope::kElements, 1);
  for (std::size_t bucket = 0; bucket < shares.buckets(); ++bucket)
    traffic.buckets.push_back(shares.range_of(bucket).size);
  double rounded = 0;
  for (const ParameterRange& range : rounded_parameters(options, layout))
    rounded += static_cast<double>(range.size);
  traffic.parameter_bytes -= (sizeof(Real) - kBfloat16Bytes) * rounded / static_cast<double>(layout.size());
  return traffic;
}

/// Settings of all trainings: one trial of compression decides for all of them. Collective.
std::map<std::string, std::string> settled(StudyRun& study) {
  const TrainingOptions& options = study.config().training;
  if (options.reduction == Reduction::kFast || options.compression != Compression::kAuto) return {};
  const Topology topology(study.communicator(), options.exchange, options.compression);
  return {{"train.compression", topology.compresses() ? "on" : "off"}};
}

/// Measures all cells in turn, again and again, and messages between nodes. Collective.
void measure(StudyRun& study, const Problem& problem, ScalingResults& results) {
  const Index rounds = study.count("rounds");
  const std::map<std::string, std::string> common = settled(study);
  std::vector<std::vector<StepMeasurement>> measured(results.cells.size());
  std::vector<std::vector<MessageTime>> messages(results.messages.size());
  for (Index round = 0; round < rounds; ++round) {
    log::status(fmt::format("round {} of {}", round + 1, rounds));
    for (std::size_t i = 0; i < results.cells.size(); ++i) {
      const ScalingCell& cell = results.cells[i];
      auto settings = common;
      settings["train.batch-size"] = std::to_string(cell.batch_size);
      const Config config = study.config_of({fmt::format("{} ranks", cell.ranks), settings});
      // A new trainer each time: the memory of all at once might be too much.
      TimedTraining training(config, problem, study.communicator(), static_cast<int>(cell.ranks));
      training.round();
      measured[i].push_back(training.result());
      study.stop_if_asked(fmt::format("in round {} of {}", round + 1, rounds));
    }
    for (std::size_t i = 0; i < messages.size(); ++i)
      messages[i].push_back(time_message(study.communicator(), results.hosts, results.messages[i].bytes));
  }
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const auto all_of = [&](double MessageTime::*part) {
      std::vector<double> values;
      for (const MessageTime& m : messages[i]) values.push_back(m.*part);
      return median(values);
    };
    results.messages[i].time = {.seconds = all_of(&MessageTime::seconds), .work = all_of(&MessageTime::work)};
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
    cell.sent = median(all_of(&StepMeasurement::sent));
    cell.uncompressed = median(all_of(&StepMeasurement::uncompressed));
  }
}

/// The part of the bytes between nodes that compression has left.
double compressed_part(const std::vector<ScalingCell>& cells) {
  double sent = 0;
  double uncompressed = 0;
  for (const ScalingCell& cell : cells) {
    sent += cell.sent;
    uncompressed += cell.uncompressed;
  }
  return uncompressed > 0 ? sent / uncompressed : 1;
}

/// By a short message and a long one.
NetworkWork work_of(const std::vector<TimedMessage>& messages) {
  if (messages.empty()) return {};
  const double message = messages.front().time.work;
  const auto bytes = static_cast<double>(messages.back().bytes);
  return {.message = message, .byte = std::max(0.0, messages.back().time.work - message) / bytes};
}

std::vector<ScalingCell> cells_of(const ScalingResults& results) {
  std::set<std::pair<Index, Index>> pairs;
  for (const Index ranks : results.ranks) {
    for (const Index batch : results.batches) pairs.insert({ranks, batch});
    pairs.insert({ranks, ranks * results.rank_batch});
  }
  std::vector<ScalingCell> cells;
  cells.reserve(pairs.size());
  for (const auto& [ranks, batch] : pairs) {
    cells.push_back({.ranks = ranks,
                     .nodes = results.hosts.first(ranks).count(),
                     .crowd = results.hosts.crowd(ranks, results.threads),
                     .batch_size = batch});
  }
  return cells;
}

/// Says where the figures are those of ranks that share cores.
void warn_of_shared_cores(StudyRun& study, const ScalingResults& results) {
  const Index ranks = results.ranks.back();
  const double crowd = results.hosts.crowd(ranks, results.threads);
  if (crowd <= 1) return;
  const Index threads = results.threads;
  const auto sharing = std::lround(crowd * results.hosts.cores / static_cast<double>(threads));
  study.say(fmt::format(
      "{} ranks{} share {} cores: beyond {} ranks the times are those of sharing, not of scaling.", sharing,
      threads == 1 ? "" : fmt::format(" of {} threads", threads), results.hosts.cores,
      std::max<Index>(1, results.hosts.cores / threads)));
}

void run_scaling(StudyRun& study) {
  const Config& config = study.config();
  const Problem problem = make_problem(config, study.communicator());
  const Network model = make_model(config, problem);
  const Index samples = problem.split.training_size();
  ScalingResults results;
  results.batch_size = plan_training(config.training, samples).batch_size;
  results.hosts = find_hosts(study.communicator());
  results.ranks = chosen_ranks(study, results.hosts);
  results.batches = chosen_batches(study, results.batch_size, samples);
  results.rank_batch = chosen_rank_batch(study, results.batch_size, results.ranks.back(), samples);
  results.micro_batches = config.training.micro_batches;
  results.samples = samples;
  results.threads = config.training.threads;
  results.traffic = traffic_of(config.training, model.layout());
  results.most_predicted = study.count("predict");
  study.count("rounds");  // wrong numbers show before anything is measured
  const bool has_nodes = results.hosts.first(results.ranks.back()).count() > 1;
  const ClusterChoice cluster = chosen_cluster(study, has_nodes ? results.hosts.largest() : 0);
  if (has_nodes) {
    constexpr std::size_t kShort = 64;
    constexpr std::size_t kLong = std::size_t{4} << 20U;
    results.messages = {{.bytes = kShort}, {.bytes = kLong}};
  }
  results.cells = cells_of(results);
  warn_of_shared_cores(study, results);

  measure(study, problem, results);
  study.open();
  // Only rank 0 was in all groups.
  if (study.communicator().rank() != 0) return;
  results.traffic.compressed = compressed_part(results.cells);
  const std::vector<TimedStep> steps = timed_steps(results);
  const NetworkWork work = work_of(results.messages);
  results.model = fit_step_model(steps, work);
  results.held_out = leave_one_out(steps, work);
  results.from_two_nodes = from_two_nodes(steps, work);
  results.clusters = clusters_of(cluster, results.model);
  std::vector<double> seconds;
  seconds.reserve(results.ranks.size());
  for (const Index ranks : results.ranks) seconds.push_back(results.cell(ranks, results.batch_size).seconds);
  results.serial_share = serial_share(results.ranks, seconds);

  for (const Json& event : scaling_events(results)) study.record(event);
  for (const std::string& finding : scaling_findings(results)) study.say(finding);
  for (const Json& section : scaling_sections(results)) study.show(section);
}

}  // namespace

Study scaling_study() {
  Study study{
      .name = "scaling",
      .summary =
          "a step's time on 1, 2, … of the ranks, and of the nodes: strong and weak scaling, and a model "
          "that predicts more",
      .options =
          {{"ranks", kAuto,
            "rank counts to measure, such as 1,2,4; auto: all to 8, then powers of two, first of one node's "
            "ranks, then of nodes"},
           {"batches", kAuto, "global batches of strong scaling; auto: train.batch-size and a quarter of it"},
           {"rank-batch", kAuto, "samples a rank of weak scaling; auto: train.batch-size over all ranks"},
           {"rounds", "5", "times that everything is measured, in turn; the median counts"},
           {"predict", "64", "most ranks to predict for"}},
      .run = run_scaling};
  std::ranges::copy(cluster_options(), std::back_inserter(study.options));
  return study;
}

}  // namespace lockstep
