#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "lockstep/nn/network.hpp"
#include "lockstep/nn/safetensors.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// Calls visit(tensor, values) for all parameters of the model, which has them, then for all of its
/// statistics.
using TensorVisit = std::function<void(const ParameterTensor& tensor, std::span<const Real> values)>;
void for_each_tensor(const Network& model, const TensorVisit& visit);

/// The model's parameters and statistics as named tensors, as torch.nn.Sequential of the same layers holds
/// them. Their bytes are the model's own.
std::vector<TensorView> to_tensors(const Network& model);

/// Sets the model's parameters and statistics from numbers of 16, 32 or 64 bits; of a checkpoint, whose
/// tensors are named by vector ("parameters/0.weight"), those of these two alone count. What a wrapper of
/// PyTorch puts before all names, and its counters, are left out. Errors: tensors of another network (name
/// and shape of the first that differs), other types; found before memory is taken. `origin` names the file
/// in messages.
void set_parameters(Network& model, const StoredTensors& weights, std::string_view origin);

/// What set_parameters leaves out of `weights` that another program saved, in words; empty where it is
/// nothing.
std::string left_out(const ParameterLayout& layout, const StoredTensors& weights);

/// The digest of the parameters and statistics: equal weights, equal text. The same as that of the file they
/// are saved to.
std::string weights_digest(const Network& model);

}  // namespace lockstep::inline LOCKSTEP_REAL
