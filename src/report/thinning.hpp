#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace lockstep {

/// Points of a series; NaN where there is none.
struct Points {
  std::vector<double> x, y;
};

/// The means of x and of y over `bins` runs of consecutive points, equally long to within one; over no more
/// bins than there are points. A y that is not finite does not count; a bin without any other is NaN.
Points bin_means(std::span<const double> x, std::span<const double> y, std::size_t bins);

/// The points themselves up to `most` (at least 3), else so many: the first, means over bins of those
/// between, the last.
Points thinned(std::span<const double> x, std::span<const double> y, std::size_t most);

/// The points that a series may have, at most `most` and at least 3, so that series of these `sizes` have no
/// more than `budget` points together.
std::size_t points_a_series(std::vector<std::size_t> sizes, std::size_t most, std::size_t budget);

}  // namespace lockstep
