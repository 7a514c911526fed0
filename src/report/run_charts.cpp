#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "report/run_metric.hpp"
#include "report/run_sections.hpp"
#include "report/thinning.hpp"

namespace lockstep {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMostPoints = 1500;          // of a curve
constexpr std::size_t kMostPointsOfAll = 300'000;  // of a page, about 10 MB
constexpr std::size_t kMostBars = 60;
constexpr double kMilliseconds = 1000;
const std::string kTraining = "training";

/// What may run along the x axis.
struct Position {
  std::string title;
  std::vector<double> RunRecord::*of_steps;
  double EvaluationRecord::*of_evaluations;  ///< none of time, which is that of the evaluation's step
};
const Position kSteps = {"step", &RunRecord::step, &EvaluationRecord::step};
const Position kEpochs = {"epoch", &RunRecord::epoch, &EvaluationRecord::epoch};
const Position kTime = {"seconds in steps", &RunRecord::time, nullptr};

/// Steps, or epochs where the runs need not the same number of steps for one; what a person may choose
/// instead; and in how many points at most; how many the longest curve would have.
struct XAxis {
  Position first;
  std::vector<Position> others;
  std::size_t most_points = kMostPoints;
  std::size_t longest = 0;
};

/// The points of all curves that the page may have.
std::vector<std::size_t> curve_sizes(const std::vector<RunRecord>& runs) {
  constexpr std::size_t kColumns = 5;                    // of the steps
  const std::size_t metrics = all_metrics(runs).size();  // of an evaluation
  std::vector<std::size_t> sizes;
  for (const RunRecord& run : runs) {
    sizes.insert(sizes.end(), kColumns, run.step.size());
    std::map<std::string, std::size_t> evaluations;
    for (const EvaluationRecord& evaluation : run.evaluations) ++evaluations[evaluation.part];
    for (const auto& [part, count] : evaluations) sizes.insert(sizes.end(), metrics, count);
  }
  return sizes;
}

XAxis choose_x_axis(const std::vector<RunRecord>& runs) {
  std::set<double> steps_an_epoch;
  for (const RunRecord& run : runs) {
    if (!run.step.empty()) steps_an_epoch.insert(std::round(run.step.back() / run.epoch.back()));
  }
  const std::vector<std::size_t> sizes = curve_sizes(runs);
  const bool by_epoch = steps_an_epoch.size() > 1;
  std::vector<Position> others = {by_epoch ? kSteps : kEpochs};
  if (std::any_of(runs.begin(), runs.end(), [](const RunRecord& run) { return run.seconds_in_steps() > 0; }))
    others.push_back(kTime);
  return {by_epoch ? kEpochs : kSteps, std::move(others),
          points_a_series(sizes, kMostPoints, kMostPointsOfAll),
          *std::max_element(sizes.begin(), sizes.end())};
}

/// Where `evaluation` of `run` stands.
double position_of(const RunRecord& run, const EvaluationRecord& evaluation, const Position& position) {
  if (position.of_evaluations != nullptr) return evaluation.*position.of_evaluations;
  const auto step = std::lower_bound(run.step.begin(), run.step.end(), evaluation.step);
  if (step == run.step.end() || *step != evaluation.step) return std::numeric_limits<double>::quiet_NaN();
  return (run.*position.of_steps)[static_cast<std::size_t>(step - run.step.begin())];
}

std::string style_of(const std::string& part) {
  if (part.starts_with("validation")) return "dashed";
  return part.starts_with("test") ? "dotted" : "solid";
}

/// Appends the series of `part` of `run`, and returns it, unless it has nothing to show. Alone, a run's
/// colours are its parts'; among several, each run has its own, and parts differ by dashes.
Json* add_series(Json& series, const std::vector<RunRecord>& runs, const RunRecord& run,
                 const std::string& part, const Points& points) {
  if (std::none_of(points.y.begin(), points.y.end(), [](double y) { return std::isfinite(y); }))
    return nullptr;
  const bool alone = runs.size() == 1;
  series.push_back({{"name", alone ? part : run.name + ", " + part},
                    {"group", alone ? part : run.name},
                    {"style", style_of(part)},
                    {"x", points.x},
                    {"y", points.y}});
  return &series.back();
}

void add_chart(Json& sections, const std::string& id, const std::string& title,
               const std::string& description, const std::string& x_title, const std::string& y_title,
               Json series, const std::string& kind = "lines") {
  if (series.empty()) return;
  sections.push_back({{"type", "chart"},
                      {"id", id},
                      {"title", title},
                      {"description", description},
                      {"kind", kind},
                      {"x", {{"title", x_title}, {"log", false}}},
                      {"y", {{"title", y_title}, {"log", false}}},
                      {"series", std::move(series)}});
}

Points column_points(const RunRecord& run, const XAxis& axis, std::vector<double> RunRecord::*column) {
  return thinned(run.*axis.first.of_steps, run.*column, axis.most_points);
}

/// The training losses, with what else their x may be.
void add_training_loss(Json& series, const std::vector<RunRecord>& runs, const RunRecord& run,
                       const XAxis& axis) {
  Json* const made = add_series(series, runs, run, kTraining, column_points(run, axis, &RunRecord::loss));
  if (made == nullptr) return;
  for (const Position& other : axis.others) {
    (*made)["along"][other.title] = thinned(run.*other.of_steps, run.loss, axis.most_points).x;
  }
}

/// The parts that `run` evaluates, each with its values of `metric`, and which of them is the best.
void add_evaluations(Json& series, const std::vector<RunRecord>& runs, const RunRecord& run,
                     const XAxis& axis, const std::string& metric) {
  std::map<std::string, std::vector<const EvaluationRecord*>> of_part;
  std::vector<std::string> parts;
  for (const EvaluationRecord& evaluation : run.evaluations) {
    auto& all = of_part[evaluation.part];
    if (all.empty()) parts.push_back(evaluation.part);
    all.push_back(&evaluation);
  }
  for (const std::string& part : parts) {
    const auto points = [&](const Position& position) {
      Points all;
      for (const EvaluationRecord* const evaluation : of_part[part]) {
        all.x.push_back(position_of(run, *evaluation, position));
        all.y.push_back(evaluation->value(metric));
      }
      return thinned(all.x, all.y, axis.most_points);
    };
    Json* const made = add_series(series, runs, run, part, points(axis.first));
    if (made == nullptr) continue;
    for (const Position& other : axis.others) (*made)["along"][other.title] = points(other).x;
    const EvaluationRecord* const best = run.best(part, metric);
    if (part != run.choice_part() || best == nullptr || (*made)["x"].size() < of_part[part].size()) continue;
    const auto at = std::find(of_part[part].begin(), of_part[part].end(), best);
    (*made)["best"] = at - of_part[part].begin();
  }
}

/// One curve a run, of its training steps.
Json column_series(const std::vector<RunRecord>& runs, const XAxis& axis,
                   std::vector<double> RunRecord::*column) {
  Json series = Json::array();
  for (const RunRecord& run : runs) {
    add_series(series, runs, run, kTraining, column_points(run, axis, column));
  }
  return series;
}

/// A sentence for a chart some of whose curves are thinned, else nothing.
std::string thinning_note(const XAxis& axis, const Json& series) {
  const bool is_thinned =
      axis.longest > axis.most_points && std::any_of(series.begin(), series.end(), [&](const Json& curve) {
        return curve["x"].size() == axis.most_points;
      });
  if (!is_thinned) return "";
  return fmt::format(" Curves of more than {} points are means over equal ranges between their ends.",
                     axis.most_points);
}

/// Of one run over its steps; of several, one bar a run.
void add_step_time(Json& sections, const std::vector<RunRecord>& runs) {
  const bool alone = runs.size() == 1;
  std::vector<std::string> parts;
  for (const RunRecord& run : runs) {
    for (const auto& [part, column] : run.seconds) {
      if (std::find(parts.begin(), parts.end(), part) == parts.end()) parts.push_back(part);
    }
  }
  Json series = Json::array();
  for (const std::string& part : parts) {
    Json x = Json::array();
    Json y = Json::array();
    for (const RunRecord& run : runs) {
      for (const auto& [name, seconds] : run.seconds) {
        if (name != part) continue;
        const Points means = bin_means(run.step, seconds, alone ? kMostBars : 1);
        for (std::size_t i = 0; i < means.x.size(); ++i) {
          x.push_back(alone ? Json(means.x[i]) : Json(run.name));
          y.push_back(means.y[i] * kMilliseconds);
        }
      }
    }
    std::string name = part;
    std::replace(name.begin(), name.end(), '_', ' ');
    series.push_back({{"name", name}, {"group", name}, {"x", std::move(x)}, {"y", std::move(y)}});
  }
  add_chart(sections, "step-time", "Time of a step",
            alone ? "Where the time of a step goes, as means over equal ranges of steps."
                  : "Where the time of a step goes, as means over each run.",
            alone ? "step" : "run", "milliseconds", std::move(series), "stacked-bars");
}

}  // namespace

