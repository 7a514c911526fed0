#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>

#include <fmt/format.h>

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

/// What runs along the x axis: steps, or epochs where the runs need not the same number of steps for one. And
/// in how many points at most; how many the longest curve would have.
struct XAxis {
  std::string title;
  std::vector<double> RunRecord::*of_steps;
  double EvaluationRecord::*of_evaluations;
  std::size_t most_points = kMostPoints;
  std::size_t longest = 0;
};

/// The points of all curves that the page may have.
std::vector<std::size_t> curve_sizes(const std::vector<RunRecord>& runs) {
  constexpr std::size_t kColumns = 5;  // of the steps
  constexpr std::size_t kValues = 2;   // of an evaluation
  std::vector<std::size_t> sizes;
  for (const RunRecord& run : runs) {
    sizes.insert(sizes.end(), kColumns, run.step.size());
    std::map<std::string, std::size_t> evaluations;
    for (const EvaluationRecord& evaluation : run.evaluations) ++evaluations[evaluation.part];
    for (const auto& [part, count] : evaluations) sizes.insert(sizes.end(), kValues, count);
  }
  return sizes;
}

XAxis choose_x_axis(const std::vector<RunRecord>& runs) {
  std::set<double> steps_an_epoch;
  for (const RunRecord& run : runs) {
    if (!run.step.empty()) steps_an_epoch.insert(std::round(run.step.back() / run.epoch.back()));
  }
  const std::vector<std::size_t> sizes = curve_sizes(runs);
  XAxis axis = {"step", &RunRecord::step, &EvaluationRecord::step,
                points_a_series(sizes, kMostPoints, kMostPointsOfAll),
                *std::max_element(sizes.begin(), sizes.end())};
  if (steps_an_epoch.size() > 1) {
    axis.title = "epoch";
    axis.of_steps = &RunRecord::epoch;
    axis.of_evaluations = &EvaluationRecord::epoch;
  }
  return axis;
}

std::string style_of(const std::string& part) {
  if (part.starts_with("validation")) return "dashed";
  return part.starts_with("test") ? "dotted" : "solid";
}

/// Appends the series of `part` of `run` unless it has nothing to show. Alone, a run's colours are its
/// parts'; among several, each run has its own, and parts differ by dashes.
void add_series(Json& series, const std::vector<RunRecord>& runs, const RunRecord& run,
                const std::string& part, const Points& points) {
  if (std::none_of(points.y.begin(), points.y.end(), [](double y) { return std::isfinite(y); })) return;
  const bool alone = runs.size() == 1;
  series.push_back({{"name", alone ? part : run.name + ", " + part},
                    {"group", alone ? part : run.name},
                    {"style", style_of(part)},
                    {"x", points.x},
                    {"y", points.y}});
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
  return thinned(run.*axis.of_steps, run.*column, axis.most_points);
}

/// The parts that `run` evaluates, each with its `value`s.
void add_evaluations(Json& series, const std::vector<RunRecord>& runs, const RunRecord& run,
                     const XAxis& axis, double EvaluationRecord::*value) {
  std::vector<std::string> parts;
  for (const EvaluationRecord& evaluation : run.evaluations) {
    if (std::find(parts.begin(), parts.end(), evaluation.part) == parts.end())
      parts.push_back(evaluation.part);
  }
  for (const std::string& part : parts) {
    Points points;
    for (const EvaluationRecord& evaluation : run.evaluations) {
      if (evaluation.part != part) continue;
      points.x.push_back(evaluation.*axis.of_evaluations);
      points.y.push_back(evaluation.*value);
    }
    add_series(series, runs, run, part, thinned(points.x, points.y, axis.most_points));
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
  Json loss = Json::array();
  Json accuracy = Json::array();
  for (const RunRecord& run : runs) {
    add_series(loss, runs, run, kTraining, column_points(run, axis, &RunRecord::loss));
    add_evaluations(loss, runs, run, axis, &EvaluationRecord::loss);
    add_evaluations(accuracy, runs, run, axis, &EvaluationRecord::accuracy);
  }
  Json sections = Json::array();
  const auto add = [&](const char* id, const char* title, const char* description, const char* y,
                       Json series) {
    const std::string text = description + thinning_note(axis, series);
    add_chart(sections, id, title, text, axis.title, y, std::move(series));
  };
  add("loss", "Loss", "In training over each step's global batch; held-out samples are evaluated as a whole.",
      "loss", std::move(loss));
  add("noise-scale", "Gradient noise scale",
      "The batch, in samples, in whose mean gradient noise and signal have equal parts: tr Σ / |G|², of "
      "moving "
      "averages over about a hundred measured steps. Gaps: the averages did not tell a gradient from noise.",
      "samples", column_series(runs, axis, &RunRecord::noise_scale));
  add("accuracy", "Accuracy", "The share of samples that are classified correctly.", "accuracy",
      std::move(accuracy));
  add("learning-rate", "Learning rate", "What the schedule gives each step.", "learning rate",
      column_series(runs, axis, &RunRecord::learning_rate));
  add("gradient-norm", "Gradient norm", "Euclidean norm of the gradient over all ranks, before clipping.",
      "gradient norm", column_series(runs, axis, &RunRecord::gradient_norm));
  add_step_time(sections, runs);
  add("samples-per-second", "Throughput", "Samples of all ranks over the time inside each step.", "samples/s",
      column_series(runs, axis, &RunRecord::samples_per_second));
  return sections;
}

}  // namespace lockstep
