#include "data/stored_array.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/ranges.h>

#include "data/array_sizes.hpp"
#include "lockstep/core/error.hpp"

namespace lockstep {

namespace {

constexpr std::array kArrayTypes = {"u1", "i1", "i2", "i4", "i8", "f4", "f8"};
constexpr std::size_t kValuesTogether = std::size_t{1} << 16U;
constexpr std::size_t kBytesTogether = std::size_t{1} << 20U;

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

template <typename Stored, typename Take>
void StoredArray::for_each_value(std::size_t count, const Take& take) {
  std::vector<Stored> stored(std::min(count, kValuesTogether));
  for (std::size_t begin = 0; begin < count; begin += stored.size()) {
    stored.resize(std::min(stored.size(), count - begin));
    read(std::as_writable_bytes(std::span(stored)));
    for (const Stored value : stored) take(value);
  }
}

template <typename Stored>
float StoredArray::finite(Stored stored) {
  const auto value = static_cast<float>(stored);
  const std::uint64_t i = next_float_++;
  if (std::isfinite(value)) return value;
  const std::uint64_t columns = product(std::span(sizes_).subspan(1));
  fail_input("{}: sample {} has {} in column {}; expected finite numbers of single precision", name_,
             i / columns, stored, i % columns);
}

void StoredArray::take_next(std::size_t count, std::vector<std::uint8_t>& values) {
  LOCKSTEP_CHECK(type_ == "u1");
  while (count > 0) {
    const std::size_t begin = values.size();
    values.resize(begin + std::min(count, kBytesTogether));
    read(std::as_writable_bytes(std::span(values).subspan(begin)));
    count -= values.size() - begin;
  }
}

void StoredArray::take_next(std::size_t count, std::vector<float>& values) {
  LOCKSTEP_CHECK(is_real());
  const auto take = [&](auto stored) { values.push_back(finite(stored)); };
  type_ == "f4" ? for_each_value<float>(count, take) : for_each_value<double>(count, take);
}

std::vector<std::uint8_t> StoredArray::bytes() {
  std::vector<std::uint8_t> values;
  take_next(static_cast<std::size_t>(product(sizes_)), values);
  return values;
}

std::vector<std::int64_t> StoredArray::whole_numbers() {
  LOCKSTEP_CHECK(!is_real());
  const auto count = static_cast<std::size_t>(product(sizes_));
  std::vector<std::int64_t> values;
  // NOLINTNEXTLINE(bugprone-signed-char-misuse): one of type i1 is a number
  const auto take = [&](auto stored) { values.push_back(stored); };
  if (type_ == "u1") for_each_value<std::uint8_t>(count, take);
  if (type_ == "i1") for_each_value<std::int8_t>(count, take);
  if (type_ == "i2") for_each_value<std::int16_t>(count, take);
  if (type_ == "i4") for_each_value<std::int32_t>(count, take);
  if (type_ == "i8") for_each_value<std::int64_t>(count, take);
  return values;
}

std::vector<float> StoredArray::floats() {
  std::vector<float> values;
  if (is_real()) {
    take_next(static_cast<std::size_t>(product(sizes_)), values);
  } else {
    const std::vector<std::int64_t> numbers = whole_numbers();
    values.assign(numbers.begin(), numbers.end());
  }
  return values;
}

void StoredArray::check_floats() {
  LOCKSTEP_CHECK(type_ == "f4");
  for_each_value<float>(static_cast<std::size_t>(product(sizes_)), [&](float stored) { finite(stored); });
}

}  // namespace lockstep
