#include "lockstep/core/error.hpp"
#include "lockstep/core/threads.hpp"
#include "lockstep/nn/units.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

class Sum final : public Unit {
 public:
  std::string text() const override { return "sum"; }
  Response response() const override { return Response::kPassesOn; }

  Shape connect(std::span<const Shape> inputs) override {
    for (const Shape& shape : inputs) {
      if (shape == inputs.front()) continue;
      fail_input("the branches of a residual end in {} and in {}; expected one shape",
                 to_text(inputs.front()), to_text(shape));
    }
    return inputs.front();
  }

  void forward(const RowBlock& block, Inputs x, MatrixView y) override {
    for_each_part(block.rows(), [&](Index row) {
      y.row(row) = x[0].row(row);
      for (const ConstMatrixView& other : x.subspan(1)) y.row(row) += other.row(row);
    });
  }

  void backward(const RowBlock& block, Inputs /*x*/, ConstMatrixView /*y*/, ConstMatrixView dy,
                InputGradients dx, GradientSink& /*sink*/) override {
    for (MatrixView by_input : dx) {
      if (by_input.rows() == 0) continue;
      for_each_part(block.rows(), [&](Index row) { by_input.row(row) = dy.row(row); });
    }
  }

  std::string add_operators(OperatorGraph& graph, std::span<const GraphValue> x) const override {
    std::vector<std::string> names;
    for (const GraphValue& value : x) names.push_back(value.name);
    return graph.add("Sum", std::move(names));
  }
};

}  // namespace

std::unique_ptr<Unit> sum() { return std::make_unique<Sum>(); }

}  // namespace lockstep::inline LOCKSTEP_REAL
