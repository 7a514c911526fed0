// What a residual's skip has where its branch makes the picture smaller and deeper.

#include <algorithm>

#include <fmt/format.h>

#include "lockstep/core/error.hpp"
#include "lockstep/core/threads.hpp"
#include "lockstep/nn/unit_forms.hpp"
#include "lockstep/nn/units.hpp"
#include "nn/picture.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

class Subsample final : public Unit {
 public:
  explicit Subsample(Index stride) : stride_(stride) {}

  std::string text() const override { return fmt::format("subsample {}", stride_); }
  Response response() const override { return Response::kPassesOn; }

  Shape connect(std::span<const Shape> inputs) override {
    input_ = picture_of(inputs[0]);
    output_ = slide({.size = 1, .stride = stride_}, input_, input_.channels);
    return std::vector<Index>{output_.channels, output_.height, output_.width};
  }

  void forward(const RowBlock& block, Inputs x, MatrixView y) override {
    for_each_part(block.rows(), [&](Index row) {
      for (Index pixel = 0; pixel < output_.pixels(); ++pixel) {
        std::copy_n(x[0].row(row).data() + place_of(pixel), output_.channels,
                    y.row(row).data() + pixel * output_.channels);
      }
    });
  }

  void backward(const RowBlock& block, Inputs /*x*/, ConstMatrixView /*y*/, ConstMatrixView dy,
                InputGradients dx, GradientSink& /*sink*/) override {
    if (dx[0].rows() == 0) return;
    MatrixView by_input = dx[0];
    for_each_part(block.rows(), [&](Index row) {
      by_input.row(row).setZero();
      for (Index pixel = 0; pixel < output_.pixels(); ++pixel) {
        std::copy_n(dy.row(row).data() + pixel * output_.channels, output_.channels,
                    by_input.row(row).data() + place_of(pixel));
      }
    });
  }

  std::string add_operators(OperatorGraph& graph, std::span<const GraphValue> x) const override {
    const auto both = [&](Index first, Index second) {
      return graph.constant({2}, std::vector<std::int64_t>{first, second});
    };
    return graph.add("Slice", {with_channels(graph, x[0]), both(0, 0), both(input_.height, input_.width),
                               both(2, 3), both(stride_, stride_)});
  }

 private:
  /// Where in a sample the pixel stands that becomes `pixel`.
  Index place_of(Index pixel) const {
    const Index row = pixel / output_.width * stride_;
    const Index column = pixel % output_.width * stride_;
    return (row * input_.width + column) * input_.channels;
  }

  Index stride_;
  Picture input_, output_;
};

class PadChannels final : public Unit {
 public:
  explicit PadChannels(Index channels) : channels_(channels) {}

  std::string text() const override { return fmt::format("pad-channels {}", channels_); }
  Response response() const override { return Response::kPassesOn; }

  Shape connect(std::span<const Shape> inputs) override {
    input_ = picture_of(inputs[0]);
    if (channels_ < input_.channels) fail_input("expected at least {} channels", input_.channels);
    return std::vector<Index>{channels_, input_.height, input_.width};
  }

  void forward(const RowBlock& block, Inputs x, MatrixView y) override {
    for_each_part(block.rows(), [&](Index row) {
      MatrixView padded(y.row(row).data(), input_.pixels(), channels_);
      padded.leftCols(input_.channels) =
          ConstMatrixView(x[0].row(row).data(), input_.pixels(), input_.channels);
      padded.rightCols(channels_ - input_.channels).setZero();
    });
  }

  void backward(const RowBlock& block, Inputs /*x*/, ConstMatrixView /*y*/, ConstMatrixView dy,
                InputGradients dx, GradientSink& /*sink*/) override {
    if (dx[0].rows() == 0) return;
    MatrixView by_input = dx[0];
    for_each_part(block.rows(), [&](Index row) {
      MatrixView(by_input.row(row).data(), input_.pixels(), input_.channels) =
          ConstMatrixView(dy.row(row).data(), input_.pixels(), channels_).leftCols(input_.channels);
    });
  }

  std::string add_operators(OperatorGraph& graph, std::span<const GraphValue> x) const override {
    std::vector<std::int64_t> pads(8);  // before each axis, then behind each
    pads[5] = channels_ - input_.channels;
    return graph.add("Pad", {with_channels(graph, x[0]), graph.constant({8}, std::move(pads))});
  }

 private:
  Index channels_;
  Picture input_;
};

}  // namespace

std::unique_ptr<Unit> subsample(Index stride) { return std::make_unique<Subsample>(stride); }

std::unique_ptr<Unit> pad_channels(Index channels) { return std::make_unique<PadChannels>(channels); }

std::vector<UnitForm> shortcut_forms() {
  static constexpr Index kMostStride = 4096;
  static constexpr Index kMostChannels = 1 << 16;
  return {{.name = "subsample",
           .values = {"STRIDE"},
           .make =
               [](const UnitWords& words) {
                 return subsample(
                     words.whole(0, 1, kMostStride, fmt::format("a stride from 1 to {}", kMostStride)));
               }},
          {.name = "pad-channels", .values = {"CHANNELS"}, .make = [](const UnitWords& words) {
             return pad_channels(words.whole(
                 0, 1, kMostChannels, fmt::format("a number of channels from 1 to {}", kMostChannels)));
           }}};
}

}  // namespace lockstep::inline LOCKSTEP_REAL
