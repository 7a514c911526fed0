#include "lockstep/train/problem.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "core/text.hpp"
#include "data/column_units.hpp"
#include "data/mixup.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/core/log.hpp"
#include "lockstep/parallel/agreement.hpp"
#include "parallel/shared_datasets.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

Split make_split(const ProblemOptions& options, const Dataset& training) {
  const Task task = training.description().task;
  const bool is_stratified = options.hold_out == HoldOut::kStratified;
  if (is_stratified && task != Task::kClassification) {
    fail_input("`hold-out` = stratified: needs classes, the data are {}; leave it out", task_name(task));
  }
  const std::span<const std::int32_t> groups = training.groups();
  const Index count = training.description().groups;
  if (is_stratified && count > 0) {
    fail_input(
        "`hold-out` = stratified: not known for groups (`group`), which stay whole; leave one of them out");
  }
  if (count > 0 && options.fold.count > count) {
    fail_input("`fold`: {} of {} do not fill {} folds; use at most {}", count_of(count, "group"),
               training.description().name, options.fold.count, count);
  }
  if (options.fold.count > training.size()) {
    fail_input("`fold`: {} samples do not fill {} folds; use at most {}", training.size(), options.fold.count,
               training.size());
  }
  if (options.fold.count > 0) {
    if (count > 0) return Split::grouped(options.seed, groups, options.fold);
    return is_stratified ? Split::stratified(options.seed, training.labels(), options.fold)
                         : Split(options.seed, training.size(), options.fold);
  }
  const auto held_out =
      static_cast<Index>(std::llround(options.validation * static_cast<double>(training.size())));
  if (held_out >= training.size()) {
    fail_input("`validation` = {}: leaves none of the {} samples to train on; hold out less",
               options.validation, training.size());
  }
  if (count == 1 && held_out > 0) {
    fail_input(
        "`validation` = {}: all samples of {} are of one group, of which nothing would be left to train on; "
        "hold out none, or leave `group` out",
        options.validation, training.description().name);
  }
  if (count > 0 && held_out > 0) return Split::grouped(options.seed, groups, held_out);
  return is_stratified && held_out > 0 ? Split::stratified(options.seed, training.labels(), held_out)
                                       : Split(options.seed, training.size(), held_out);
}

/// Errors: no sample of a part counts, so that it has no mean loss.
void check_sample_weights(const Problem& problem) {
  const auto check = [](const std::string& name, const Selection& part) {
    const std::span<const float> weights = part.data.sample_weights();
    if (weights.empty()) return;
    for (Index i = 0; i < part.count; ++i) {
      if (weights[static_cast<std::size_t>(part.sample(i))] > 0) return;
    }
    fail_input("`weight`: all {} {} samples of {} have the weight 0; expected some that count", part.count,
               name, part.data.description().name);
  };
  check("training", training_part(problem));
  for (const auto& [name, part] : held_out_parts(problem)) check(name, part);
}

/// Rank 0's normalisation of the training samples on every rank, as weights files keep it.
SampleNormalization share_normalization(NormalizationKind features, NormalizationKind targets,
                                        const Dataset& training, const Split& split,
                                        Communicator& communicator) {
  const std::vector<ColumnUnit>& units = training.description().units;
  const auto sample = [&](Index i) { return split.training(i); };
  std::string of_features;
  std::string of_targets;
  if (communicator.rank() == 0) {
    const Index count = split.training_size();
    of_features = to_text(of_file_values(compute_normalization(features, training, count, sample), units));
    of_targets = to_text(compute_target_normalization(targets, training, count, sample));
  }
  const auto shared = [&](const std::string& text) {
    return normalization_from_text(broadcast_text(communicator, text, 0));
  };
  return of_stored_values(SampleNormalization{shared(of_features), shared(of_targets)}, units);
}

/// What float takes away from features that are not normalised.
void warn_of_lost_digits(const Dataset& data) {
  const std::vector<Distinct> columns = distinct_values(data);
  const std::vector<std::string>& names = data.description().feature_names;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].floats == columns[i].numbers) continue;
    log::warn_once(
        fmt::format("lockstep: {}: {} different numbers of {} become {} in single precision; set "
                    "`normalize` = standard",
                    data.description().name, columns[i].numbers,
                    names.empty() ? fmt::format("feature {}", i) : fmt::format("column '{}'", names[i]),
                    columns[i].floats));
  }
}

