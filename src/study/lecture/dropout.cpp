#include <fmt/format.h>

#include "core/text.hpp"
#include "lockstep/core/error.hpp"
#include "study/sections.hpp"
#include "study/studies.hpp"
#include "study/study_run.hpp"

namespace lockstep {

namespace {

void run_dropout(StudyRun& study) {
  const std::map<std::string, std::string> plain = without_dropout(study.config());
  const std::string layers = outline_network(study.config()).text();
  if (plain.at("model.layers") == layers) {
    fail_input(
        "model.layers = {}: has no dropout to study; add one, as 'linear 128, relu, dropout 0.5, linear 10'",
        layers);
  }
  study.make_problem_with_held_out();
  study.expect(2);
  const std::vector<VariantCurves> variants = {study.train({"without dropout", plain}),
                                               study.train({"with dropout", {}})};
  for (const VariantCurves& curves : variants) {
    study.say(fmt::format("{}: {}, gap {}", curves.front().variant, losses_text(curves),
                          to_text(last(curves, &Measurement::gap))));
  }
  const std::string& part = gap_part(variants.front()).name;
  study.show(curves_chart("loss", "Loss",
                          "Without dropping units, also on the training samples. Mean over the seeds; "
                          "the band goes from the smallest to the largest.",
                          variants, &Measurement::epoch, {"epoch"},
                          drawn_parts(variants, &MeasuredPart::loss), {"loss", true}));
  study.show(curves_chart("gap", "Gap of " + part + " to training loss",
                          "Loss of " + part + " samples minus that of training samples.", variants,
                          &Measurement::epoch, {"epoch"}, {{&Measurement::gap, ""}}, {"gap"}));
  study.show(curves_chart("accuracy", "Accuracy", "Without dropping units.", variants, &Measurement::epoch,
                          {"epoch"}, drawn_parts(variants, &MeasuredPart::accuracy), {"accuracy"}));
  study.show(results_table(variants));
}

}  // namespace

Study dropout_study() {
  return {.name = "dropout",
          .summary = "training and held-out loss with the network's dropout layers and without them",
          .options = {seeds_option(), evaluations_option()},
          .run = run_dropout};
}

}  // namespace lockstep
