#pragma once

#include <array>

#include "lockstep/core/index.hpp"

namespace lockstep {

/// Σ term(i) for i = 0 … count - 1, in double and in an order that compilers can make vector code of,
/// whatever their vectors' width: value i goes to lane i mod 16, in rising order, and in the end the lanes
/// are added in rising order.
template <typename Term>
double sum_in_lanes(Index count, const Term& term) {
  constexpr Index kLanes = 16;
  double total = 0;
  if (count <= kLanes) {  // the same sum
    for (Index i = 0; i < count; ++i) total += term(i);
    return total;
  }
  std::array<double, kLanes> lanes{};
  const Index whole = count - count % kLanes;
  for (Index first = 0; first < whole; first += kLanes) {
    for (Index lane = 0; lane < kLanes; ++lane) lanes[static_cast<std::size_t>(lane)] += term(first + lane);
  }
  for (Index i = whole; i < count; ++i) lanes[static_cast<std::size_t>(i - whole)] += term(i);
  for (const double lane : lanes) total += lane;
  return total;
}

}  // namespace lockstep