/// The training samples of each class.
std::vector<Index> count_classes(const Dataset& data, const Split& split) {
  std::vector<Index> samples(static_cast<std::size_t>(data.description().classes));
  for (Index i = 0; i < split.training_size(); ++i) {
    ++samples[static_cast<std::size_t>(data.labels()[static_cast<std::size_t>(split.training(i))])];
  }
  return samples;
}

/// Those without any of `samples`, by their names.
std::vector<std::string> missing_classes(const Dataset& data, const std::vector<Index>& samples) {
  std::vector<std::string> missing;
  for (Index label = 0; label < std::ssize(samples); ++label) {
    if (samples[static_cast<std::size_t>(label)] == 0)
      missing.push_back(data.description().class_name(label));
  }
  return missing;
}

/// One a class; none where classes count alike.
std::vector<double> make_class_weights(ClassWeights kind, const Dataset& data, const Split& split) {
  if (kind == ClassWeights::kNone) return {};
  if (data.description().task != Task::kClassification) {
    fail_input("`class-weights` = balanced: needs classes, the data are {}; leave it out",
               task_name(data.description().task));
  }
  const std::vector<Index> samples = count_classes(data, split);
  const std::vector<std::string> missing = missing_classes(data, samples);
  // With the weight 0, an evaluation would leave out just the samples that the network cannot know.
  if (!missing.empty()) {
    fail_input(
        "`class-weights` = balanced: {} has no training sample of {}, whose weight would be infinite; hold "
        "out less or other samples, or set `class-weights` = none",
        data.description().name, some_of(missing));
  }
  std::vector<double> weights;
  weights.reserve(samples.size());
  for (const Index count : samples) {
    weights.push_back(static_cast<double>(split.training_size()) /
                      (static_cast<double>(samples.size()) * static_cast<double>(count)));
  }
  return weights;
}

/// A network does not learn a class that it never sees.
void warn_of_missing_classes(const Dataset& data, const Split& split) {
  if (data.description().task != Task::kClassification) return;
  const std::vector<std::string> missing = missing_classes(data, count_classes(data, split));
  if (missing.empty()) return;
  const bool is_one = missing.size() == 1;
  log::warn_once(fmt::format(
      "lockstep: {}: class{} {} {} no training sample{}", data.description().name, is_one ? "" : "es",
      some_of(missing), is_one ? "has" : "have",
      split.validation_size() > 0 ? "; hold out less (`validation`), or other samples by another seed" : ""));
}

std::string normalize_name(NormalizationKind kind) {
  if (kind == NormalizationKind::kNone) return "none";
  return kind == NormalizationKind::kUnit ? "unit" : "standard";
}

}  // namespace

void check_batch_size(const TrainingOptions& options, const Split& split) {
  if (options.batch_size > split.training_size()) {
    fail_input("`batch-size` = {}: larger than the {} training samples; use at most that, or 'full'",
               options.batch_size, split.training_size());
  }
}

void Problem::use_loss(std::string name, std::shared_ptr<const Loss> own) {
  loss = std::move(own);
  loss_name = std::move(name);
  loss_parameters.clear();
  class_weights.clear();
}

Reader csv_reader(std::filesystem::path file, CsvOptions options) {
  return [file = std::move(file), options = std::move(options)]() -> SourceParts {
    return {.training = read_csv(file, options), .test = std::nullopt};
  };
}

