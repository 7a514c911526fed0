#include "lockstep/core/error.hpp"
#include "lockstep/core/threads.hpp"
#include "lockstep/nn/units.hpp"
#include "nn/elementwise.hpp"

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

  bool works_in_place() const override { return true; }
  bool reads_output() const override { return false; }

  void forward(const RowBlock& /*block*/, Inputs x, MatrixView y) override {
    for_each_part(y.rows(), [&](Index row) {
      Real* const sum = y.row(row).data();
      add_each(x[0].row(row).data(), x[1].row(row).data(), sum, y.cols());
      for (const ConstMatrixView& other : x.subspan(2)) add_each(sum, other.row(row).data(), sum, y.cols());
    });
  }

  void backward(const RowBlock& /*block*/, Inputs /*x*/, ConstMatrixView /*y*/, ConstMatrixView dy,
                InputGradients dx, GradientSink& /*sink*/) override {
    for (MatrixView by_input : dx) {
      if (by_input.rows() == 0 || by_input.data() == dy.data()) continue;
      for_each_part(dy.rows(), [&](Index row) { by_input.row(row) = dy.row(row); });
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
