#pragma once

#include <memory>
#include <vector>

#include "train/checkpoint/chunks.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// Measures how good the answers to the chunks of a selection are, as the task is. See Evaluation.
class Meter {
 public:
  virtual ~Meter() = default;

  /// Of this rank's chunks, in order. Local.
  virtual void see(const Answers& answers) = 0;

  /// Writes accuracy, measures and scores of what all ranks have seen into `evaluation`: the same bits
  /// whoever has seen which chunk. Collective.
  virtual void finish(Communicator& communicator, Evaluation& evaluation) = 0;
};

/// All three refer to their arguments.
std::unique_ptr<Meter> make_class_meter(const Loss& loss, const Selection& selection);
std::unique_ptr<Meter> make_label_meter(const Selection& selection);
std::unique_ptr<Meter> make_target_meter(const Normalization& targets, const Selection& selection);

/// The scores of samples whose answer is yes, and of those whose answer is no.
struct AnswerScores {
  std::vector<double> yes;
  std::vector<double> no;

  void add(double score, bool is_yes) { (is_yes ? yes : no).push_back(score); }
};

/// Of all ranks' scores. Collective.
double area_under_curve(Communicator& communicator, const AnswerScores& scores);

/// What the ranks have of their chunks, `each` values a chunk, put together. Collective.
template <typename Value>
std::vector<Value> gather_chunks(Communicator& communicator, const Selection& selection,
                                 const std::vector<Value>& mine, Index each = 1) {
  std::vector<Interval> parts = parts_of(chunks_of(selection), communicator.size());
  for (Interval& part : parts) part = {part.first * each, part.last * each};
  return gather_parts<Value>(communicator, parts, mine);
}

}  // namespace lockstep::inline LOCKSTEP_REAL
