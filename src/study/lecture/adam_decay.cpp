#include <algorithm>
#include <cmath>
#include <tuple>

#include <fmt/format.h>

#include "study/sections.hpp"
#include "study/studies.hpp"
#include "study/study_run.hpp"

namespace lockstep {

namespace {

/// Of strengths from weak to strong, of which there are several.
void say_how_norms_depend(StudyRun& study, const std::string& name,
                          const std::vector<VariantCurves>& variants) {
  const double weakest = last(variants.front(), &Measurement::weight_norm).mean;
  const double strongest = last(variants.back(), &Measurement::weight_norm).mean;
  if (variants.size() < 2 || !std::isfinite(weakest) || !(strongest > 0)) return;
  study.say(fmt::format("{}: norm of the weights {:.4g} with '{}' and {:.4g} with '{}', a factor of {:.3g}.",
                        name, weakest, variants.front().front().variant, strongest,
                        variants.back().front().variant, weakest / strongest));
}

void run_adam_decay(StudyRun& study) {
  study.allow_only([](const std::string& key) {
    return !key.starts_with("optimizer.") || key == "optimizer.learning-rate" ||
           key == "optimizer.clip-norm" || key == "optimizer.weight-decay-on";
  });
  std::vector<VariantCurves> l2;
  std::vector<VariantCurves> decoupled;
  std::vector<double> decays = study.numbers("decay");
  std::sort(decays.begin(), decays.end());
  study.expect(2 * decays.size());
  for (const double decay : decays) {
    const std::string lambda = fmt::format("{}", decay);
    l2.push_back(study.train({"Adam, L2 " + lambda, {{"optimizer.name", "adam"}, {"optimizer.l2", lambda}}}));
    decoupled.push_back(study.train(
        {"AdamW, decay " + lambda, {{"optimizer.name", "adamw"}, {"optimizer.weight-decay", lambda}}}));
  }
  say_how_norms_depend(study, "The L2 penalty in Adam", l2);
  say_how_norms_depend(study, "The decoupled decay of AdamW", decoupled);

  for (const auto& [id, title, variants] :
       {std::tuple("l2", "Adam with an L2 penalty", &l2), std::tuple("decoupled", "AdamW", &decoupled)}) {
    study.show(curves_chart(
        fmt::format("norm-{}", id), fmt::format("{}: norm of the weights", title),
        "Mean over the seeds; the band goes from the smallest to the largest. Loshchilov and Hutter: Adam "
        "divides the gradient of the penalty by its own size, so that its strength is largely "
        "lost; a decoupled decay takes the same share off every weight.",
        *variants, &Measurement::epoch, {"epoch"}, {{&Measurement::weight_norm, ""}}, {"norm", true}));
    study.show(curves_chart(fmt::format("loss-{}", id), fmt::format("{}: loss", title),
                            "Of training and held-out samples.", *variants, &Measurement::epoch, {"epoch"},
                            drawn_parts(*variants, &MeasuredPart::loss), {"loss", true}));
  }
  std::vector<VariantCurves> all = l2;
  all.insert(all.end(), decoupled.begin(), decoupled.end());
  study.show(results_table(all));
}

}  // namespace

Study adam_decay_study() {
  return {.name = "adam-decay",
          .summary = "the L2 penalty in Adam against the decoupled decay of AdamW, at several strengths",
          .options = {seeds_option(),
                      evaluations_option(),
                      {"decay", "0.01,0.1,1,10", "strengths λ from weak to strong, separated by commas"}},
          .run = run_adam_decay};
}

}  // namespace lockstep
