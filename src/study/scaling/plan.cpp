#include <algorithm>
#include <iterator>
#include <set>

#include <fmt/format.h>

#include "core/human.hpp"
#include "core/text.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/parallel/agreement.hpp"
#include "study/numbers.hpp"
#include "study/scaling/study_record.hpp"
#include "study/scaling/time_to_target.hpp"
#include "study/sections.hpp"
#include "study/studies.hpp"
#include "study/study_run.hpp"

namespace lockstep {

namespace {

constexpr double kSecondsAnHour = 3600;

void read_batch_sizes(const StudyRecord& record, TargetModel& model) {
  record.each("batch", [&](const Json& line) {
    if (!line.at("reached").get<bool>()) return;
    model.measured_steps[line.at("batch_size").get<Index>()] = line.at("steps").at("median").get<double>();
  });
  record.each("fit", [&](const Json& line) {
    if (line.at("of") != "steps") return;
    model.least_steps = line.at("least").at("value").get<double>();
    model.critical_batch = line.at("critical_batch").at("value").get<double>();
  });
}

/// What a study of scaling concluded.
struct ScalingRecord {
  StepModel model;
  Index node_ranks = 0;
  double error = 0;  ///< the largest of held-out rank counts
};

ScalingRecord read_scaling(const StudyRecord& record, TargetModel& model) {
  ScalingRecord scaling;
  record.each("scaling", [&](const Json& line) {
    model.measured_step_seconds[{line.at("ranks").get<Index>(), line.at("batch_size").get<Index>()}] =
        line.at("seconds").get<double>();
  });
  record.each("step_model", [&](const Json& line) {
    scaling.model = {.step = line.at("step_seconds").get<double>(),
                     .sample = line.at("sample_seconds").get<double>(),
                     .message = line.at("message_seconds").get<double>(),
                     .byte = line.at("byte_seconds").get<double>(),
                     .link_message = line.value("link_message_seconds", 0.0),
                     .link_byte = line.value("link_byte_seconds", 0.0),
                     .work = {.message = line.value("message_work_seconds", 0.0),
                              .byte = line.value("byte_work_seconds", 0.0)}};
    model.micro_batches = line.at("micro_batches").get<Index>();
    model.threads = line.at("threads").get<Index>();
    model.traffic = {.buckets = line.value("buckets", std::vector<Index>{line.at("parameters").get<Index>()}),
                     .rounded_levels = line.value("rounded_levels", 0),
                     .parameter_bytes = line.value("parameter_bytes", static_cast<double>(sizeof(Real))),
                     .compressed = line.value("compressed", 1.0)};
    scaling.node_ranks = line.value("node_ranks", Index{0});
    scaling.error = line.at("largest_held_out_error").get<double>();
  });
  return scaling;
}

/// What is measured of one has no meaning for another.
void check_same_training(const StudyRecord& batches, const StudyRecord& scaling) {
  for (const std::string key : {"layers", "source"}) {
    if (batches.setting(key) == scaling.setting(key)) continue;
    fail_input(
        "--scaling {}: its {} is '{}', that of --batch-size {} is '{}'; expected studies of the same "
        "training",
        scaling.folder().string(), key, scaling.setting(key), batches.folder().string(),
        batches.setting(key));
  }
}

/// Powers of two to `most`, and what was measured.
std::vector<Index> ranks_of(const TargetModel& model, Index most) {
  std::set<Index> ranks;
  for (Index count = 1; count <= most; count *= 2) ranks.insert(count);
  for (const auto& [pair, seconds] : model.measured_step_seconds) ranks.insert(pair.first);
  return {ranks.begin(), ranks.end()};
}

/// The measured batches, and between them powers of two.
std::vector<Index> batches_of(const TargetModel& model) {
  std::set<Index> batches;
  for (const auto& [batch, steps] : model.measured_steps) batches.insert(batch);
  const Index largest = *batches.rbegin();
  for (Index batch = 1; batch < largest; batch *= 2) {
    if (batch > *batches.begin()) batches.insert(batch);
  }
  return {batches.begin(), batches.end()};
}

/// How much of a prediction was seen.
std::string evidence(const TargetCell& cell) {
  if (cell.has_measured_steps && cell.has_measured_step_seconds) return "steps and step measured";
  if (cell.has_measured_steps) return "steps measured";
  return cell.has_measured_step_seconds ? "step measured" : "predicted";
}

Json event_of(const std::string& event, const TargetCell& cell) {
  return {{"event", event},
          {"ranks", cell.ranks},
          {"batch_size", cell.batch_size},
          {"steps", cell.steps},
          {"step_seconds", cell.step_seconds},
          {"seconds", cell.seconds()},
          {"core_hours", cell.core_seconds() / kSecondsAnHour},
          {"steps_measured", cell.has_measured_steps},
          {"step_measured", cell.has_measured_step_seconds}};
}

Json time_chart(const std::vector<TargetCell>& cells) {
  Json chart = empty_chart(
      "time", "Time to the target",
      "Predicted, against the batch: fewer steps with larger batches, each of which takes longer.",
      {"batch size", true}, {"seconds", true});
  for (const TargetCell& cell : cells) {
    const std::string name = fmt::format("{} rank{}", cell.ranks, cell.ranks == 1 ? "" : "s");
    if (chart["series"].empty() || chart["series"].back()["name"] != name) {
      chart["series"].push_back(empty_series(name));
    }
    add_point(chart["series"].back(), cell.batch_size, cell.seconds());
  }
  return chart;
}

Json trade_chart(const std::vector<TargetCell>& best) {
  Json chart = empty_chart("trade", "Time against cost", "Each number of ranks at its fastest batch.",
                           {"core-hours", true}, {"seconds", true});
  Json line = empty_series("fastest batch");
  for (const TargetCell& cell : best) add_point(line, cell.core_seconds() / kSecondsAnHour, cell.seconds());
  chart["series"].push_back(line);
  return chart;
}

Json table(const std::string& title, const std::string& description, const TargetModel& model,
           const std::vector<TargetCell>& cells) {
  Json columns = Json::array();
  for (const char* const name : {"ranks", "batch", "time, s", "core-hours", "steps", "measured steps",
                                 "step, ms", "measured step, ms"}) {
    columns.push_back({{"name", name}, {"number", true}});
  }
  columns.push_back({{"name", "evidence"}, {"number", false}});
  Json rows = Json::array();
  for (const TargetCell& cell : cells) {
    const auto steps = model.measured_steps.find(cell.batch_size);
    const auto step = model.measured_step_seconds.find({cell.ranks, cell.batch_size});
    rows.push_back(
        {cell.ranks, cell.batch_size, cell.seconds(), cell.core_seconds() / kSecondsAnHour, cell.steps,
         steps == model.measured_steps.end() ? Json() : Json(steps->second), kMilli * cell.step_seconds,
         step == model.measured_step_seconds.end() ? Json() : Json(kMilli * step->second), evidence(cell)});
  }
  return {{"type", "table"},
          {"title", title},
          {"description", description},
          {"columns", columns},
          {"rows", rows}};
}

/// " on nodes of 64 ranks with links of 25 Gbit/s", or less.
std::string cluster_text(const Cluster& cluster) {
  if (cluster.node_ranks == 0) return "";
  const std::string links = cluster.link ? fmt::format(" with links of {:.4g} Gbit/s", *cluster.link) : "";
  return fmt::format(" on nodes of {}{}", count_of(cluster.node_ranks, "rank"), links);
}

void say_choice(StudyRun& study, const std::string& which, const TargetCell& cell) {
  study.say(fmt::format(
      "{}: batch {} on {} rank{}, {} and {:.3g} core-hours ({:.4g} steps of {:.3g} ms; {}).", which,
      cell.batch_size, cell.ranks, cell.ranks == 1 ? "" : "s", duration_in_words(cell.seconds()),
      cell.core_seconds() / kSecondsAnHour, cell.steps, kMilli * cell.step_seconds, evidence(cell)));
}

void run_plan(StudyRun& study) {
  study.allow_only([](const std::string& /*key*/) { return false; });
  TargetModel model;
  double error = 0;
  const Index most_ranks = study.count("most-ranks");
  together(study.communicator(), [&] {
    if (study.communicator().rank() != 0) return;
    const StudyRecord batches(study, "batch-size", "batch-size");
    const StudyRecord scaling(study, "scaling", "scaling");
    check_same_training(batches, scaling);
    read_batch_sizes(batches, model);
    const ScalingRecord record = read_scaling(scaling, model);
    error = record.error;
    const std::vector<Cluster> clusters = clusters_of(chosen_cluster(study, record.node_ranks), record.model);
    if (clusters.size() > 1) fail_input("--link {}: expected one number", study.option("link"));
    model.cluster = clusters.front();
    if (!model.measured_steps.empty() && model.least_steps > 0) return;
    fail_input(
        "--batch-size {}: none of its batch sizes reached the target; repeat the study with an easier one",
        batches.folder().string());
  });
  study.open();
  if (study.communicator().rank() != 0) return;

  const std::vector<TargetCell> cells =
      predict_targets(model, ranks_of(model, most_ranks), batches_of(model));
  const std::vector<TargetCell> best = fastest_of_each(cells);
  for (const TargetCell& cell : cells) study.record(event_of("plan", cell));
  study.record(event_of("fastest", fastest(cells)));
  study.record(event_of("cheapest", cheapest(cells)));
  say_choice(study, "Fastest", fastest(cells));
  say_choice(study, "Cheapest", cheapest(cells));
  study.say(fmt::format(
      "These are predictions: steps S(B) = {:.4g} (1 + {:.4g} / B) of the study of batch sizes, times a "
      "step's time{} by the model of the scaling study, which predicted held-out rank counts to within "
      "{:.3g} %.",
      model.least_steps, model.critical_batch, cluster_text(model.cluster), kPercent * error));
  study.show(time_chart(cells));
  study.show(trade_chart(best));
  study.show(table("The fastest batch for each number of ranks",
                   "What a training to the target is predicted to take.", model, best));
  study.show(table(
      "All pairs",
      "Measured values stand beside the fitted ones that the prediction is made of; both where both studies "
      "had the pair.",
      model, cells));
}

}  // namespace

Study plan_study() {
  Study study{
      .name = "plan",
      .summary = "how many ranks and which batch: time to a target from the studies batch-size and scaling",
      .options = {{"batch-size", "", "run directory of a study batch-size"},
                  {"scaling", "", "run directory of a study scaling of the same training"},
                  {"most-ranks", "64", "most ranks to plan for"}},
      .run = run_plan};
  std::ranges::copy(cluster_options(), std::back_inserter(study.options));
  return study;
}

}  // namespace lockstep
