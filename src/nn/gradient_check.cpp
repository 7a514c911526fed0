#include "lockstep/nn/gradient_check.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/statistics.hpp"
#include "lockstep/core/permutation.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

/// Writes the one micro-batch's gradient where it belongs.
class PlainSink final : public GradientSink {
 public:
  explicit PlainSink(std::span<Real> gradient) : gradient_(gradient) {}
  void add(const RowBlock& block, ParameterRange range, const WriteGradient& write) override {
    for (const MicroBatchRows& m : block.micro_batches) write(m, gradient_.data() + range.offset);
  }

 private:
  std::span<Real> gradient_;
};

/// `block` as a single micro-batch.
RowBlock in_one_piece(const RowBlock& block, const MicroBatchRows& all) {
  RowBlock whole = block;
  whole.micro_batches = {&all, 1};
  return whole;
}

}  // namespace

double plain_gradient(Network& model, const Loss& loss, const RowBlock& block, ConstMatrixView x,
                      const Targets& targets, std::span<Real> gradient) {
  const MicroBatchRows all{0, 0, block.rows()};
  const RowBlock whole = in_one_piece(block, all);
  double sum = 0;
  const ConstMatrixView outputs = model.forward(whole, x);
  loss.evaluate(whole, outputs, targets, {&sum, 1}, model.output_gradient(block.rows()));
  PlainSink sink(gradient);
  model.backward(whole, x, sink);
  return sum;
}

std::vector<GradientCheck> check_gradients(Network& model, const Loss& loss, const RowBlock& block,
                                           ConstMatrixView x, const Targets& targets, Index per_tensor) {
  std::vector<Real> gradient(static_cast<std::size_t>(model.layout().size()));
  plain_gradient(model, loss, block, x, targets, gradient);

  const MicroBatchRows all{0, 0, block.rows()};
  const RowBlock whole = in_one_piece(block, all);
  const auto loss_at = [&](Real& parameter, Real value) {
    const Real kept = std::exchange(parameter, value);
    double sum = 0;
    loss.evaluate(whole, model.forward(whole, x), targets, {&sum, 1}, MatrixView(nullptr, 0, 0));
    parameter = kept;
    return sum;
  };

  const auto largest_of = [](std::span<const Real> values) {
    double largest = 0;
    for (const Real value : values) largest = larger(largest, std::abs(static_cast<double>(value)));
    return largest;
  };
  // Where a tensor has no gradient, as a bias before a batch normalisation, the differences are rounding
  // errors.
  const double floor_of_all = 1e-4 * largest_of(gradient);
  std::vector<GradientCheck> checks;
  for (const ParameterTensor& tensor : model.layout().tensors()) {
    const auto values = std::span(gradient).subspan(static_cast<std::size_t>(tensor.range.offset),
                                                    static_cast<std::size_t>(tensor.range.size));
    const double floor = larger(1e-3 * largest_of(values), floor_of_all);
    GradientCheck check{.tensor = tensor.name, .checked = std::min(per_tensor, tensor.range.size)};
    const Permutation chosen(block.seed, Purpose::kGradientCheck,
                             static_cast<std::uint64_t>(tensor.range.offset), tensor.range.size);
    for (Index i = 0; i < check.checked; ++i) {
      const Index element = chosen(i);
      Real& parameter = model.parameters()[static_cast<std::size_t>(tensor.range.offset + element)];
      // The cube root of the rounding error balances it against the truncation error h².
      const Real h = static_cast<Real>(6e-6 * std::max(1.0, std::abs(static_cast<double>(parameter))));
      const Real above = parameter + h;
      const Real below = parameter - h;
      const double numeric = (loss_at(parameter, above) - loss_at(parameter, below)) / (above - below);
      const double analytic = values[static_cast<std::size_t>(element)];
      const double scale = larger(larger(std::abs(analytic), std::abs(numeric)), floor);
      const double error = scale == 0 ? 0 : std::abs(analytic - numeric) / scale;
      if (error >= check.largest_error || std::isnan(error)) {
        check.largest_error = error;
        check.worst_element = element;
      }
    }
    checks.push_back(check);
  }
  return checks;
}

}  // namespace lockstep::inline LOCKSTEP_REAL
