#include "settings.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "lockstep/comm/watchdog.hpp"
#include "lockstep/core/named.hpp"
#include "lockstep/core/text.hpp"
#include "lockstep/nn/losses.hpp"
#include "lockstep/optim/algorithm.hpp"
#include "lockstep/train/timeline.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

std::vector<std::pair<std::string, Task>> task_choices() {
  std::vector<std::pair<std::string, Task>> choices;
  for (const NamedTask& named : tasks()) choices.emplace_back(named.name, named.task);
  return choices;
}

void add_data(Config::Data& data, std::vector<Setting>& settings) {
  DataSource& source = data.source;
  const std::int64_t most_samples = std::int64_t{1} << 32U;
  settings.insert(
      settings.end(),
      {{"data.source", "fashion-mnist",
        "fashion-mnist, a folder of IDX files, FILE.csv, " + join(synthetic_names()), words(source.source)},
       {"data.test", "", "CSV: the file with the test samples", words(source.test)},
       {"data.prefix", "", "IDX: what file names begin with, such as emnist-letters-", words(source.prefix)},
       {"data.task", "classification", "CSV: " + join(names_of(tasks())),
        choice(source.task, task_choices())},
       {"data.label", "-1",
        "CSV: label column, its name or number from 0 (negative: from the end); a list for several targets",
        words(source.label)},
       {"data.header", "auto",
        "CSV: whether the first line names the columns: auto (if features in it are text and none a number), "
        "yes, no",
        choice(source.header, {{"auto", Header::kAuto}, {"yes", Header::kYes}, {"no", Header::kNo}})},
       {"data.samples", "1000", "synthetic: samples of the training part",
        whole(source.synthetic.samples, 1, most_samples)},
       {"data.test-samples", "auto", "synthetic: samples of the test part, or auto: as many as data.samples",
        whole_or(source.synthetic.test_samples, "auto", most_samples)},
       {"data.features", "20", "synthetic: features", whole(source.synthetic.features, 1, 1 << 24)},
       {"data.classes", "4", "synthetic: classes, or labels of tags",
        whole(source.synthetic.classes, 2, 1 << 16)},
       {"data.seed", "1", "seed of synthetic data and of the choice of validation samples",
        whole(source.synthetic.seed, 0)},
       {"data.normalize", "standard", "features to mean 0 and deviation 1 (standard), to 0 … 1 (unit), none",
        choice(data.normalize, {{"standard", NormalizationKind::kStandard},
                                {"unit", NormalizationKind::kUnit},
                                {"none", NormalizationKind::kNone}})},
       {"data.validation", "0", "part of the training samples that is held out, such as 0.1",
        real(data.validation, 0, 1, true)}});
}

void add_loss(Config::Model& model, std::vector<Setting>& settings) {
  std::string known;
  std::vector<std::pair<std::string, std::string>> choices = {{"auto", "auto"}};
  std::vector<Setting> parameters;
  for (const LossForm& form : losses()) {
    known += fmt::format("{} ({}), ", form.name, form.description);
    choices.emplace_back(form.name, form.name);
    for (const Hyperparameter& h : form.hyperparameters) {
      parameters.push_back({"model." + h.name, fmt::format("{}", h.default_value), form.name + ": " + h.help,
                            value_of(h, model.loss_parameters[h.name])});
    }
  }
  settings.push_back({"model.loss", "auto", known + "or auto: by the task", choice(model.loss, choices)});
  settings.insert(settings.end(), parameters.begin(), parameters.end());
}

void add_model(Config::Model& model, std::vector<Setting>& settings) {
  settings.push_back({"model.layers", "linear 128, relu, linear 10",
                      "the network, unit by unit; several lines are joined", words(model.layers), ", "});
  settings.push_back({"model.block", "",
                      "NAME {PARAMETER[=DEFAULT]}: LAYERS, a word for model.layers; several lines, or parts "
                      "separated by ';', for several",
                      words(model.blocks), "; "});
  add_loss(model, settings);
  settings.insert(
      settings.end(),
      {{"model.initialization", "auto", "he, glorot, normal (deviation 1), or auto: he before rectifiers",
        choice(model.initialization, {{"auto", Initialization::kAuto},
                                      {"he", Initialization::kHe},
                                      {"glorot", Initialization::kGlorot},
                                      {"normal", Initialization::kNormal}})},
       {"model.init", "", "safetensors file with the weights to start from", words(model.init)}});
}

