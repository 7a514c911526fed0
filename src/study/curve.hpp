#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "lockstep/train/config.hpp"
#include "lockstep/train/evaluation.hpp"
#include "lockstep/train/trainer.hpp"
#include "study/numbers.hpp"

namespace lockstep {

/// What differs from the configuration that the runs of a study share.
struct Variant {
  std::string name;
  std::map<std::string, std::string> settings;
};

/// The configuration of a training whose weights themselves are measured: without the average that a run had.
/// Errors: those of make_config; a person asks for an average.
Config make_measured_config(GivenValues given);

/// The state of a training after some steps. NaN where there is nothing to measure, infinite where a loss is
/// not finite.
struct Measurement {
  std::uint64_t step = 0;
  double epoch = 0;
  double samples = 0;  ///< gradients of single samples so far
  double training_loss = kNothing;
  double training_accuracy = kNothing;
  double validation_loss = kNothing;
  double validation_accuracy = kNothing;
  double test_loss = kNothing;
  double test_accuracy = kNothing;
  double gap = kNothing;          ///< loss of the test (else validation) samples - training loss
  double weight_norm = kNothing;  ///< of the weights, without biases
};

/// One training.
struct Curve {
  std::string variant;
  std::uint64_t seed = 0;
  std::vector<Measurement> points;
  bool diverged = false;  ///< the points end before its numbers stopped being finite
  std::string weights_digest;
  std::string note = {};     ///< which held-out samples are not finite, if any
  double samples = 0;        ///< gradients of single samples that it took
  double whole_samples = 0;  ///< gradients of single samples that all steps of the configuration take
  Index rung = 0;            ///< of a sweep with successive halving, which it has come to
  /// What the held-out parts were last measured as, by their names.
  std::vector<std::pair<std::string, Evaluation>> held_out = {};
};

/// What to draw or to compare of a measurement.
using Quantity = double Measurement::*;

/// A part of the data as a measurement has it.
struct MeasuredPart {
  std::string name;  ///< "training", "validation", "test"
  Quantity loss;
  Quantity accuracy;
};
const std::vector<MeasuredPart>& measured_parts();

/// Whether any of the trainings measured `quantity`.
bool has_values(const std::vector<Curve>& curves, Quantity quantity);

/// The part by whose results trainings are chosen: validation where there is one, else training. Never test:
/// what has been chosen by it is no test any more.
const MeasuredPart& choice_part(const std::vector<Curve>& curves);
/// The part of the gap: test where there is one, else validation.
const MeasuredPart& gap_part(const std::vector<Curve>& curves);

/// What a training ended with; NaN where it diverged.
double end_of(const Curve& curve, Quantity quantity);

/// What a training came to, in words: its losses, or that it diverged.
std::string outcome(const Curve& curve);

/// What `curve` is compared by, see choice_part; NaN where it diverged.
double choice_loss(const Curve& curve);

/// Mean and sample standard deviation over the seeds of one variant; a diverged run makes them NaN, and one
/// seed has no deviation: NaN.
struct Spread {
  double mean = 0;
  double deviation = 0;
};
Spread spread(const std::vector<double>& values);
Spread last(const std::vector<Curve>& curves, Quantity quantity);

/// "1.23 ± 0.04", "1.23" of one seed, "not finite" or "diverged".
std::string to_text(const Spread& spread);

nlohmann::ordered_json to_json(const Curve& curve, const Measurement& measurement);

}  // namespace lockstep
