#include <fmt/format.h>

#include "lockstep/core/error.hpp"
#include "lockstep/core/threads.hpp"
#include "lockstep/nn/unit_forms.hpp"
#include "lockstep/nn/units.hpp"
#include "nn/picture.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

// Pictures stand in memory with the channels last, and along one axis with the channels first.

/// Transposes every row of `from`, which is a matrix of so many columns, into one of `to`.
void transpose_rows(ConstMatrixView from, Index columns, MatrixView to) {
  const Index lines = from.cols() / columns;
  for_each_part(from.rows(), [&](Index row) {
    MatrixView(to.row(row).data(), columns, lines) =
        ConstMatrixView(from.row(row).data(), lines, columns).transpose();
  });
}

class Flatten final : public Unit {
 public:
  std::string text() const override { return "flatten"; }
  Response response() const override { return Response::kPassesOn; }

  Shape connect(std::span<const Shape> inputs) override {
    const bool has_channels = inputs[0].axes().size() == 3;
    channels_ = has_channels ? inputs[0].axes()[0] : 1;
    pixels_ = inputs[0].size() / channels_;
    return inputs[0].size();
  }

  void forward(const RowBlock& /*block*/, Inputs x, MatrixView y) override {
    transpose_rows(x[0], channels_, y);
  }

  void backward(const RowBlock& /*block*/, Inputs /*x*/, ConstMatrixView /*y*/, ConstMatrixView dy,
                InputGradients dx, GradientSink& /*sink*/) override {
    if (dx[0].rows() > 0) transpose_rows(dy, pixels_, dx[0]);
  }

  std::string add_operators(OperatorGraph& graph, std::span<const GraphValue> x) const override {
    return graph.reshape(x[0].name, {x[0].shape.size()});
  }

 private:
  Index channels_ = 1;
  Index pixels_ = 0;
};

class Unflatten final : public Unit {
 public:
  explicit Unflatten(const Picture& picture) : picture_(picture) {}

  std::string text() const override {
    return fmt::format("unflatten {} {} {}", picture_.channels, picture_.height, picture_.width);
  }
  Response response() const override { return Response::kPassesOn; }

  Shape connect(std::span<const Shape> inputs) override {
    if (inputs[0].axes().size() > 1 || inputs[0].size() != picture_.size()) {
      fail_input("expected one axis of {} x {} x {} = {} values", picture_.channels, picture_.height,
                 picture_.width, picture_.size());
    }
    return std::vector<Index>{picture_.channels, picture_.height, picture_.width};
  }

  void forward(const RowBlock& /*block*/, Inputs x, MatrixView y) override {
    transpose_rows(x[0], picture_.pixels(), y);
  }

  void backward(const RowBlock& /*block*/, Inputs /*x*/, ConstMatrixView /*y*/, ConstMatrixView dy,
                InputGradients dx, GradientSink& /*sink*/) override {
    if (dx[0].rows() > 0) transpose_rows(dy, picture_.channels, dx[0]);
  }

  std::string add_operators(OperatorGraph& graph, std::span<const GraphValue> x) const override {
    return graph.reshape(x[0].name, {picture_.channels, picture_.height, picture_.width});
  }

 private:
  Picture picture_;
};

}  // namespace

std::unique_ptr<Unit> flatten() { return std::make_unique<Flatten>(); }

std::unique_ptr<Unit> unflatten(Index channels, Index height, Index width) {
  return std::make_unique<Unflatten>(Picture{channels, height, width});
}

std::vector<UnitForm> flatten_forms() {
  static constexpr Index kMostValues = 1 << 16;
  return {
      {.name = "flatten", .make = [](const UnitWords&) { return flatten(); }},
      {.name = "unflatten", .values = {"CHANNELS", "HEIGHT", "WIDTH"}, .make = [](const UnitWords& words) {
         const std::string expected = fmt::format("whole numbers from 1 to {}", kMostValues);
         return unflatten(words.whole(0, 1, kMostValues, expected), words.whole(1, 1, kMostValues, expected),
                          words.whole(2, 1, kMostValues, expected));
       }}};
}

}  // namespace lockstep::inline LOCKSTEP_REAL