void add_train(TrainingOptions& train, std::vector<Setting>& settings) {
  settings.insert(
      settings.end(),
      {{"train.batch-size", "256", "samples of one step over all ranks, or full",
        whole_or(train.batch_size, "full")},
       {"train.epochs", "10", "passes over the training samples", whole(train.epochs, 1, 1 << 20)},
       {"train.steps", "auto", "optimizer steps, or auto: by train.epochs", whole_or(train.steps, "auto")},
       {"train.micro-batches", "auto",
        "slices of a batch, the most ranks there may be; auto: 8, or more for more ranks",
        whole_or(train.micro_batches, "auto", 1 << 16)},
       {"train.threads", "1", "threads of each rank; same bits for any number",
        whole(train.threads, 1, 1 << 10)},
       {"train.precision", "float32",
        "what linear units multiply: float32, or bf16 (bfloat16; sums, weights and optimizer stay float32)",
        choice(train.precision, {{"float32", Precision::kFloat32}, {"bf16", Precision::kBfloat16}})},
       {"train.seed", "1", "seed of initial weights, order and dropout", whole(train.seed, 0)},
       {"train.reduction", "reproducible",
        "reproducible: same bits at every rank count; fast: the library's order",
        choice(train.reduction, {{"reproducible", Reduction::kReproducible}, {"fast", Reduction::kFast}})},
       {"train.exchange", "auto",
        "auto: shared memory inside one node; messages: always messages (same bits)",
        choice(train.exchange, {{"auto", Exchange::kAuto}, {"messages", Exchange::kMessages}})},
       {"train.timeline", "false",
        fmt::format(
            "whether to write into timeline.json, for Perfetto, what every rank does when in the first {} "
            "steps: true, false",
            Timeline::kMostSteps),
        choice(train.timeline, {{"true", true}, {"false", false}})},
       {"train.check-every", "100", "steps between comparisons of the ranks' weights, 0 for none",
        whole(train.check_every, 0)},
       {"train.noise-scale", "false",
        "measure the gradient noise scale, the batch whose noise equals its gradient: true or false",
        choice(train.noise_scale, {{"false", false}, {"true", true}})},
       {"train.on-nonfinite", "stop",
        "where a loss or gradient is not finite: stop the run, or skip the step on all ranks",
        choice(train.on_nonfinite, {{"stop", OnNonFinite::kStop}, {"skip", OnNonFinite::kSkip}})},
       {"train.nonfinite-limit", "10", "the most steps in a row that are skipped before the run stops",
        whole(train.nonfinite_limit, 1)}});
}

/// " (sgd 0.1, adam 0.001)": the default of each method that takes the hyperparameter.
template <typename Methods>
std::string defaults_text(const Methods& methods, const std::string& name) {
  std::vector<std::string> defaults;
  for (const auto& method : methods) {
    const Hyperparameter* const h = find_named(method.hyperparameters, name);
    if (h == nullptr) continue;
    std::string value = fmt::format("{}", h->default_value);
    if (std::isnan(h->default_value)) value = "needs it";
    if (!h->choices.empty()) value = h->choices[static_cast<std::size_t>(h->default_value)];
    defaults.push_back(method.name + " " + value);
  }
  return " (" + join(defaults) + ")";
}

/// The keys that any of `methods` takes, each once; their defaults depend on the method that is chosen.
template <typename Methods>
void add_hyperparameters(const std::string& section, const Methods& methods, Hyperparameters& values,
                         std::vector<Setting>& settings) {
  for (const auto& method : methods) {
    for (const Hyperparameter& h : method.hyperparameters) {
      if (values.contains(h.name)) continue;
      settings.push_back(
          {section + "." + h.name, "", h.help + defaults_text(methods, h.name), value_of(h, values[h.name])});
    }
  }
}

