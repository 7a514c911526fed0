#include <fmt/format.h>

#include "study/sections.hpp"
#include "study/studies.hpp"
#include "study/study_run.hpp"

namespace lockstep {

namespace {

void run_weight_decay(StudyRun& study) {
  study.allow_only([](const std::string& key) { return key != "optimizer.weight-decay"; });
  study.make_problem_with_held_out();
  std::vector<VariantCurves> variants;
  study.expect(study.numbers("decay").size());
  for (const double decay : study.numbers("decay")) {
    const std::string name = decay == 0 ? "no decay" : fmt::format("λ = {}", decay);
    variants.push_back(study.train({name, {{"optimizer.weight-decay", fmt::format("{}", decay)}}}));
  }
  for (const VariantCurves& curves : variants) {
    study.say(fmt::format("{}: {}, gap {}", curves.front().variant, losses_text(curves),
                          to_text(last(curves, &Measurement::gap))));
  }
  const double first = last(variants.front(), &Measurement::gap).mean;
  const double least = last(variants.back(), &Measurement::gap).mean;
  if (variants.size() > 1 && first > 0 && least > 0) {
    study.say(fmt::format("The gap of {} to training loss is {:.3g} times as large with '{}' as with '{}'.",
                          gap_part(variants.front()).name, first / least, variants.front().front().variant,
                          variants.back().front().variant));
  }
  const std::string& part = gap_part(variants.front()).name;
  study.show(curves_chart(
      "loss", "Loss", "Mean over the seeds; the band goes from the smallest to the largest.", variants,
      &Measurement::epoch, {"epoch"}, drawn_parts(variants, &MeasuredPart::loss), {"loss", true}));
  study.show(curves_chart("gap", "Gap of " + part + " to training loss",
                          "Loss of " + part + " samples minus that of training samples.", variants,
                          &Measurement::epoch, {"epoch"}, {{&Measurement::gap, ""}}, {"gap", true}));
  study.show(curves_chart("norm", "Norm of the weights", "What the decay acts on.", variants,
                          &Measurement::epoch, {"epoch"}, {{&Measurement::weight_norm, ""}}, {"norm", true}));
  study.show(results_table(variants));
}

}  // namespace

Study weight_decay_study() {
  return {.name = "weight-decay",
          .summary = "training and held-out loss with and without weight decay",
          .options = {seeds_option(),
                      evaluations_option(),
                      {"decay", "0,3", "values of optimizer.weight-decay, separated by commas"}},
          .run = run_weight_decay};
}

}  // namespace lockstep
