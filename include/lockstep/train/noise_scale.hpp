#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "lockstep/comm/communicator.hpp"
#include "lockstep/nn/unit.hpp"
#include "lockstep/parallel/batch_plan.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// What one batch tells of the gradient of all samples: unbiased, but far from it in a single step.
struct NoiseEstimate {
  double square = 0;  ///< |G|², the squared norm of the gradient of the expected loss; may come out negative
  double variance = 0;  ///< tr Σ, the variances of one sample's gradient, summed over the parameters
};

/// The estimates from m >= 2 micro-batches of b_i samples, squares[i] = |s_i|² with the summed gradient s_i,
/// and the batch of B = Σ b_i, mean_square = |s / B|²; nothing from fewer:
///
///     tr Σ ≈ (Σ |s_i|² / b_i - |s|² / B) / (m - 1)        |G|² ≈ |s / B|² - tr Σ / B
///
/// E |s_i|² = b_i² |G|² + b_i tr Σ shows that both are unbiased whatever the sizes: the first is the variance
/// between groups (Searle, Casella, McCulloch: Variance components, 1992, section 3.6). With equal sizes they
/// are those of McCandlish et al., arXiv 1812.06162, appendix A.1, with B_small = b, B_big = B. Local; pure.
std::optional<NoiseEstimate> estimate_noise(std::span<const double> squares, std::span<const Index> sizes,
                                            double mean_square);

/// The simple noise scale tr Σ / |G|² (ibid., eq. 2.9), in samples: the batch at which noise and gradient
/// have equal parts in a step. Both are averaged over steps before they are divided, since a mean of
/// quotients would be biased.
class NoiseAverage {
 public:
  void add(const NoiseEstimate& estimate);

  /// NaN before the first estimate, and while the average of |G|² is not above zero.
  double scale() const;

  /// The averages themselves, for whoever saves them and goes on from them.
  NoiseEstimate values() const { return {square_, variance_}; }
  void set(const NoiseEstimate& values) {
    square_ = values.square;
    variance_ = values.variance;
  }

 private:
  double square_ = 0;
  double variance_ = 0;
};

/// A step's estimates (NaN where it was not measured, or its batch has only one micro-batch with samples) and
/// the scale of the averages so far.
struct GradientNoise {
  NoiseEstimate estimate;
  double scale = 0;
};

/// Stands before the reducer and adds up the square of every micro-batch's gradient, range by range in the
/// order of the parameters: what a micro-batch gets depends on it alone, so that all figures have the same
/// bits at every number of ranks and threads. One step: `start`, the gradients, `gather`, `finish`.
class NoiseMeter final : public GradientSink {
 public:
  /// For batches of `batch_size` samples. Where micro-batches are so small that the squares would take a
  /// noticeable part of a step, only every k-th step is measured: k = 32 / (samples of a micro-batch),
  /// rounded up.
  NoiseMeter(GradientSink& sink, Index batch_size, Index micro_batches);

  /// Begins step `step`, counted from 0, of `rank`; `plan` outlives it. Local.
  void start(const BatchPlan& plan, int rank, std::uint64_t step);

  void add(const RowBlock& block, ParameterRange range, const WriteGradient& write) override;
  void add_sparse(const RowBlock& block, ParameterRange range, const WriteSparseGradient& write) override {
    if (measures_) return GradientSink::add_sparse(block, range, write);
    sink_.add_sparse(block, range, write);
  }
  void done(ParameterRange range) override { sink_.done(range); }

  /// Makes the squares of all ranks known to all. Collective.
  void gather(Communicator& communicator);

  /// `gradient_norm`: of the mean gradient over the batch, before clipping. Local.
  GradientNoise finish(double gradient_norm);

  /// The same for a step that is skipped: nothing of it counts. Local.
  GradientNoise skip() const;

  /// What it carries from step to step.
  NoiseAverage& average() { return average_; }

 private:
  struct RangeSquare {
    Index micro_batch;
    Index offset;  // of the range
    double square;
  };

  GradientSink& sink_;
  std::uint64_t every_;
  bool measures_ = false;  // in this step
  const BatchPlan* plan_ = nullptr;
  Interval owned_;
  std::vector<std::vector<RangeSquare>> found_;  // by thread
  std::vector<double> squares_;                  // of all micro-batches
  NoiseAverage average_;
};

}  // namespace lockstep::inline LOCKSTEP_REAL
