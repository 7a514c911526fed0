#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "lockstep/nn/layer.hpp"

namespace lockstep {

/// What the rows should give: class labels or values, by the task.
struct Targets {
  std::span<const std::int32_t> labels;
  std::span<const Real> values;  ///< [rows x outputs], row-major
};

/// A loss of each sample. Sums over samples are left to be divided once, by the global sample count.
class Loss {
 public:
  virtual ~Loss() = default;

  /// sums[i] = the summed loss of block.micro_batches[i], in row order, in double. Where `gradient` has rows,
  /// it receives the gradient of the sum by `outputs`; both are [rows x outputs].
  void evaluate(const RowBlock& block, ConstMatrixView outputs, const Targets& targets,
                std::span<double> sums, MatrixView gradient) const;

  /// Whether the loss has a second derivative everywhere that does not vanish on whole regions, as Newton's
  /// method needs it: cross-entropy, mse and bce.
  virtual bool has_hessian() const { return false; }

  /// hessian [outputs x outputs], row-major = the second derivative of a row's loss by its outputs, which
  /// does not depend on the targets. Only where has_hessian().
  virtual void row_hessian(std::span<const Real> outputs, double* hessian) const;

 private:
  /// The loss of one row; its gradient goes to `gradient` unless that is null.
  virtual double row(std::span<const Real> outputs, const Targets& targets, Index row,
                     Real* gradient) const = 0;
};

/// -Σ_k q_k log softmax(outputs)_k by the log-sum-exp form, with q = (1 - smoothing) one-hot + smoothing /
/// classes (torch.nn.CrossEntropyLoss; label smoothing: Szegedy et al., arXiv 1512.00567, section 7).
std::unique_ptr<Loss> make_cross_entropy(double label_smoothing);

/// The mean over outputs of (output - target)² (torch.nn.MSELoss).
std::unique_ptr<Loss> make_mean_squared_error();

/// How many of the rows have their largest output at the label; the first of equal ones counts.
Index count_correct(ConstMatrixView outputs, std::span<const std::int32_t> labels);

}  // namespace lockstep
