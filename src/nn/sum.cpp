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
    if (inputs.size() < 2) fail_input("{} branches; expected at least two", inputs.size());
    for (std::size_t i = 1; i < inputs.size(); ++i) {
      if (inputs[i] == inputs[0]) continue;
      fail_input("branches 0 and {} end in {} and in {}; expected one shape", i, to_text(inputs[0]),
                 to_text(inputs[i]));
    }
    return inputs[0];
  }

  void forward(const RowBlock& block, Inputs x, MatrixView y) override {
    for_each_part(block.rows(), [&](Index row) {
      y.row(row) = x[0].row(row) + x[1].row(row);
      for (const ConstMatrixView& other : x.subspan(2)) y.row(row) += other.row(row);
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
