#include "train/step/timed_training.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "core/statistics.hpp"
#include "lockstep/parallel/agreement.hpp"

namespace lockstep {

namespace {

constexpr double kRoundSeconds = 0.3;
constexpr Index kMostSteps = 200;

/// The median of what `value` gives of each element.
template <typename Elements, typename Value>
double median_of(const Elements& elements, const Value& value) {
  std::vector<double> values;
  values.reserve(elements.size());
  for (const auto& element : elements) values.push_back(value(element));
  return median(std::move(values));
}

}  // namespace

TimedTraining::TimedTraining(Config config, const Problem& problem, Communicator& world, int ranks)
    : config_(std::move(config)), world_(world), group_(world.split(world.rank() < ranks ? 0 : 1)) {
  in_groups(world_, *group_, [&] {
    if (world_.rank() >= ranks) return;
    trainer_ = std::make_unique<Trainer>(*group_, make_model(config_, problem), problem, config_.training);
    trainer_->time_units();
  });
}

void TimedTraining::round() {
  in_groups(world_, *group_, [&] {
    if (!trainer_) return;
    if (steps_ == 0) steps_ = choose_steps();
    std::vector<StepReport> reports;
    std::vector<UnitTimes> units;
    reports.reserve(static_cast<std::size_t>(steps_));
    units.reserve(reports.capacity());
    sent_ = {};
    for (Index i = 0; i < steps_; ++i) {
      reports.push_back(whole_step());
      units.push_back(trainer_->unit_times());
    }
    keep(reports, units);
  });
}

StepMeasurement TimedTraining::result() const {
  StepMeasurement result;
  if (rounds_.empty()) return result;
  const auto over_rounds = [&](const auto& value) { return median_of(rounds_, value); };
  result.seconds = over_rounds([](const StepMeasurement& m) { return m.seconds; });
  result.exchange = over_rounds([](const StepMeasurement& m) { return m.exchange; });
  result.waiting = over_rounds([](const StepMeasurement& m) { return m.waiting; });
  result.sent = over_rounds([](const StepMeasurement& m) { return m.sent; });
  result.uncompressed = over_rounds([](const StepMeasurement& m) { return m.uncompressed; });
  for (const StepPart part : all_step_parts()) {
    result.times[part] = over_rounds([&](const StepMeasurement& m) { return m.times[part]; });
  }
  for (const UnitKind kind : all_unit_kinds()) {
    for (const Pass pass : {Pass::kForward, Pass::kBackward}) {
      result.units(kind, pass) = over_rounds([&](const StepMeasurement& m) { return m.units(kind, pass); });
    }
  }
  result.units.loss = over_rounds([](const StepMeasurement& m) { return m.units.loss; });
  return result;
}

/// Rank 0's choice for all. Collective over the group.
Index TimedTraining::choose_steps() {
  whole_step();
  Index steps = std::clamp<Index>(static_cast<Index>(kRoundSeconds / whole_step().seconds), 2, kMostSteps);
  group_->broadcast(std::as_writable_bytes(std::span(&steps, 1)), 0);
  return steps;
}

/// The next step on a full batch: the last one of an epoch may be smaller. Collective over the group.
StepReport TimedTraining::whole_step() {
  StepReport report;
  SentBytes before;
  do {
    before = trainer_->sent();
    report = trainer_->step();
  } while (report.samples < trainer_->plan().batch_size);
  sent_.sent += trainer_->sent().sent - before.sent;
  sent_.uncompressed += trainer_->sent().uncompressed - before.uncompressed;
  return report;
}

/// Collective over the group.
void TimedTraining::keep(const std::vector<StepReport>& reports, const std::vector<UnitTimes>& units) {
  const auto over_steps = [&](const auto& value) { return median_of(reports, value); };
  const auto over_ranks = [&](double mine) {
    const std::vector<double> all = all_gather(*group_, mine);
    return std::accumulate(all.begin(), all.end(), 0.0) / static_cast<double>(all.size());
  };
  const auto steps = static_cast<double>(reports.size());
  StepMeasurement round{
      .seconds = over_steps([](const StepReport& report) { return report.seconds; }),
      .times = {},
      .units = {},
      .exchange = over_ranks(over_steps([](const StepReport& report) {
        return report.times[StepPart::kOverlapped] + report.times[StepPart::kExchange];
      })),
      .waiting =
          over_ranks(over_steps([](const StepReport& report) { return report.times[StepPart::kWaiting]; })),
      .sent = over_ranks(static_cast<double>(sent_.sent) / steps),
      .uncompressed = over_ranks(static_cast<double>(sent_.uncompressed) / steps)};
  for (const StepPart part : all_step_parts()) {
    for (const StepReport& report : reports) round.times[part] += report.times[part] / steps;
  }
  for (const UnitTimes& step : units) {
    for (const UnitKind kind : all_unit_kinds()) {
      for (const Pass pass : {Pass::kForward, Pass::kBackward}) {
        round.units(kind, pass) += step(kind, pass) / steps;
      }
    }
    round.units.loss += step.loss / steps;
  }
  rounds_.push_back(round);
}

}  // namespace lockstep
