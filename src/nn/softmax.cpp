#include <algorithm>

#include "lockstep/core/error.hpp"
#include "lockstep/core/functions.hpp"
#include "lockstep/core/threads.hpp"
#include "lockstep/nn/unit_forms.hpp"
#include "lockstep/nn/units.hpp"
#include "nn/lanes.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

class Softmax final : public Unit {
 public:
  std::string text() const override { return "softmax"; }
  UnitKind kind() const override { return UnitKind::kActivation; }

  Shape connect(std::span<const Shape> inputs) override {
    if (inputs[0].axes().size() != 1) fail_input("expected one axis; put 'flatten' before it");
    return inputs[0];
  }

  void forward(const RowBlock& block, Inputs x, MatrixView y) override {
    const Index count = y.cols();
    for_each_part(block.rows(), [&](Index row) {
      const Real* const values = x[0].row(row).data();
      Real* const results = y.row(row).data();
      Real largest = values[0];
      for (Index i = 1; i < count; ++i) largest = std::max(largest, values[i]);
      for (Index i = 0; i < count; ++i) results[i] = values[i] - largest;
      portable::exp(results, results, count);
      const auto sum = static_cast<Real>(sum_in_lanes(count, [&](Index i) { return results[i]; }));
      for (Index i = 0; i < count; ++i) results[i] /= sum;
    });
  }

  /// dx = y · (dy - Σ dy y).
  void backward(const RowBlock& block, Inputs /*x*/, ConstMatrixView outputs, ConstMatrixView by_outputs,
                InputGradients by_inputs, GradientSink& /*sink*/) override {
    MatrixView dx_of_all = by_inputs[0];
    if (dx_of_all.rows() == 0) return;
    const Index count = outputs.cols();
    for_each_part(block.rows(), [&](Index row) {
      const Real* const y = outputs.row(row).data();
      const Real* const dy = by_outputs.row(row).data();
      Real* const dx = dx_of_all.row(row).data();
      const auto sum = static_cast<Real>(sum_in_lanes(count, [&](Index i) { return dy[i] * y[i]; }));
      for (Index i = 0; i < count; ++i) dx[i] = y[i] * (dy[i] - sum);
    });
  }

  std::string add_operators(OperatorGraph& graph, std::span<const GraphValue> x) const override {
    return graph.add("Softmax", {x[0].name}, {{"axis", std::int64_t{-1}}});
  }
};

}  // namespace

std::unique_ptr<Unit> softmax() { return std::make_unique<Softmax>(); }

UnitForm softmax_form() {
  return {.name = "softmax", .make = [](const UnitWords&) { return softmax(); }};
}

}  // namespace lockstep::inline LOCKSTEP_REAL
