#include "train/configuration/settings.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "core/named.hpp"
#include "core/text.hpp"
#include "lockstep/comm/watchdog.hpp"
#include "lockstep/nn/losses.hpp"
#include "lockstep/optim/algorithm.hpp"
#include "lockstep/train/timeline.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

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
  settings.push_back(
      {"model.class-weights", "none",
       "cross-entropy: none, or balanced: a sample counts as much in the loss as its class is "
       "rare among the training samples",
       choice(model.class_weights, {{"none", ClassWeights::kNone}, {"balanced", ClassWeights::kBalanced}})});
}

void add_model(Config& config, std::vector<Setting>& settings) {
  Config::Model& model = config.model;
  settings.push_back({"model.layers", "linear 128, relu, linear auto",
                      "the network, unit by unit; several lines are joined", words(model.layers), ", "});
  settings.push_back({"model.block", "",
                      "NAME {PARAMETER[=DEFAULT]}: LAYERS, a word for model.layers; several lines, or parts "
                      "separated by ';', for several",
                      words(model.blocks), "; "});
  add_loss(model, settings);
  settings.insert(
      settings.end(),
      {{"model.initialization", "auto", "he, glorot, normal (deviation 1), or auto: he before rectifiers",
        choice(config.training.initialization, {{"auto", Initialization::kAuto},
                                                {"he", Initialization::kHe},
                                                {"glorot", Initialization::kGlorot},
                                                {"normal", Initialization::kNormal}})},
       {"model.init", "", "safetensors file with the weights to start from", words(model.init)}});
}

