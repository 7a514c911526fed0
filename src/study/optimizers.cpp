#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "sections.hpp"
#include "studies.hpp"
#include "study_run.hpp"
#include <fmt/format.h>

#include "lockstep/core/error.hpp"
#include "lockstep/core/named.hpp"
#include "lockstep/core/text.hpp"
#include "lockstep/nn/linear_hessian.hpp"
#include "lockstep/optim/algorithm.hpp"

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
      fail_input("--optimizers: '{}' is unknown; expected all, or some of: {}", name, join(names_of(all)));
    }
    if (found->algorithm->needs_hessian && !obstacle.empty())
      fail_input("--optimizers: {} {}", name, obstacle);
    chosen.push_back(variant_of(*found));
  }
  return chosen;
}

/// The final training loss with the method's default learning rate times √10^k; infinite where it diverges.
class RateSearch {
 public:
  RateSearch(StudyRun& study, const Variant& method)
      : study_(study),
        method_(method),
        default_rate_(study.config_of(method).optimizer.hyperparameters.at("learning-rate")) {}

  /// `method` at the best of at most `most` rates: from the default, or the first below it at which it does
  /// not diverge, in whichever direction the loss falls. Collective.
  Variant best(Index most) {
    int at = 0;
    while (!std::isfinite(loss(at)) && std::ssize(losses_) < most) --at;
    for (const int direction : {1, -1}) {
      const int begin = at;
      while (std::ssize(losses_) < most && loss(at + direction) < loss(at)) at += direction;
      if (at != begin) break;
    }
    return with_rate(at);
  }

  std::string rate_text(int k) const { return fmt::format("{:.4g}", default_rate_ * std::pow(10, k / 2.0)); }
  const std::map<int, double>& losses() const { return losses_; }

 private:
  Variant with_rate(int k) const {
    Variant variant = method_;
    variant.settings["optimizer.learning-rate"] = rate_text(k);
    return variant;
  }

  double loss(int k) {
    const auto known = losses_.find(k);
    if (known != losses_.end()) return known->second;
    Variant variant = with_rate(k);
    variant.name = fmt::format("{} at {} (search)", method_.name, rate_text(k));
    const Curve curve = study_.train_once(variant);
    return losses_[k] =
               curve.diverged ? std::numeric_limits<double>::infinity() : curve.points.back().training_loss;
  }

  StudyRun& study_;
  const Variant& method_;
  double default_rate_;
  std::map<int, double> losses_;
};

/// Infinite where a run diverged.
double final_loss(const VariantCurves& curves) {
  const double mean = last(curves, &Measurement::training_loss).mean;
  return std::isnan(mean) ? std::numeric_limits<double>::infinity() : mean;
}

void run(StudyRun& study) {
  study.allow_only([](const std::string& key) {
    return !key.starts_with("optimizer.") || key == "optimizer.l2" || key == "optimizer.clip-norm" ||
           key == "optimizer.weight-decay-on";
  });
  const Index most_rates = study.count("rates");
  std::vector<VariantCurves> variants;
  Json rates = Json::array();
  for (const Variant& method : chosen_methods(study)) {
    RateSearch search(study, method);
    const Variant best = search.best(most_rates);
    const std::string& rate = best.settings.at("optimizer.learning-rate");
    for (const auto& [k, loss] : search.losses()) {
      rates.push_back(
          {method.name, std::stod(search.rate_text(k)), loss, search.rate_text(k) == rate ? "best" : ""});
    }
    variants.push_back(study.train({fmt::format("{} ({})", method.name, rate), best.settings}));
  }
  std::vector<VariantCurves> ranked = variants;
  std::stable_sort(ranked.begin(), ranked.end(), [](const VariantCurves& a, const VariantCurves& b) {
    return final_loss(a) < final_loss(b);
  });
  study.say(fmt::format("Lowest training loss at the end: {} with {}.", ranked.front().front().variant,
                        to_text(last(ranked.front(), &Measurement::training_loss))));

  const std::string note =
      "In brackets the learning rate. Mean over the seeds; the band goes from the smallest to the largest.";
  study.show(curves_chart("training-loss", "Training loss", note, variants, &Measurement::epoch, {"epoch"},
                          {{&Measurement::training_loss, ""}}, {"loss", true}));
  study.show(curves_chart("test-loss", "Test loss", note, variants, &Measurement::epoch, {"epoch"},
                          {{&Measurement::test_loss, ""}}, {"loss", true}));
  study.show(curves_chart("test-accuracy", "Test accuracy", note, variants, &Measurement::epoch, {"epoch"},
                          {{&Measurement::test_accuracy, ""}}, {"accuracy"}));
  study.show(results_table(variants));
  study.show({{"type", "table"},
              {"title", "Search for the learning rates"},
              {"description", "Final training loss with one seed; empty where the run diverged."},
              {"columns",
               {{{"name", "optimizer"}, {"number", false}},
                {{"name", "learning rate"}, {"number", true}},
                {{"name", "training loss"}, {"number", true}},
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
                      {"rates", "7", "most learning rates to try for each"}},
          .run = run};
}

}  // namespace lockstep
