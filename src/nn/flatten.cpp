#include "lockstep/core/threads.hpp"
#include "lockstep/nn/unit_forms.hpp"
#include "lockstep/nn/units.hpp"
#include "nn/picture.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

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

  void forward(const RowBlock& block, Inputs x, MatrixView y) override {
    for_each_part(block.rows(),
                  [&](Index row) { transpose(x[0].row(row).data(), pixels_, channels_, y.row(row).data()); });
  }

  void backward(const RowBlock& block, Inputs /*x*/, ConstMatrixView /*y*/, ConstMatrixView dy,
                InputGradients dx, GradientSink& /*sink*/) override {
    if (dx[0].rows() == 0) return;
    MatrixView by_input = dx[0];
    for_each_part(block.rows(), [&](Index row) {
      transpose(dy.row(row).data(), channels_, pixels_, by_input.row(row).data());
    });
  }

 private:
  static void transpose(const Real* from, Index rows, Index columns, Real* to) {
    MatrixView(to, columns, rows) = ConstMatrixView(from, rows, columns).transpose();
  }

  Index channels_ = 1;
  Index pixels_ = 0;
};

}  // namespace

std::unique_ptr<Unit> flatten() { return std::make_unique<Flatten>(); }

UnitForm flatten_form() {
  return {.name = "flatten", .make = [](const UnitWords&) { return flatten(); }};
}

}  // namespace lockstep::inline LOCKSTEP_REAL
