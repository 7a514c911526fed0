#include "study/batch_size/batch_trainings.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "core/statistics.hpp"
#include "lockstep/core/log.hpp"
#include "study/batch_size/rate_search.hpp"
#include "study/numbers.hpp"

namespace lockstep {

namespace {

/// Between neighbours of the grid of rates.
constexpr double kRateFactor = 2;

double steps_to_target(const TargetRun& run) { return run.reached() ? run.steps : kInfinity; }

/// The first samples of the held-out part, of which validation samples are a random choice: those of the
/// validation part, or of the test part where there is none.
Selection evaluated_part(const Problem& problem, Index samples) {
  Selection part = held_out_parts(problem).front().second;
  part.count = std::min(part.count, samples);
  return part;
}

void record_evaluation(StudyRun& study, const Config& config, const std::string& part,
                       const TargetEvaluation& seen) {
  Json line = {{"event", "measurement"},
               {"part", part},
               {"batch_size", config.training.batch_size},
               {"learning_rate", config.training.optimizer.hyperparameters.at("learning-rate")},
               {"seed", config.training.seed},
               {"step", seen.step},
               {"samples", seen.samples},
               {"loss", seen.evaluation.loss}};
  if (seen.evaluation.accuracy) line["accuracy"] = *seen.evaluation.accuracy;
  study.record(line);
}

void record_run(StudyRun& study, const TargetRun& run, const std::map<std::string, std::string>& settings) {
  study.record({{"event", "run"},
                {"batch_size", run.batch_size},
                {"learning_rate", run.learning_rate},
                {"seed", run.seed},
                {"end", end_name(run.end)},
                {"steps", run.steps},
                {"samples", run.samples},
                {"seconds", run.seconds},
                {"steps_done", run.steps_done},
                {"measured", run.measured},
                {"noise_scale", predicted_critical_batch({run})},
                {"settings", settings},
                {"weights_digest", run.weights_digest}});
}

/// The trainings of one study, whatever their batch.
class Trainings {
 public:
  Trainings(StudyRun& study, const Problem& problem, const BatchStudyPlan& plan)
      : study_(study),
        problem_(problem),
        plan_(plan),
        held_out_(evaluated_part(problem, plan.evaluation_samples)) {}

  /// At `rate` with each seed, unless it is given up. `best`: the median steps of the best rate so far.
  RateTrainings at(Index batch_size, const std::string& rate, double best) {
    RateTrainings trainings{rate, {}};
    Index slower = 0;
    for (Index seed = 0; seed < plan_.seeds && 2 * slower <= plan_.seeds; ++seed) {
      trainings.runs.push_back(train(batch_size, rate, seed));
      const TargetRun& run = trainings.runs.back();
      if (!run.reached() || run.steps > best) ++slower;
    }
    fewest_ = std::min(fewest_, trainings.to_target(&TargetRun::steps).median);
    return trainings;
  }

  /// What a search makes small: the median of the steps; where they do not lead to the target, after all
  /// that do, by how far it was; infinite where half of the trainings diverged.
  double cost(const RateTrainings& trainings) const {
    std::vector<double> costs;
    costs.reserve(trainings.runs.size());
    for (const TargetRun& run : trainings.runs) {
      constexpr double kAfterAll = 1e15;
      const double missed = kAfterAll * (1 + plan_.target.shortfall(run.measured));
      costs.push_back(run.end == TargetRun::End::kStopped ? missed : steps_to_target(run));
    }
    return range_of(costs).median;
  }

