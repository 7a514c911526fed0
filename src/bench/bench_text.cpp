#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "bench/bench.hpp"

namespace lockstep {

namespace {

constexpr double kGiga = 1e9;
constexpr double kMega = 1e6;
constexpr double kMilli = 1e3;
constexpr double kMicro = 1e6;
constexpr double kPercent = 100;

using Parts = std::vector<std::pair<std::string, double>>;

/// The parts of a step in its order, and the rest.
Parts parts_by_pass(const StepMeasurement& step) {
  Parts parts;
  for (const StepPart part : all_step_parts()) parts.emplace_back(name_of(part), step.times[part]);
  parts.emplace_back("other", std::max(0.0, step.seconds - step.times.sum()));
  return parts;
}

bool has(const UnitTimes& units, UnitKind kind) { return units.of(kind) > 0; }

/// What is no unit's work, by its part of the step, and the rest.
Parts parts_besides_units(const StepMeasurement& step) {
  Parts parts = {{"loss", step.units.loss}};
  double rest = step.seconds - step.units.sum();
  for (const StepPart part : all_step_parts()) {
    if (part == StepPart::kForward || part == StepPart::kBackward || part == StepPart::kWeightGradients)
      continue;
    parts.emplace_back(name_of(part), step.times[part]);
    rest -= step.times[part];
  }
  parts.emplace_back("other", std::max(0.0, rest));
  return parts;
}

}  // namespace

nlohmann::ordered_json to_json(const BenchReport& report) {
  nlohmann::ordered_json times;
  for (const auto& [name, seconds] : parts_by_pass(report.step)) times[name] = seconds;
  const UnitTimes& units = report.step.units;
  nlohmann::ordered_json by_kind;
  for (const UnitKind kind : all_unit_kinds()) {
    if (!has(units, kind)) continue;
    by_kind[name_of(kind)] = {{"forward", units(kind, Pass::kForward)},
                              {"backward", units(kind, Pass::kBackward)}};
  }
  by_kind["loss"] = {{"forward", units.loss}};
  nlohmann::ordered_json json = {{"ranks", report.ranks},
                                 {"micro_batches", report.micro_batches},
                                 {"batch_size", report.batch_size},
                                 {"parameters", report.parameters},
                                 {"machine",
                                  {{"gemm_2048_flops", report.limits.gemm_2048},
                                   {"gemm_model_flops", report.limits.gemm_model},
                                   {"copy_bytes_per_second", report.limits.copy},
                                   {"message_latency_seconds", report.limits.message_latency},
                                   {"message_bytes_per_second", report.limits.message_bandwidth},
                                   {"exchange_seconds", report.limits.exchange}}},
                                 {"step",
                                  {{"seconds", report.step.seconds},
                                   {"parts_seconds", times},
                                   {"units_seconds", by_kind},
                                   {"samples_per_second", report.samples_per_second()},
                                   {"operations", report.operations},
                                   {"share_of_gemm_2048", report.share_of_limit()}}}};
  for (const Interval& owned : report.owned) json["rank_micro_batches"].push_back(owned.size());
  for (const NodeExchange& node : report.nodes) {
    json["nodes"].push_back({{"host", node.host},
                             {"ranks", node.ranks},
                             {"overlapped_exchange_seconds", node.overlapped},
                             {"exposed_exchange_seconds", node.exposed},
                             {"waiting_seconds", node.waiting}});
  }
  if (report.node_sent > 0) {
    json["step"]["node_sent_bytes"] = report.node_sent;
    json["step"]["is_compressed"] = report.compresses;
  }
  if (report.one_rank_seconds) json["step"]["one_rank_seconds"] = *report.one_rank_seconds;
  if (report.fast_seconds) json["step"]["fast_seconds"] = *report.fast_seconds;
  if (report.checkpoints) {
    const CheckpointCost& c = *report.checkpoints;
    json["checkpoints"] = {
        {"every", c.every}, {"pairs", c.pairs}, {"share", c.share}, {"low", c.low}, {"high", c.high}};
  }
  return json;
}

std::vector<std::string> to_lines(const BenchReport& report) {
  const MachineLimits& m = report.limits;
  const std::string factors = m.precision == Precision::kBfloat16 ? "  (bfloat16)" : "";
  std::vector<std::string> lines = {
      "machine, all ranks at once (each figure for one rank)",
      fmt::format("  products 2048 x 2048       {:8.1f} GFLOP/s{}", m.gemm_2048 / kGiga, factors),
      fmt::format("  products of this network   {:8.1f} GFLOP/s{}", m.gemm_model / kGiga, factors),
      fmt::format("  memory copy                {:8.1f} GB/s", m.copy / kGiga)};
  if (report.ranks > 1) {
    lines.push_back(fmt::format("  message of 8 bytes         {:8.2f} µs", m.message_latency * kMicro));
    lines.push_back(fmt::format("  message of 4 MiB           {:8.1f} GB/s", m.message_bandwidth / kGiga));
  }
  lines.push_back(fmt::format("  gradient over all ranks    {:8.2f} ms ({:.1f} MB)", m.exchange * kMilli,
                              static_cast<double>(report.parameters) * sizeof(Real) / kMega));
  lines.push_back(fmt::format("step of {} samples in {} micro-batches on {} rank{}", report.batch_size,
                              report.micro_batches, report.ranks, report.ranks == 1 ? "" : "s"));
  if (report.owned != parts_of(report.micro_batches, report.ranks)) {
    std::vector<Index> sizes;
    for (const Interval& owned : report.owned) sizes.push_back(owned.size());
    lines.push_back(fmt::format("  micro-batches of each rank {}", fmt::join(sizes, ", ")));
  }
  const auto line = [&](std::string name, double seconds) {
    std::replace(name.begin(), name.end(), '_', ' ');
    return fmt::format("  {:26} {:8.3f} ms  {:5.1f} %", name, seconds * kMilli,
                       kPercent * seconds / report.step.seconds);
  };
  const UnitTimes& units = report.step.units;
  for (const UnitKind kind : all_unit_kinds()) {
    if (!has(units, kind)) continue;
    lines.push_back(line(name_of(kind), units.of(kind)) + fmt::format("  ({:.3f} forward, {:.3f} backward)",
                                                                      units(kind, Pass::kForward) * kMilli,
                                                                      units(kind, Pass::kBackward) * kMilli));
  }
  for (const auto& [name, seconds] : parts_besides_units(report.step)) lines.push_back(line(name, seconds));
  lines.push_back(fmt::format("  {:26} {:8.3f} ms", "whole step", report.step.seconds * kMilli));
  if (!report.nodes.empty())
    lines.emplace_back("exchange by node              overlapped      exposed  of it waiting");
  for (const NodeExchange& node : report.nodes) {
    lines.push_back(
        fmt::format("  {:26} {:8.3f} ms {:9.3f} ms {:9.3f} ms",
                    fmt::format("{}, {} rank{}", node.host, node.ranks, node.ranks == 1 ? "" : "s"),
                    node.overlapped * kMilli, node.exposed * kMilli, node.waiting * kMilli));
  }
  if (report.node_sent > 0) {
    lines.push_back(fmt::format("  sent by each node          {:8.2f} MB{}", report.node_sent / kMega,
                                report.compresses ? "  (compressed)" : ""));
  }
  lines.push_back(fmt::format("samples a second           {:10.0f}", report.samples_per_second()));
  lines.push_back(fmt::format("of the product limit       {:10.1f} %  (2048 x 2048 on all ranks)",
                              kPercent * report.share_of_limit()));
  if (report.one_rank_seconds) {
    const double speedup = *report.one_rank_seconds / report.step.seconds;
    lines.push_back(fmt::format("speed-up over one rank     {:10.2f}    ({:.1f} % efficient)", speedup,
                                kPercent * speedup / report.ranks));
  }
  if (report.fast_seconds) {
    lines.push_back(fmt::format("cost of the promise        {:10.1f} %  (against train.reduction = fast)",
                                kPercent * (report.step.seconds / *report.fast_seconds - 1)));
  }
  if (report.checkpoints) {
    const CheckpointCost& c = *report.checkpoints;
    lines.push_back(fmt::format(
        "cost of checkpoints        {:10.1f} %  (one every {} steps; 95 % interval {:.1f} to {:.1f})",
        kPercent * c.share, c.every, kPercent * c.low, kPercent * c.high));
  }
  return lines;
}

}  // namespace lockstep
