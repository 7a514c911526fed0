#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "core/multiversion.hpp"
#include "lockstep/core/threads.hpp"
#include "lockstep/nn/unit_forms.hpp"
#include "lockstep/nn/units.hpp"
#include "nn/picture.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

// Over the channels of a pixel.

/// Where `values` are larger than `largest` they take its place, and `number` that of `chosen`. NaN stays, as
/// in PyTorch, so that the guard of the run sees it.
LOCKSTEP_MULTIVERSION
void take_larger(const Real* values, std::int32_t number, Index channels, Real* largest,
                 std::int32_t* chosen) {
  for (Index i = 0; i < channels; ++i) {
    const bool is_larger = values[i] > largest[i] || values[i] != values[i];
    largest[i] = is_larger ? values[i] : largest[i];
    chosen[i] = is_larger ? number : chosen[i];
  }
}

/// total += values where `number` is `chosen`.
LOCKSTEP_MULTIVERSION
void add_chosen(const Real* values, const std::int32_t* chosen, std::int32_t number, Index channels,
                Real* total) {
  for (Index i = 0; i < channels; ++i) total[i] += chosen[i] == number ? values[i] : Real(0);
}

/// total += values.
LOCKSTEP_MULTIVERSION
void add(const Real* values, Index channels, Real* total) {
  for (Index i = 0; i < channels; ++i) total[i] += values[i];
}

/// total += values / divisor.
LOCKSTEP_MULTIVERSION
void add_part(const Real* values, Real divisor, Index channels, Real* total) {
  for (Index i = 0; i < channels; ++i) total[i] += values[i] / divisor;
}

/// What max-pool and avg-pool have in common: windows over a picture, channel by channel.
class Pooling : public Unit {
 public:
  explicit Pooling(const Windows& windows) : windows_(windows) {}

  std::string text() const override {
    return fmt::format("{} {}{}", name(), windows_.size, options_text(windows_, windows_.size));
  }
  Response response() const override { return Response::kPassesOn; }
  UnitKind kind() const override { return UnitKind::kPooling; }

  Shape connect(std::span<const Shape> inputs) override {
    input_ = picture_of(inputs[0]);
    output_ = slide(windows_, input_, input_.channels);
    if (inputs[0].axes().size() == 2) return std::vector<Index>{output_.height, output_.width};
    return std::vector<Index>{output_.channels, output_.height, output_.width};
  }

  std::string add_operators(OperatorGraph& graph, std::span<const GraphValue> x) const override {
    const std::string y = add_operator(graph, with_channels(graph, x[0]));
    return x[0].shape.axes().size() == 2 ? graph.reshape(y, {output_.height, output_.width}) : y;
  }

 protected:
  virtual const char* name() const = 0;
  virtual std::string add_operator(OperatorGraph& graph, const std::string& picture) const = 0;

  /// Calls action(pixel of the input, its number in the window) for the pixels that window `pixel` sees.
  template <typename Action>
  void for_each_seen(Index pixel, const Action& action) const {
    const Index top = pixel / output_.width * windows_.stride - windows_.pad;
    const Index left = pixel % output_.width * windows_.stride - windows_.pad;
    const Index last_row = std::min(windows_.size, input_.height - top);
    const Index last_column = std::min(windows_.size, input_.width - left);
    for (Index row = std::max<Index>(0, -top); row < last_row; ++row) {
      for (Index column = std::max<Index>(0, -left); column < last_column; ++column) {
        action((top + row) * input_.width + left + column, row * windows_.size + column);
      }
    }
  }

  /// Sets dx to what `add` adds to zeros for each pixel that a window sees: add(where the window's values
  /// begin among all rows' outputs, the pixel's number in the window, the gradient by the window, where to).
  template <typename Add>
  void spread(const RowBlock& block, ConstMatrixView dy, MatrixView dx, const Add& add) const {
    if (dx.rows() == 0) return;
    for_each_part(block.rows(), [&](Index row) {
      dx.row(row).setZero();
      for (Index pixel = 0; pixel < output_.pixels(); ++pixel) {
        const Index first = row * output_.size() + pixel * output_.channels;
        for_each_seen(pixel, [&](Index seen, Index place) {
          add(first, place, dy.data() + first, dx.row(row).data() + seen * input_.channels);
        });
      }
    });
  }

  const Picture& input() const { return input_; }
  const Picture& output() const { return output_; }
  const Windows& windows() const { return windows_; }

 private:
  Windows windows_;
  Picture input_, output_;
};

class MaxPool final : public Pooling {
 public:
  using Pooling::Pooling;

  void forward(const RowBlock& block, Inputs x, MatrixView y) override {
    const auto size = static_cast<std::size_t>(y.size());
    if (chosen_.size() < size) chosen_.resize(size);
    const Index channels = input().channels;
    for_each_part(block.rows(), [&](Index row) {
      for (Index pixel = 0; pixel < output().pixels(); ++pixel) {
        Real* const largest = y.row(row).data() + pixel * channels;
        std::int32_t* const chosen = chosen_.data() + row * output().size() + pixel * channels;
        bool is_first = true;
        for_each_seen(pixel, [&](Index seen, Index place) {
          const Real* const values = x[0].row(row).data() + seen * channels;
          const auto number = static_cast<std::int32_t>(place);
          if (is_first) {
            std::copy_n(values, channels, largest);
            std::fill_n(chosen, channels, number);
          } else {
            take_larger(values, number, channels, largest, chosen);
          }
          is_first = false;
        });
      }
    });
  }

