#include <optional>
#include <vector>

#include <fmt/format.h>

#include "lockstep/core/error.hpp"
#include "lockstep/core/threads.hpp"
#include "lockstep/nn/unit_forms.hpp"
#include "lockstep/nn/units.hpp"
#include "nn/bias_gradient.hpp"
#include "nn/conv_products.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

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
    const ConvShape shape{input_, output_, windows_, groups_};
    in_float_.emplace(shape);
    in_bfloat16_.emplace(shape);
    return std::vector<Index>{output_.channels, output_.height, output_.width};
  }

  std::vector<TensorSpec> tensors() const override {
    const Index area = windows_.size * windows_.size;
    const Index channels = input_.channels / groups_;
    std::vector<TensorSpec> tensors = {{.name = "weight",
                                        .shape = {outputs_, channels, windows_.size, windows_.size},
                                        .role = TensorRole::kWeight,
                                        .fan_in = channels * area,
                                        .fan_out = outputs_ / groups_ * area,
                                        .uses = output_.pixels(),
                                        .is_factor = true}};
    if (has_bias_) tensors.push_back({.name = "bias", .shape = {outputs_}, .role = TensorRole::kBias});
    return tensors;
  }

  void place(std::size_t /*number*/, ParameterRange range) override { range_ = range; }
  void bind(const Real* parameters) override { parameters_ = parameters; }

  void forward(const RowBlock& block, Inputs x, MatrixView y) override {
    with_products(block, [&](auto& products) {
      products.forward(block, parameters_, has_bias_ ? parameters_ + weights() : nullptr, x[0], y);
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
    with_products(block, [&](auto& products) {
      if (dx[0].rows() > 0) {
        products.input_gradient(block, parameters_, dy, dx[0]);
      } else {
        for_each_part(block.rows(), [&](Index row) { block.start(row, 1); });
      }
      if (has_bias_) {
        const ConstMatrixView by_pixel(dy.data(), dy.rows() * output_.pixels(), outputs_);
        add_bias_gradient(block, by_pixel, output_.pixels(), {range_.offset + weights(), outputs_}, sink);
      }
      products.weight_gradient(block, range_.offset, x[0], dy, sink);
    });
    sink.done(range_);
  }

 private:
  Index weights() const { return outputs_ * (input_.channels / groups_) * windows_.size * windows_.size; }

  /// Calls action(products) with those that `block` asks for.
  template <typename Action>
  void with_products(const RowBlock& block, const Action& action) {
    if (block.precision == Precision::kBfloat16) return action(*in_bfloat16_);
    action(*in_float_);
  }

  Index outputs_;
  Windows windows_;
  Index groups_;
  bool has_bias_;
  Picture input_, output_;
  ParameterRange range_;
  const Real* parameters_ = nullptr;
  std::optional<ConvProducts<Real>> in_float_;
  std::optional<ConvProducts<Bfloat16Pair>> in_bfloat16_;
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
