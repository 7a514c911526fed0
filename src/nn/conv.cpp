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
#include "nn/window_products.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

/// Pictures with room between and around their pixels, which stays zero; channels last.
class SpacedPictures {
 public:
  SpacedPictures(const Picture& input, Index before, Index step, const Picture& spaced)
      : input_(input), before_(before), step_(step), spaced_(spaced) {}

  void resize(Index count) {
    const auto size = static_cast<std::size_t>(count * spaced_.size() + WindowProducts::kSlack);
    if (values_.size() < size) values_.assign(size, Real(0));
  }

  /// Makes picture number `i` of one without room.
  void assign(Index i, const Real* from) {
    Real* const to = values_.data() + i * spaced_.size();
    const Index run = (step_ == 1 ? input_.width : 1) * input_.channels;
    for (Index row = 0; row < input_.height; ++row) {
      Real* place = to + ((before_ + row * step_) * spaced_.width + before_) * spaced_.channels;
      for (Index done = 0; done < input_.width * input_.channels; done += run) {
        std::copy_n(from, run, place);
        from += run;
        place += step_ * run;
      }
    }
  }

  /// Picture number `i` from channel `channel` on.
  PictureView view(Index i, Index channel) const {
    return {values_.data() + i * spaced_.size() + channel, spaced_.width, spaced_.channels};
  }

 private:
  Picture input_;
  Index before_;
  Index step_;
  Picture spaced_;
  std::vector<Real> values_;
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

  Shape connect(std::span<const Shape> inputs) override {
    input_ = picture_of(inputs[0]);
    if (groups_ < 1 || input_.channels % groups_ != 0 || outputs_ % groups_ != 0) {
      fail_input("expected groups that divide {} channels and {} outputs", input_.channels, outputs_);
    }
    output_ = slide(windows_, input_, outputs_);
    channels_ = input_.channels / groups_;
    own_outputs_ = outputs_ / groups_;
    const auto in_frame = [](const Picture& picture, Index channels, Index frame) {
      return Picture{channels, picture.height + frame, picture.width + frame};
    };
    x_.emplace(input_, windows_.pad, 1, in_frame(input_, input_.channels, 2 * windows_.pad));
    dy_.emplace(output_, windows_.reach() - windows_.pad, windows_.stride,
                in_frame(input_, outputs_, windows_.reach()));
    Windows backwards = windows_;
    backwards.stride = 1;
    for (Index group = 0; group < groups_; ++group) {
      forward_.emplace_back(windows_, channels_, own_outputs_, output_);
      backward_.emplace_back(backwards, own_outputs_, channels_, input_);
    }
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
      forward_[static_cast<std::size_t>(group)].pack(
          [&](Index output, Index row, Index column, Index channel) {
            return weight(group * own_outputs_ + output, channel, row, column);
          });
    }
    x_->resize(block.rows());
    for_each_part(block.rows(), [&](Index row) {
      x_->assign(row, x[0].row(row).data());
      for (Index group = 0; group < groups_; ++group) {
        const Index first = group * own_outputs_;
        forward_[static_cast<std::size_t>(group)].forward(x_->view(row, group * channels_),
                                                          has_bias_ ? bias() + first : nullptr,
                                                          y.row(row).data() + first, outputs_);
      }
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

  void backward(const RowBlock& block, Inputs /*x*/, ConstMatrixView /*y*/, ConstMatrixView dy,
                InputGradients dx, GradientSink& sink) override {
    if (has_bias_) {
      const ConstMatrixView by_pixel(dy.data(), dy.rows() * output_.pixels(), outputs_);
      add_bias_gradient(block, by_pixel, output_.pixels(), {range_.offset + weights(), outputs_}, sink);
    }
    weight_gradient(block, dy, sink);
    if (dx[0].rows() > 0) input_gradient(block, dy, dx[0]);
  }

 private:
  Index weights() const { return outputs_ * forward_.front().terms(); }
  const Real* bias() const { return parameters_ + weights(); }
  Real weight(Index output, Index channel, Index row, Index column) const {
    return parameters_[((output * channels_ + channel) * windows_.size + row) * windows_.size + column];
  }

  /// In tiles of some outputs of one group.
  void weight_gradient(const RowBlock& block, ConstMatrixView dy, GradientSink& sink) {
    const Index terms = forward_.front().terms();
    const Index least = std::min<Index>(quotient_up(own_outputs_ * terms, kMostTileSize), own_outputs_);
    const Index tiles = std::clamp<Index>(quotient_up(threads(), groups_), least, own_outputs_);
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
          forward_[static_cast<std::size_t>(group)].weight_gradient(
              x_->view(row, group * channels_), dy.row(row).data() + group * own_outputs_, outputs_, first,
              count, row > m.first, sums.data());
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

  /// dx is the convolution of dy, with room between and around its pixels, with the weights turned round.
  void input_gradient(const RowBlock& block, ConstMatrixView dy, MatrixView dx) {
    const Index last = windows_.size - 1;
    for (Index group = 0; group < groups_; ++group) {
      backward_[static_cast<std::size_t>(group)].pack(
          [&](Index channel, Index row, Index column, Index output) {
            return weight(group * own_outputs_ + output, channel, last - row, last - column);
          });
    }
    dy_->resize(threads());
    for_each_part(block.rows(), [&](Index row) {
      const Index place = thread_index();
      dy_->assign(place, dy.row(row).data());
      for (Index group = 0; group < groups_; ++group) {
        backward_[static_cast<std::size_t>(group)].forward(dy_->view(place, group * own_outputs_), nullptr,
                                                           dx.row(row).data() + group * channels_,
                                                           input_.channels);
      }
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
  std::optional<SpacedPictures> x_;                 // of the last forward, with its frame
  std::optional<SpacedPictures> dy_;                // one for each thread
  std::vector<WindowProducts> forward_, backward_;  // by group
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
