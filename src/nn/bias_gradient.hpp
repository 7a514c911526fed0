#pragma once

#include "lockstep/nn/unit.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// The gradient of a bias that is added at every one of a sample's `positions`: for each column the sum of
/// `dy` [rows · positions x columns] over a micro-batch's rows, in their order.
inline void add_bias_gradient(const RowBlock& block, ConstMatrixView dy, Index positions,
                              ParameterRange range, GradientSink& sink) {
  const auto write = [&](const MicroBatchRows& m, Real* gradient) {
    const ConstMatrixView own = rows(dy, m.first * positions, m.count * positions);
    Eigen::Map<Eigen::Array<Real, 1, Eigen::Dynamic>> total(gradient, own.cols());
    total = own.row(0).array();
    for (Index i = 1; i < own.rows(); ++i) total += own.row(i).array();
  };
  sink.add(block, range, std::ref(write));
}

}  // namespace lockstep::inline LOCKSTEP_REAL
