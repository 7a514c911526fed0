#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lockstep/core/index.hpp"
#include "study/sweep/sampling.hpp"

namespace lockstep {

/// A configuration key and the values that a sweep gives it, as text.
struct SweepAxis {
  std::string key;
  std::vector<std::string> values;
  std::optional<NumberRange> range = std::nullopt;  ///< that the values are drawn from, if any
};

/// Reads "KEY=VALUES", see parse_values, or "KEY=RANGE", see parse_open_range, which has no values yet. A
/// pure function. Errors: those of both, no key, a value twice, a range of seeds.
SweepAxis parse_sweep(const std::string& text);

/// Seeds are no settings to choose among: trainings that differ in them alone are repetitions.
bool is_seed(const SweepAxis& axis);

/// The points of a sweep over several keys, counted from 0: all combinations of the values, those of the last
/// key follow each other; or settings that are drawn, one of a list with equal chances, each with all
/// combinations of the seeds. A setting that was drawn before is left out; more samples begin with the same
/// ones.
class SweepGrid {
 public:
  /// Errors: no sweep, a key in two of them, more than ten thousand points; ranges to draw from without
  /// samples, and samples without such a range, or more than there are different settings; more keys than
  /// the Sobol sequence has axes; ends of a range that the key can't have.
  explicit SweepGrid(const std::vector<std::string>& sweeps, const Samples& samples = {});

  /// The keys with their values in the order in which they were given, or drawn first.
  const std::vector<SweepAxis>& axes() const { return axes_; }
  /// The keys as they were given.
  const std::vector<SweepAxis>& given() const { return given_; }
  const Samples& samples() const { return samples_; }
  bool is_drawn() const { return samples_.count > 0; }
  /// The same sweep with no more than its first `count` samples.
  SweepGrid first(Index count) const;

  Index size() const { return settings_count() * seeds_; }
  /// Of the keys that are no seeds.
  Index settings_count() const;

  /// Which value of each key `point` has, and the keys with these values.
  std::vector<std::size_t> indices(Index point) const;
  std::vector<std::pair<std::string, std::string>> settings(Index point) const;
  /// "key = value, key = value".
  std::string name(Index point) const;

 private:
  void draw_settings();

  std::vector<SweepAxis> given_;
  std::vector<SweepAxis> axes_;
  Samples samples_;
  Index seeds_ = 1;                              // combinations of them
  std::vector<std::vector<std::size_t>> drawn_;  // by sample: the place of the value on each axis
};

}  // namespace lockstep
