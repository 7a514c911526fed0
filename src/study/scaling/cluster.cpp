#include "study/scaling/cluster.hpp"

#include "core/text.hpp"
#include "lockstep/core/error.hpp"

namespace lockstep {

namespace {

constexpr const char* kAsMeasured = "auto";
constexpr const char* kNodeRanks = "node-ranks";
constexpr const char* kLink = "link";
constexpr const char* kLatency = "latency";

/// None for auto.
std::vector<double> positive_numbers(const StudyRun& study, const std::string& name) {
  if (study.option(name) == kAsMeasured) return {};
  std::vector<double> numbers = study.numbers(name);
  for (const double number : numbers) {
    if (number <= 0) fail_input("--{} {}: expected numbers above 0, or auto", name, study.option(name));
  }
  return numbers;
}

}  // namespace

Nodes Cluster::nodes(Index ranks) const {
  const Index of_each = node_ranks > 0 ? node_ranks : ranks;
  std::vector<int> sizes(static_cast<std::size_t>(ranks / of_each), static_cast<int>(of_each));
  if (ranks % of_each > 0) sizes.push_back(static_cast<int>(ranks % of_each));
  return Nodes(sizes);
}

std::vector<StudyOption> cluster_options() {
  return {
      {kNodeRanks, kAsMeasured, "ranks a node that predictions are for; auto: as measured"},
      {kLink, kAsMeasured, "Gbit/s of each node's link that predictions are for; auto: as measured"},
      {kLatency, kAsMeasured, "µs of a message between nodes that predictions are for; auto: as measured"}};
}

ClusterChoice chosen_cluster(const StudyRun& study, Index measured_node_ranks) {
  ClusterChoice choice{
      .node_ranks = measured_node_ranks, .links = positive_numbers(study, kLink), .latency = {}};
  const bool has_node_ranks = study.option(kNodeRanks) != kAsMeasured;
  if (has_node_ranks) choice.node_ranks = study.count(kNodeRanks);
  const std::vector<double> latency = positive_numbers(study, kLatency);
  if (latency.size() > 1) fail_input("--{} {}: expected one number", kLatency, study.option(kLatency));
  constexpr double kMicro = 1e-6;
  if (!latency.empty()) choice.latency = kMicro * latency.front();

  const int given = int{has_node_ranks} + int{!choice.links.empty()} + int{!latency.empty()};
  if (measured_node_ranks > 0 || given == 0 || given == 3) return choice;
  fail_input(
      "nothing was measured between nodes; expected all of --{}, --{} and --{}, or none; try 'scaling' on "
      "several hosts",
      kNodeRanks, kLink, kLatency);
}

std::vector<Cluster> clusters_of(const ClusterChoice& choice, const StepModel& measured) {
  Cluster cluster{.model = measured, .node_ranks = choice.node_ranks, .link = {}};
  cluster.model.link_message = choice.latency.value_or(measured.link_message);
  if (choice.links.empty()) return {cluster};
  std::vector<Cluster> clusters;
  clusters.reserve(choice.links.size());
  for (const double link : choice.links) {
    constexpr double kBitsAByte = 8;
    constexpr double kGiga = 1e9;
    cluster.link = link;
    cluster.model.link_byte = kBitsAByte / (kGiga * link);
    clusters.push_back(cluster);
  }
  return clusters;
}

}  // namespace lockstep
