#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lockstep/core/index.hpp"

namespace lockstep {

/// The rungs of successive halving: of the settings that a rung trains, the best 1/eta go on to the next,
/// until the last rung trains what is left to its end. There are K + 1 rungs: as many as asked for, and no
/// more than eta^K <= settings allows. Rung k, counted from 0, has
///
///     floor(settings / eta^k) settings, trained to ceil(total / eta^(K - k)) of their `total` steps.
///
/// All pure functions. Source: Jamieson, Talwalkar: Non-stochastic best arm identification and hyperparameter
/// optimization, AISTATS 2016; the sizes are those of a bracket of Hyperband (Li et al., JMLR 18, 2018,
/// algorithm 1). Fewer rungs give each setting longer before the first choice, and cost more.
class Halving {
 public:
  /// One rung, which trains all to the end.
  Halving() = default;
  /// Errors: an eta above 1 and fewer settings than that.
  Halving(Index eta, Index settings, Index most_rungs);

  bool is_on() const { return rungs_ > 1; }
  Index eta() const { return eta_; }
  Index rungs() const { return rungs_; }
  Index settings(Index rung) const;
  std::uint64_t steps(std::uint64_t total, Index rung) const;
  /// "1/9 of their steps", "all their steps".
  std::string share(Index rung) const;

 private:
  /// eta^(K - rung).
  Index divisor(Index rung) const;

  Index eta_ = 1;
  Index settings_ = 1;
  Index rungs_ = 1;
};

struct Curve;
struct SweepPlan;

/// The points that `rung` trains, in rising order, where `results` are those after the rung before. A setting
/// goes on as a whole, with all its seeds; one without a finite mean never does, and of equal ones the
/// earlier does. A pure function of results that are the same on all ranks.
std::vector<Index> points_of_rung(const SweepPlan& plan, const std::vector<Curve>& results, Index rung);

/// What the page says of the rungs, and of the samples that were spent.
std::string halving_finding(const SweepPlan& plan, const std::vector<Curve>& results);

}  // namespace lockstep