 private:
  TargetRun train(Index batch_size, const std::string& rate, Index number) {
    const auto settings =
        run_settings(batch_size, rate, study_.config().training.seed + static_cast<std::uint64_t>(number));
    const Config config = study_.config_of({fmt::format("batch {} at {}", batch_size, rate), settings});
    const auto total =
        static_cast<double>(plan_training(config.training, problem_.split.training_size()).total_steps);
    std::vector<TargetEvaluation> seen;
    study_.progress().begin(fmt::format("batch {} at {}, seed {}", batch_size, rate, config.training.seed));
    TargetRun run = train_to_target(
        config, problem_, plan_.target, held_out_, std::min(total, std::ceil(plan_.budget * fewest_)),
        study_.communicator(), [&](const TargetEvaluation& evaluation) { seen.push_back(evaluation); },
        [&](const StepReport& report, const TrainingPlan& whole) { study_.step(report, whole); });
    study_.open();
    for (const TargetEvaluation& evaluation : seen) record_evaluation(study_, config, plan_.part, evaluation);
    record_run(study_, run, settings);
    study_.tell(fmt::format("batch {}, learning rate {}, seed {}", batch_size, rate, run.seed),
                fmt::format("{} after {:.4g} step{}, {} {} {:.4g}", end_name(run.end), run.steps,
                            run.steps == 1 ? "" : "s", plan_.part, plan_.target.quantity(), run.measured),
                kNothing);
    return run;
  }

  StudyRun& study_;
  const Problem& problem_;
  const BatchStudyPlan& plan_;
  Selection held_out_;
  double fewest_ = kInfinity;  // median steps of any rate at any batch so far
};

}  // namespace

Range range_of(std::vector<double> values) {
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  return {median(values), *least, *most};
}

Range RateTrainings::to_target(double TargetRun::*quantity) const {
  std::vector<double> values;
  values.reserve(runs.size());
  for (const TargetRun& run : runs) values.push_back(run.reached() ? run.*quantity : kInfinity);
  return range_of(values);
}

bool BatchTrainings::reached() const { return std::isfinite(best().to_target(&TargetRun::steps).median); }

std::map<std::string, std::string> run_settings(Index batch_size, const std::string& rate,
                                                std::uint64_t seed) {
  std::map<std::string, std::string> settings = {{"train.batch-size", std::to_string(batch_size)},
                                                 {"optimizer.learning-rate", rate},
                                                 {"train.seed", std::to_string(seed)}};
  if (batch_size > 1) settings["train.noise-scale"] = "true";
  return settings;
}

std::vector<BatchTrainings> train_batches(StudyRun& study, const Problem& problem,
                                          const BatchStudyPlan& plan) {
  const double base = study.config().training.optimizer.hyperparameters.at("learning-rate");
  Trainings trainings(study, problem, plan);
  std::vector<BatchTrainings> batches;
  const Index most_of_batch = (plan.retunes ? plan.most_rates : 1) * plan.seeds;
  Index most = std::ssize(plan.batch_sizes) * most_of_batch;
  study.progress().expect_at_most(most);
  double start = 0;  // on the grid, between its points as scaling gives it
  for (const Index batch_size : plan.batch_sizes) {
    BatchTrainings batch{.batch_size = batch_size};
    if (!batches.empty()) {
      const double scale = batch_scale(plan.scaling, batch_size, batches.back().batch_size);
      start = (plan.retunes ? batches.back().chosen : start) + std::log(scale) / std::log(kRateFactor);
    }
    if (plan.retunes) {
      double best = kInfinity;
      std::map<std::string, RateTrainings> tried;
      RateSearch search(base, kRateFactor, [&](const std::string& rate) {
        const RateTrainings& made = tried[rate] = trainings.at(batch_size, rate, best);
        best = std::min(best, made.to_target(&TargetRun::steps).median);
        return trainings.cost(made);
      });
      batch.chosen = search.best(static_cast<int>(std::lround(start)), plan.most_rates);
      batch.is_inside = search.is_inside(batch.chosen);
      for (const auto& [k, cost] : search.costs()) batch.rates[k] = tried.at(search.rate_text(k));
    } else {
      const std::string rate = fmt::format("{:.4g}", base * std::pow(kRateFactor, start));
      batch.rates[0] = trainings.at(batch_size, rate, kInfinity);
    }
    for (const auto& [k, made] : batch.rates) most += std::ssize(made.runs);
    most -= most_of_batch;
    study.progress().expect_at_most(most);
    batches.push_back(std::move(batch));
  }
  return batches;
}

}  // namespace lockstep
