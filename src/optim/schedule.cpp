#include "lockstep/optim/schedule.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "lockstep/core/error.hpp"
#include "lockstep/core/named.hpp"
#include "lockstep/core/text.hpp"

namespace lockstep {

namespace {

struct NamedShape {
  std::string name;
  ScheduleShape shape;
};

double constant(const ScheduleOptions& /*options*/, double /*done*/) { return 1; }

double cosine(const ScheduleOptions& options, double done) {
  const double f = options.final_multiplier;
  return f + (1 - f) * (1 + std::cos(std::numbers::pi * done)) / 2;
}

const std::vector<NamedShape>& shapes() {
  static const std::vector<NamedShape> all = {{"constant", constant}, {"cosine", cosine}};
  return all;
}

ScheduleShape find_shape(const std::string& name) {
  const NamedShape* const found = find_named(shapes(), name);
  if (found == nullptr) {
    fail_input("schedule.name = {}: unknown; expected one of: {}", name, join(schedule_names()));
  }
  return found->shape;
}

}  // namespace

std::vector<std::string> schedule_names() { return names_of(shapes()); }

Schedule::Schedule(ScheduleOptions options, std::uint64_t total_steps)
    : options_(std::move(options)), total_steps_(total_steps), shape_(find_shape(options_.name)) {
  if (options_.warmup_steps > total_steps_) {
    fail_input("schedule.warmup-steps = {}: longer than the run of {} steps; shorten it or train longer",
               options_.warmup_steps, total_steps_);
  }
}

double Schedule::multiplier(std::uint64_t step) const {
  const std::uint64_t warmup = options_.warmup_steps;
  if (step < warmup) return static_cast<double>(step + 1) / static_cast<double>(warmup);
  const auto behind = static_cast<double>(std::max<std::uint64_t>(total_steps_ - warmup, 1));
  const double done = std::min(1.0, static_cast<double>(step - warmup) / behind);
  return shape_(options_, done);
}

}  // namespace lockstep