void add_train(TrainingOptions& train, std::vector<Setting>& settings) {
  settings.insert(
      settings.end(),
      {{"train.batch-size", "auto",
        "samples of one step over all ranks, full, or auto: 256, and fewer for data of less than 20 such "
        "batches",
        batch_size(train.batch_size)},
       {"train.epochs", "10", "passes over the training samples", whole(train.epochs, 1, 1 << 20)},
       {"train.steps", "auto", "optimizer steps, or auto: by train.epochs", whole_or(train.steps, "auto")},
       {"train.micro-batches", "auto",
        "slices of a batch, the most ranks there may be; auto: 8, or more for more ranks",
        whole_or(train.micro_batches, "auto", 1 << 16)},
       {"train.threads", "1", "threads of each rank; same bits for any number",
        whole(train.threads, 1, 1 << 10)},
       {"train.activation-memory", fmt::format("{}", kActivationMemory),
        "MiB for each thread that the activations of samples that pass together may take; same bits for any "
        "number",
        whole(train.activation_memory, 1, kMostActivationMemory)},
       {"train.precision", "float32",
        "what linear units and convolutions multiply: float32, or bf16 (bfloat16; sums, weights and "
        "optimizer stay float32)",
        choice(train.precision, {{"float32", Precision::kFloat32}, {"bf16", Precision::kBfloat16}})},
       {"train.seed", "1", "seed of initial weights, order, augmentation and dropout", whole(train.seed, 0)},
       {"train.reduction", "reproducible",
        "reproducible: same bits at every rank count; fast: the library's order",
        choice(train.reduction, {{"reproducible", Reduction::kReproducible}, {"fast", Reduction::kFast}})},
       {"train.exchange", "auto",
        "auto: shared memory inside a node, messages between nodes; messages: always messages (same bits)",
        choice(train.exchange, {{"auto", Exchange::kAuto}, {"messages", Exchange::kMessages}})},
       {"train.compression", "auto",
        "whether messages between nodes are compressed, without loss: on, off, auto: if that is faster there "
        "(same bits)",
        choice(train.compression,
               {{"auto", Compression::kAuto}, {"on", Compression::kOn}, {"off", Compression::kOff}})},
       {"train.wire", "float32",
        "what sums of gradients are between nodes: float32, or bf16 (bfloat16, half the bytes; other bits)",
        choice(train.wire, {{"float32", Wire::kReal}, {"bf16", Wire::kBfloat16}})},
       {"train.wire-levels", "4",
        "levels of the sum below the total that train.wire = bf16 rounds: enough for 2^levels nodes that "
        "share "
        "the micro-batches evenly",
        whole(train.wire_levels, 1, 16)},
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

void add_stopping(Config::Stopping& stopping, std::vector<Setting>& settings) {
  settings.insert(settings.end(),
                  {{"train.patience", "0",
                    "evaluations of the validation part without a better one, after which training stops; 0: "
                    "it does not",
                    whole(stopping.patience, 0)},
                   {"train.watch", "loss", "by what those are compared: loss, accuracy",
                    choice(stopping.watch, {{"loss", Watch::kLoss}, {"accuracy", Watch::kAccuracy}})}});
}

std::string default_text(const Hyperparameter& h) {
  if (std::isnan(h.default_value)) return "needs it";
  return h.choices.empty() ? fmt::format("{}", h.default_value)
                           : h.choices[static_cast<std::size_t>(h.default_value)];
}

/// The name of one of `methods`, which gets its own hyperparameters, with their defaults, as `values`.
template <typename Methods>
Field method_name(const Methods& methods, std::string& name, Hyperparameters& values) {
  const Field field = one_of(name, names_of(methods));
  return {.assign = [&methods, &values, field](const std::string& text) -> std::string {
            std::string expected = field.assign(text);
            if (expected.empty()) values = with_defaults(find_named(methods, text)->hyperparameters, {});
            return expected;
          },
          .text = field.text};
}

/// A hyperparameter of the one of `methods` that is called `chosen` by then; nothing where it has none of
/// that name.
template <typename Methods>
Field hyperparameter(const Methods& methods, const std::string& chosen, const std::string& name,
                     Hyperparameters& values) {
  const auto field = [&methods, &chosen, &values, name]() -> std::optional<Field> {
    const auto* const method = find_named(methods, chosen);
    const Hyperparameter* const h = method == nullptr ? nullptr : find_named(method->hyperparameters, name);
    const auto value = values.find(name);
    if (h == nullptr || value == values.end()) return std::nullopt;
    return value_of(*h, value->second);
  };
  return {.assign =
              [field](const std::string& text) {
                const auto own = field();
                return own ? own->assign(text) : std::string();
              },
          .text =
              [field] {
                const auto own = field();
                return own ? own->text() : std::string();
              }};
}

/// What `name` means to each of `methods` that takes it: "momentum (sgd 0, rmsprop 0)".
template <typename Methods>
std::string hyperparameter_help(const Methods& methods, const std::string& name) {
  std::vector<std::string> meanings;
  for (const auto& method : methods) {
    const Hyperparameter* const h = find_named(method.hyperparameters, name);
    if (h == nullptr || std::find(meanings.begin(), meanings.end(), h->help) != meanings.end()) continue;
    meanings.push_back(h->help);
  }
  std::string text;
  for (const std::string& meaning : meanings) {
    std::vector<std::string> defaults;
    for (const auto& method : methods) {
      const Hyperparameter* const h = find_named(method.hyperparameters, name);
      if (h != nullptr && h->help == meaning) defaults.push_back(method.name + " " + default_text(*h));
    }
    text += fmt::format("{}{} ({})", text.empty() ? "" : "; ", meaning, join(defaults));
  }
  return text;
}

/// The keys that any of `methods` takes, each once; their bounds and defaults are those of the method that is
/// `chosen`.
template <typename Methods>
void add_hyperparameters(const std::string& section, const Methods& methods, const std::string& chosen,
                         Hyperparameters& values, std::vector<Setting>& settings) {
  std::set<std::string> added;
  for (const auto& method : methods) {
    for (const Hyperparameter& h : method.hyperparameters) {
      if (!added.insert(h.name).second) continue;
      settings.push_back({section + "." + h.name, "", hyperparameter_help(methods, h.name),
                          hyperparameter(methods, chosen, h.name, values)});
    }
  }
}

/// The method of which nobody says which: squared errors of a table's targets make SGD diverge at any rate
/// that suits classes.
std::string usual_method(const DataSource& source) {
  return task_of(source) == Task::kRegression ? "adamw" : "sgd";
}

Field optimizer_name(OptimizerOptions& optimizer, const DataSource& source) {
  const Field name = method_name(algorithms(), optimizer.name, optimizer.hyperparameters);
  return {.assign =
              [name, &source](const std::string& text) {
                const std::string automatic = "auto";
                const std::string expected = name.assign(text == automatic ? usual_method(source) : text);
                return expected.empty() ? expected : fmt::format("{}, or '{}'", expected, automatic);
              },
          .text = name.text};
}

void add_optimizer(TrainingOptions& training, const DataSource& source, std::vector<Setting>& settings) {
  OptimizerOptions& optimizer = training.optimizer;
  settings.push_back(
      {"optimizer.name", "auto",
       fmt::format("the method: {}, or auto: adamw for a regression, else sgd", join(names_of(algorithms()))),
       optimizer_name(optimizer, source)});
  add_hyperparameters("optimizer", algorithms(), optimizer.name, optimizer.hyperparameters, settings);
  settings.insert(
      settings.end(),
      {{"optimizer.l2", "0", "λ of the penalty λ/2 ‖x‖², added to the gradient", real(optimizer.l2, 0, 1e6)},
       {"optimizer.weight-decay-on", "weights", "what decay and l2 act on: weights, or all (biases too)",
        choice(optimizer.decay_scope, {{"weights", DecayScope::kWeights}, {"all", DecayScope::kAll}})},
       {"optimizer.clip-norm", "0", "largest norm of the gradient, 0 for any",
        real(training.clip_norm, 0, 1e30)},
       {"optimizer.average", "0",
        "decay of a moving average of the weights, saved beside them, such as 0.999; 0: none",
        real(training.average_decay, 0, 1, true)}});
}

void add_schedule(TrainingOptions& training, std::vector<Setting>& settings) {
  ScheduleOptions& schedule = training.schedule;
  settings.push_back({"schedule.name", "constant",
                      "learning rate over the steps: " + join(names_of(schedule_shapes())),
                      method_name(schedule_shapes(), schedule.name, schedule.hyperparameters)});
  add_hyperparameters("schedule", schedule_shapes(), schedule.name, schedule.hyperparameters, settings);
  settings.insert(
      settings.end(),
      {{"schedule.warmup-steps", "0", "steps of linear warm-up", whole(schedule.warmup_steps, 0)},
       {"schedule.scaling", "none",
        "how the learning rate grows with train.batch-size over schedule.reference-batch: none, linear, sqrt",
        choice(training.batch_scaling, {{"none", BatchScaling::kNone},
                                        {"linear", BatchScaling::kLinear},
                                        {"sqrt", BatchScaling::kSqrt}})},
       {"schedule.reference-batch", "256", "the batch size that optimizer.learning-rate is meant for",
        whole(training.reference_batch, 1)}});
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
                    "also write one at every evaluation that is the best so far (train.watch), and keep it: "
                    "true, false",
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
        "seconds by which one of several ranks that stands still, or that a step waits for, has ended the "
        "run; 0: never",
        real(run.timeout, 0, kMostSeconds)},
       {"run.name", "", "what pages call the run; empty: its folder", words(run.name)},
       {"run.notes", "", "what pages say of the run; several lines are joined", words(run.notes), " "},
       {"run.tags", "", "words to find the run by; several lines are joined", words(run.tags), ", "},
       {"run.tensorboard", "false",
        "whether to write what metrics.jsonl holds also as events, for TensorBoard: true, false",
        choice(run.tensorboard, {{"false", false}, {"true", true}})}});
}

}  // namespace

std::vector<Setting> make_settings(Config& config) {
  std::vector<Setting> settings;
  add_data(config.data, settings);
  add_model(config, settings);
  add_train(config.training, settings);
  add_stopping(config.stopping, settings);
  add_optimizer(config.training, config.data.source, settings);
  add_schedule(config.training, settings);
  add_checkpoint(config.checkpoint, settings);
  add_run(config.run, settings);
  return settings;
}

}  // namespace lockstep::inline LOCKSTEP_REAL
