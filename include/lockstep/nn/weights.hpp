#pragma once

#include <span>
#include <string>
#include <string_view>

#include "lockstep/nn/network.hpp"
#include "lockstep/nn/safetensors.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// The model's parameters as named tensors, as torch.nn.Sequential of the same layers holds them.
std::vector<StoredTensor> to_tensors(const Network& model);

/// Checks that `weights` hold the tensors of `layout`, that of the network `layers`: names, shapes, numbers,
/// and no others. Errors: they do not; `origin` names the file.
void check_tensors(const ParameterLayout& layout, const std::string& layers, const StoredTensors& weights,
                   std::string_view origin);

/// Sets the model's parameters from numbers of 16, 32 or 64 bits; of a checkpoint, whose tensors are named by
/// vector ("parameters/0.weight"), those alone count. What a wrapper of PyTorch puts before all names, and
/// its counter, are left out. Errors: tensors of another network (name and shape of the first that differs),
/// other types. `origin` names the file in messages.
void set_parameters(Network& model, const StoredTensors& weights, std::string_view origin);

/// What set_parameters leaves out of `weights` that another program saved, in words; empty where it is
/// nothing.
std::string left_out(const ParameterLayout& layout, const StoredTensors& weights);

/// The digest of the parameters: equal weights, equal text. The same as that of the file they are saved to.
std::string weights_digest(const Network& model);

/// The digest of the values at one tensor's place in `values`, a vector of the model's layout.
std::string tensor_digest(const ParameterTensor& tensor, std::span<const Real> values);

}  // namespace lockstep::inline LOCKSTEP_REAL
