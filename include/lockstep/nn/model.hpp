#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "lockstep/nn/initialization.hpp"
#include "lockstep/nn/layer.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// The parameters that a Model of the same arguments has, without memory for them. Errors: as there.
ParameterLayout layout_of(const std::string& layers, Index inputs);

/// A sequence of layers over one contiguous parameter vector. Everything here is local.
class Model {
 public:
  /// From text such as "linear 128, relu, linear 10", for `inputs` features.
  /// Errors: those of make_layer; no layer at all.
  Model(const std::string& layers, Index inputs);

  /// As the configuration writes it, with every number.
  std::string text() const;
  Index inputs() const { return inputs_; }
  Index outputs() const;
  /// The layers' number, and layer `position`, from 0.
  std::size_t layers() const { return layers_.size(); }
  const Layer& layer(std::size_t position) const { return *layers_[position]; }
  const ParameterLayout& layout() const { return layout_; }
  std::span<Real> parameters() { return parameters_; }
  std::span<const Real> parameters() const { return parameters_; }

  /// Moves the parameters to `memory`, of their size, which outlives the model's use; their values become
  /// what stands there.
  void use(std::span<Real> memory);

  /// Sets every parameter as a pure function of (seed, tensor, element).
  void initialize(std::uint64_t seed, Initialization scheme);

  /// Values that `forward` and `backward` keep for each row, for sizing blocks.
  Index values_per_row() const;

  /// The outputs for x [rows x inputs]; valid until the next call. Keeps what `backward` needs.
  ConstMatrixView forward(const RowBlock& block, ConstMatrixView x);

  /// What layer `position` gave in the last forward, which had `rows` rows.
  ConstMatrixView output_of(std::size_t position, Index rows) const {
    return {activations_[position].data(), rows, layers_[position]->outputs()};
  }

  /// Where the loss writes its gradient by the outputs before `backward`: [rows x outputs].
  MatrixView output_gradient(Index rows);

  /// Gradients of the last forward's parameters, last layer first. `x` is that forward's input.
  void backward(const RowBlock& block, ConstMatrixView x, GradientSink& sink);

 private:
  void bind(std::span<Real> parameters);
  MatrixView activation(std::size_t layer, Index rows);

  Index inputs_;
  ParameterLayout layout_;  // which making the layers fills
  std::vector<std::unique_ptr<Layer>> layers_;
  std::vector<Real> own_parameters_;  // empty once others are in use
  std::span<Real> parameters_;
  std::vector<std::vector<Real>> activations_;      // output of each layer
  std::vector<Real> gradient_, previous_gradient_;  // by a layer's output and input, alternating
};

}  // namespace lockstep::inline LOCKSTEP_REAL
