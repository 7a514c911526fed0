#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "core/named.hpp"
#include "core/suggestion.hpp"
#include "core/text.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/nn/linear_hessian.hpp"
#include "lockstep/optim/algorithm.hpp"
#include "study/batch_size/rate_search.hpp"
#include "study/sections.hpp"
#include "study/studies.hpp"
#include "study/study_run.hpp"

namespace lockstep {

namespace {

/// `method` as settings; the second-order ones take all samples in every step.
Variant variant_of(const Method& method) {
  Variant variant{method.name, {{"optimizer.name", method.algorithm->name}}};
  for (const auto& [name, value] : method.hyperparameters) {
    const Hyperparameter* const h = find_named(method.algorithm->hyperparameters, name);
    variant.settings["optimizer." + name] =
        h->choices.empty() ? fmt::format("{}", value) : h->choices[static_cast<std::size_t>(value)];
  }
  if (method.algorithm->needs_hessian) variant.settings["train.batch-size"] = "full";
  return variant;
}

/// Those of --optimizers; of all, those that the problem allows. Collective.
std::vector<Variant> chosen_methods(StudyRun& study) {
  const Problem problem = make_problem(study.config(), study.communicator());
  const std::string obstacle = LinearHessian::obstacle(make_model(study.config(), problem), *problem.loss);
  const std::vector<Method> all = methods();
  std::vector<Variant> chosen;
  if (study.option("optimizers") == "all") {
    for (const Method& method : all) {
      if (!method.algorithm->needs_hessian || obstacle.empty()) chosen.push_back(variant_of(method));
    }
    return chosen;
  }
  for (const std::string_view name : split(study.option("optimizers"), ',')) {
    const Method* const found = find_named(all, name);
    if (found == nullptr) {
      fail_input("--optimizers: '{}' is unknown; expected all, or some of: {}{}", name, join(names_of(all)),
                 suggestion(name, names_of(all)));
    }
    if (found->algorithm->needs_hessian && !obstacle.empty())
      fail_input("--optimizers: {} {}", name, obstacle);
    chosen.push_back(variant_of(*found));
  }
  return chosen;
}

/// What the trainings are chosen by: smaller is better; infinite where one diverged or is not finite.
double cost_of(const VariantCurves& curves) {
  const double mean = last(curves, choice_part(curves).loss).mean;
  return std::isfinite(mean) ? mean : std::numeric_limits<double>::infinity();
}

/// Seeks the method's rate of lowest final loss, see choice_part, in steps of √10 from its default.
/// Collective as it searches.
RateSearch rate_search(StudyRun& study, const Variant& method) {
  const auto final_loss = [&](const std::string& rate) {
    Variant variant = method;
    variant.settings["optimizer.learning-rate"] = rate;
    variant.name = fmt::format("{} at {} (search)", method.name, rate);
    return cost_of({study.train_once(variant)});
  };
  return {study.config_of(method).training.optimizer.hyperparameters.at("learning-rate"), std::sqrt(10.0),
          final_loss};
}

/// The best at the end, where there is one. Local.
void say_best(StudyRun& study, const std::vector<VariantCurves>& variants, const MeasuredPart& part) {
  const auto best = std::min_element(
      variants.begin(), variants.end(),
      [](const VariantCurves& a, const VariantCurves& b) { return cost_of(a) < cost_of(b); });
  if (std::isinf(cost_of(*best))) return study.say("No optimizer ended with finite losses at all seeds.");
  study.say(variants.size() > 1
                ? fmt::format("Lowest {} loss at the end: {} with {}.", part.name, best->front().variant,
                              losses_text(*best))
                : fmt::format("At the end {} has {}.", best->front().variant, losses_text(*best)));
  study.say(part.name == "training"
                ? "The learning rates were chosen by the training loss, as there is no validation part; set "
                  "data.validation, such as 0.2, to choose by samples that are not trained on."
                : "The learning rates were chosen by the validation loss.");
}

void run_optimizers(StudyRun& study) {
  study.allow_only([](const std::string& key) {
    return !key.starts_with("optimizer.") || key == "optimizer.l2" || key == "optimizer.clip-norm" ||
           key == "optimizer.weight-decay-on";
  });
  const Index most_rates = study.count("rates");
  std::vector<VariantCurves> variants;
  Json rates = Json::array();
  const std::vector<Variant> methods = chosen_methods(study);
  Index most = std::ssize(methods) * (most_rates + study.count("seeds"));
  study.progress().expect_at_most(most);
  for (const Variant& method : methods) {
    RateSearch search = rate_search(study, method);
    const int chosen = search.best(0, most_rates);
    most -= most_rates - std::ssize(search.costs());
    study.progress().expect_at_most(most);
    Variant best = method;
    const std::string& rate = best.settings["optimizer.learning-rate"] = search.rate_text(chosen);
    for (const auto& [k, loss] : search.costs()) {
      rates.push_back({method.name, std::stod(search.rate_text(k)), loss, k == chosen ? "best" : ""});
    }
    variants.push_back(study.train({fmt::format("{} ({})", method.name, rate), best.settings}));
  }
  const MeasuredPart& part = choice_part(variants.front());
  say_best(study, variants, part);

  const std::string note =
      "In brackets the learning rate. Mean over the seeds; the band goes from the smallest to the largest.";
  study.show(curves_chart("training-loss", "Training loss", note, variants, &Measurement::epoch, {"epoch"},
                          {{&Measurement::training_loss, ""}}, {"loss", true}));
  study.show(curves_chart("held-out-loss", "Loss of held-out samples", note, variants, &Measurement::epoch,
                          {"epoch"}, drawn_parts(variants, &MeasuredPart::loss, false), {"loss", true}));
  study.show(curves_chart("held-out-accuracy", "Accuracy of held-out samples", note, variants,
                          &Measurement::epoch, {"epoch"},
                          drawn_parts(variants, &MeasuredPart::accuracy, false), {"accuracy"}));
  study.show(results_table(variants));
  study.show({{"type", "table"},
              {"title", "Search for the learning rates"},
              {"description", "Final " + part.name + " loss with one seed; empty where the run diverged."},
              {"columns",
               {{{"name", "optimizer"}, {"number", false}},
                {{"name", "learning rate"}, {"number", true}},
                {{"name", part.name + " loss"}, {"number", true}},
                {{"name", "chosen"}, {"number", false}}}},
              {"rows", rates}});
}

}  // namespace

Study optimizers_study() {
  return {.name = "optimizers",
          .summary = "all optimizers on one problem, each at the learning rate that suits it best",
          .options = {seeds_option(),
                      evaluations_option(),
                      {"optimizers", "all", "all, or names separated by commas"},
                      rates_option("7")},
          .run = run_optimizers};
}

}  // namespace lockstep