void add_optimizer(Config& config, std::vector<Setting>& settings) {
  config.training.optimizer.hyperparameters.clear();  // those of the method that is chosen, once it is
  const std::vector<std::string> names = names_of(algorithms());
  settings.push_back(
      {"optimizer.name", "sgd", "the method: " + join(names), one_of(config.training.optimizer.name, names)});
  add_hyperparameters("optimizer", algorithms(), config.training.optimizer.hyperparameters, settings);
  settings.insert(
      settings.end(),
      {{"optimizer.l2", "0", "λ of the penalty λ/2 ‖x‖², added to the gradient",
        real(config.training.optimizer.l2, 0, 1e6)},
       {"optimizer.weight-decay-on", "weights", "what decay and l2 act on: weights, or all (biases too)",
        choice(config.training.optimizer.decay_scope,
               {{"weights", DecayScope::kWeights}, {"all", DecayScope::kAll}})},
       {"optimizer.clip-norm", "0", "largest norm of the gradient, 0 for any",
        real(config.training.clip_norm, 0, 1e30)},
       {"optimizer.average", "0",
        "decay of a moving average of the weights, saved beside them, such as 0.999; 0: none",
        real(config.training.average_decay, 0, 1, true)}});
}

void add_schedule(Config& config, std::vector<Setting>& settings) {
  const std::vector<std::string> names = names_of(schedule_shapes());
  settings.push_back({"schedule.name", "constant", "learning rate over the steps: " + join(names),
                      one_of(config.training.schedule.name, names)});
  add_hyperparameters("schedule", schedule_shapes(), config.training.schedule.hyperparameters, settings);
  settings.insert(
      settings.end(),
      {{"schedule.warmup-steps", "0", "steps of linear warm-up",
        whole(config.training.schedule.warmup_steps, 0)},
       {"schedule.scaling", "none",
        "how the learning rate grows with train.batch-size over schedule.reference-batch: none, linear, sqrt",
        choice(config.training.batch_scaling, {{"none", BatchScaling::kNone},
                                               {"linear", BatchScaling::kLinear},
                                               {"sqrt", BatchScaling::kSqrt}})},
       {"schedule.reference-batch", "256", "the batch size that optimizer.learning-rate is meant for",
        whole(config.training.reference_batch, 1)}});
}

void add_checkpoint(Config::Checkpoint& checkpoint, std::vector<Setting>& settings) {
  constexpr double kMostMinutes = 1e6;
  settings.insert(settings.end(),
                  {{"checkpoint.every", "0", "steps between checkpoints, 0 for none by steps",
                    whole(checkpoint.every, 0)},
                   {"checkpoint.minutes", "10", "minutes between checkpoints, 0 for none by time",
                    real(checkpoint.minutes, 0, kMostMinutes)},
                   {"checkpoint.keep", "3", "how many of the newest are kept", whole(checkpoint.keep, 1)},
                   {"checkpoint.best", "false",
                    "also write one at every new smallest loss of the validation (else test) part and keep "
                    "it: true, false",
                    choice(checkpoint.best, {{"false", false}, {"true", true}})}});
}

void add_run(Config::Run& run, std::vector<Setting>& settings) {
  constexpr double kMostSeconds = 1e6;
  settings.insert(
      settings.end(),
      {{"run.dir", "", "folder of the run; empty: runs/DATE-TIME, a new one", words(run.dir)},
       {"run.resume", "false", "go on from the newest checkpoint in run.dir, if there is one: true, false",
        choice(run.resume, {{"false", false}, {"true", true}})},
       {"run.timeout", fmt::format("{}", kDefaultTimeout),
        "seconds after which one of several ranks that stands still, or that a step waits for, ends the run; "
        "0: never",
        real(run.timeout, 0, kMostSeconds)}});
}

}  // namespace

std::vector<Setting> make_settings(Config& config) {
  std::vector<Setting> settings;
  add_data(config.data, settings);
  add_model(config.model, settings);
  add_train(config.training, settings);
  add_optimizer(config, settings);
  add_schedule(config, settings);
  add_checkpoint(config.checkpoint, settings);
  add_run(config.run, settings);
  return settings;
}

}  // namespace lockstep::inline LOCKSTEP_REAL
