#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "lockstep/optim/optimizer.hpp"
#include "study/lecture/surface.hpp"
#include "study/sections.hpp"
#include "study/studies.hpp"
#include "study/study_run.hpp"

namespace lockstep {

namespace {

constexpr std::uint64_t kDefaultSteps = 200;
/// Learning rates to try: kRates of them, evenly over the decades from 10^kFirstDecade to 10^kLastDecade.
constexpr int kRates = 61;
constexpr double kFirstDecade = -5;
constexpr double kLastDecade = 1;
constexpr double kFloor = 1e-12;  // heights above the minimum below this are as good as none
constexpr double kNowhere = std::numeric_limits<double>::infinity();

struct Path {
  double learning_rate = 0;
  std::vector<Point> points;
  double reached = 0;  ///< above the minimum, at the end
  double course =
      0;  ///< mean logarithm of the height above the minimum; infinite where the path leaves for good
};

/// The path of `method` (an optimizer and its hyperparameters) from the surface's start.
Path descend(const Surface& surface, const OptimizerOptions& method, std::uint64_t steps) {
  constexpr double kFar = 1e6;
  ParameterLayout layout;
  layout.add(0, "0.weight", {.shape = {1, 2}, .role = TensorRole::kWeight});
  Optimizer optimizer(method, layout);
  std::array<Real, 2> x = {static_cast<Real>(surface.start[0]), static_cast<Real>(surface.start[1])};
  Path path{.learning_rate = method.hyperparameters.at("learning-rate"),
            .points = {surface.start},
            .reached = kNowhere,
            .course = kNowhere};
  double logarithms = 0;
  for (std::uint64_t t = 1; t <= steps; ++t) {
    const Point g = surface.gradient(path.points.back());
    std::array<Real, 2> gradient = {static_cast<Real>(g[0]), static_cast<Real>(g[1])};
    if (optimizer.has_two_passes()) {
      optimizer.perturb(x, gradient, std::hypot(g[0], g[1]));
      const Point there = surface.gradient({x[0], x[1]});
      optimizer.move_back(x);
      gradient = {static_cast<Real>(there[0]), static_cast<Real>(there[1])};
    }
    Hessian2 hessian = surface.hessian(path.points.back());
    optimizer.step(x, gradient, 1, 1, t, hessian);
    const Point p = {x[0], x[1]};
    if (!(std::abs(p[0]) < kFar && std::abs(p[1]) < kFar)) return path;
    path.points.push_back(p);
    logarithms += std::log(std::max(surface.value(p) - surface.minimum, kFloor));
  }
  path.reached = surface.value(path.points.back()) - surface.minimum;
  path.course = logarithms / static_cast<double>(steps);
  return path;
}

/// The path that is lowest on its way, of many learning rates.
Path best_path(const Surface& surface, const Algorithm& algorithm, const Hyperparameters& given,
               std::uint64_t steps) {
  OptimizerOptions method{.name = algorithm.name,
                          .hyperparameters = with_defaults(algorithm.hyperparameters, given)};
  Path best{.learning_rate = 0, .points = {}, .reached = kNowhere, .course = kNowhere};
  for (int i = 0; i < kRates; ++i) {
    const double decade = kFirstDecade + (kLastDecade - kFirstDecade) * i / (kRates - 1);
    method.hyperparameters["learning-rate"] = std::pow(10, decade);
    Path path = descend(surface, method, steps);
    if (path.course < best.course) best = std::move(path);
  }
  return best;
}

/// The surface on a grid, above its minimum.
Json grid(const Surface& surface) {
  constexpr int kCells = 80;
  Json x = Json::array();
  Json y = Json::array();
  Json z = Json::array();
  const auto at = [&](std::size_t axis, int i) {
    return surface.lowest[axis] + (surface.highest[axis] - surface.lowest[axis]) * i / kCells;
  };
  for (int i = 0; i <= kCells; ++i) x.push_back(at(0, i));
  for (int j = 0; j <= kCells; ++j) {
    y.push_back(at(1, j));
    Json row = Json::array();
    for (int i = 0; i <= kCells; ++i) row.push_back(surface.value({at(0, i), at(1, j)}) - surface.minimum);
    z.push_back(row);
  }
  return {{"x", x}, {"y", y}, {"z", z}};
}

void draw(StudyRun& study, const Surface& surface, std::uint64_t steps) {
  Json paths =
      empty_chart("paths-" + surface.name, surface.name,
                  surface.formula + fmt::format(": the paths of {} steps, each at its best learning rate "
                                                "(in brackets), over contour lines.",
                                                steps),
                  {"x"}, {"y"});
  paths["x"]["range"] = {surface.lowest[0], surface.highest[0]};
  paths["y"]["range"] = {surface.lowest[1], surface.highest[1]};
  paths["surface"] = grid(surface);
  Json values = empty_chart("values-" + surface.name, surface.name + ": height above the minimum",
                            surface.formula, {"step"}, {"value - minimum", true});
  constexpr double kAbove = 100;  // of the start: divergence need not be followed further
  values["y"]["range"] = {kFloor, kAbove * (surface.value(surface.start) - surface.minimum)};
  std::string fastest;
  std::string ends;
  double lowest_course = kNowhere;
  for (const Method& method : methods()) {
    const Path path = best_path(surface, *method.algorithm, method.hyperparameters, steps);
    const std::string name = fmt::format("{} ({:.2g})", method.name, path.learning_rate);
    Json course = empty_series(name, "", method.name);
    Json heights = course;
    for (std::size_t t = 0; t < path.points.size(); ++t) {
      const Point& p = path.points[t];
      add_point(course, p[0], p[1]);
      add_point(heights, t, surface.value(p) - surface.minimum);
      study.record({{"event", "path"},
                    {"surface", surface.name},
                    {"optimizer", method.name},
                    {"learning_rate", path.learning_rate},
                    {"step", t},
                    {"x", p[0]},
                    {"y", p[1]},
                    {"value", surface.value(p)}});
    }
    paths["series"].push_back(course);
    values["series"].push_back(heights);
    ends += fmt::format("{}{} {:.2g}", ends.empty() ? "" : ", ", method.name, path.reached);
    if (path.course < lowest_course) {
      lowest_course = path.course;
      fastest = method.name;
    }
  }
  study.say(fmt::format("{}: {} descends fastest. Height above the minimum after {} steps: {}.", surface.name,
                        fastest, steps, ends));
  study.show(paths);
  study.show(values);
}

void run_surfaces(StudyRun& study) {
  study.allow_only([](const std::string& key) { return key == "train.steps"; });
  const std::uint64_t steps =
      study.config().training.steps > 0 ? study.config().training.steps : kDefaultSteps;
  study.open();
  for (const Surface& surface : surfaces()) {
    draw(study, surface, steps);
    study.stop_if_asked("after the surface " + surface.name);
  }
}

}  // namespace

Study surfaces_study() {
  return {.name = "surfaces",
          .summary = "paths of all optimizers over two-dimensional surfaces, each at its best learning rate",
          .options = {},
          .run = run_surfaces};
}

}  // namespace lockstep
