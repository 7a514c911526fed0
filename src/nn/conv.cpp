#include <algorithm>
#include <functional>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "lockstep/core/error.hpp"
#include "lockstep/core/threads.hpp"
#include "lockstep/nn/unit_forms.hpp"
#include "lockstep/nn/units.hpp"
#include "nn/bias_gradient.hpp"
#include "nn/picture_frame.hpp"
#include "nn/window_phases.hpp"
#include "nn/window_products.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

/// The gradient by the pixels of one phase of rows and one of columns.
struct PhaseOfPixels {
  WindowPhase rows, columns;
  std::vector<WindowProducts> products;  // by group
};

class Conv final : public Unit {
 public:
  Conv(Index outputs, const Windows& windows, Index groups, bool has_bias)
      : outputs_(outputs), windows_(windows), groups_(groups), has_bias_(has_bias) {}

  std::string text() const override {
    return fmt::format("conv {} {}{}{}{}", outputs_, windows_.size, options_text(windows_, 1),
                       groups_ == 1 ? "" : fmt::format(" groups={}", groups_), has_bias_ ? "" : " nobias");
  }
  UnitKind kind() const override { return UnitKind::kConvolution; }
  bool reads_output() const override { return false; }
  bool goes_by_rows() const override { return true; }

  Shape connect(std::span<const Shape> inputs) override {
    input_ = picture_of(inputs[0]);
    if (groups_ < 1 || input_.channels % groups_ != 0 || outputs_ % groups_ != 0) {
      fail_input("expected groups that divide {} channels and {} outputs", input_.channels, outputs_);
    }
    output_ = slide(windows_, input_, outputs_);
    channels_ = input_.channels / groups_;
    own_outputs_ = outputs_ / groups_;
    const Index frame = 2 * windows_.pad;
    x_.emplace(input_, windows_.pad, Picture{input_.channels, input_.height + frame, input_.width + frame});
    const WindowGrid grid{windows_.size, windows_.size, windows_.stride, windows_.dilation};
    for (Index group = 0; group < groups_; ++group) {
      forward_.emplace_back(grid, channels_, own_outputs_, output_);
    }
    connect_backward();
    return std::vector<Index>{output_.channels, output_.height, output_.width};
  }

  std::vector<TensorSpec> tensors() const override {
    const Index area = windows_.size * windows_.size;
    std::vector<TensorSpec> tensors = {{.name = "weight",
                                        .shape = {outputs_, channels_, windows_.size, windows_.size},
                                        .role = TensorRole::kWeight,
                                        .fan_in = channels_ * area,
                                        .fan_out = own_outputs_ * area,
                                        .uses = output_.pixels()}};
    if (has_bias_) tensors.push_back({.name = "bias", .shape = {outputs_}, .role = TensorRole::kBias});
    return tensors;
  }

  void place(std::size_t /*number*/, ParameterRange range) override { range_ = range; }
  void bind(const Real* parameters) override { parameters_ = parameters; }

  void forward(const RowBlock& block, Inputs x, MatrixView y) override {
    for (Index group = 0; group < groups_; ++group) {
      const Index area = windows_.size * windows_.size;
      forward_[static_cast<std::size_t>(group)].pack({.first = weight(group * own_outputs_, 0, 0),
                                                      .output = channels_ * area,
                                                      .row = windows_.size,
                                                      .column = 1,
                                                      .channel = area});
    }
    for_each_part(block.rows(), [&](Index row) {
      Real* const framed = x_->room(own_memory(), 1);
      x_->assign(x[0].row(row).data(), framed, 0);
      for (Index group = 0; group < groups_; ++group) {
        const Index first = group * own_outputs_;
        forward_[static_cast<std::size_t>(group)].forward(
            framed_input(framed, 0, group), has_bias_ ? bias() + first : nullptr,
            {y.row(row).data() + first, output_.width * outputs_, outputs_});
      }
      block.finish(row, 1);
    });
  }

  std::string add_operators(OperatorGraph& graph, std::span<const GraphValue> x) const override {
    std::vector<std::string> inputs = {with_channels(graph, x[0]), graph.tensor("weight")};
    if (has_bias_) inputs.push_back(graph.tensor("bias"));
    Attributes attributes = attributes_of(windows_);
    attributes.emplace_back("dilations", std::vector<std::int64_t>(2, windows_.dilation));
    attributes.emplace_back("group", groups_);
    return graph.add("Conv", std::move(inputs), std::move(attributes));
  }

