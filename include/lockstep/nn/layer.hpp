#pragma once

#include <functional>
#include <span>
#include <string>

#include "lockstep/nn/matrix.hpp"
#include "lockstep/nn/parameter_layout.hpp"
#include "lockstep/nn/row_block.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// Writes the gradient of some range of parameters for one micro-batch: all values of the range.
using WriteGradient = std::function<void(const MicroBatchRows& rows, Real* gradient)>;

/// Takes gradients as layers produce them, last layer first. A layer hands its parameters in as ranges that
/// are small enough for a cache, each once a block and for all micro-batches, so that they can be summed
/// while they are at hand.
class GradientSink {
 public:
  virtual ~GradientSink() = default;

  /// Calls `write` for each micro-batch of `block` in rising order, and adds up what it writes. Threads may
  /// call this at the same time for different ranges.
  virtual void add(const RowBlock& block, ParameterRange range, const WriteGradient& write) = 0;

  /// The whole of `range`, all parameters of one layer, is added for this block.
  virtual void done(ParameterRange /*range*/) {}
};

/// One position of the network. `forward` and `backward` see the same block; results of a micro-batch depend
/// on that micro-batch alone. Matrices are [rows x features].
class Layer {
 public:
  virtual ~Layer() = default;

  /// As the configuration writes it: "linear 128".
  virtual std::string text() const = 0;

  /// Features out, for the features in that the layer was made with.
  virtual Index outputs() const = 0;

  /// Adds the layer's tensors to `layout`, named "position.name".
  virtual void declare(ParameterLayout& /*layout*/, const std::string& /*position*/) {}

  /// Tells the layer where the parameter vector stands.
  virtual void bind(std::span<Real> /*parameters*/) {}

  /// Whether it maps negative inputs (nearly) to zero, so that weights before it start as He et al. say.
  virtual bool rectifies() const { return false; }

  /// y = f(x).
  virtual void forward(const RowBlock& block, ConstMatrixView x, MatrixView y) = 0;

  /// dx = gradient of the loss by x, from dy = gradient by y; parameter gradients go to `sink`. dx has no
  /// rows where nobody needs it (first layer).
  virtual void backward(const RowBlock& block, ConstMatrixView x, ConstMatrixView y, ConstMatrixView dy,
                        MatrixView dx, GradientSink& sink) = 0;
};

}  // namespace lockstep::inline LOCKSTEP_REAL
