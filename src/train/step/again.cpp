#include "train/step/again.hpp"

#include <algorithm>
#include <cmath>
#include <mutex>

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

/// Keeps nothing of a gradient but where the last range begins that is not finite.
class LastNonFinite final : public GradientSink {
 public:
  void add(const RowBlock& block, ParameterRange range, const WriteGradient& write) override {
    std::vector<Real> gradient(static_cast<std::size_t>(range.size));
    for (const MicroBatchRows& m : block.micro_batches) {
      write(m, gradient.data());
      if (are_finite(gradient)) continue;
      const std::scoped_lock lock(mutex_);  // threads bring ranges at the same time
      last_ = std::max(last_, range.offset);
    }
  }
  Index last() const { return last_; }

 private:
  std::mutex mutex_;
  Index last_ = -1;
};

}  // namespace

bool are_finite(std::span<const Real> values) {
  return std::all_of(values.begin(), values.end(), [](Real value) { return std::isfinite(value); });
}

Block as_one_micro_batch(Index m, Interval rows) { return {rows, {{static_cast<int>(m), 0, rows.size()}}}; }

Again::Again(const FailedStep& step, Network& model, const Block& block)
    : step_(step), model_(model), micro_batches_(block.micro_batches) {
  gather_rows(step.problem, step.sampler, step.batch, block.rows, batch_);
  model.forward(rows(micro_batches_), features());
}

std::vector<double> Again::losses() {
  std::vector<MicroBatchRows> each;
  each.reserve(batch_.samples.size());
  for (Index r = 0; r < batch_.rows(); ++r) each.push_back({0, r, 1});
  std::vector<double> losses(each.size());
  step_.problem.loss->evaluate(rows(each), outputs(), targets(), losses, MatrixView(nullptr, 0, 0));
  return losses;
}

std::size_t Again::first_nonfinite(Index row) const {
  if (!is_finite_row(features(), row)) return 0;
  std::size_t unit = 0;
  while (unit < model_.units() && is_finite_row(model_.output_of(unit, batch_.rows()), row)) ++unit;
  return unit + 1;
}

Index Again::last_nonfinite_gradient() {
  std::vector<double> losses(micro_batches_.size());
  step_.problem.loss->evaluate(rows(micro_batches_), outputs(), targets(), losses,
                               model_.output_gradient(batch_.rows()));
  LastNonFinite sink;
  model_.backward(rows(micro_batches_), features(), sink);
  return sink.last();
}

RowBlock Again::rows(std::span<const MicroBatchRows> micro_batches) const {
  RowBlock block = step_.rows;
  block.micro_batches = micro_batches;
  block.keeps_outputs = true;
  block.samples = batch_.samples;
  return block;
}

}  // namespace lockstep::inline LOCKSTEP_REAL
