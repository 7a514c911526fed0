#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "lockstep/core/index.hpp"
#include "study/sweep/value_list.hpp"

namespace lockstep {

/// How the settings of a sweep are drawn.
enum class Sampling { kSobol, kRandom };

/// What is drawn. `count` 0: nothing, every combination is trained.
struct Samples {
  Index count = 0;
  Sampling sampling = Sampling::kSobol;
  std::uint64_t seed = 1;
};

/// "sobol" or "random", and back. Errors: another word.
Sampling parse_sampling(const std::string& text);
std::string to_text(Sampling sampling);

/// Axes that the Sobol sequence has direction numbers for.
inline constexpr std::size_t kSobolAxes = 16;

/// The first 32 binary digits of coordinate `axis` (from 0) of point `index` of the Sobol sequence: the
/// exclusive or of the direction numbers of the index' digits, so that axis 0 is the index with its digits
/// reversed. Of the points k·2ⁿ to (k + 1)·2ⁿ - 1, each axis has one in every interval of width 2⁻ⁿ. A pure
/// function. Source: Sobol: On the distribution of points in a cube and the approximate evaluation of
/// integrals. 1967; direction numbers: Joe, Kuo: Constructing Sobol sequences with better two-dimensional
/// projections. SIAM J. Sci. Comput. 30, 2008 (new-joe-kuo-6).
std::uint32_t sobol(std::uint32_t index, std::size_t axis);

/// Coordinate `axis` of point `index`, in [0, 1): of the Sobol sequence, each digit flipped or not by chance,
/// alike for all points with the same digits before it, which keeps the property above; or drawn for itself.
/// A pure function of its arguments, so that more points begin with the same ones. Source of the flips:
/// Owen: Randomly permuted (t,m,s)-nets and (t,s)-sequences. 1995.
double draw(const Samples& samples, std::uint32_t index, std::size_t axis);

/// The number at `share` of the way, in [0, 1), through `range`, as text of six significant digits. A whole
/// one is the nearest to a number drawn between half below the lower and half above the upper end: with even
/// spacing, all have the same chance, both ends included. A pure function.
std::string number_at(const NumberRange& range, bool is_whole, double share);

}  // namespace lockstep
