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
void StoredArray::for_each_value(const Take& take) {
  const auto count = static_cast<std::size_t>(product(sizes_));
  std::vector<Stored> stored(std::min(count, kValuesTogether));
  for (std::size_t begin = 0; begin < count; begin += stored.size()) {
    stored.resize(std::min(stored.size(), count - begin));
    read(std::as_writable_bytes(std::span(stored)));
    for (std::size_t i = 0; i < stored.size(); ++i) take(begin + i, stored[i]);
  }
}

template <typename Stored>
float StoredArray::finite(std::size_t i, Stored stored) const {
  const auto value = static_cast<float>(stored);
  if (std::isfinite(value)) return value;
  const std::uint64_t columns = product(std::span(sizes_).subspan(1));
  fail_input("{}: sample {} has {} in column {}; expected finite numbers of single precision", name_,
             i / columns, stored, i % columns);
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
  // NOLINTNEXTLINE(bugprone-signed-char-misuse): one of type i1 is a number
  const auto take = [&](std::size_t i, auto stored) { values[i] = stored; };
  if (type_ == "u1") for_each_value<std::uint8_t>(take);
  if (type_ == "i1") for_each_value<std::int8_t>(take);
  if (type_ == "i2") for_each_value<std::int16_t>(take);
  if (type_ == "i4") for_each_value<std::int32_t>(take);
  if (type_ == "i8") for_each_value<std::int64_t>(take);
  return values;
}

std::vector<float> StoredArray::floats() {
  std::vector<float> values(static_cast<std::size_t>(product(sizes_)));
  if (is_real()) {
    const auto take = [&](std::size_t i, auto stored) { values[i] = finite(i, stored); };
    type_ == "f4" ? for_each_value<float>(take) : for_each_value<double>(take);
  } else {
    const std::vector<std::int64_t> numbers = whole_numbers();
    values.assign(numbers.begin(), numbers.end());
  }
  return values;
}

void StoredArray::check_floats() {
  LOCKSTEP_CHECK(type_ == "f4");
  for_each_value<float>([&](std::size_t i, float stored) { finite(i, stored); });
}

}  // namespace lockstep
