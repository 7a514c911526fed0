#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "lockstep/nn/unit.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// What the rows should give: class labels or values, by the task.
struct Targets {
  std::span<const std::int32_t> labels;
  std::span<const Real> values;  ///< [rows x outputs], row-major

  // Where rows are mixtures of two samples with labels, [rows]; otherwise empty:
  std::span<const std::int32_t> partner_labels = {};  ///< of the other samples
  std::span<const Real> shares = {};                  ///< how much the loss by the label itself counts

  std::span<const Real> weights = {};  ///< [rows], by which losses are multiplied; empty: 1 each
};

/// A loss of each sample. Sums over samples are left to be divided once, by the number of all samples of the
/// global batch, or by the sum of their weights.
class Loss {
 public:
  virtual ~Loss() = default;

  /// sums[i] = the summed loss of block.micro_batches[i], in row order, in double, each times its row's
  /// weight in `targets`; that of a mixture with the share λ is λ times the loss by its label and 1 - λ times
  /// the one by its partner's. Where `gradient` has rows, it receives the gradient of the sum by `outputs`;
  /// both are [rows x outputs].
  void evaluate(const RowBlock& block, ConstMatrixView outputs, const Targets& targets,
                std::span<double> sums, MatrixView gradient) const;

  /// Whether samples count in means as weight() says, and not alike.
  virtual bool has_weights() const { return false; }

  /// What the sample of `row` counts for, not below 0, by its targets alone: a text with its number of words,
  /// whose loss is the sum over them. The loss and the gradient of the sample have this factor in them
  /// already. Only where has_weights().
  virtual double weight(const Targets& targets, Index row) const;

  /// What a sample counts for in all: weight() where has_weights(), times that of its row in `targets`.
  double total_weight(const Targets& targets, Index row) const;

  /// Whether the loss has a second derivative everywhere that does not vanish on whole regions, as Newton's
  /// method needs it: cross-entropy, mse and bce.
  virtual bool has_hessian() const { return false; }

  /// hessian [outputs x outputs], row-major = the second derivative of a row's loss by its outputs, which
  /// does not depend on the targets. Only where has_hessian().
  virtual void row_hessian(std::span<const Real> outputs, double* hessian) const;

  /// Whether the loss takes outputs for probabilities in another form: cross-entropy for those of the
  /// classes, bce for that of each label.
  virtual bool has_probabilities() const { return false; }

  /// probabilities[k] = what output k says as a probability. Only where has_probabilities().
  virtual void row_probabilities(std::span<const Real> outputs, std::span<double> probabilities) const;

  /// Whether the loss of a sample with a label is -log of its label's probability, the softmax of the
  /// outputs: cross-entropy without smoothing and weights.
  virtual bool is_log_loss() const { return false; }

 private:
  /// The loss of a mixture, by row().
  double mixed_row(std::span<const Real> outputs, const Targets& targets, Index row, Real* gradient) const;

  /// The loss of one row; its gradient goes to `gradient` unless that is null.
  virtual double row(std::span<const Real> outputs, const Targets& targets, Index row,
                     Real* gradient) const = 0;
};

/// -Σ_k q_k log softmax(outputs)_k by the log-sum-exp form, with q = (1 - smoothing) one-hot + smoothing /
/// classes (torch.nn.CrossEntropyLoss; label smoothing: Szegedy et al., arXiv 1512.00567, section 7).
/// `class_weights`, one a class, multiply the terms of the sum, also those of smoothing, and a sample has the
/// weight of its class: the `weight` of torch.nn.CrossEntropyLoss. There is no second derivative with them.
std::unique_ptr<Loss> make_cross_entropy(double label_smoothing, std::vector<double> class_weights = {});

// The others are means over the outputs, with d = output - target:

/// d² (torch.nn.MSELoss).
std::unique_ptr<Loss> make_mean_squared_error();

/// |d|, its derivative 0 at 0 (torch.nn.L1Loss).
std::unique_ptr<Loss> make_mean_absolute_error();

/// d²/2 up to |d| = delta, delta (|d| - delta/2) beyond (torch.nn.HuberLoss). Huber: Robust estimation of a
/// location parameter, 1964. delta > 0.
std::unique_ptr<Loss> make_huber(double delta);

/// -y log σ(x) - (1 - y) log(1 - σ(x)) of the output x for the target y, 0 or 1, with σ the logistic
/// function: one yes-or-no question an output (torch.nn.BCEWithLogitsLoss). Computed as max(x, 0) - x y +
/// log(1 + exp(-|x|)), which no x overflows.
std::unique_ptr<Loss> make_binary_cross_entropy();

/// Whether all values of `row` are finite.
bool is_finite_row(ConstMatrixView matrix, Index row);

/// The place of the largest output of `row`, the first of equal ones; none where not all of its outputs are
/// finite.
std::optional<Index> predicted_class(ConstMatrixView outputs, Index row);

/// How many of the rows predict their label's class. A row whose outputs are not all finite predicts none.
Index count_correct(ConstMatrixView outputs, std::span<const std::int32_t> labels);

/// How many of the 0/1 targets [rows x outputs] the outputs predict right; above 0 means 1, as its
/// probability σ(output) is then above 1/2. A row whose outputs are not all finite predicts none.
Index count_correct(ConstMatrixView outputs, std::span<const Real> targets);

}  // namespace lockstep::inline LOCKSTEP_REAL
