#include <algorithm>

#include "lockstep/core/threads.hpp"
#include "lockstep/nn/unit_forms.hpp"
#include "lockstep/nn/units.hpp"
#include "nn/channel_norm.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

/// In training the slices of its arithmetic are the micro-batches; otherwise there is one, with the running
/// statistics for its moments.
class MicroBatchNorm final : public Norm {
 public:
  std::string text() const override { return "batch-norm micro"; }
  bool mixes_samples() const override { return true; }

  Shape connect(std::span<const Shape> inputs) override {
    const auto [positions, channels] = view_of_channels(inputs[0]);
    positions_ = positions;
    set_channels(channels);
    norm_.connect(channels, channels);
    return inputs[0];
  }

  std::vector<TensorSpec> statistics() const override {
    return {{.name = "running_mean", .shape = {channels()}, .role = TensorRole::kStatistic},
            {.name = "running_var", .shape = {channels()}, .role = TensorRole::kStatistic, .start = 1}};
  }
  void bind_statistics(Real* statistics) override { statistics_ = statistics; }

  void forward(const RowBlock& block, Inputs x, MatrixView y) override {
    if (!block.training) return forward_as_constant(block, x[0], y);
    firsts_.clear();
    for (const MicroBatchRows& m : block.micro_batches) firsts_.push_back(m.first);
    norm_.start(std::ssize(firsts_));
    for_each_part(std::ssize(firsts_), [&](Index i) {
      const MicroBatchRows& m = block.micro_batches[static_cast<std::size_t>(i)];
      const Real* const values = x[0].row(m.first).data();
      norm_.measure(i, values, m.count * positions_);
      norm_.apply(i, values, m.count * positions_, parameters(), y.row(m.first).data());
    });
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

 private:
  static constexpr double kMomentum = 0.1;  // of the new values, as torch.nn names it
  static constexpr Index kGrain = 64;       // rows of one thread at a time

  void forward_as_constant(const RowBlock& block, ConstMatrixView x, MatrixView y) {
    norm_.start(1);
    const std::span<Moments> moments = norm_.moments(0);
    for (std::size_t c = 0; c < moments.size(); ++c) {
      moments[c] = {statistics_[c], statistics_[moments.size() + c]};
    }
    for_each_range(block.rows(), kGrain, [&](Index first, Index count) {
      norm_.apply(0, x.data() + first * x.cols(), count * positions_, parameters(),
                  y.data() + first * y.cols());
    });
  }

  void backward_of(const RowBlock& block, Index i, ConstMatrixView x, ConstMatrixView dy, MatrixView dx,
                   double* by_parameters) override {
    const MicroBatchRows& m = block.micro_batches[static_cast<std::size_t>(i)];
    const Index first = m.first * x.cols();
    norm_.backward(block.training ? i : 0, x.data() + first, dy.data() + first, m.count * positions_,
                   parameters(), block.training, by_parameters, dx.rows() > 0 ? dx.data() + first : nullptr);
  }

  Index positions_ = 0;
  ChannelNorm norm_;
  std::vector<Index> firsts_;  // rows of the micro-batches in the last forward of training
  Real* statistics_ = nullptr;
};

}  // namespace

std::unique_ptr<Unit> batch_norm_micro() { return std::make_unique<MicroBatchNorm>(); }

UnitForm batch_norm_form() {
  return {
      .name = "batch-norm", .flags = {"micro"}, .make = [](const UnitWords& words) {
        if (!words.has("micro")) {
          words.refuse(
              "'batch-norm micro', which takes the statistics of each micro-batch; batch normalisation over "
              "the global batch isn't there yet");
        }
        return batch_norm_micro();
      }};
}

}  // namespace lockstep::inline LOCKSTEP_REAL