  void backward(const RowBlock& block, Inputs x, ConstMatrixView /*y*/, ConstMatrixView dy, InputGradients dx,
                GradientSink& sink) override {
    if (dx[0].rows() > 0) {
      input_gradient(block, dy, dx[0]);
    } else {
      for_each_part(block.rows(), [&](Index row) { block.start(row, 1); });
    }
    if (has_bias_) {
      const ConstMatrixView by_pixel(dy.data(), dy.rows() * output_.pixels(), outputs_);
      add_bias_gradient(block, by_pixel, output_.pixels(), {range_.offset + weights(), outputs_}, sink);
    }
    weight_gradient(block, x[0], dy, sink);
  }

 private:
  Index weights() const { return outputs_ * forward_.front().terms(); }
  const Real* bias() const { return parameters_ + weights(); }
  const Real* weight(Index output, Index row, Index column) const {
    return parameters_ + (output * channels_ * windows_.size + row) * windows_.size + column;
  }
  /// For the picture that a thread is at.
  static std::vector<Real>& own_memory() {
    thread_local std::vector<Real> memory;
    return memory;
  }
  /// Picture number `i` of `framed` with its frame, from the channels of a group on.
  PictureView framed_input(const Real* framed, Index i, Index group) const {
    return x_->view(framed, i, -windows_.pad, -windows_.pad, group * channels_);
  }

  void connect_backward() {
    const WindowPhases along_rows = phases_of(windows_, input_.height);
    const WindowPhases along_columns = phases_of(windows_, input_.width);
    tap_step_ = along_rows.tap_step;
    const auto window_step = along_rows.window_step;
    Index before = 0;
    Picture framed = output_;  // from pixel 0 on, at first
    for (const WindowPhase& rows : along_rows.phases) {
      for (const WindowPhase& columns : along_columns.phases) {
        if (rows.taps == 0 || columns.taps == 0) {
          has_gaps_ = true;
          continue;
        }
        before = std::max({before, -rows.window, -columns.window});
        framed.height = std::max(framed.height, rows.window + rows.pixels + (rows.taps - 1) * window_step);
        framed.width =
            std::max(framed.width, columns.window + columns.pixels + (columns.taps - 1) * window_step);
        const WindowGrid grid{rows.taps, columns.taps, 1, window_step};
        const Picture pixels{channels_, rows.pixels, columns.pixels};
        PhaseOfPixels& phase = backward_.emplace_back(PhaseOfPixels{rows, columns, {}});
        for (Index group = 0; group < groups_; ++group) {
          phase.products.emplace_back(grid, own_outputs_, channels_, pixels);
        }
      }
    }
    framed.height += before;
    framed.width += before;
    dy_.emplace(output_, before, framed);
  }

  /// In tiles of some outputs of one group.
  void weight_gradient(const RowBlock& block, ConstMatrixView x, ConstMatrixView dy, GradientSink& sink) {
    const Index terms = forward_.front().terms();
    const Index least = std::min<Index>(quotient_up(own_outputs_ * terms, kMostTileSize), own_outputs_);
    const Index tiles = std::clamp<Index>(quotient_up(threads(), groups_), least, own_outputs_);
    // Several parts share the pictures in their frames; one alone makes them when it comes to them.
    const bool is_alone = groups_ * tiles == 1;
    thread_local std::vector<Real> memory;
    Real* const framed = x_->room(memory, is_alone ? 1 : block.rows());
    const auto frame = [&](Index row) { x_->assign(x.row(row).data(), framed, is_alone ? 0 : row); };
    if (!is_alone) for_each_part(block.rows(), frame);
    for_each_part(groups_ * tiles, [&](Index part) {
      const Index group = part / tiles;
      const Index tile = part % tiles;
      const Index first = own_outputs_ * tile / tiles;
      const Index count = own_outputs_ * (tile + 1) / tiles - first;
      thread_local std::vector<Real> sums;
      const auto size = static_cast<std::size_t>(count * terms);
      if (sums.size() < size) sums.resize(size);
      const auto write = [&](const MicroBatchRows& m, Real* gradient) {
        for (Index row = m.first; row < m.first + m.count; ++row) {
          if (is_alone) frame(row);
          forward_[static_cast<std::size_t>(group)].weight_gradient(
              framed_input(framed, is_alone ? 0 : row, group), dy.row(row).data() + group * own_outputs_,
              outputs_, first, count, row > m.first, sums.data());
        }
        to_parameters(sums.data(), count, gradient);
      };
      sink.add(block, {range_.offset + (group * own_outputs_ + first) * terms, count * terms},
               std::ref(write));
    });
    sink.done(range_);
  }

