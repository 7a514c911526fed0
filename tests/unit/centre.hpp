#pragma once

#include <memory>
#include <string>
#include <vector>

#include "lockstep/nn/unit_forms.hpp"

namespace lockstep::test {

/// y = x - r with the running mean r, a statistic: after each step r ← r + (mean of x over the batch - r)
/// / 10. It counts the samples too, from 1 on. Known to configurations as "centre".
class Centre final : public Unit {
 public:
  std::string text() const override { return "centre"; }

  Shape connect(std::span<const Shape> inputs) override {
    size_ = inputs[0].size();
    return inputs[0];
  }

  std::vector<TensorSpec> statistics() const override {
    return {{.name = "running_mean", .shape = {size_}, .role = TensorRole::kStatistic},
            {.name = "samples", .shape = {1}, .role = TensorRole::kStatistic, .start = 1}};
  }
  void bind_statistics(Real* statistics) override { statistics_ = statistics; }

  Index sums() const override { return size_; }
  void write_sums(const MicroBatchRows& rows, Inputs x, ConstMatrixView /*y*/,
                  std::span<double> sums) const override {
    for (Index i = 0; i < size_; ++i) {
      double& sum = sums[static_cast<std::size_t>(i)] = 0;
      for (Index row = rows.first; row < rows.first + rows.count; ++row) sum += x[0](row, i);
    }
  }
  void update_statistics(std::span<const double> sums, Index samples) override {
    for (Index i = 0; i < size_; ++i) {
      const double mean = sums[static_cast<std::size_t>(i)] / static_cast<double>(samples);
      statistics_[i] += static_cast<Real>((mean - statistics_[i]) / 10);
    }
    statistics_[size_] += static_cast<Real>(samples);
  }

  void forward(const RowBlock& block, Inputs x, MatrixView y) override {
    for (Index row = 0; row < block.rows(); ++row) {
      for (Index i = 0; i < size_; ++i) y(row, i) = x[0](row, i) - statistics_[i];
    }
  }
  void backward(const RowBlock& /*block*/, Inputs /*x*/, ConstMatrixView /*y*/, ConstMatrixView dy,
                InputGradients dx, GradientSink& /*sink*/) override {
    if (dx[0].rows() == 0) return;
    MatrixView by_input = dx[0];
    by_input = dy;
  }

 private:
  Index size_ = 0;
  Real* statistics_ = nullptr;
};

inline const bool kCentreIsKnown = [] {
  register_unit({.name = "centre", .make = [](const UnitWords&) { return std::make_unique<Centre>(); }});
  return true;
}();

}  // namespace lockstep::test