Problem make_problem(const Reader& read, const ProblemOptions& options, Communicator& communicator) {
  std::vector<Dataset> parts = share_datasets(communicator, [&] {
    SourceParts all = read();
    if (all.test) check_same_shape(all.training.description, all.test->description);
    std::vector<DatasetContent> contents;
    contents.push_back(std::move(all.training));
    if (all.test) contents.push_back(std::move(*all.test));
    return contents;
  });
  const Split split = make_split(options, parts[0]);
  const std::vector<double> class_weights = make_class_weights(options.class_weights, parts[0], split);
  const bool is_real = parts[0].description().categories == 0;
  const bool is_regression = parts[0].description().task == Task::kRegression;
  const NormalizationKind normalize = is_real ? options.normalize : NormalizationKind::kNone;
  if (communicator.rank() == 0) {
    for (const Dataset& part : parts) {
      if (normalize == NormalizationKind::kNone) warn_of_lost_digits(part);
    }
    warn_of_missing_classes(parts[0], split);
  }
  ChosenLoss chosen =
      choose_loss(options.loss, options.loss_parameters, parts[0].description().task, class_weights);
  Problem problem = {.training = parts[0],
                     .test = parts.size() > 1 ? std::optional(parts[1]) : std::nullopt,
                     .split = split,
                     .normalization = share_normalization(normalize, options.normalize_targets, parts[0],
                                                          split, communicator),
                     .loss = std::move(chosen.loss),
                     .loss_name = chosen.name,
                     .loss_parameters = chosen.parameters,
                     .class_weights = class_weights,
                     .normalize = normalize_name(normalize),
                     .normalize_targets = is_regression ? normalize_name(options.normalize_targets) : "",
                     .augmentation = options.augmentation};
  check_sample_weights(problem);
  return problem;
}

Problem make_problem(const Config& config, Communicator& communicator) {
  const std::string different = differences(communicator, facts_of(config));
  if (!different.empty()) fail_input("{}; start all ranks with the same configuration", different);
  // A network that can't be built is reported before any data are read.
  outline_network(config);
  const Config::Data& data = config.data;
  Problem problem = make_problem([&] { return read_source(data.source); },
                                 {.normalize = data.normalize,
                                  .normalize_targets = data.normalize_targets,
                                  .validation = data.validation,
                                  .hold_out = data.hold_out,
                                  .fold = data.fold,
                                  .seed = data.source.synthetic.seed,
                                  .loss = config.model.loss,
                                  .loss_parameters = config.model.loss_parameters,
                                  .class_weights = config.model.class_weights,
                                  .augmentation = data.augment},
                                 communicator);
  check_batch_size(config.training, problem.split);
  return problem;
}

void training_samples(const Problem& problem, const Sampler& sampler, const GlobalBatch& batch, Index first,
                      std::span<Index> samples) {
  sampler.samples(batch, first, samples);
  for (Index& sample : samples) sample = problem.split.training(sample);
}

void gather_rows(const Problem& problem, const Sampler& sampler, const GlobalBatch& batch, Interval rows,
                 Batch& into) {
  into.samples.resize(static_cast<std::size_t>(rows.size()));
  training_samples(problem, sampler, batch, rows.first, into.samples);
  const AugmentedPass pass{.changes = problem.augmentation, .seed = sampler.seed(), .epoch = batch.epoch};
  into.partners.resize(mixes(pass.changes) ? into.samples.size() : 0);
  for (std::size_t i = 0; i < into.partners.size(); ++i) {
    const Index row = rows.first + static_cast<Index>(i);
    const Index other = (row + partner_distance(pass, into.samples[i], batch.size)) % batch.size;
    training_samples(problem, sampler, batch, other, {&into.partners[i], 1});
  }
  gather(problem.training, problem.normalization, into, pass);
}

Targets targets_of(const Batch& batch) {
  return {.labels = batch.labels,
          .values = batch.targets,
          .partner_labels = batch.partner_labels,
          .shares = batch.shares,
          .weights = batch.weights};
}

std::vector<std::pair<std::string, Selection>> held_out_parts(const Problem& problem) {
  std::vector<std::pair<std::string, Selection>> parts;
  if (problem.split.validation_size() > 0) {
    parts.push_back({"validation", {problem.training, problem.split.validation_size(), [&problem](Index i) {
                                      return problem.split.validation(i);
                                    }}});
  }
  if (problem.test) parts.push_back({"test", all_of(*problem.test)});
  return parts;
}

Selection training_part(const Problem& problem) {
  return {problem.training, problem.split.training_size(),
          [&problem](Index i) { return problem.split.training(i); }};
}

}  // namespace lockstep::inline LOCKSTEP_REAL
