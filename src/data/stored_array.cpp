#include "data/stored_array.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <type_traits>

#include <fmt/ranges.h>

#include "data/array_sizes.hpp"
#include "lockstep/core/error.hpp"

namespace lockstep {

namespace {

constexpr std::array kArrayTypes = {"u1", "i1", "i2", "i4", "i8", "f4", "f8"};
constexpr std::size_t kValuesTogether = std::size_t{1} << 16U;

}  // namespace

void StoredArray::describe(const std::string& type, std::vector<Index> sizes) {
  type_ = type.substr(type.empty() ? 0 : 1);
  sizes_ = std::move(sizes);
  if (std::find(kArrayTypes.begin(), kArrayTypes.end(), type_) == kArrayTypes.end()) {
    fail_input("{}: numbers of type '{}'; expected one of {}; convert the array", name_, type,
               fmt::join(kArrayTypes, ", "));
  }
  if (value_bytes() == 0 || sizes_.empty()) {
    fail_input("{}: an array of ({}); expected at least one sample", name_, fmt::join(sizes_, ", "));
  }
}

std::uint64_t StoredArray::value_bytes() const {
  std::vector<Index> of_bytes = sizes_;
  of_bytes.push_back(type_[1] - '0');
  return product(of_bytes);
}

template <typename Stored, typename Value>
void StoredArray::read_as(std::vector<Value>& values) {
  std::vector<Stored> stored(std::min(values.size(), kValuesTogether));
  for (std::size_t begin = 0; begin < values.size(); begin += stored.size()) {
    stored.resize(std::min(stored.size(), values.size() - begin));
    read(std::as_writable_bytes(std::span(stored)));
    for (std::size_t i = 0; i < stored.size(); ++i) {
      // NOLINTNEXTLINE(bugprone-signed-char-misuse): one of type i1 is a number
      values[begin + i] = static_cast<Value>(stored[i]);
      if constexpr (std::is_floating_point_v<Value>) {
        if (std::isfinite(values[begin + i])) continue;
        const std::uint64_t columns = product(std::span(sizes_).subspan(1));
        fail_input("{}: sample {} has {} in column {}; expected finite numbers of single precision", name_,
                   (begin + i) / columns, stored[i], (begin + i) % columns);
      }
    }
  }
}

std::vector<std::uint8_t> StoredArray::bytes() {
  LOCKSTEP_CHECK(type_ == "u1");
  std::vector<std::uint8_t> values(static_cast<std::size_t>(product(sizes_)));
  read(std::as_writable_bytes(std::span(values)));
  return values;
}

std::vector<std::int64_t> StoredArray::whole_numbers() {
  LOCKSTEP_CHECK(!is_real());
  std::vector<std::int64_t> values(static_cast<std::size_t>(product(sizes_)));
  if (type_ == "u1") read_as<std::uint8_t>(values);
  if (type_ == "i1") read_as<std::int8_t>(values);
  if (type_ == "i2") read_as<std::int16_t>(values);
  if (type_ == "i4") read_as<std::int32_t>(values);
  if (type_ == "i8") read_as<std::int64_t>(values);
  return values;
}

std::vector<float> StoredArray::floats() {
  std::vector<float> values;
  if (is_real()) {
    values.resize(static_cast<std::size_t>(product(sizes_)));
    type_ == "f4" ? read_as<float>(values) : read_as<double>(values);
  } else {
    const std::vector<std::int64_t> numbers = whole_numbers();
    values.assign(numbers.begin(), numbers.end());
  }
  return values;
}

}  // namespace lockstep
