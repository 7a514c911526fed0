#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/format.h>

#include "core/text.hpp"
#include "lockstep/core/error.hpp"
#include "study/sections.hpp"
#include "study/studies.hpp"
#include "study/study_run.hpp"

namespace lockstep {

namespace {

/// Gradients that the variance of one batch size is taken from.
constexpr Index kMostGradients = 2000;

struct GradientVariance {
  Index batch_size = 0;
  Index gradients = 0;
  double variance = 0;  ///< mean of ‖g_B - ∇F‖², at the initial weights
};

/// The configuration at another batch size, without dropout, whose masks would add to the variance.
Config plain_config(const StudyRun& study, const std::string& batch_size) {
  std::map<std::string, std::string> settings = without_dropout(study.config());
  settings["train.batch-size"] = batch_size;
  return study.config_of({"variance", settings});
}

/// The gradient of the whole training set at the initial weights. Collective.
std::vector<double> full_gradient(StudyRun& study, const Problem& problem) {
  const Config config = plain_config(study, "full");
  Trainer trainer(study.communicator(), make_model(config, problem), problem, config.training);
  const std::vector<Real> gradient = trainer.gradient_of(0);
  return {gradient.begin(), gradient.end()};
}

/// The variance over the whole batches of the first epoch. Collective.
GradientVariance measure_variance(StudyRun& study, const Problem& problem, Index batch_size,
                                  const std::vector<double>& mean) {
  const Config config = plain_config(study, std::to_string(batch_size));
  Trainer trainer(study.communicator(), make_model(config, problem), problem, config.training);
  GradientVariance result{batch_size, std::min(problem.split.training_size() / batch_size, kMostGradients)};
  for (Index step = 0; step < result.gradients; ++step) {
    const std::vector<Real> g = trainer.gradient_of(static_cast<std::uint64_t>(step));
    for (std::size_t i = 0; i < g.size(); ++i) result.variance += (g[i] - mean[i]) * (g[i] - mean[i]);
  }
  result.variance /= static_cast<double>(result.gradients);
  return result;
}

/// tr Σ / B · (N - B) / (N - 1): batches of B out of N samples, drawn without replacement.
double predicted(double trace, Index batch_size, Index samples) {
  const auto n = static_cast<double>(samples);
  const auto b = static_cast<double>(batch_size);
  return trace / b * (n - b) / (n - 1);
}

void study_variance(StudyRun& study, const Problem& problem) {
  const Index samples = problem.split.training_size();
  std::set<Index> sizes = {1, study.config().training.batch_size};
  for (Index size = 4; size <= samples / 4; size *= 4) sizes.insert(size);

  Json chart = empty_chart("variance", "Variance of the gradient",
                           "Mean of ‖g - ∇F‖² over the batches of the first epoch at the initial weights, "
                           "without dropout, and what it "
                           "should be for a batch of B samples, given that for one.",
                           {"batch size", true}, {"variance", true});
  Json measured = empty_series("measured");
  Json theory = empty_series("predicted", "dashed");
  const std::vector<double> mean = full_gradient(study, problem);
  std::optional<double> trace;
  for (const Index size : sizes) {
    const GradientVariance v = measure_variance(study, problem, size, mean);
    study.stop_if_asked(fmt::format("at the variance of batches of {}", size));
    if (!trace) trace = v.variance;
    const double expected = predicted(*trace, size, samples);
    study.record({{"event", "variance"},
                  {"batch_size", size},
                  {"gradients", v.gradients},
                  {"variance", v.variance},
                  {"predicted", expected}});
    add_point(measured, size, v.variance);
    add_point(theory, size, expected);
    if (size == study.config().training.batch_size) {
      study.say(fmt::format(
          "The variance of the gradient is {:.4g} with one sample and {:.4g} with {}, where {:.4g} is "
          "predicted.",
          *trace, v.variance, size, expected));
    }
  }
  chart["series"] = {measured, theory};
  study.show(chart);
}

void run_batch_regimes(StudyRun& study) {
  const Index batch = study.config().training.batch_size;
  if (batch <= 1) {
    fail_input(
        "train.batch-size: study 'batch-regimes' compares it with 1 and with the full set; give a number "
        "between");
  }
  const Problem problem = make_problem(study.config(), study.communicator());
  study.expect(3);
  const std::vector<VariantCurves> variants = {study.train({"full batch", {{"train.batch-size", "full"}}}),
                                               study.train({fmt::format("mini-batches of {}", batch), {}}),
                                               study.train({"single samples", {{"train.batch-size", "1"}}})};
  for (const VariantCurves& curves : variants) {
    study.say(fmt::format("{}: training loss {} after {}", curves.front().variant,
                          to_text(last(curves, &Measurement::training_loss)),
                          count_of(static_cast<std::int64_t>(curves.front().points.back().step), "step")));
  }
  study_variance(study, problem);

  const std::string note = "Mean over the seeds; the band goes from the smallest to the largest.";
  study.show(curves_chart("epochs", "Training loss against epochs", note, variants, &Measurement::epoch,
                          {"epoch"}, {{&Measurement::training_loss, ""}}, {"loss", true}));
  study.show(curves_chart("gradients", "Training loss against gradient evaluations",
                          "Gradients of single samples, whatever the batch. " + note, variants,
                          &Measurement::samples, {"gradients of single samples"},
                          {{&Measurement::training_loss, ""}}, {"loss", true}));
  study.show(curves_chart("held-out", "Loss of held-out samples", note, variants, &Measurement::epoch,
                          {"epoch"}, drawn_parts(variants, &MeasuredPart::loss, false), {"loss", true}));
  study.show(results_table(variants));
}

}  // namespace

Study batch_regimes_study() {
  return {.name = "batch-regimes",
          .summary = "batch, mini-batch and single-sample descent: loss, and the variance of the gradient",
          .options = {seeds_option(), evaluations_option()},
          .run = run_batch_regimes};
}

}  // namespace lockstep
