#pragma once

#include <vector>

#include "lockstep/nn/unit.hpp"
#include "nn/conv_pictures.hpp"
#include "nn/window_phases.hpp"
#include "nn/window_products.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// The three products of a convolution, of factors that are Real or pairs in bfloat16. Weights are
/// [outputs][channels of a group][rows of the window][columns].
template <typename Factor>
class ConvProducts {
 public:
  explicit ConvProducts(const ConvShape& shape);

  /// `bias` may be null.
  void forward(const RowBlock& block, const Real* weights, const Real* bias, ConstMatrixView x, MatrixView y);

  void input_gradient(const RowBlock& block, const Real* weights, ConstMatrixView dy, MatrixView dx);

  /// Of weights that have their place in the parameters from `offset` on.
  void weight_gradient(const RowBlock& block, Index offset, ConstMatrixView x, ConstMatrixView dy,
                       GradientSink& sink) const;

 private:
  /// The gradient by the pixels of one phase of rows and one of columns.
  struct PhaseOfPixels {
    WindowPhase rows, columns;
    std::vector<WindowProducts<Factor>> products;  // by group
  };

  /// The phases of pixels that windows see; the frame of the gradients that they read.
  PictureFrame<Factor> make_phases();
  void to_parameters(const Real* sums, Index outputs, Real* gradient) const;

  ConvShape shape_;
  PictureFrame<Factor> x_;
  std::vector<WindowProducts<Factor>> forward_;  // by group
  ConvPictures<Factor> pictures_;
  WindowProducts<Factor> by_weights_;
  Index tap_step_ = 1;     // between the taps of a phase
  bool has_gaps_ = false;  // pixels that no window sees
  std::vector<PhaseOfPixels> phases_;
  PictureFrame<Factor> dy_;
};

}  // namespace lockstep::inline LOCKSTEP_REAL
