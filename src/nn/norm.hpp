#pragma once

#include <vector>

#include "lockstep/nn/unit.hpp"

namespace lockstep {

/// What is added to every variance, torch.nn's default.
inline constexpr double kNormEpsilon = 1e-5;

}  // namespace lockstep

namespace lockstep::inline LOCKSTEP_REAL {

/// What normalisations have in common: y = x̂ · weight + bias with x̂ = (x - mean) / √(variance +
/// kNormEpsilon), where weight and bias, [channels] each, are learned.
class Norm : public Unit {
 public:
  Response response() const override { return Response::kPassesOn; }
  UnitKind kind() const override { return UnitKind::kNormalization; }
  bool reads_output() const override { return false; }
  bool goes_by_rows() const override { return true; }
  std::vector<TensorSpec> tensors() const override;
  void place(std::size_t number, ParameterRange range) override;
  void bind(const Real* parameters) override;

 protected:
  void set_channels(Index channels) { channels_ = channels; }
  Index channels() const { return channels_; }

  /// The name of x̂ of the values `x`, with moments over the last axis of each sample.
  static std::string add_standardized(OperatorGraph& graph, const std::string& x);
  /// That of `standardized` · weight + bias, where channels are the last axis of a sample, or its first of
  /// three.
  std::string add_affine(OperatorGraph& graph, const std::string& standardized, const Shape& shape) const;
  /// The weight, then the bias.
  const Real* parameters() const { return parameters_; }

  /// Begins a backward pass: by_parameters of all micro-batches of `block` are 0.
  void start_backward(const RowBlock& block);
  /// The gradients of its micro-batch number `i` by weight, then bias, [2 · channels].
  double* by_parameters(Index i) { return by_parameters_.data() + i * 2 * channels_; }
  /// Hands those in.
  void end_backward(const RowBlock& block, GradientSink& sink);

 private:
  Index channels_ = 0;
  ParameterRange range_;
  const Real* parameters_ = nullptr;
  std::vector<double> by_parameters_;  // [micro-batches of the block x 2 · channels]
};

/// A normalisation of each sample by itself.
class SampleNorm : public Norm {
 public:
  void backward(const RowBlock& block, Inputs x, ConstMatrixView y, ConstMatrixView dy, InputGradients dx,
                GradientSink& sink) final;

 private:
  /// The backward pass of a row: adds its gradients by weight, then bias, to `by_parameters` [2 · channels],
  /// and sets that row of dx, if that has rows.
  virtual void backward_of(Index row, ConstMatrixView x, ConstMatrixView dy, MatrixView dx,
                           double* by_parameters) = 0;
};

}  // namespace lockstep::inline LOCKSTEP_REAL
