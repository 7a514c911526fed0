#include "lockstep/nn/weights.hpp"

#include <algorithm>
#include <cstring>

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

void set_parameters(Model& model, const StoredTensors& weights, std::string_view origin) {
  const auto& tensors = model.layout().tensors();
  for (const ParameterTensor& tensor : tensors) {
    const auto stored = std::find_if(weights.tensors.begin(), weights.tensors.end(),
                                     [&](const StoredTensor& s) { return s.name == tensor.name; });
    const std::string expected = describe(tensor.name, tensor.shape);
    if (stored == weights.tensors.end()) {
      fail_input("{}: holds no tensor {}; these weights belong to another network than '{}'", origin,
                 expected, model.text());
    }
    if (stored->shape != tensor.shape) {
      fail_input("{}: holds {}, expected {}; these weights belong to another network than '{}'", origin,
                 describe(stored->name, stored->shape), expected, model.text());
    }
    const std::span<Real> values = model.parameters().subspan(static_cast<std::size_t>(tensor.range.offset),
                                                              static_cast<std::size_t>(tensor.range.size));
    if (stored->type == "F32") {
      copy_values<float>(*stored, values);
    } else if (stored->type == "F64") {
      copy_values<double>(*stored, values);
    } else {
      fail_input("{}: tensor {} has type {}, expected F32 or F64; convert it before saving", origin,
                 tensor.name, stored->type);
    }
  }
  if (weights.tensors.size() != tensors.size()) {
    fail_input("{}: holds {} tensors, expected {}; these weights belong to another network than '{}'", origin,
               weights.tensors.size(), tensors.size(), model.text());
  }
}

std::string weights_digest(const Model& model) { return digest(to_tensors(model)); }

std::string tensor_digest(const ParameterTensor& tensor, std::span<const Real> values) {
  Digest digest;
  digest.add(std::as_bytes(values_of(tensor, values)));
  return digest.text();
}

}  // namespace lockstep
