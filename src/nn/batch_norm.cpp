#include <algorithm>
#include <functional>

#include "lockstep/core/threads.hpp"
#include "lockstep/nn/unit_forms.hpp"
#include "lockstep/nn/units.hpp"
#include "nn/channel_norm.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

/// Whose statistics normalise a sample in training: those of the global batch or of its micro-batch.
enum class Of { kBatch, kMicroBatch };

/// Where the rows of micro-batch number `i` begin in `values`.
auto* rows_of(const RowBlock& block, Index i, auto values) {
  return values.data() + block.micro_batches[static_cast<std::size_t>(i)].first * values.cols();
}

/// The slices of its arithmetic are the micro-batches, and, after them, all of them together; in evaluation
/// there is one, with the running statistics for its moments.
class BatchNorm final : public Norm {
 public:
  explicit BatchNorm(Of of) : of_(of) {}

  std::string text() const override { return of_ == Of::kBatch ? "batch-norm" : "batch-norm micro"; }
  bool mixes_samples() const override { return of_ == Of::kMicroBatch; }
  bool needs_whole_batch() const override { return of_ == Of::kBatch; }

  Shape connect(std::span<const Shape> inputs) override {
    const auto [positions, channels] = view_of_channels(inputs[0]);
    positions_ = positions;
    set_channels(channels);
    norm_.connect(channels, channels);
    totals_.resize(static_cast<std::size_t>(2 * channels));
    return inputs[0];
  }

  std::vector<TensorSpec> statistics() const override {
    return {{.name = "running_mean", .shape = {channels()}, .role = TensorRole::kStatistic},
            {.name = "running_var", .shape = {channels()}, .role = TensorRole::kStatistic, .start = 1}};
  }
  void bind_statistics(Real* statistics) override { statistics_ = statistics; }

  void forward(const RowBlock& block, Inputs x, MatrixView y) override {
    if (!block.training) return forward_as_constant(block, x[0], y);
    const Index count = std::ssize(block.micro_batches);
    firsts_.clear();
    for (const MicroBatchRows& m : block.micro_batches) firsts_.push_back(m.first);
    norm_.start(count + 1);
    const auto measure = [&](Index i) { norm_.measure(i, rows_of(block, i, x[0]), positions_of(block, i)); };
    const auto apply = [&](Index i) {
      in_parts(block, i, &RowBlock::finish, [&](const PositionParts& after) {
        norm_.apply(slice_of(i), rows_of(block, i, x[0]), positions_of(block, i), parameters(),
                    rows_of(block, i, y), after);
      });
    };
    if (of_ == Of::kMicroBatch) {
      for_each_part(count, [&](Index i) {
        measure(i);
        apply(i);
      });
      return;
    }
    for_each_part(count, measure);
    measure_batch(block);
    for_each_part(count, apply);
  }

  /// Of each channel's distances from the running mean, and of their squares, so that a mean far from zero
  /// takes no digits from the variance.
  Index sums() const override { return 2 * channels(); }
  void write_sums(const MicroBatchRows& rows, Inputs /*x*/, ConstMatrixView /*y*/,
                  std::span<double> sums) const override {
    const auto place = std::ranges::lower_bound(firsts_, rows.first);
    const std::span<const Moments> moments = norm_.moments(place - firsts_.begin());
    const auto count = static_cast<double>(rows.count * positions_);
    const auto size = static_cast<std::size_t>(channels());
    for (std::size_t c = 0; c < size; ++c) {
      const double distance = moments[c].mean - statistics_[c];
      sums[c] = count * distance;
      sums[size + c] = count * (moments[c].variance + distance * distance);
    }
  }

  void update_statistics(std::span<const double> sums, Index samples) override {
    const Index values = samples * positions_;
    const auto count = static_cast<double>(values);
    const auto size = static_cast<std::size_t>(channels());
    for (std::size_t c = 0; c < size; ++c) {
      const double distance = sums[c] / count;
      statistics_[c] += static_cast<Real>(kMomentum * distance);
      if (values == 1) continue;
      const double squares = sums[size + c] - sums[c] * distance;
      const double variance = (squares < 0 ? 0 : squares) / (count - 1);
      statistics_[size + c] =
          static_cast<Real>((1 - kMomentum) * statistics_[size + c] + kMomentum * variance);
    }
  }

