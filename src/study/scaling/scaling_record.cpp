#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "core/human.hpp"
#include "core/text.hpp"
#include "study/numbers.hpp"
#include "study/scaling/scaling.hpp"

namespace lockstep {

namespace {

using Json = nlohmann::ordered_json;

void add(std::vector<Json>& events, const std::string& event, const std::vector<HeldOut>& held_out) {
  for (const HeldOut& one : held_out) {
    events.push_back({{"event", event},
                      {"ranks", one.step.ranks},
                      {"nodes", one.step.nodes},
                      {"batch_size", one.step.batch_size},
                      {"seconds", one.step.seconds},
                      {"predicted", one.predicted}});
  }
}

void add(std::vector<Json>& events, const std::vector<Prediction>& predictions) {
  for (const Prediction& one : predictions) {
    events.push_back({{"event", "predicted"},
                      {"ranks", one.ranks},
                      {"nodes", one.nodes},
                      {"link_gbits", one.link ? Json(*one.link) : Json()},
                      {"batch_size", one.batch_size},
                      {"seconds", one.seconds}});
  }
}

/// " with links of 25 Gbit/s", or nothing.
std::string link_text(const Prediction& one) {
  return one.link ? fmt::format(" with links of {:.4g} Gbit/s", *one.link) : "";
}

/// Of the most ranks: at the configured batch, and on several nodes with weak scaling's samples a rank.
void add_predictions(const ScalingResults& r, std::vector<std::string>& findings) {
  std::vector<Prediction> told;
  if (!r.model_holds()) return;
  const Index most = r.ranks_to_draw().back();
  std::ranges::copy_if(r.strong_predictions(), std::back_inserter(told), [&](const Prediction& one) {
    return one.ranks == most && one.batch_size == r.batch_size;
  });
  std::ranges::copy_if(r.weak_predictions(), std::back_inserter(told),
                       [&](const Prediction& one) { return one.ranks == most && one.nodes > 1; });
  for (const Prediction& one : told) {
    const std::string on_nodes =
        one.nodes == 1 ? "" : fmt::format(" on {} nodes{}", one.nodes, link_text(one));
    findings.push_back(fmt::format(
        "Predicted, not measured: {} ranks{} at batch {} take {} a step, {:.3g} times one rank{}.", one.ranks,
        on_nodes, one.batch_size, duration_in_words(one.seconds),
        r.predicted(1, one.batch_size) / one.seconds,
        r.allows(one.ranks, one.batch_size)
            ? ""
            : fmt::format("; it would take train.micro-batches = {} or more and {} or more, which is another "
                          "configuration",
                          one.ranks, count_of(one.batch_size, "training sample"))));
  }
  if (!told.empty() && r.clusters.front().node_ranks > 1 &&
      r.hosts.first(r.ranks.back()).ranks_of(0).size() == 1) {
    findings.emplace_back(
        "No two ranks of a node were measured: the exchange inside the predicted nodes counts as free.");
  }
}

}  // namespace

std::vector<Json> scaling_events(const ScalingResults& r) {
  std::vector<Json> events;
  for (const ScalingCell& cell : r.cells) {
    const bool has_one = std::find(r.batches.begin(), r.batches.end(), cell.batch_size) != r.batches.end();
    Json event = {{"event", "scaling"},
                  {"ranks", cell.ranks},
                  {"nodes", cell.nodes},
                  {"ranks_a_core", cell.crowd},
                  {"batch_size", cell.batch_size},
                  {"seconds", cell.seconds},
                  {"fastest", cell.fastest},
                  {"slowest", cell.slowest},
                  {"samples_per_second", cell.samples_per_second()},
                  {"exchange_share", cell.exchange / cell.seconds},
                  {"waiting_share", cell.waiting / cell.seconds}};
    if (has_one)
      event["strong_efficiency"] = r.speedup(cell.ranks, cell.batch_size) / static_cast<double>(cell.ranks);
    if (cell.batch_size == cell.ranks * r.rank_batch)
      event["weak_efficiency"] = r.weak_efficiency(cell.ranks);
    events.push_back(std::move(event));
  }
  for (const TimedMessage& message : r.messages) {
    events.push_back({{"event", "message"},
                      {"bytes", message.bytes},
                      {"seconds", message.time.seconds},
                      {"work_seconds", message.time.work}});
  }
  add(events, "held_out", r.held_out);
  add(events, "from_two_nodes", r.from_two_nodes);
  events.push_back({{"event", "step_model"},
                    {"step_seconds", r.model.step},
                    {"sample_seconds", r.model.sample},
                    {"message_seconds", r.model.message},
                    {"byte_seconds", r.model.byte},
                    {"link_message_seconds", r.model.link_message},
                    {"link_byte_seconds", r.model.link_byte},
                    {"message_work_seconds", r.model.work.message},
                    {"byte_work_seconds", r.model.work.byte},
                    {"parameters", r.parameters()},
                    {"buckets", r.traffic.buckets},
                    {"rounded_levels", r.traffic.rounded_levels},
                    {"parameter_bytes", r.traffic.parameter_bytes},
                    {"compressed", r.traffic.compressed},
                    {"node_ranks", r.has_nodes() ? r.hosts.largest() : 0},
                    {"micro_batches", r.micro_batches},
                    {"threads", r.threads},
                    {"largest_held_out_error", largest_error(r.held_out)},
                    {"serial_share", r.serial_share}});
  add(events, r.strong_predictions());
  add(events, r.weak_predictions());
  return events;
}

std::vector<std::string> scaling_findings(const ScalingResults& r) {
  std::vector<std::string> findings;
  const Index most = r.ranks.back();
  const ScalingCell& cell = r.cell(most, r.batch_size);
  if (most == 1) {
    findings.emplace_back("One rank alone has nothing to scale with: start the study under mpirun.");
    if (r.clusters.front().node_ranks > 0) add_predictions(r, findings);
    return findings;
  }
  findings.push_back(
      fmt::format("{} ranks at batch {}: {} a step, {:.3g} times one rank ({:.3g} % efficient), "
                  "{:.3g} % exchange and {:.3g} % waiting; with {} a rank {:.3g} % efficient.",
                  most, r.batch_size, duration_in_words(cell.seconds), r.speedup(most, r.batch_size),
                  kPercent * r.speedup(most, r.batch_size) / static_cast<double>(most),
                  kPercent * cell.exchange / cell.seconds, kPercent * cell.waiting / cell.seconds,
                  count_of(r.rank_batch, "sample"), kPercent * r.weak_efficiency(most)));
  add_predictions(r, findings);
  if (!r.from_two_nodes.empty()) {
    findings.push_back(
        fmt::format("Steps on three nodes and more were predicted from those on one and two to "
                    "within {:.3g} %.",
                    kPercent * largest_error(r.from_two_nodes)));
  }
  constexpr std::size_t kFewestToCheck = 3;
  if (r.ranks.size() >= kFewestToCheck) {
    findings.push_back(fmt::format("Each rank count was predicted from the others to within {:.3g} %.",
                                   kPercent * largest_error(r.held_out)));
  } else if (r.has_nodes()) {
    findings.push_back("Two rank counts cannot check a prediction: measure three or more.");
  } else {
    findings.push_back(
        "Two rank counts do not tell latency from bandwidth (the cost of exchange counts as bandwidth), "
        "and cannot check a prediction: measure three or more.");
  }
  return findings;
}

}  // namespace lockstep
