#pragma once

#include <algorithm>
#include <cmath>
#include <numbers>

/// References of long double, x87's with 64 bits or AArch64's with 113; and of double, for float. An argument
/// that is rounded before exp or erfc costs digits far out: its rest goes in by the derivative.
namespace lockstep::test {

template <typename T>
T normal_density(T x) {
  const T square = x * x;
  return std::exp(-square / 2) * (1 - std::fma(x, x, -square) / 2) / std::sqrt(2 * std::numbers::pi_v<T>);
}

template <typename T>
T normal_distribution(T x) {
  const T z = -x / std::numbers::sqrt2_v<T>;
  // √2 is sqrt2_v + e with e = (2 - sqrt2_v²) / (2 √2).
  const T root = std::numbers::sqrt2_v<T>;
  const T rest = (-std::fma(z, root, x) - z * std::fma(-root, root, T(2)) / (2 * root)) / root;
  return (std::erfc(z) - rest * 2 * std::numbers::inv_sqrtpi_v<T> * std::exp(-z * z)) / 2;
}

template <typename T>
T gelu(T x) {
  return std::isinf(x) ? std::max(x, T(0)) : x * normal_distribution(x);
}

template <typename T>
T gelu_slope(T x) {
  return std::isinf(x) ? T(x > 0) : normal_distribution(x) + x * normal_density(x);
}

template <typename T>
T logistic(T x) {
  return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x));
}

template <typename T>
T softplus(T x) {
  return std::max(x, T(0)) + std::log1p(std::exp(-std::abs(x)));
}

/// sin(π (x + half / 2)), taken back to [-1/4, 1/4] exactly.
template <typename T>
T sine_of_half_turns(T x, int half) {
  if (!std::isfinite(x)) return x - x;
  const T halves = std::nearbyint(2 * x);
  const T angle = std::numbers::pi_v<T> * (x - halves / 2);
  const int quarters = (static_cast<int>(halves - 4 * std::floor(halves / 4)) + half) & 3;
  const T size = (quarters & 1) != 0 ? std::cos(angle) : std::sin(angle);
  return quarters >= 2 ? -size : size;
}

template <typename T>
T cos_pi(T x) {
  return sine_of_half_turns(x, 1);
}

template <typename T>
T sin_pi(T x) {
  return sine_of_half_turns(x, 0);
}

}  // namespace lockstep::test
