#include "lockstep/nn/weights.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <map>
#include <vector>

#include <fmt/ranges.h>

#include "core/digest.hpp"
#include "core/named.hpp"
#include "core/text.hpp"
#include "lockstep/core/error.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

template <typename Value>
std::span<Value> values_of(const ParameterTensor& tensor, std::span<Value> values) {
  return values.subspan(static_cast<std::size_t>(tensor.range.offset),
                        static_cast<std::size_t>(tensor.range.size));
}

template <typename Model, typename Visit>
void visit_tensors(Model& model, const Visit& visit) {
  LOCKSTEP_CHECK(std::ssize(model.parameters()) == model.layout().size());
  for (const ParameterTensor& tensor : model.layout().tensors()) {
    visit(tensor, values_of(tensor, model.parameters()));
  }
  for (const ParameterTensor& tensor : model.statistics_layout().tensors()) {
    visit(tensor, values_of(tensor, model.statistics()));
  }
}

template <typename Stored, typename Widen>
void copy_values(const StoredTensor& stored, std::span<Real> values, const Widen& widen) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    Stored value;
    std::memcpy(&value, stored.data.data() + i * sizeof value, sizeof value);
    values[i] = static_cast<Real>(widen(value));
  }
}

float from_bfloat16(std::uint16_t bits) { return std::bit_cast<float>(std::uint32_t{bits} << 16U); }

/// IEEE 754 binary16: sign, 5 bits of exponent, 10 of fraction.
float from_float16(std::uint16_t bits) {
  const int exponent = bits >> 10U & 0x1fU;
  const auto fraction = static_cast<float>(bits & 0x3ffU);
  constexpr float kOne = 1024;  // of the fraction's last places
  float size = std::ldexp(fraction, -24);
  if (exponent == 31) {
    size = fraction == 0 ? std::numeric_limits<float>::infinity() : std::numeric_limits<float>::quiet_NaN();
  } else if (exponent > 0) {
    size = std::ldexp(kOne + fraction, exponent - 25);
  }
  return (bits & 0x8000U) != 0 ? -size : size;
}

/// A kind of number that parameters may be stored as: wider ones are rounded, narrower ones lose nothing.
struct NumberType {
  std::string name;
  void (*copy)(const StoredTensor& stored, std::span<Real> values);
};

const std::vector<NumberType>& number_types() {
  static const std::vector<NumberType> all = {
      {"F32", [](const auto& stored, auto values) { copy_values<float>(stored, values, std::identity{}); }},
      {"F64", [](const auto& stored, auto values) { copy_values<double>(stored, values, std::identity{}); }},
      {"BF16",
       [](const auto& stored, auto values) { copy_values<std::uint16_t>(stored, values, from_bfloat16); }},
      {"F16",
       [](const auto& stored, auto values) { copy_values<std::uint16_t>(stored, values, from_float16); }}};
  return all;
}

/// What PyTorch counts beside the weights: in an AveragedModel, and in each batch normalisation.
bool is_counter(const StoredTensor& tensor) {
  return tensor.type == "I64" &&
         (tensor.name == "n_averaged" || tensor.name.ends_with(".num_batches_tracked"));
}

/// What stands before the names of `layout` in those of `stored`: wrappers of a model put it there, as
/// "module." (DataParallel) and "_orig_mod." (torch.compile), and a checkpoint has the weights below
/// kParameters and kStatistics.
const std::string kParameters = "parameters/";
const std::string kStatistics = "statistics/";
std::string prefix_of(const ParameterLayout& layout, const StoredTensors& stored) {
  const auto any = [&](const auto& is) {
    return std::any_of(stored.tensors.begin(), stored.tensors.end(), is);
  };
  if (any([](const auto& tensor) { return tensor.name.starts_with(kParameters); })) return kParameters;
  if (layout.tensors().empty()) return {};
  const std::string& first = layout.tensors().front().name;
  if (any([&](const auto& tensor) { return tensor.name == first; })) return {};
  for (const StoredTensor& tensor : stored.tensors) {
    if (tensor.name.ends_with("." + first)) return tensor.name.substr(0, tensor.name.size() - first.size());
  }
  return {};
}

