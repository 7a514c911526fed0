#include <algorithm>

#include <fmt/format.h>

#include "core/human.hpp"
#include "core/text.hpp"
#include "study/numbers.hpp"
#include "study/scaling/scaling.hpp"
#include "study/sections.hpp"

namespace lockstep {

namespace {

using Json = nlohmann::ordered_json;

/// The rank counts of a line of the model at the batches of `batch_of`: those measured, and beyond them those
/// that may be predicted.
template <typename Batch>
std::vector<Index> modelled_ranks(const ScalingResults& r, const Batch& batch_of) {
  std::vector<Index> kept = r.ranks_to_draw();
  std::erase_if(kept, [&](Index ranks) {
    return ranks > r.ranks.back() && !(r.model_holds() && r.allows(ranks, batch_of(ranks)));
  });
  return kept;
}

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
    for (const Index ranks : modelled_ranks(r, [&](Index) { return batch; }))
      add_point(model, ranks, r.predicted(1, batch) / r.predicted(ranks, batch));
    chart["series"].push_back(measured);
    chart["series"].push_back(model);
  }
  Json amdahl =
      empty_series(fmt::format("Amdahl, {:.3g} % serial", kPercent * r.serial_share), "dotted", "Amdahl");
  Json ideal = empty_series("ideal", "dotted");
  for (const Index ranks : modelled_ranks(r, [&](Index) { return r.batch_size; })) {
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
  const auto both = [&](const std::string& name, const auto& batch_of, const auto& measured_at,
                        const auto& predicted_at) {
    Json measured = empty_series(name, "solid");
    Json model = empty_series(name + ": model", "dashed", name);
    for (const Index ranks : r.ranks) add_point(measured, ranks, measured_at(ranks));
    for (const Index ranks : modelled_ranks(r, batch_of)) add_point(model, ranks, predicted_at(ranks));
    chart["series"].push_back(measured);
    chart["series"].push_back(model);
  };
  for (const Index batch : r.batches) {
    both(
        "strong, " + batch_name(batch), [&](Index) { return batch; },
        [&](Index ranks) { return r.speedup(ranks, batch) / static_cast<double>(ranks); },
        [&](Index ranks) {
          return r.predicted(1, batch) / r.predicted(ranks, batch) / static_cast<double>(ranks);
        });
  }
  both(
      "weak", [&](Index ranks) { return ranks * r.rank_batch; },
      [&](Index ranks) { return r.weak_efficiency(ranks); },
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
                    kPercent * (model / cell.seconds - 1), cell.nodes, cell.crowd});
  }
  return {{"type", "table"},
          {"title", "Measured"},
          {"description", "Times of a step: median, fastest and slowest of the rounds."},
          {"columns",
           columns({"ranks", "batch", "step, ms", "fastest, ms", "slowest, ms", "samples/s", "exchange, %",
                    "waiting, %", "model, ms", "model's error, %", "nodes", "ranks a core"})},
          {"rows", rows}};
}

Json model_facts(const ScalingResults& r) {
  const StepModel& m = r.model;
  std::string title = "The model: t = step + sample · rows + message · messages + byte · bytes";
  const auto rate = [](double seconds) {
    return seconds > 0 ? byte_rate_in_words(1 / seconds) : std::string("no limit");
  };
  const auto fact = [](const std::string& name, const Json& value) {
    return Json{{"name", name}, {"value", value}};
  };
  const std::string samples =
      m.sample > 0 ? fmt::format("{:.0f} samples/s a rank", 1 / m.sample) : "no limit";
  Json items = {
      fact("fixed cost of a step", duration_in_words(m.step)),
      fact("work of a sample", fmt::format("{} ({})", duration_in_words(m.sample), samples)),
      fact("latency of a message", duration_in_words(m.message)),
      fact("bandwidth of a rank", rate(m.byte)),
  };
  if (r.has_nodes()) {
    title += " + network";
    items.push_back(fact("latency of a message between nodes", duration_in_words(m.link_message)));
    items.push_back(fact("bandwidth of a node", rate(m.link_byte)));
    items.push_back(fact("work for a MB between nodes", duration_in_words(kMega * m.work.byte)));
    if (r.traffic.compressed < 1)
      items.push_back(fact("compressed to", fmt::format("{:.0f} %", kPercent * r.traffic.compressed)));
  }
  items.push_back(fact("parameters", r.parameters()));
  items.push_back(fact("micro-batches", r.micro_batches));
  return {{"type", "facts"}, {"title", title}, {"items", items}};
}

