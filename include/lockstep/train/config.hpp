#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "lockstep/core/hyperparameter.hpp"
#include "lockstep/core/index.hpp"
#include "lockstep/core/real.hpp"
#include "lockstep/data/augmentation.hpp"
#include "lockstep/data/normalization.hpp"
#include "lockstep/data/sampler.hpp"
#include "lockstep/data/source.hpp"
#include "lockstep/train/training_options.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// By what the evaluations of the validation samples are compared.
enum class Watch { kLoss, kAccuracy };

/// What a sample's class makes it count for in the loss: 1, or n / (classes · samples of the class) of the n
/// training samples, so that every class counts as much as any other (as class_weight="balanced" in
/// scikit-learn; King, Zeng: Logistic regression in rare events data. Political Analysis 9, 2001).
enum class ClassWeights { kNone, kBalanced };

/// Everything a run depends on, checked key by key.
struct Config {
  /// [data]
  struct Data {
    DataSource source;
    NormalizationKind normalize = NormalizationKind::kStandard;
    NormalizationKind normalize_targets = NormalizationKind::kStandard;  ///< of a regression
    Augmentation augment;
    double validation = 0;  ///< part of the training samples that is held out
    HoldOut hold_out = HoldOut::kRandom;
    Fold fold;  ///< held out instead of `validation`, where it is one

    bool holds_out() const { return validation > 0 || fold.count > 0; }
  } data;
  /// [model]
  struct Model {
    std::string layers;
    std::string blocks;               ///< words of its own for `layers`
    std::string loss = "auto";        ///< a name of losses(), or "auto": by the task
    Hyperparameters loss_parameters;  ///< those of every loss
    ClassWeights class_weights = ClassWeights::kNone;
    std::string init;  ///< weights file to start from, or empty
  } model;
  /// [train]
  TrainingOptions training;
  /// [train] as well: which evaluation of the validation samples is the best, and when it has been for long.
  struct Stopping {
    std::uint64_t patience = 0;  ///< evaluations without a better one that end the training, 0: none do
    Watch watch = Watch::kLoss;
  } stopping;
  /// [checkpoint]
  struct Checkpoint {
    std::uint64_t every = 0;  ///< steps, 0: never by steps
    double minutes = 0;       ///< 0: never by time
    Index keep = 0;           ///< how many of the newest
    bool best = false;        ///< also at every evaluation that beats all before, and the last such is kept
  } checkpoint;
  /// [run]
  struct Run {
    std::string dir;  ///< empty: runs/DATE-TIME
    bool resume = false;
    double timeout = 0;     ///< seconds that ranks may stand still, 0: any
    std::string name = {};  ///< what pages call the run; empty: its folder
    std::string notes = {};
    std::string tags = {};
    bool tensorboard = false;  ///< whether the metrics are also written for TensorBoard
  } run;
};

/// A key as help shows it.
struct SettingHelp {
  std::string key;            ///< "train.batch-size"
  std::string default_value;  ///< as text; empty for none, or where it depends on the method
  std::string help;
  std::string separator;  ///< between the values of several lines of a file; empty: one line only
  bool is_whole = false;  ///< of numbers it takes whole ones alone
};
/// All keys, in the order of the help.
std::vector<SettingHelp> setting_help();

/// The keys that most people set, the first first.
const std::vector<std::string>& usual_settings();

/// Who gave a value: the person for this command; the person in a configuration file, which describes a whole
/// training; or a run, in the config.cfg that it wrote or as it goes on. A run writes every setting down, so
/// that of its values those without effect are left out; those of a person are errors.
enum class GivenBy { kPerson, kFile, kRun };

/// A value that was given, and where, for messages.
struct GivenValue {
  std::string text;
  std::string origin;  ///< "on the command line" or "in FILE"
  GivenBy by = GivenBy::kPerson;
};

using GivenValues = std::map<std::string, GivenValue>;

/// The configuration from given values and defaults. Local; a pure function.
/// Errors: an unknown key (a near one is named), a value that does not fit, a value other than the default
/// that a person gave and that has no effect beside the other settings, or a key that is needed and missing.
Config make_config(const GivenValues& given);

/// Keys with their values as text.
using SettingTexts = std::vector<std::pair<std::string, std::string>>;

/// Every key of `config`, in the order of the help: what config.cfg holds. Keys of no effect are left out,
/// and those that say where a run is kept and how it starts, so that the file runs it again beside the first.
SettingTexts settings_of(Config config);

/// The same by key.
std::map<std::string, std::string> facts_of(const Config& config);

/// Whether `key` is one of `names`, or in a section that is one of them ("train.").
bool is_key_among(const std::string& key, const std::vector<std::string>& names);

/// Errors: keys in `given` that `command` has no use for, those among `unused`, with another value than the
/// default. Files are left alone: they describe a training, whichever command reads them.
void refuse_unused(const GivenValues& given, const std::vector<std::string>& unused,
                   const std::string& command);

/// The same text or number.
bool is_same_value(const std::string& a, const std::string& b);

/// Whether `value` is the default of `key`, where that does not depend on other keys.
bool is_default(const std::string& key, const std::string& value);

/// Settles train.micro-batches for `world_size` ranks: as configured, or 8, or (which it reports) the next
/// power of two that is at least the world size; one a rank for the fast reduction. Errors: more ranks than
/// configured micro-batches.
void resolve_micro_batches(Config& config, int world_size);

/// `config` as it is written down: the files it names by absolute paths, so that it can be read in any
/// folder.
Config with_absolute_paths(Config config);

/// The text of a configuration file with `settings`.
std::string to_text(const SettingTexts& settings);

}  // namespace lockstep::inline LOCKSTEP_REAL
