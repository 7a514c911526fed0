#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <type_traits>

#include "lockstep/core/stopwatch.hpp"
#include "lockstep/core/threads.hpp"
#include "lockstep/nn/unit.hpp"
#include "lockstep/train/timeline.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// The parts of a step, in its order.
enum class StepPart : std::size_t {
  kGather,           ///< samples to normalised rows
  kForward,          ///< network and loss
  kBackward,         ///< gradients by the activations; the Hessian
  kWeightGradients,  ///< gradients by the parameters, micro-batch by micro-batch
  kTreeAdditions,    ///< their sums over this rank's micro-batches
  kOverlapped,       ///< sums over ranks of some layers while others were still to compute
  kExchange,         ///< sums over ranks after that, and what ranks tell each other
  kWaiting,          ///< for other ranks
  kOptimizer,        ///< update, average
};

inline constexpr std::array<const char*, 9> kPartNames = {
    "gather",   "forward", "backward", "weight_gradients", "tree_additions", "overlapped_exchange",
    "exchange", "waiting", "optimizer"};

/// All of them, in that order.
inline std::array<StepPart, kPartNames.size()> all_step_parts() {
  std::array<StepPart, kPartNames.size()> parts{};
  for (std::size_t i = 0; i < parts.size(); ++i) parts[i] = static_cast<StepPart>(i);
  return parts;
}
/// As metrics.jsonl has it.
inline const char* name_of(StepPart part) { return kPartNames[static_cast<std::size_t>(part)]; }

/// Where the seconds of one step went on this rank; what is missing to the whole is bookkeeping.
class StepTimes {
 public:
  double& operator[](StepPart part) { return seconds_[static_cast<std::size_t>(part)]; }
  double operator[](StepPart part) const { return seconds_[static_cast<std::size_t>(part)]; }

  double sum() const {
    double sum = 0;
    for (const double seconds : seconds_) sum += seconds;
    return sum;
  }

  /// What this rank's micro-batches took it.
  double computing() const {
    double sum = 0;
    for (std::size_t i = 0; i <= static_cast<std::size_t>(StepPart::kTreeAdditions); ++i) sum += seconds_[i];
    return sum;
  }

 private:
  std::array<double, kPartNames.size()> seconds_{};
};

/// Tells the parts of a step apart by laps, and writes them into a timeline where there is one.
class StepClock {
 public:
  /// `timeline` outlives the clock, or is null.
  explicit StepClock(Timeline* timeline) : timeline_(timeline) {}

  void start(std::uint64_t step) {
    times_ = {};
    step_ = step;
    last_ = Clock::now();
  }

  /// What passed since the last lap was `part`, but for `elsewhere` seconds that another part has already.
  void lap(StepPart part, double elsewhere = 0) {
    const Clock::time_point now = Clock::now();
    times_[part] += std::chrono::duration<double>(now - last_).count() - elsewhere;
    if (timeline_ != nullptr) timeline_->add(name_of(part), last_, now, step_);
    last_ = now;
  }

  StepTimes& times() { return times_; }
  const StepTimes& times() const { return times_; }

 private:
  using Clock = std::chrono::steady_clock;
  Timeline* timeline_;
  StepTimes times_;
  std::uint64_t step_ = 0;
  Clock::time_point last_;
};

/// Passes gradients on to `sink` and adds up what writing and summing them takes this rank's first thread.
class TimedSink final : public GradientSink {
 public:
  TimedSink(GradientSink& sink, StepTimes& times) : sink_(sink), times_(times) {}

  void add(const RowBlock& block, ParameterRange range, const WriteGradient& write) override {
    time(write, [&](const WriteGradient& timed) { sink_.add(block, range, timed); });
  }
  void add_in_place(const RowBlock& block, ParameterRange range, const AddGradient& write) override {
    time(write, [&](const AddGradient& timed) { sink_.add_in_place(block, range, timed); });
  }
  void add_sparse(const RowBlock& block, ParameterRange range, const WriteSparseGradient& write) override {
    time(write, [&](const WriteSparseGradient& timed) { sink_.add_sparse(block, range, timed); });
  }

  void done(ParameterRange range) override {
    Stopwatch watch;
    sink_.done(range);
    times_[StepPart::kOverlapped] += watch.lap();
  }

 private:
  /// Hands `write` to `add`, a call of the sink, and tells its time from what the sink takes.
  template <typename Write, typename Add>
  void time(const Write& write, const Add& add) {
    if (thread_index() != 0) return add(write);
    Stopwatch watch;
    const auto timed = [&](const auto&... where) {
      times_[StepPart::kTreeAdditions] += watch.lap();
      if constexpr (std::is_void_v<decltype(write(where...))>) {
        write(where...);
        times_[StepPart::kWeightGradients] += watch.lap();
      } else {
        const auto has_written = write(where...);
        times_[StepPart::kWeightGradients] += watch.lap();
        return has_written;
      }
    };
    add(std::ref(timed));
    times_[StepPart::kTreeAdditions] += watch.lap();
  }

  GradientSink& sink_;
  StepTimes& times_;
};

}  // namespace lockstep::inline LOCKSTEP_REAL