Json held_out_table(const std::vector<HeldOut>& held_out, const std::string& title,
                    const std::string& description) {
  Json rows = Json::array();
  for (const HeldOut& one : held_out) {
    rows.push_back({one.step.ranks, one.step.batch_size, kMilli * one.step.seconds, kMilli * one.predicted,
                    kPercent * one.error(), one.step.nodes});
  }
  return {{"type", "table"},
          {"title", title},
          {"description", description},
          {"columns", columns({"ranks", "batch", "measured, ms", "predicted, ms", "error, %", "nodes"})},
          {"rows", rows}};
}

/// Why `left_out` predictions are not shown; empty where all are.
std::string limit_text(const ScalingResults& r, std::size_t left_out) {
  if (!r.model_holds()) {
    return fmt::format(
        "The model missed rank counts that it was not fitted to by up to {:.3g} %, and so nothing is "
        "predicted. Measure more rounds, on cores that no other program uses.",
        kPercent * largest_error(r.held_out));
  }
  if (left_out == 0) return "";
  return fmt::format(
      "This configuration allows no more than {}, one a micro-batch, and batches of no more than its {}; "
      "nothing is predicted beyond. Set train.micro-batches to predict more ranks.",
      count_of(r.micro_batches, "rank"), count_of(r.samples, "training sample"));
}

/// What may be predicted, and what is not and why.
void add_predictions(std::vector<Json>& sections, const ScalingResults& r, const std::string& title,
                     const std::vector<Prediction>& predictions) {
  Json rows = Json::array();
  for (const Prediction& one : predictions) {
    if (!r.model_holds() || !r.allows(one.ranks, one.batch_size)) continue;
    const double speedup = r.predicted(1, one.batch_size) / one.seconds;
    rows.push_back({one.ranks, one.batch_size, kMilli * one.seconds,
                    static_cast<double>(one.batch_size) / one.seconds, speedup,
                    kPercent * speedup / static_cast<double>(one.ranks), one.nodes,
                    one.link ? Json(*one.link) : Json()});
  }
  const std::string limit = limit_text(r, predictions.size() - rows.size());
  if (rows.empty()) {
    if (!limit.empty())
      sections.push_back({{"type", "text"}, {"title", title}, {"paragraphs", Json::array({limit})}});
    return;
  }
  sections.push_back(
      {{"type", "table"},
       {"title", title},
       {"description",
        "By the model, on ranks with a core each, and on a network like the measured one where no speed of "
        "its links is given. Nothing here was measured." +
            (limit.empty() ? "" : " " + limit)},
       {"columns", columns({"ranks", "batch", "step, ms", "samples/s", "speed-up", "efficiency, %", "nodes",
                            "link, Gbit/s"})},
       {"rows", rows}});
}

}  // namespace

std::vector<Json> scaling_sections(const ScalingResults& r) {
  std::vector<Json> sections = {speedup_chart(r), efficiency_chart(r), throughput_chart(r),
                                share_chart(r),   measured_table(r),   model_facts(r)};
  if (!r.held_out.empty()) {
    sections.push_back(held_out_table(r.held_out, "How well the model predicts",
                                      "Each rank count, predicted by a model that is fitted to all others."));
  }
  if (!r.from_two_nodes.empty()) {
    sections.push_back(
        held_out_table(r.from_two_nodes, "How well two nodes predict more",
                       "Each number of nodes from three on, predicted by a model that is fitted to what one "
                       "and two nodes took."));
  }
  add_predictions(sections, r, "Predicted beyond the measured ranks", r.strong_predictions());
  add_predictions(sections, r, fmt::format("Predicted with {} a rank", count_of(r.rank_batch, "sample")),
                  r.weak_predictions());
  return sections;
}

}  // namespace lockstep