/// The tensors of the weights by the layout's names, and the others by their own. What a checkpoint holds
/// besides is left out, and so are counters.
std::map<std::string, const StoredTensor*> weight_tensors(const ParameterLayout& layout,
                                                          const StoredTensors& stored) {
  const std::string prefix = prefix_of(layout, stored);
  const bool is_checkpoint = prefix == kParameters;
  std::map<std::string, const StoredTensor*> found;
  for (const StoredTensor& tensor : stored.tensors) {
    const bool is_statistic = is_checkpoint && tensor.name.starts_with(kStatistics);
    const std::string& own = is_statistic ? kStatistics : prefix;
    const bool has_prefix = tensor.name.starts_with(own);
    if ((is_checkpoint && !has_prefix) || is_counter(tensor)) continue;
    found[has_prefix ? tensor.name.substr(own.size()) : tensor.name] = &tensor;
  }
  return found;
}

/// "0.weight, 0.bias, 2.weight, …".
std::string names_in(const StoredTensors& stored) {
  constexpr std::size_t kMost = 4;
  std::vector<std::string> names;
  for (const StoredTensor& tensor : stored.tensors) {
    if (names.size() == kMost) return join(names) + ", …";
    names.push_back(tensor.name);
  }
  return names.empty() ? "none" : join(names);
}

std::string describe(const std::string& name, const std::vector<Index>& shape) {
  return fmt::format("{} [{}]", name, fmt::join(shape, " x "));
}

/// Checks that `found` are the tensors of `model`: names, shapes, numbers, and no others. Errors: they are
/// not.
void check_tensors(const Network& model, std::map<std::string, const StoredTensor*> found,
                   const StoredTensors& weights, std::string_view origin) {
  const std::string layers = model.text();
  const std::size_t count = found.size();
  std::vector<ParameterTensor> tensors = model.layout().tensors();
  const std::vector<ParameterTensor>& statistics = model.statistics_layout().tensors();
  tensors.insert(tensors.end(), statistics.begin(), statistics.end());
  for (const ParameterTensor& tensor : tensors) {
    const auto stored = found.find(tensor.name);
    const std::string expected = describe(tensor.name, tensor.shape);
    if (stored == found.end()) {
      fail_input(
          "{}: holds no tensor {}; its tensors are {}; these weights belong to another network than '{}', or "
          "their names are not those of torch.nn.Sequential",
          origin, expected, names_in(weights), layers);
    }
    if (stored->second->shape != tensor.shape) {
      fail_input("{}: holds {}, expected {}; these weights belong to another network than '{}'", origin,
                 describe(tensor.name, stored->second->shape), expected, layers);
    }
    const std::string& type = stored->second->type;
    if (find_named(number_types(), type) == nullptr) {
      fail_input("{}: tensor {} has type {}, expected one of: {}; convert it before saving", origin,
                 tensor.name, type, join(names_of(number_types())));
    }
    found.erase(stored);
  }
  if (found.empty()) return;
  fail_input(
      "{}: holds {} tensors, expected {}: '{}' is none of '{}'; these weights belong to another network",
      origin, count, tensors.size(), found.begin()->second->name, layers);
}

}  // namespace

void for_each_tensor(const Network& model, const TensorVisit& visit) { visit_tensors(model, visit); }

std::vector<TensorView> to_tensors(const Network& model) {
  std::vector<TensorView> tensors;
  for_each_tensor(model, [&](const ParameterTensor& tensor, std::span<const Real> values) {
    tensors.push_back({tensor.name, kRealName, tensor.shape, std::as_bytes(values)});
  });
  return tensors;
}

void set_parameters(Network& model, const StoredTensors& weights, std::string_view origin) {
  const std::map<std::string, const StoredTensor*> found = weight_tensors(model.layout(), weights);
  check_tensors(model, found, weights, origin);
  visit_tensors(model, [&](const ParameterTensor& tensor, std::span<Real> values) {
    const StoredTensor& stored = *found.at(tensor.name);
    find_named(number_types(), stored.type)->copy(stored, values);
  });
}

std::string left_out(const ParameterLayout& layout, const StoredTensors& weights) {
  const std::string prefix = prefix_of(layout, weights);
  std::vector<std::string> texts;
  if (!prefix.empty() && !prefix.ends_with('/'))
    texts.push_back(fmt::format("'{}' before the names", prefix));
  const auto count = std::ranges::count_if(weights.tensors, is_counter);
  if (count > 0) {
    const std::string& first = std::ranges::find_if(weights.tensors, is_counter)->name;
    texts.push_back(count == 1 ? fmt::format("the counter '{}'", first)
                               : fmt::format("{} counters such as '{}'", count, first));
  }
  return join(texts);
}

std::string weights_digest(const Network& model) { return digest(to_tensors(model)); }

}  // namespace lockstep::inline LOCKSTEP_REAL
