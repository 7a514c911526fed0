#include "report/thinning.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "lockstep/core/error.hpp"

namespace lockstep {

namespace {

double finite_mean(std::span<const double> values) {
  double sum = 0;
  std::size_t count = 0;
  for (const double value : values) {
    if (!std::isfinite(value)) continue;
    sum += value;
    ++count;
  }
  return count > 0 ? sum / static_cast<double>(count) : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace

Points bin_means(std::span<const double> x, std::span<const double> y, std::size_t bins) {
  LOCKSTEP_CHECK(x.size() == y.size());
  bins = std::min(bins, x.size());
  Points means;
  for (std::size_t bin = 0; bin < bins; ++bin) {
    const std::size_t begin = x.size() * bin / bins;
    const std::size_t count = x.size() * (bin + 1) / bins - begin;
    means.x.push_back(finite_mean(x.subspan(begin, count)));
    means.y.push_back(finite_mean(y.subspan(begin, count)));
  }
  return means;
}

Points thinned(std::span<const double> x, std::span<const double> y, std::size_t most) {
  LOCKSTEP_CHECK(most >= 3);
  if (x.size() <= most) return {{x.begin(), x.end()}, {y.begin(), y.end()}};
  Points points = bin_means(x.subspan(1, x.size() - 2), y.subspan(1, y.size() - 2), most - 2);
  points.x.insert(points.x.begin(), x.front());
  points.y.insert(points.y.begin(), y.front());
  points.x.push_back(x.back());
  points.y.push_back(y.back());
  return points;
}

std::size_t points_a_series(std::vector<std::size_t> sizes, std::size_t most, std::size_t budget) {
  constexpr std::size_t kLeast = 3;
  std::sort(sizes.begin(), sizes.end());
  // The shorter a series, the more it leaves to those that follow.
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const std::size_t share = budget / (sizes.size() - i);
    if (share >= most) return most;
    if (sizes[i] > share) return std::max(share, kLeast);
    budget -= sizes[i];
  }
  return most;
}

}  // namespace lockstep
