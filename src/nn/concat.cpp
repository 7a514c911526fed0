#include <algorithm>

#include "lockstep/core/error.hpp"
#include "lockstep/core/threads.hpp"
#include "lockstep/nn/units.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

/// Which axis of a sample numbers its channels. In memory those are always the last.
std::size_t channel_axis(const Shape& shape) {
  constexpr std::size_t kPictureAxes = 3;
  const std::size_t axes = shape.axes().size();
  if (axes > kPictureAxes) fail_input("expected branches of one to {} axes", kPictureAxes);
  return axes == kPictureAxes ? 0 : axes - 1;
}

class Concat final : public Unit {
 public:
  std::string text() const override { return "concat"; }
  Response response() const override { return Response::kPassesOn; }

  Shape connect(std::span<const Shape> inputs) override {
    std::vector<Index> axes = inputs[0].axes();
    const std::size_t axis = channel_axis(inputs[0]);
    positions_ = inputs[0].size() / axes[axis];
    axes[axis] = 0;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      std::vector<Index> expected = inputs[i].axes();
      if (expected.size() == axes.size()) expected[axis] = inputs[0].axes()[axis];
      if (expected != inputs[0].axes()) {
        fail_input(
            "branches 0 and {} end in {} and in {}; expected shapes that differ in their {} axis alone", i,
            to_text(inputs[0]), to_text(inputs[i]), axis == 0 ? "first" : "last");
      }
      channels_.push_back(inputs[i].axes()[axis]);
      axes[axis] += channels_.back();
    }
    return axes;
  }

  void forward(const RowBlock& block, Inputs x, MatrixView y) override {
    for_each_part(block.rows(), [&](Index row) {
      for_each_run([&](std::size_t input, Index in_input, Index in_output, Index count) {
        std::copy_n(x[input].row(row).data() + in_input, count, y.row(row).data() + in_output);
      });
    });
  }

  void backward(const RowBlock& block, Inputs /*x*/, ConstMatrixView /*y*/, ConstMatrixView dy,
                InputGradients dx, GradientSink& /*sink*/) override {
    for_each_part(block.rows(), [&](Index row) {
      for_each_run([&](std::size_t input, Index in_input, Index in_output, Index count) {
        MatrixView by_input = dx[input];
        if (by_input.rows() == 0) return;
        std::copy_n(dy.row(row).data() + in_output, count, by_input.row(row).data() + in_input);
      });
    });
  }

  std::string add_operators(OperatorGraph& graph, std::span<const GraphValue> x) const override {
    std::vector<std::string> names;
    for (const GraphValue& value : x) names.push_back(value.name);
    const auto axis = static_cast<std::int64_t>(channel_axis(x[0].shape)) + 1;  // behind that of the samples
    return graph.add("Concat", std::move(names), {{"axis", axis}});
  }

 private:
  /// Calls `copy` for each run of values of a sample that stay together: which input it is of, where it
  /// begins there and in the output, and its length.
  template <typename Copy>
  void for_each_run(const Copy& copy) const {
    Index in_output = 0;
    for (Index position = 0; position < positions_; ++position) {
      for (std::size_t input = 0; input < channels_.size(); ++input) {
        const Index count = channels_[input];
        copy(input, position * count, in_output, count);
        in_output += count;
      }
    }
  }

  Index positions_ = 0;          // of a sample, each with all channels
  std::vector<Index> channels_;  // of each input
};

}  // namespace

std::unique_ptr<Unit> concat() { return std::make_unique<Concat>(); }

}  // namespace lockstep::inline LOCKSTEP_REAL