  void backward(const RowBlock& block, Inputs inputs, ConstMatrixView /*y*/, ConstMatrixView dy,
                InputGradients input_gradients, GradientSink& sink) override {
    const ConstMatrixView& x = inputs[0];
    const MatrixView& dx = input_gradients[0];
    const Index count = std::ssize(block.micro_batches);
    start_backward(block);
    const auto parameter_gradients = [&](Index i) {
      in_parts(block, i, &RowBlock::start, [&](const PositionParts& before) {
        norm_.parameter_gradients(block.training ? slice_of(i) : 0, rows_of(block, i, x),
                                  rows_of(block, i, dy), positions_of(block, i), by_parameters(i), before);
      });
    };
    const auto input_gradient = [&](Index i) {
      if (dx.rows() == 0) return;
      const bool is_of_batch = of_ == Of::kBatch;
      const double* const sums = is_of_batch ? totals_.data() : by_parameters(i);
      const Index measured = is_of_batch ? block.samples_of_batch() * positions_ : positions_of(block, i);
      in_parts(block, i, &RowBlock::finish, [&](const PositionParts& after) {
        norm_.input_gradient(block.training ? slice_of(i) : 0, rows_of(block, i, x), rows_of(block, i, dy),
                             positions_of(block, i), parameters(), block.training ? sums : nullptr, measured,
                             rows_of(block, i, dx), after);
      });
    };
    for_each_part(count, parameter_gradients);
    if (of_ == Of::kBatch && block.training) {
      const auto write = [&](std::size_t i, std::span<double> sums) {
        std::copy_n(by_parameters(static_cast<Index>(i)), sums.size(), sums.begin());
      };
      add_up(block, std::ref(write), totals_);
    }
    for_each_part(count, input_gradient);
    end_backward(block, sink);
  }

  std::string add_operators(OperatorGraph& graph, std::span<const GraphValue> x) const override {
    return graph.add("BatchNormalization",
                     {x[0].name, graph.tensor("weight"), graph.tensor("bias"), graph.tensor("running_mean"),
                      graph.tensor("running_var")},
                     {{"epsilon", static_cast<float>(kNormEpsilon)}});
  }

 private:
  static constexpr double kMomentum = 0.1;  // of the new values, as torch.nn names it
  static constexpr Index kGrain = 64;       // rows of one thread at a time

  /// The slice that normalises micro-batch number `i`.
  Index slice_of(Index i) const { return of_ == Of::kBatch ? std::ssize(firsts_) : i; }

  Index positions_of(const RowBlock& block, Index i) const {
    return block.micro_batches[static_cast<std::size_t>(i)].count * positions_;
  }

  /// Calls action(parts) with micro-batch number `i` in parts of some rows, of which the block is told.
  template <typename Action>
  void in_parts(const RowBlock& block, Index i, void (RowBlock::*tell)(Index, Index) const,
                const Action& action) {
    constexpr Index kValuesAtOnce = Index{1} << 15U;
    const Index rows = std::max<Index>(1, kValuesAtOnce / (positions_ * channels()));
    const Index first_row = block.micro_batches[static_cast<std::size_t>(i)].first;
    const auto visit = [&](Index first, Index count) {
      (block.*tell)(first_row + first / positions_, count / positions_);
    };
    const RowWork work = std::ref(visit);
    action(PositionParts{rows * positions_, &work});
  }

  /// The mean first, so that one far from zero takes no digits from the variance.
  void measure_batch(const RowBlock& block) {
    const std::span<Moments> moments = norm_.moments(slice_of(0));
    const std::span<double> totals = std::span(totals_).first(moments.size());
    const auto values = static_cast<double>(block.samples_of_batch() * positions_);
    const auto add_up_of = [&](const auto& sum) {
      const auto write = [&](std::size_t i, std::span<double> sums) {
        const std::span<const Moments> own = norm_.moments(static_cast<Index>(i));
        const auto count = static_cast<double>(positions_of(block, static_cast<Index>(i)));
        for (std::size_t c = 0; c < sums.size(); ++c) sums[c] = count * sum(own[c], moments[c].mean);
      };
      add_up(block, std::ref(write), totals);
    };
    add_up_of([](const Moments& own, double) { return own.mean; });
    for (std::size_t c = 0; c < moments.size(); ++c) moments[c].mean = totals[c] / values;
    add_up_of([](const Moments& own, double mean) {
      const double distance = own.mean - mean;
      return own.variance + distance * distance;
    });
    for (std::size_t c = 0; c < moments.size(); ++c) moments[c].variance = totals[c] / values;
  }

  void forward_as_constant(const RowBlock& block, ConstMatrixView x, MatrixView y) {
    norm_.start(1);
    const std::span<Moments> moments = norm_.moments(0);
    for (std::size_t c = 0; c < moments.size(); ++c) {
      moments[c] = {statistics_[c], statistics_[moments.size() + c]};
    }
    for_each_range(block.rows(), kGrain, [&](Index first, Index count) {
      norm_.apply(0, x.data() + first * x.cols(), count * positions_, parameters(),
                  y.data() + first * y.cols());
      block.finish(first, count);
    });
  }

  Of of_;
  Index positions_ = 0;
  ChannelNorm norm_;
  std::vector<Index> firsts_;   // rows of the micro-batches in the last forward of training
  std::vector<double> totals_;  // over the global batch, in the pass that is under way
  Real* statistics_ = nullptr;
};

}  // namespace

std::unique_ptr<Unit> batch_norm() { return std::make_unique<BatchNorm>(Of::kBatch); }

std::unique_ptr<Unit> batch_norm_micro() { return std::make_unique<BatchNorm>(Of::kMicroBatch); }

UnitForm batch_norm_form() {
  return {.name = "batch-norm", .flags = {"micro"}, .make = [](const UnitWords& words) {
            return words.has("micro") ? batch_norm_micro() : batch_norm();
          }};
}

}  // namespace lockstep::inline LOCKSTEP_REAL
