#include "lockstep/nn/weights.hpp"

#include <algorithm>
#include <cstring>
#include <map>

#include <fmt/ranges.h>

#include "lockstep/core/digest.hpp"
#include "lockstep/core/error.hpp"

namespace lockstep {

namespace {

std::span<const Real> values_of(const ParameterTensor& tensor, std::span<const Real> values) {
  return values.subspan(static_cast<std::size_t>(tensor.range.offset),
                        static_cast<std::size_t>(tensor.range.size));
}

template <typename Stored>
void copy_values(const StoredTensor& stored, std::span<Real> values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    Stored value;
    std::memcpy(&value, stored.data.data() + i * sizeof value, sizeof value);
    values[i] = static_cast<Real>(value);
  }
}

/// The tensors of the weights, which in a checkpoint stand below a name of their own.
std::map<std::string, const StoredTensor*> weight_tensors(const StoredTensors& stored) {
  static const std::string prefix = "parameters/";
  const bool is_checkpoint = std::any_of(stored.tensors.begin(), stored.tensors.end(),
                                         [](const auto& tensor) { return tensor.name.starts_with(prefix); });
  std::map<std::string, const StoredTensor*> found;
  for (const StoredTensor& tensor : stored.tensors) {
    if (!is_checkpoint) found[tensor.name] = &tensor;
    if (tensor.name.starts_with(prefix)) found[tensor.name.substr(prefix.size())] = &tensor;
  }
  return found;
}

std::string describe(const std::string& name, const std::vector<Index>& shape) {
  return fmt::format("{} [{}]", name, fmt::join(shape, " x "));
}

}  // namespace

std::vector<StoredTensor> to_tensors(const Model& model) {
  std::vector<StoredTensor> stored;
  for (const ParameterTensor& tensor : model.layout().tensors()) {
    const auto bytes = std::as_bytes(values_of(tensor, model.parameters()));
    stored.push_back({tensor.name, kRealName, tensor.shape, {bytes.begin(), bytes.end()}});
  }
  return stored;
}

void check_tensors(const ParameterLayout& layout, const std::string& layers, const StoredTensors& weights,
                   std::string_view origin) {
  const std::map<std::string, const StoredTensor*> found = weight_tensors(weights);
  for (const ParameterTensor& tensor : layout.tensors()) {
    const auto stored = found.find(tensor.name);
    const std::string expected = describe(tensor.name, tensor.shape);
    if (stored == found.end()) {
      fail_input("{}: holds no tensor {}; these weights belong to another network than '{}'", origin,
                 expected, layers);
    }
    if (stored->second->shape != tensor.shape) {
      fail_input("{}: holds {}, expected {}; these weights belong to another network than '{}'", origin,
                 describe(tensor.name, stored->second->shape), expected, layers);
    }
    const std::string& type = stored->second->type;
    if (type != "F32" && type != "F64") {
      fail_input("{}: tensor {} has type {}, expected F32 or F64; convert it before saving", origin,
                 tensor.name, type);
    }
  }
  if (found.size() != layout.tensors().size()) {
    fail_input("{}: holds {} tensors, expected {}; these weights belong to another network than '{}'", origin,
               found.size(), layout.tensors().size(), layers);
  }
}

void set_parameters(Model& model, const StoredTensors& weights, std::string_view origin) {
  check_tensors(model.layout(), model.text(), weights, origin);
  const std::map<std::string, const StoredTensor*> found = weight_tensors(weights);
  for (const ParameterTensor& tensor : model.layout().tensors()) {
    const StoredTensor& stored = *found.at(tensor.name);
    const std::span<Real> values = model.parameters().subspan(static_cast<std::size_t>(tensor.range.offset),
                                                              static_cast<std::size_t>(tensor.range.size));
    if (stored.type == "F32") {
      copy_values<float>(stored, values);
    } else {
      copy_values<double>(stored, values);
    }
  }
}

std::string weights_digest(const Model& model) { return digest(to_tensors(model)); }

std::string tensor_digest(const ParameterTensor& tensor, std::span<const Real> values) {
  Digest digest;
  digest.add(std::as_bytes(values_of(tensor, values)));
  return digest.text();
}

}  // namespace lockstep
