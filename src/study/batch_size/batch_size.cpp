#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "core/text.hpp"
#include "lockstep/core/error.hpp"
#include "study/batch_size/batch_fits.hpp"
#include "study/batch_size/batch_trainings.hpp"
#include "study/studies.hpp"
#include "study/sweep/value_list.hpp"

namespace lockstep {

namespace {

/// The place of an option's value among `words`.
std::size_t choice(const StudyRun& study, const std::string& name, const std::vector<std::string>& words) {
  const auto found = std::find(words.begin(), words.end(), study.option(name));
  if (found == words.end()) fail_input("--{} {}: expected one of: {}", name, study.option(name), join(words));
  return static_cast<std::size_t>(found - words.begin());
}

double budget_of(const StudyRun& study) {
  const auto budget = parse_number(study.option("budget"));
  if (!budget || !(*budget >= 1 && *budget <= 1e6)) {
    fail_input("--budget {}: expected a number of at least 1", study.option("budget"));
  }
  return *budget;
}

std::vector<Index> parse_batch_sizes(const std::string& text) {
  constexpr Index kMostSamples = 100'000'000'000;  // far above any data set
  constexpr std::size_t kFewest = 3;
  std::vector<Index> sizes = parse_whole_numbers("--batch-sizes", text, kMostSamples, "samples");
  if (sizes.size() < kFewest)
    fail_input("--batch-sizes {}: a curve of two parameters needs at least {} sizes", text, kFewest);
  return sizes;
}

/// The length of a training is what is measured, so that no schedule may depend on it.
void check_schedule(const Config& config) {
  if (!find_schedule_shape(config.training.schedule.name).needs_total) return;
  std::vector<std::string> others;
  for (const ScheduleShape& shape : schedule_shapes()) {
    if (!shape.needs_total) others.push_back(shape.name);
  }
  fail_input(
      "schedule.name = {}: depends on the number of steps, which study 'batch-size' measures; use one of: {}",
      config.training.schedule.name, join(others));
}

/// As a number of steps or samples, of which there is at least one.
std::string count_text(const Estimate& estimate) {
  constexpr double kFewest = 1 - 1e-6;  // rounded
  const bool has_low = is_bounded_below(estimate);
  const bool has_high = estimate.high >= kFewest && std::isfinite(estimate.high);
  if (!has_high)
    return has_low ? fmt::format("at least {:.4g}", estimate.low) : "not bounded by these batch sizes";
  if (!has_low) return fmt::format("at most {:.4g}", std::max(estimate.high, 1.0));
  return fmt::format("{:.4g} ({:.4g} to {:.4g})", estimate.value, estimate.low, estimate.high);
}

void say_method(StudyRun& study, const BatchStudyPlan& plan, const std::vector<BatchTrainings>& batches) {
  if (!plan.retunes) {
    study.say(
        "The learning rate was NOT tuned again for each batch size but only scaled: the curve mixes what the "
        "batch "
        "does with what the rate does, and is no measure of the critical batch.");
    return;
  }
  study.say(fmt::format(
      "The learning rate was tuned again for each batch size, on a grid of factors of two as far as both "
      "neighbours of "
      "the best are worse; every rate with the same {}, by the {}steps to the target on {} samples.",
      plan.seeds == 1 ? "seed" : count_of(plan.seeds, "seed"), plan.seeds == 1 ? "" : "median of the ",
      plan.part));
  if (plan.part == "test") {
    study.say(
        "There is no validation part, so that the test samples have chosen the learning rates: set "
        "data.validation, as "
        "0.1, to keep them out of it.");
  }
  for (const BatchTrainings& batch : batches) {
    if (batch.is_inside) continue;
    study.say(fmt::format("Batch {}: the best rate lies at the edge of those that were tried; raise --rates.",
                          batch.batch_size));
  }
}

void say_critical_batch(StudyRun& study, const BatchFits& fits) {
  const Estimate critical = fits.steps.critical_batch();
  if (!is_bounded_below(critical)) {
    study.say(
        std::isinf(critical.high)
            ? "These batch sizes show no critical batch: nothing bounds it; train more sizes, further apart."
            : "These batch sizes show no critical batch: nothing bounds it from below; try smaller ones.");
    return;
  }
  const Estimate by_samples = fits.samples.critical_batch();
  study.say(fmt::format("Critical batch, with its 95 % interval: {} samples by the steps, {} by the samples.",
                        count_text(critical),
                        is_bounded_below(by_samples) ? count_text(by_samples) : "not bounded from below"));
}

/// Where scaling is perfect and where it ends, and what the gradients alone say of it.
void say_regimes(StudyRun& study, const std::vector<BatchTrainings>& batches, double critical) {
  const double perfect = critical / kRegimeFactor;
  study.say(fmt::format(
      "{}; the plateau (at most a quarter more steps than the fewest) begins at {:.4g}.",
      perfect >= 1
          ? fmt::format("Scaling is perfect (at most a quarter more samples than the least) up to batches of "
                        "{:.4g}; returns diminish from there",
                        perfect)
          : "Returns diminish from the smallest batches on",
      critical * kRegimeFactor));
  const auto nearest = std::min_element(batches.begin(), batches.end(), [&](const auto& a, const auto& b) {
    const auto distance = [&](const BatchTrainings& batch) {
      return std::abs(std::log(static_cast<double>(batch.batch_size) / critical));
    };
    return distance(a) < distance(b);
  });
  const double noise = predicted_critical_batch(nearest->best().runs);
  if (!std::isfinite(noise)) return;
  study.say(
      fmt::format("The gradient noise scale of the trainings at the nearest batch, {}, is {}: {:.3g} times "
                  "the critical batch "
                  "that the steps give.",
                  nearest->batch_size, noise >= 1 ? fmt::format("{:.4g} samples", noise) : "below 1 sample",
                  noise / critical));
}

void say_results(StudyRun& study, const BatchStudyPlan& plan, const std::vector<BatchTrainings>& batches,
                 const std::optional<BatchFits>& fits) {
  for (const BatchTrainings& batch : batches) {
    if (batch.reached()) continue;
    study.say(fmt::format("Batch {} did not reach {} within its budget, and is left out of the fits.",
                          batch.batch_size, plan.target.text()));
  }
  if (!fits) {
    study.say("Too few batch sizes reached the target for a fit.");
    return;
  }
  say_critical_batch(study, *fits);
  study.say(fmt::format("To {}: fewest steps {}; fewest samples {}.", plan.target.text(),
                        count_text(fits->steps.least()), count_text(fits->samples.least())));
  if (const std::optional<double> critical = fits->critical()) say_regimes(study, batches, *critical);
}

void run_batch_size(StudyRun& study) {
  study.allow_only([](const std::string& key) {
    return key != "train.batch-size" && key != "train.noise-scale" && key != "schedule.scaling" &&
           key != "schedule.reference-batch";
  });
  const std::string& sizes = study.option("batch-sizes");
  BatchStudyPlan plan{
      .batch_sizes = parse_batch_sizes(sizes),
      .target = parse_target(study.option("target")),
      .part = "",
      .retunes = choice(study, "retune", kFlag) == 1,
      .scaling = static_cast<BatchScaling>(choice(study, "scaling", {"none", "linear", "sqrt"})),
      .most_rates = study.count("rates"),
      .seeds = study.count("seeds"),
      .budget = budget_of(study),
      .evaluation_samples = study.count("evaluation-samples")};
  check_schedule(study.config());
  const Problem problem =
      study.make_problem_with_held_out({"all batches", run_settings(plan.batch_sizes.front(), "1", 1)});
  if (plan.batch_sizes.back() > problem.split.training_size()) {
    fail_input("--batch-sizes {}: {} is larger than the {} training samples; use at most that", sizes,
               plan.batch_sizes.back(), problem.split.training_size());
  }
  plan.part = held_out_parts(problem).front().first;
  plan.target.check(problem.training.description().task);

  const std::vector<BatchTrainings> batches = train_batches(study, problem, plan);
  const std::optional<BatchFits> fits = fit_batches(batches);
  record_results(study, batches, fits);
  say_method(study, plan, batches);
  say_results(study, plan, batches, fits);
  show_charts(study, plan, batches, fits);
  show_tables(study, plan, batches, fits);
}

}  // namespace

Study batch_size_study() {
  return {
      .name = "batch-size",
      .summary = "how large a batch still pays: steps and samples to a target against the batch size",
      .options = {{"batch-sizes", "16:16384:x4", "a list, such as 16,64,200, or a range"},
                  {"target", "loss=0.45", "of held-out samples: loss=NUMBER or accuracy=NUMBER"},
                  seeds_option("5"),
                  {"retune", "true", "whether the learning rate is searched for each batch, true or false"},
                  {"scaling", "sqrt", "from batch to batch, where the search begins: none, linear, sqrt"},
                  rates_option("9"),
                  {"budget", "2", "a training is stopped at so many times the fewest steps so far"},
                  {"evaluation-samples", "2000", "of the held-out ones that are evaluated"}},
      .run = run_batch_size};
}

}  // namespace lockstep
