#include <algorithm>

#include <fmt/format.h>

#include "core/text.hpp"
#include "study/numbers.hpp"
#include "study/scaling/scaling.hpp"
#include "study/sections.hpp"

namespace lockstep {

namespace {

using Json = nlohmann::ordered_json;

constexpr double kMicro = 1e6;

std::string batch_name(Index batch) { return fmt::format("batch {}", batch); }

Json speedup_chart(const ScalingResults& r) {
  Json chart = empty_chart(
      "strong", "Strong scaling: speed-up",
      "Time of a step on one rank over that on more, at the same global batch. Solid: measured, in a "
      "band over the rounds; dashed: the model, a prediction beyond the measured ranks; Amdahl's law "
      "is fitted to the configured batch.",
      {"ranks", true}, {"speed-up", true});
  for (const Index batch : r.batches) {
    Json measured = empty_series(batch_name(batch), "solid");
    Json model = empty_series(batch_name(batch) + ": model", "dashed", batch_name(batch));
    const double one = r.cell(1, batch).seconds;
    for (const Index ranks : r.ranks) {
      add_point(measured, ranks, r.speedup(ranks, batch));
      add_band(measured, one / r.cell(ranks, batch).slowest, one / r.cell(ranks, batch).fastest);
    }
    for (const Index ranks : r.ranks_to_draw())
      add_point(model, ranks, r.predicted(1, batch) / r.predicted(ranks, batch));
    chart["series"].push_back(measured);
    chart["series"].push_back(model);
  }
  Json amdahl =
      empty_series(fmt::format("Amdahl, {:.3g} % serial", kPercent * r.serial_share), "dotted", "Amdahl");
  Json ideal = empty_series("ideal", "dotted");
  for (const Index ranks : r.ranks_to_draw()) {
    const auto p = static_cast<double>(ranks);
    add_point(amdahl, ranks, 1 / (r.serial_share + (1 - r.serial_share) / p));
    add_point(ideal, ranks, p);
  }
  chart["series"].push_back(amdahl);
  chart["series"].push_back(ideal);
  return chart;
}

Json efficiency_chart(const ScalingResults& r) {
  Json chart = empty_chart(
      "efficiency", "Efficiency",
      fmt::format("Strong: speed-up over ranks. Weak: time of a step on one rank over that on more, "
                  "with {} a rank. Dashed: the model.",
                  count_of(r.rank_batch, "sample")),
      {"ranks", true}, {"efficiency"});
  const auto both = [&](const std::string& name, const auto& measured_at, const auto& predicted_at) {
    Json measured = empty_series(name, "solid");
    Json model = empty_series(name + ": model", "dashed", name);
    for (const Index ranks : r.ranks) add_point(measured, ranks, measured_at(ranks));
    for (const Index ranks : r.ranks_to_draw()) add_point(model, ranks, predicted_at(ranks));
    chart["series"].push_back(measured);
    chart["series"].push_back(model);
  };
  for (const Index batch : r.batches) {
    both(
        "strong, " + batch_name(batch),
        [&](Index ranks) { return r.speedup(ranks, batch) / static_cast<double>(ranks); },
        [&](Index ranks) {
          return r.predicted(1, batch) / r.predicted(ranks, batch) / static_cast<double>(ranks);
        });
  }
  both(
      "weak", [&](Index ranks) { return r.weak_efficiency(ranks); },
      [&](Index ranks) { return r.predicted(1, r.rank_batch) / r.predicted(ranks, ranks * r.rank_batch); });
  return chart;
}

Json throughput_chart(const ScalingResults& r) {
  Json chart =
      empty_chart("throughput", "Throughput", "Samples of all ranks a second, in a band over the rounds.",
                  {"ranks", true}, {"samples/s", true});
  const auto line = [&](const std::string& name, const auto& batch_of) {
    Json made = empty_series(name, "solid");
    for (const Index ranks : r.ranks) {
      const ScalingCell& cell = r.cell(ranks, batch_of(ranks));
      const auto samples = static_cast<double>(cell.batch_size);
      add_point(made, ranks, cell.samples_per_second());
      add_band(made, samples / cell.slowest, samples / cell.fastest);
    }
    chart["series"].push_back(made);
  };
  for (const Index batch : r.batches) line("strong, " + batch_name(batch), [&](Index) { return batch; });
  line(fmt::format("weak, {} a rank", r.rank_batch), [&](Index ranks) { return ranks * r.rank_batch; });
  return chart;
}

Json share_chart(const ScalingResults& r) {
  Json chart = empty_chart(
      "shares", "Where the time of a step goes",
      fmt::format("At the configured batch of {}. Exchange: what the rank takes that the others wait "
                  "for; waiting: what the average rank takes beyond that.",
                  r.batch_size),
      {"ranks"}, {"milliseconds"});
  chart["kind"] = "stacked-bars";
  const auto bars = [&](const std::string& name, const auto& part) {
    Json made = empty_series(name);
    for (const Index ranks : r.ranks)
      add_point(made, std::to_string(ranks), kMilli * part(r.cell(ranks, r.batch_size)));
    chart["series"].push_back(made);
  };
  bars("own work", [](const ScalingCell& c) { return std::max(0.0, c.seconds - c.exchange - c.waiting); });
  bars("exchange", [](const ScalingCell& c) { return c.exchange; });
  bars("waiting", [](const ScalingCell& c) { return c.waiting; });
  return chart;
}

Json columns(const std::vector<std::string>& names) {
  Json made = Json::array();
  for (const std::string& name : names) made.push_back({{"name", name}, {"number", true}});
  return made;
}

Json measured_table(const ScalingResults& r) {
  Json rows = Json::array();
  for (const ScalingCell& cell : r.cells) {
    const double model = r.predicted(cell.ranks, cell.batch_size);
    rows.push_back({cell.ranks, cell.batch_size, kMilli * cell.seconds, kMilli * cell.fastest,
                    kMilli * cell.slowest, cell.samples_per_second(), kPercent * cell.exchange / cell.seconds,
                    kPercent * cell.waiting / cell.seconds, kMilli * model,
                    kPercent * (model / cell.seconds - 1)});
  }
  return {{"type", "table"},
          {"title", "Measured"},
          {"description", "Times of a step: median, fastest and slowest of the rounds."},
          {"columns", columns({"ranks", "batch", "step, ms", "fastest, ms", "slowest, ms", "samples/s",
                               "exchange, %", "waiting, %", "model, ms", "model's error, %"})},
          {"rows", rows}};
}

Json model_facts(const ScalingResults& r) {
  const StepModel& m = r.model;
  const auto rate = [](double seconds) {
    return seconds > 0 ? fmt::format("{:.3g}", 1 / seconds) : std::string("no limit");
  };
  return {{"type", "facts"},
          {"title", "The model: t = step + sample · rows + message · messages + byte · bytes"},
          {"items",
           {{{"name", "fixed cost of a step"}, {"value", fmt::format("{:.4g} ms", kMilli * m.step)}},
            {{"name", "work of a sample"},
             {"value", fmt::format("{:.4g} µs ({} samples/s a rank)", kMicro * m.sample, rate(m.sample))}},
            {{"name", "latency of a message"}, {"value", fmt::format("{:.4g} µs", kMicro * m.message)}},
            {{"name", "bandwidth of a rank"}, {"value", rate(m.byte) + " bytes/s"}},
            {{"name", "parameters"}, {"value", r.parameters}},
            {{"name", "micro-batches"}, {"value", r.micro_batches}}}}};
}

Json held_out_table(const ScalingResults& r) {
  Json rows = Json::array();
  for (const HeldOut& one : r.held_out) {
    rows.push_back({one.step.ranks, one.step.batch_size, kMilli * one.step.seconds, kMilli * one.predicted,
                    kPercent * one.error()});
  }
  return {{"type", "table"},
          {"title", "How well the model predicts"},
          {"description", "Each rank count, predicted by a model that is fitted to all others."},
          {"columns", columns({"ranks", "batch", "measured, ms", "predicted, ms", "error, %"})},
          {"rows", rows}};
}

Json prediction_table(const ScalingResults& r) {
  Json rows = Json::array();
  for (const Index ranks : r.ranks_to_draw()) {
    if (ranks <= r.ranks.back()) continue;
    for (const Index batch : r.batches) {
      const double seconds = r.predicted(ranks, batch);
      const double speedup = r.predicted(1, batch) / seconds;
      rows.push_back({ranks, batch, kMilli * seconds, static_cast<double>(batch) / seconds, speedup,
                      kPercent * speedup / static_cast<double>(ranks)});
    }
  }
  return {{"type", "table"},
          {"title", "Predicted beyond the measured ranks"},
          {"description",
           "By the model, on ranks and a network like the measured ones. Nothing here was measured."},
          {"columns", columns({"ranks", "batch", "step, ms", "samples/s", "speed-up", "efficiency, %"})},
          {"rows", rows}};
}

}  // namespace

std::vector<Json> scaling_events(const ScalingResults& r) {
  std::vector<Json> events;
  for (const ScalingCell& cell : r.cells) {
    const bool has_one = std::find(r.batches.begin(), r.batches.end(), cell.batch_size) != r.batches.end();
    Json event = {{"event", "scaling"},
                  {"ranks", cell.ranks},
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
  for (const HeldOut& one : r.held_out) {
    events.push_back({{"event", "held_out"},
                      {"ranks", one.step.ranks},
                      {"batch_size", one.step.batch_size},
                      {"seconds", one.step.seconds},
                      {"predicted", one.predicted}});
  }
  events.push_back({{"event", "step_model"},
                    {"step_seconds", r.model.step},
                    {"sample_seconds", r.model.sample},
                    {"message_seconds", r.model.message},
                    {"byte_seconds", r.model.byte},
                    {"parameters", r.parameters},
                    {"micro_batches", r.micro_batches},
                    {"threads", r.threads},
                    {"largest_held_out_error", r.largest_error()},
                    {"serial_share", r.serial_share}});
  return events;
}

std::vector<std::string> scaling_findings(const ScalingResults& r) {
  std::vector<std::string> findings;
  const Index most = r.ranks.back();
  const ScalingCell& cell = r.cell(most, r.batch_size);
  if (most == 1) return {"One rank alone has nothing to scale with: start the study under mpirun."};
  findings.push_back(
      fmt::format("{} ranks at batch {}: {:.4g} ms a step, {:.3g} times one rank ({:.3g} % efficient), "
                  "{:.3g} % exchange and {:.3g} % waiting; with {} a rank {:.3g} % efficient.",
                  most, r.batch_size, kMilli * cell.seconds, r.speedup(most, r.batch_size),
                  kPercent * r.speedup(most, r.batch_size) / static_cast<double>(most),
                  kPercent * cell.exchange / cell.seconds, kPercent * cell.waiting / cell.seconds,
                  count_of(r.rank_batch, "sample"), kPercent * r.weak_efficiency(most)));
  if (r.ranks_to_draw().back() > most) {
    const Index far = r.ranks_to_draw().back();
    findings.push_back(fmt::format(
        "Predicted, not measured: {} ranks at batch {} take {:.3g} ms a step, {:.3g} times one rank.", far,
        r.batch_size, kMilli * r.predicted(far, r.batch_size),
        r.predicted(1, r.batch_size) / r.predicted(far, r.batch_size)));
  }
  constexpr std::size_t kFewestToCheck = 3;
  if (r.ranks.size() < kFewestToCheck) {
    findings.push_back(
        "Two rank counts do not tell latency from bandwidth (the cost of exchange counts as bandwidth), "
        "and cannot check a prediction: measure three or more.");
  } else {
    findings.push_back(fmt::format("Each rank count was predicted from the others to within {:.3g} %.",
                                   kPercent * r.largest_error()));
  }
  return findings;
}

std::vector<Json> scaling_sections(const ScalingResults& r) {
  return {speedup_chart(r),  efficiency_chart(r), throughput_chart(r), share_chart(r),
          measured_table(r), model_facts(r),      held_out_table(r),   prediction_table(r)};
}

}  // namespace lockstep