  void backward(const RowBlock& block, Inputs /*x*/, ConstMatrixView /*y*/, ConstMatrixView dy,
                InputGradients dx, GradientSink& /*sink*/) override {
    spread(block, dy, dx[0], [&](Index first, Index place, const Real* gradient, Real* to) {
      add_chosen(gradient, chosen_.data() + first, static_cast<std::int32_t>(place), input().channels, to);
    });
  }

 private:
  const char* name() const override { return "max-pool"; }
  std::string add_operator(OperatorGraph& graph, const std::string& picture) const override {
    return graph.add("MaxPool", {picture}, attributes_of(windows()));
  }

  std::vector<std::int32_t> chosen_;  // of the last forward: the place in its window of each largest value
};

class AvgPool final : public Pooling {
 public:
  using Pooling::Pooling;

  void forward(const RowBlock& block, Inputs x, MatrixView y) override {
    const Index channels = input().channels;
    for_each_part(block.rows(), [&](Index row) {
      for (Index pixel = 0; pixel < output().pixels(); ++pixel) {
        Real* const mean = y.row(row).data() + pixel * channels;
        std::fill_n(mean, channels, Real(0));
        for_each_seen(pixel, [&](Index seen, Index /*place*/) {
          add(x[0].row(row).data() + seen * channels, channels, mean);
        });
        for (Index i = 0; i < channels; ++i) mean[i] /= count();
      }
    });
  }

  void backward(const RowBlock& block, Inputs /*x*/, ConstMatrixView /*y*/, ConstMatrixView dy,
                InputGradients dx, GradientSink& /*sink*/) override {
    spread(block, dy, dx[0], [&](Index /*first*/, Index /*place*/, const Real* gradient, Real* to) {
      add_part(gradient, count(), input().channels, to);
    });
  }

 private:
  const char* name() const override { return "avg-pool"; }
  std::string add_operator(OperatorGraph& graph, const std::string& picture) const override {
    // With the pad apart, as some programs leave it out of the mean, whatever the attribute for it says.
    Windows inside = windows();
    const Index pad = std::exchange(inside.pad, 0);
    if (pad == 0) return graph.add("AveragePool", {picture}, attributes_of(inside));
    const std::string pads = graph.constant({8}, std::vector<std::int64_t>{0, 0, pad, pad, 0, 0, pad, pad});
    return graph.add("AveragePool", {graph.add("Pad", {picture, pads})}, attributes_of(inside));
  }
  Real count() const { return static_cast<Real>(windows().size * windows().size); }
};

/// The mean over all pixels.
class AvgPoolAll final : public Unit {
 public:
  std::string text() const override { return "avg-pool all"; }
  Response response() const override { return Response::kPassesOn; }
  UnitKind kind() const override { return UnitKind::kPooling; }

  Shape connect(std::span<const Shape> inputs) override {
    input_ = picture_of(inputs[0]);
    return std::vector<Index>{input_.channels, 1, 1};
  }

  void forward(const RowBlock& block, Inputs x, MatrixView y) override {
    for_each_part(block.rows(), [&](Index row) {
      const ConstMatrixView pixels(x[0].row(row).data(), input_.pixels(), input_.channels);
      y.row(row).setZero();
      for (Index pixel = 0; pixel < input_.pixels(); ++pixel) y.row(row) += pixels.row(pixel);
      y.row(row) /= static_cast<Real>(input_.pixels());
    });
  }

  void backward(const RowBlock& block, Inputs /*x*/, ConstMatrixView /*y*/, ConstMatrixView dy,
                InputGradients dx, GradientSink& /*sink*/) override {
    if (dx[0].rows() == 0) return;
    MatrixView by_input = dx[0];
    for_each_part(block.rows(), [&](Index row) {
      MatrixView pixels(by_input.row(row).data(), input_.pixels(), input_.channels);
      pixels.rowwise() = dy.row(row) / static_cast<Real>(input_.pixels());
    });
  }

  std::string add_operators(OperatorGraph& graph, std::span<const GraphValue> x) const override {
    return graph.add("GlobalAveragePool", {with_channels(graph, x[0])});
  }

 private:
  Picture input_;
};

Windows pooling_windows(Index window, Index stride, Index pad) {
  return {window, stride == 0 ? window : stride, pad, 1};
}

}  // namespace

std::unique_ptr<Unit> max_pool(Index window, Index stride, Index pad) {
  return std::make_unique<MaxPool>(pooling_windows(window, stride, pad));
}

std::unique_ptr<Unit> avg_pool(Index window, Index stride, Index pad) {
  return std::make_unique<AvgPool>(pooling_windows(window, stride, pad));
}

std::unique_ptr<Unit> avg_pool_all() { return std::make_unique<AvgPoolAll>(); }

UnitForm max_pool_form() {
  return {.name = "max-pool",
          .values = {"WINDOW"},
          .options = {"stride", "pad"},
          .make = [](const UnitWords& words) {
            const Windows windows = windows_of(words, 0, std::nullopt);
            return max_pool(windows.size, windows.stride, windows.pad);
          }};
}

UnitForm avg_pool_form() {
  return {.name = "avg-pool",
          .values = {"WINDOW|all"},
          .options = {"stride", "pad"},
          .make = [](const UnitWords& words) {
            if (words.is(0, "all")) {
              if (words.count() > 1) words.refuse("nothing after 'all'");
              return avg_pool_all();
            }
            const Windows windows = windows_of(words, 0, std::nullopt);
            return avg_pool(windows.size, windows.stride, windows.pad);
          }};
}

}  // namespace lockstep::inline LOCKSTEP_REAL
