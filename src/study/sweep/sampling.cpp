#include "study/sweep/sampling.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "core/suggestion.hpp"
#include "core/text.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/core/functions.hpp"
#include "lockstep/core/random.hpp"

namespace lockstep {

namespace {

constexpr std::array kSamplings = {std::pair("sobol", Sampling::kSobol),
                                   std::pair("random", Sampling::kRandom)};

constexpr std::size_t kDigits = 32;
using Directions = std::array<std::uint32_t, kDigits>;

/// A primitive polynomial over the integers modulo 2, and the first direction numbers.
struct JoeKuo {
  std::size_t degree;
  std::uint32_t coefficients;  ///< those between the first and the last, as binary digits
  std::array<std::uint32_t, 6> first;
};

/// Of the axes after the first.
constexpr std::array<JoeKuo, kSobolAxes - 1> kJoeKuo = {{{1, 0, {1}},
                                                         {2, 1, {1, 3}},
                                                         {3, 1, {1, 3, 1}},
                                                         {3, 2, {1, 1, 1}},
                                                         {4, 1, {1, 1, 3, 3}},
                                                         {4, 4, {1, 3, 5, 13}},
                                                         {5, 2, {1, 1, 5, 5, 17}},
                                                         {5, 4, {1, 1, 5, 5, 5}},
                                                         {5, 7, {1, 1, 7, 11, 19}},
                                                         {5, 11, {1, 1, 5, 1, 1}},
                                                         {5, 13, {1, 1, 1, 3, 11}},
                                                         {5, 14, {1, 3, 5, 5, 31}},
                                                         {6, 1, {1, 3, 3, 9, 7, 49}},
                                                         {6, 13, {1, 1, 1, 15, 21, 21}},
                                                         {6, 16, {1, 3, 1, 13, 27, 49}}}};

constexpr Directions directions_of(std::size_t axis) {
  Directions v{};
  if (axis == 0) {
    for (std::size_t k = 0; k < kDigits; ++k) v[k] = std::uint32_t{1} << (kDigits - 1 - k);
    return v;
  }
  const auto& [degree, coefficients, first] = kJoeKuo[axis - 1];
  for (std::size_t k = 0; k < degree; ++k) v[k] = first[k] << (kDigits - 1 - k);
  for (std::size_t k = degree; k < kDigits; ++k) {
    v[k] = v[k - degree] ^ (v[k - degree] >> degree);
    for (std::size_t i = 1; i < degree; ++i) {
      if ((coefficients >> (degree - 1 - i) & 1U) != 0) v[k] ^= v[k - i];
    }
  }
  return v;
}

constexpr std::array<Directions, kSobolAxes> kDirections = [] {
  std::array<Directions, kSobolAxes> all{};
  for (std::size_t axis = 0; axis < kSobolAxes; ++axis) all[axis] = directions_of(axis);
  return all;
}();

}  // namespace

Sampling parse_sampling(const std::string& text) {
  std::vector<std::string> names;
  for (const auto& [name, sampling] : kSamplings) {
    if (text == name) return sampling;
    names.emplace_back(name);
  }
  fail_input("--sampling {}: expected one of: {}{}", text, join(names), suggestion(text, names));
}

std::string to_text(Sampling sampling) {
  return std::find_if(kSamplings.begin(), kSamplings.end(),
                      [&](const auto& one) { return one.second == sampling; })
      ->first;
}

std::uint32_t sobol(std::uint32_t index, std::size_t axis) {
  std::uint32_t digits = 0;
  for (std::size_t k = 0; k < kDigits; ++k) {
    if ((index >> k & 1U) != 0) digits ^= kDirections[axis][k];
  }
  return digits;
}

double draw(const Samples& samples, std::uint32_t index, std::size_t axis) {
  const auto bits = [&](std::uint64_t known_digits, std::uint64_t known) {
    return random_bits(samples.seed, Purpose::kSampling, {axis, known_digits, known, 0})[0];
  };
  constexpr std::uint64_t kAll = kDigits;
  if (samples.sampling == Sampling::kRandom) return uniform(bits(kAll, index));
  const std::uint64_t digits = sobol(index, axis);
  std::uint64_t flipped = digits;
  for (std::size_t k = 0; k < kDigits; ++k) {
    flipped ^= (bits(k, digits >> (kDigits - k)) & 1U) << (kDigits - 1 - k);
  }
  return uniform(flipped << kDigits | bits(kAll, digits) >> kDigits);
}

std::string number_at(const NumberRange& range, bool is_whole, double share) {
  const double margin = is_whole ? 0.5 : 0;
  const double low = range.low - margin;
  const double high = range.high + margin;
  const double drawn =
      range.is_geometric ? low * portable::pow(high / low, share) : low + (high - low) * share;
  if (is_whole) {
    const double nearest = std::clamp(std::floor(drawn + margin), range.low, range.high);
    return fmt::format("{:.0f}", nearest);
  }
  const std::string text = fmt::format("{:.6g}", drawn);
  const double rounded = *parse_number(text);
  return rounded < range.low ? range.low_text : rounded > range.high ? range.high_text : text;
}

}  // namespace lockstep
