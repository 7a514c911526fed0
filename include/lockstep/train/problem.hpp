#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "lockstep/comm/communicator.hpp"
#include "lockstep/data/batch.hpp"
#include "lockstep/data/sampler.hpp"
#include "lockstep/nn/losses.hpp"
#include "lockstep/nn/network_text.hpp"
#include "lockstep/nn/safetensors.hpp"
#include "lockstep/parallel/partition.hpp"
#include "lockstep/train/config.hpp"
#include "lockstep/train/evaluation.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// What is to be learned: data, how they are split and normalised, and the loss. The same on every rank.
struct Problem {
  Dataset training;
  std::optional<Dataset> test;
  Split split;
  SampleNormalization normalization;  ///< of the values that `training` and `test` store
  std::shared_ptr<const Loss> loss;
  std::string loss_name;
  Hyperparameters loss_parameters = {};
  std::vector<double> class_weights = {};  ///< of the loss, one a class; empty: classes count alike
  std::string normalize = {};          ///< as data.normalize; how `normalization` of the features was made
  std::string normalize_targets = {};  ///< as data.normalize-targets; empty where the task is no regression
  Augmentation augmentation = {};      ///< of the pictures of `training` in training steps

  /// The shape of a sample, and how many outputs a network for it has.
  Shape sample() const { return shape_of(training.description()); }
  Index outputs() const { return training.description().outputs(); }

  /// Whether training samples count in the loss by weights, the loss's or their own, and not alike.
  bool weighs_samples() const { return loss->has_weights() || !training.sample_weights().empty(); }

  /// Takes another loss, called `name` in weights files: `evaluate` can use them where a loss of that name is
  /// registered.
  void use_loss(std::string name, std::shared_ptr<const Loss> own);
};

/// What data become before a network sees them, and what it is to minimise.
struct ProblemOptions {
  NormalizationKind normalize = NormalizationKind::kStandard;  ///< of real numbers
  /// Of a regression's targets. Losses and gradients are then those of normalised targets; predictions and
  /// the measures of an evaluation are in the units of the data.
  NormalizationKind normalize_targets = NormalizationKind::kStandard;
  double validation = 0;                 ///< part of the training samples that is held out
  HoldOut hold_out = HoldOut::kRandom;   ///< how those are chosen, unless they are of groups
  Fold fold = {};                        ///< held out instead of `validation`, where it is one
  std::uint64_t seed = 1;                ///< of the choice of those
  std::string loss = "auto";             ///< a name of losses(), or "auto": by the task
  Hyperparameters loss_parameters = {};  ///< of that loss; its defaults where nothing is given
  ClassWeights class_weights = ClassWeights::kNone;
  Augmentation augmentation = {};  ///< of pictures in training steps
};

/// Gives a training part and, where there is one, a test part. Called on one rank of every node.
using Reader = std::function<SourceParts()>;

/// Reads a CSV file.
Reader csv_reader(std::filesystem::path file, CsvOptions options = {});

/// The problem of the data that `read` gives, one copy a node. Warns of classes without a training sample and
/// of digits that float takes away. Collective. Errors: those of the reader; a loss that does not fit the
/// task; nothing left to train on; more folds than samples, or than groups; classes to be held out evenly
/// where there are none, or groups; class weights without classes, or for one without training samples;
/// samples of a part that all have the weight 0.
Problem make_problem(const Reader& read, const ProblemOptions& options, Communicator& communicator);

/// The problem that `config` describes. Collective. Errors: ranks with different configurations, a network
/// that can't be built, a batch larger than the data; those of the problem of its data.
Problem make_problem(const Config& config, Communicator& communicator);

/// Errors: a batch larger than the training samples of `split`.
void check_batch_size(const TrainingOptions& options, const Split& split);

/// samples[i] = the sample of problem.training at row `first + i` of `batch`. Local.
void training_samples(const Problem& problem, const Sampler& sampler, const GlobalBatch& batch, Index first,
                      std::span<Index> samples);

/// Fills `into` with the samples at `rows` of `batch`, augmented. Local.
void gather_rows(const Problem& problem, const Sampler& sampler, const GlobalBatch& batch, Interval rows,
                 Batch& into);

/// What the rows of `batch` should give.
Targets targets_of(const Batch& batch);

/// The parts that are not trained on, "validation" and "test", as far as there are any; test last. They refer
/// to `problem`.
std::vector<std::pair<std::string, Selection>> held_out_parts(const Problem& problem);

/// The training samples, in the order of the data set's split.
Selection training_part(const Problem& problem);

/// The network that `config` describes, for samples of these data, without memory for its parameters yet; and
/// its outline, for samples of any shape, with what is known of the data. Local. Errors: those of the text
/// and its units.
Network make_network(const Config& config, const DatasetDescription& data);
Network outline_network(const Config& config, const FromData& data = {});

/// The network of `config` for `problem`, with the weights of model.init, or else none as yet, which the
/// Trainer draws. Local, the same on every rank. Warns of an init file that was trained on features or
/// classes of other names. Errors: those of the layers; an init file of another network, or of the same names
/// in another order.
Network make_model(const Config& config, const Problem& problem);

/// Checks that `model` gives one output a class, or one a target. Errors: it does not.
void check_outputs(const Network& model, const DatasetDescription& data);

/// What a weights file holds besides the weights: layers, loss, normalisation, names of classes, targets and
/// features.
std::map<std::string, std::string> weights_metadata(const Network& model, const Problem& problem);

/// A network as its weights file describes it, for data of the same kind.
struct SavedModel {
  Network model;
  SampleNormalization normalization;  ///< of the numbers in a file of data
  std::shared_ptr<const Loss> loss;
  DatasetDescription
      data;  ///< what it was trained on, but for their number; names as far as the file has them
};

/// The settings that a weights file of Lockstep's decides, by their keys, as far as it holds them.
std::map<std::string, std::string> settings_of(const StoredTensors& weights);

/// Whether the file tells which network it belongs to, as Lockstep's do and other programs' do not.
bool is_described(const StoredTensors& weights);

/// Errors: a file that is none, a description that does not fit the tensors.
SavedModel load_model(const std::filesystem::path& file);

/// Errors: data with another number of features, or with categories where the weights take numbers.
void check_features(const SavedModel& saved, const DatasetDescription& data);

/// Makes `saved`, whose weights were trained on the data of `problem`, evaluate what that holds out: its
/// normalisation becomes that of the stored values. Local. Errors: those of check_fit; columns, categories,
/// classes or normalisation are no longer those of the training.
void use_data_of(SavedModel& saved, const Problem& problem);

/// Errors: those of check_features; data of another task, with another number of classes or targets, or with
/// several targets of other names.
void check_fit(const SavedModel& saved, const DatasetDescription& data);

}  // namespace lockstep::inline LOCKSTEP_REAL
