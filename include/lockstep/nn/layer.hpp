#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "lockstep/nn/matrix.hpp"
#include "lockstep/nn/parameter_layout.hpp"

namespace lockstep {

/// The rows of one micro-batch inside a block; never empty.
struct MicroBatchRows {
  int micro_batch = 0;  ///< index among the M of the global batch
  Index first = 0;
  Index count = 0;
};

/// The rows that pass through the network together: whole micro-batches, one after another.
struct RowBlock {
  std::span<const MicroBatchRows> micro_batches;
  std::span<const Index> samples;  ///< which sample of the data set each row is
  bool training = false;           ///< dropout is on
  std::uint64_t seed = 0;          ///< of the run
  std::uint64_t step = 0;

  Index rows() const { return static_cast<Index>(samples.size()); }
};

/// Takes gradients as layers produce them: last layer first, each range once a micro-batch, micro-batches in
/// rising order.
class GradientSink {
 public:
  virtual ~GradientSink() = default;

  /// Where to write the gradient of `range` for `micro_batch`: range.size values, all to be written.
  virtual Real* buffer(ParameterRange range, int micro_batch) = 0;

  /// The buffer is written: its values join the sum.
  virtual void add(ParameterRange range, int micro_batch) = 0;
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

}  // namespace lockstep
