#include <algorithm>
#include <cmath>
#include <utility>

#include "core/named.hpp"
#include "core/registry.hpp"
#include "core/text.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/core/functions.hpp"
#include "lockstep/optim/schedule.hpp"

namespace lockstep {

namespace {

constexpr double kMostSteps = 1e12;

/// From `from` to `to` along half a cosine, as `done` goes from 0 to 1.
double cosine_between(double from, double to, double done) {
  return to + (from - to) * (1 + portable::cos_pi(done)) / 2;
}

double constant(const Hyperparameters& /*values*/, double /*t*/, double /*total*/) { return 1; }

double step(const Hyperparameters& values, double t, double /*total*/) {
  return portable::pow(values.at("factor"), std::floor(t / values.at("every")));
}

double exponential(const Hyperparameters& values, double t, double /*total*/) {
  return portable::pow(values.at("factor"), t);
}

double polynomial(const Hyperparameters& values, double t, double total) {
  const double f = values.at("final");
  return f + (1 - f) * portable::pow(1 - std::min(t / total, 1.0), values.at("power"));
}

double cosine(const Hyperparameters& values, double t, double total) {
  return cosine_between(1, values.at("final"), std::min(t / total, 1.0));
}

double cosine_restarts(const Hyperparameters& values, double t, double /*total*/) {
  double period = values.at("period");
  const double factor = values.at("period-factor");
  if (factor == 1) {
    t = std::fmod(t, period);
  } else {
    while (t >= period) {
      t -= period;
      period *= factor;
    }
  }
  return cosine_between(1, values.at("final"), t / period);
}

double one_cycle(const Hyperparameters& values, double t, double total) {
  const double peak = values.at("rise") * total - 1;
  if (t < peak) return cosine_between(values.at("initial"), 1, t / peak);
  const double fall = total - 1 - std::max(peak, 0.0);
  const double done = fall > 0 ? std::min((t - std::max(peak, 0.0)) / fall, 1.0) : 0;
  return cosine_between(1, values.at("final"), done);
}

std::deque<ScheduleShape>& all_shapes() {
  static std::deque<ScheduleShape> all = {
      {"constant", {}, constant},
      {"step",
       {{"every", kRequired, 1, kMostSteps, "steps between two drops", {}, Numbers::kWhole},
        {"factor", 0.1, 0, 1, "of each drop, or of each step"}},
       step},
      {"exponential", {{"factor", 0.999, 0, 10, "of each drop, or of each step"}}, exponential},
      {"polynomial",
       {{"power", 1, 0, 100, "exponent; 1 is a straight line"},
        {"final", 0, 0, 1, "the multiplier at the end, or at the end of a cycle"}},
       polynomial,
       true},
      {"cosine", {{"final", 0, 0, 1, "the multiplier at the end, or at the end of a cycle"}}, cosine, true},
      {"cosine-restarts",
       {{"period", kRequired, 1, kMostSteps, "steps of the first cycle, T₀", {}, Numbers::kWhole},
        {"period-factor",
         1,
         1,
         1000,
         "how much longer each cycle is than the one before, T_mult",
         {},
         Numbers::kWhole},
        {"final", 0, 0, 1, "the multiplier at the end, or at the end of a cycle"}},
       cosine_restarts},
      {"one-cycle",
       {{"rise", 0.3, 0, 1, "part of the steps on which the multiplier rises"},
        {"initial", 0.04, 0, 1, "the multiplier at the start"},
        {"final", 4e-6, 0, 1, "the multiplier at the end, or at the end of a cycle"}},
       one_cycle,
       true}};
  return all;
}

}  // namespace

const std::deque<ScheduleShape>& schedule_shapes() { return all_shapes(); }

void register_schedule_shape(ScheduleShape shape) {
  check_new_name(schedule_shapes(), shape.name, "a schedule");
  all_shapes().push_back(std::move(shape));
}

const ScheduleShape& find_schedule_shape(const std::string& name) {
  const ScheduleShape* const found = find_named(schedule_shapes(), name);
  if (found == nullptr) {
    fail_input("schedule '{}': unknown; expected one of: {}", name, join(names_of(schedule_shapes())));
  }
  return *found;
}

}  // namespace lockstep
