#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lockstep/nn/layer.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// A layer from its text and the features that come in: "linear 128", "relu", "leaky-relu 0.01", "tanh",
/// "sigmoid", "gelu", "softplus", "identity", "dropout 0.2". `position` counts from 0.
/// Errors: an unknown name (the nearest known one is named), a missing, superfluous or bad number.
std::unique_ptr<Layer> make_layer(std::string_view text, Index inputs, int position);

/// The forms that make_layer knows, for help and messages.
std::vector<std::string> layer_forms();

/// y = x wᵀ + b, w [outputs x inputs], b [outputs] (torch.nn.Linear).
std::unique_ptr<Layer> make_linear(Index inputs, Index outputs);

/// In training each unit is kept with probability 1 - p and scaled by 1 / (1 - p), else zero; otherwise the
/// identity. The mask is a pure function of (seed, step, sample, position, unit).
/// Source: Srivastava et al.: Dropout. JMLR 15, 2014, in its inverted form (torch.nn.Dropout).
std::unique_ptr<Layer> make_dropout(Index features, double p, int position);

/// Element-wise functions, as torch.nn names them: relu, leaky-relu (slope), tanh, sigmoid, softplus (β = 1),
/// identity; gelu is x Φ(x) with the exact normal distribution (Hendrycks, Gimpel, arXiv 1606.08415). Null
/// where `name` is none of them.
std::unique_ptr<Layer> make_activation(std::string_view name, double slope, Index features);

}  // namespace lockstep::inline LOCKSTEP_REAL
