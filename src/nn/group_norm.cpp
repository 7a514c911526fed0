#include <fmt/format.h>

#include "lockstep/core/error.hpp"
#include "lockstep/core/threads.hpp"
#include "lockstep/nn/unit_forms.hpp"
#include "lockstep/nn/units.hpp"
#include "nn/channel_norm.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

class GroupNorm final : public SampleNorm {
 public:
  explicit GroupNorm(Index groups) : groups_(groups) {}

  std::string text() const override { return fmt::format("group-norm {}", groups_); }

  Shape connect(std::span<const Shape> inputs) override {
    const auto [positions, channels] = view_of_channels(inputs[0]);
    if (channels % groups_ != 0) {
      fail_input("{} channels are not {} groups of equal size; expected a number that divides them", channels,
                 groups_);
    }
    positions_ = positions;
    set_channels(channels);
    norm_.connect(channels, groups_);
    return inputs[0];
  }

  void forward(const RowBlock& block, Inputs x, MatrixView y) override {
    norm_.start(block.rows());
    for_each_part(block.rows(), [&](Index row) {
      const Real* const values = x[0].row(row).data();
      norm_.measure(row, values, positions_);
      norm_.apply(row, values, positions_, parameters(), y.row(row).data());
      block.finish(row, 1);
    });
  }

  std::string add_operators(OperatorGraph& graph, std::span<const GraphValue> x) const override {
    const std::string groups = graph.reshape(x[0].name, {groups_, x[0].shape.size() / groups_});
    return add_affine(graph, graph.reshape(add_standardized(graph, groups), x[0].shape.axes()), x[0].shape);
  }

 private:
  void backward_of(Index row, ConstMatrixView x, ConstMatrixView dy, MatrixView dx,
                   double* by_parameters) override {
    norm_.backward(row, x.row(row).data(), dy.row(row).data(), positions_, parameters(), by_parameters,
                   dx.rows() > 0 ? dx.row(row).data() : nullptr);
  }

  Index groups_;
  Index positions_ = 0;
  ChannelNorm norm_;  // its slices are the rows
};

}  // namespace

std::unique_ptr<Unit> group_norm(Index groups) { return std::make_unique<GroupNorm>(groups); }

UnitForm group_norm_form() {
  static constexpr Index kMostGroups = 1 << 24;
  return {.name = "group-norm", .values = {"GROUPS"}, .make = [](const UnitWords& words) {
            return group_norm(words.whole(0, 1, kMostGroups,
                                          fmt::format("a whole number of groups from 1 to {}", kMostGroups)));
          }};
}

}  // namespace lockstep::inline LOCKSTEP_REAL