  /// From [output][row][column][channel] to the order of the parameters.
  void to_parameters(const Real* sums, Index outputs, Real* gradient) const {
    const Index area = windows_.size * windows_.size;
    for (Index output = 0; output < outputs; ++output) {
      for (Index channel = 0; channel < channels_; ++channel) {
        for (Index place = 0; place < area; ++place) {
          *gradient++ = sums[(output * area + place) * channels_ + channel];
        }
      }
    }
  }

  /// See WindowPhases.
  void input_gradient(const RowBlock& block, ConstMatrixView dy, MatrixView dx) {
    const Index area = windows_.size * windows_.size;
    for (PhaseOfPixels& phase : backward_) {
      for (Index group = 0; group < groups_; ++group) {
        phase.products[static_cast<std::size_t>(group)].pack(
            {.first = weight(group * own_outputs_, phase.rows.tap, phase.columns.tap),
             .output = area,
             .row = -tap_step_ * windows_.size,
             .column = -tap_step_,
             .channel = channels_ * area});
      }
    }
    for_each_part(block.rows(), [&](Index row) {
      block.start(row, 1);
      Real* const framed = dy_->room(own_memory(), 1);
      dy_->assign(dy.row(row).data(), framed, 0);
      if (has_gaps_) dx.row(row).setZero();
      for (const PhaseOfPixels& phase : backward_) {
        const Index first = phase.rows.first * input_.width + phase.columns.first;
        for (Index group = 0; group < groups_; ++group) {
          phase.products[static_cast<std::size_t>(group)].forward(
              dy_->view(framed, 0, phase.rows.window, phase.columns.window, group * own_outputs_), nullptr,
              {dx.row(row).data() + first * input_.channels + group * channels_,
               windows_.stride * input_.width * input_.channels, windows_.stride * input_.channels});
        }
      }
      block.finish(row, 1);
    });
  }

  static Index quotient_up(Index a, Index b) { return (a + b - 1) / b; }

  static constexpr Index kMostTileSize = Index{1} << 18U;  // values

  Index outputs_;
  Windows windows_;
  Index groups_;
  bool has_bias_;
  Picture input_, output_;
  Index channels_ = 0;     // of a group
  Index own_outputs_ = 0;  // of a group
  ParameterRange range_;
  const Real* parameters_ = nullptr;
  std::optional<PictureFrame> x_;
  std::optional<PictureFrame> dy_;
  std::vector<WindowProducts> forward_;  // by group
  std::vector<PhaseOfPixels> backward_;
  Index tap_step_ = 1;     // between the taps of a phase
  bool has_gaps_ = false;  // pixels that no window sees
};

}  // namespace

std::unique_ptr<Unit> conv(Index outputs, Index window, const ConvOptions& options) {
  return std::make_unique<Conv>(outputs, Windows{window, options.stride, options.pad, options.dilation},
                                options.groups, options.has_bias);
}

UnitForm conv_form() {
  static constexpr Index kMostOutputs = 1 << 16;
  return {.name = "conv",
          .values = {"OUTPUTS", "WINDOW"},
          .options = {"stride", "pad", "dilation", "groups"},
          .flags = {"nobias"},
          .make = [](const UnitWords& words) {
            const Index outputs = words.whole(
                0, 1, kMostOutputs, fmt::format("a whole number of outputs from 1 to {}", kMostOutputs));
            const Windows windows = windows_of(words, 1, 1);
            const Index groups =
                words.whole_option("groups", 1, kMostOutputs, 1,
                                   fmt::format("a whole number of groups from 1 to {}", kMostOutputs));
            return conv(outputs, windows.size,
                        {windows.stride, windows.pad, windows.dilation, groups, !words.has("nobias")});
          }};
}

}  // namespace lockstep::inline LOCKSTEP_REAL