Json chart_sections(const std::vector<RunRecord>& runs) {
  const XAxis axis = choose_x_axis(runs);
  Json sections = Json::array();
  const auto add = [&](const std::string& id, const std::string& title, const std::string& description,
                       const std::string& y, Json series, bool is_robust) {
    const std::string text = description + thinning_note(axis, series);
    const std::size_t before = sections.size();
    add_chart(sections, id, title, text, axis.first.title, y, std::move(series));
    if (sections.size() == before) return;
    Json& chart = sections.back();
    if (is_robust) chart["y"]["robust"] = true;
    if (chart["series"].front().contains("along")) {
      for (const Position& other : axis.others) chart["x"]["others"].push_back(other.title);
    }
  };
  std::vector<std::string> metrics = all_metrics(runs);
  if (metrics.empty()) metrics.emplace_back("loss");
  for (const std::string& metric : metrics) {
    Json series = Json::array();
    for (const RunRecord& run : runs) {
      if (metric == "loss") add_training_loss(series, runs, run, axis);
      add_evaluations(series, runs, run, axis, metric);
    }
    const MetricText text = metric_text(metric);
    std::string id = metric;
    std::replace(id.begin(), id.end(), '_', '-');
    add(id, text.title, text.description, text.name, std::move(series), text.lower_is_better);
  }
  const auto add_column = [&](const char* id, const char* title, const char* description, const char* y,
                              std::vector<double> RunRecord::*column, bool is_robust) {
    add(id, title, description, y, column_series(runs, axis, column), is_robust);
  };
  add_column("noise-scale", "Gradient noise scale",
             "The batch, in samples, in whose mean gradient noise and signal have equal parts: tr Σ / |G|², "
             "of moving averages over about a hundred measured steps. Gaps: the averages did not tell a "
             "gradient from noise.",
             "samples", &RunRecord::noise_scale, true);
  add_column("learning-rate", "Learning rate", "What the schedule gives each step.", "learning rate",
             &RunRecord::learning_rate, false);
  add_column("gradient-norm", "Gradient norm",
             "Euclidean norm of the gradient over all ranks, before clipping.", "gradient norm",
             &RunRecord::gradient_norm, true);
  add_step_time(sections, runs);
  add_column("samples-per-second", "Throughput", "Samples of all ranks over the time inside each step.",
             "samples/s", &RunRecord::samples_per_second, true);
  return sections;
}

}  // namespace lockstep
