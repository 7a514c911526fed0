// When a step counts and when it stops the run: numbers that are not finite, replicas that differ.

#include <fmt/ranges.h>

#include "lockstep/core/error.hpp"
#include "lockstep/core/log.hpp"
#include "lockstep/nn/weights.hpp"
#include "lockstep/parallel/agreement.hpp"
#include "lockstep/train/trainer.hpp"
#include "train/step/nonfinite.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// Goes on without the coming step, which is not finite in `place`, if that is wanted. Local, and the same on
/// every rank. Errors (Diverged): it is not, or not so often in a row, or it is of no use.
void Trainer::skip(const NonFinite& place) {
  const std::string advice = nonfinite_advice(options_, problem_, plan_.learning_rate, updates_done(), true);
  if (options_.on_nonfinite == OnNonFinite::kStop) {
    throw Diverged(
        fmt::format("{}; {}; or set `on-nonfinite` = skip to go on without such steps", place.text, advice));
  }
  if (skipped_.in_a_row >= options_.nonfinite_limit) {
    throw Diverged(fmt::format("{}; steps skipped in a row before it: {}; {}; or raise `nonfinite-limit`",
                               place.text, skipped_.in_a_row, advice));
  }
  log::warn_once(fmt::format("lockstep: {}; the step is skipped", place.text), place.on_any_ranks);
  ++skipped_.total;
  ++skipped_.in_a_row;
}

/// Where step `step`, computed last, is first not finite. Collective.
NonFinite Trainer::find_nonfinite(std::uint64_t step) {
  const GlobalBatch batch = sampler_.batch(step);
  const Work& work = work_on(batch);
  RowBlock rows = row_block({}, step);
  rows.batch = batch_sums();
  const FailedStep failed{.problem = problem_,
                          .sampler = sampler_,
                          .batch = batch,
                          .plan = work.plan,
                          .whole = batch_sums_ ? &work.blocks.front() : nullptr,
                          .rows = rows,
                          .losses = facts_.losses()};
  return lockstep::find_nonfinite(
      failed, network_, [&] { return whole_gradient(); }, communicator_);
}

void Trainer::check_weights() {
  const std::string place = nonfinite_weights(whole_network());
  if (place.empty()) return;
  throw Diverged(
      fmt::format("step {}: the weights are no longer finite: {}; {}", steps_done_, place,
                  nonfinite_advice(options_, problem_, plan_.learning_rate, updates_done(), false)));
}

void Trainer::check_end() {
  if (options_.check_every > 0) check_replicas();
  check_weights();
}

void Trainer::check_replicas() {
  const std::vector<Opinion> found = opinions(communicator_, weights_digest(whole_network()));
  if (found.size() == 1) return;
  std::vector<std::string> who;
  who.reserve(found.size());
  for (const Opinion& opinion : found) who.push_back(names_of(communicator_, opinion.ranks));
  if (!has_majority(found)) {
    fail_guard(
        "step {}: the weights of {} differ, and it can't be told which are wrong; look for bad memory or "
        "a faulty processor on all of them",
        steps_done_, fmt::join(who, " and those of "));
  }
  who.erase(who.begin());
  fail_guard(
      "step {}: the weights of {} differ from those of the other ranks; look for bad memory or a faulty "
      "processor there",
      steps_done_, fmt::join(who, " and of "));
}

}  // namespace lockstep::inline LOCKSTEP_REAL
