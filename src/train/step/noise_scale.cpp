#include "lockstep/train/noise_scale.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <utility>

#include "core/multiversion.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/core/threads.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();
constexpr NoiseEstimate kNoEstimate = {kNothing, kNothing};

/// Of the moving averages: about the last hundred measured steps count.
constexpr double kDecay = 0.99;

/// Samples of a micro-batch whose gradient takes long enough to measure it in every step.
constexpr Index kEnoughRows = 32;

// Running sums of fixed order: in Real over the eight values that a lane takes of a block, which is three
// times as fast, and in double from there.
constexpr Index kLanes = 32;
constexpr Index kBlock = 8 * kLanes;

LOCKSTEP_MULTIVERSION
void add_squares(const Real* values, Index count, double* sums) {
  for (Index block = 0; block < count; block += kBlock) {
    std::array<Real, kLanes> squares{};
    for (Index i = block; i < block + kBlock; i += kLanes) {
      for (Index lane = 0; lane < kLanes; ++lane) squares[lane] += values[i + lane] * values[i + lane];
    }
    for (Index lane = 0; lane < kLanes; ++lane) sums[lane] += squares[lane];
  }
}

/// What optim's sum_of_squares is, for what needs neither its digits nor its range: a noise scale is known to
/// some percent, while micro-batches are many.
double quick_sum_of_squares(std::span<const Real> values) {
  std::array<double, kLanes> sums{};
  const Index size = std::ssize(values);
  const Index whole = size / kBlock * kBlock;
  add_squares(values.data(), whole, sums.data());
  for (Index i = whole; i < size; ++i) {
    const double value = values[static_cast<std::size_t>(i)];
    sums[static_cast<std::size_t>(i % kLanes)] += value * value;
  }
  double sum = 0;
  for (const double lane : sums) sum += lane;
  return sum;
}

}  // namespace

std::optional<NoiseEstimate> estimate_noise(std::span<const double> squares, std::span<const Index> sizes,
                                            double mean_square) {
  LOCKSTEP_CHECK(squares.size() == sizes.size());
  double within = 0;
  double samples = 0;
  Index present = 0;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] == 0) continue;
    const auto size = static_cast<double>(sizes[i]);
    within += squares[i] / size;
    samples += size;
    ++present;
  }
  if (present < 2) return std::nullopt;
  const double variance = (within - samples * mean_square) / static_cast<double>(present - 1);
  return NoiseEstimate{.square = mean_square - variance / samples, .variance = variance};
}

void NoiseAverage::add(const NoiseEstimate& estimate) {
  // Both begin at zero and so are too small by one and the same factor, which their quotient does not have.
  square_ += (1 - kDecay) * (estimate.square - square_);
  variance_ += (1 - kDecay) * (estimate.variance - variance_);
}

double NoiseAverage::scale() const { return square_ > 0 ? variance_ / square_ : kNothing; }

NoiseMeter::NoiseMeter(GradientSink& sink, Index batch_size, Index micro_batches)
    : sink_(sink), found_(static_cast<std::size_t>(threads())) {
  const Index rows = std::max<Index>(batch_size / micro_batches, 1);
  every_ = static_cast<std::uint64_t>((kEnoughRows + rows - 1) / rows);
}

void NoiseMeter::start(const BatchPlan& plan, int rank, std::uint64_t step) {
  measures_ = step % every_ == 0;
  plan_ = &plan;
  owned_ = plan.owned_by(rank);
  for (std::vector<RangeSquare>& found : found_) found.clear();
}

void NoiseMeter::add(const RowBlock& block, ParameterRange range, const WriteGradient& write) {
  if (!measures_) return sink_.add(block, range, write);
  std::vector<RangeSquare>& found = found_[static_cast<std::size_t>(thread_index())];
  const auto measured = [&](const MicroBatchRows& m, Real* gradient) {
    write(m, gradient);
    found.push_back({m.micro_batch, range.offset,
                     quick_sum_of_squares({gradient, static_cast<std::size_t>(range.size)})});
  };
  sink_.add(block, range, std::ref(measured));
}

void NoiseMeter::gather(Communicator& communicator) {
  if (!measures_) return;
  std::vector<RangeSquare> all;
  for (const std::vector<RangeSquare>& found : found_) all.insert(all.end(), found.begin(), found.end());
  std::sort(all.begin(), all.end(), [](const RangeSquare& a, const RangeSquare& b) {
    return std::pair(a.micro_batch, a.offset) < std::pair(b.micro_batch, b.offset);
  });
  std::vector<double> mine(static_cast<std::size_t>(owned_.size()));
  for (const RangeSquare& part : all)
    mine[static_cast<std::size_t>(part.micro_batch - owned_.first)] += part.square;
  squares_ = gather_parts<double>(communicator, plan_->owned(), mine);
}

GradientNoise NoiseMeter::finish(double gradient_norm) {
  if (!measures_) return skip();
  std::vector<Index> sizes(squares_.size());
  for (std::size_t m = 0; m < sizes.size(); ++m) sizes[m] = plan_->rows(static_cast<Index>(m)).size();
  const auto estimate = estimate_noise(squares_, sizes, gradient_norm * gradient_norm);
  if (estimate && std::isfinite(estimate->variance)) average_.add(*estimate);
  return {estimate.value_or(kNoEstimate), average_.scale()};
}

GradientNoise NoiseMeter::skip() const { return {kNoEstimate, average_.scale()}; }

}  // namespace lockstep::inline LOCKSTEP_REAL
