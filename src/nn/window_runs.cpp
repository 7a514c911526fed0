#include "nn/window_runs.hpp"

#include <algorithm>
#include <array>

#include "core/multiversion.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

/// So many channels at a time, whose results stay in registers.
constexpr Index kTile = 16;

/// Calls tile(number of the window, first channel, how many channels) for all channels of all windows: kTile,
/// as a constant, of whole ones.
template <typename Tile>
[[gnu::always_inline]] inline void for_each_tile(const WindowRun& run, const Tile& tile) {
  for (Index window = 0; window < run.windows; ++window) {
    Index channel = 0;
    for (; channel + kTile <= run.channels; channel += kTile) tile(window, channel, kTile);
    if (channel < run.channels) tile(window, channel, run.channels - channel);
  }
}

/// Calls pixel(its place in the window, its offset from the run's first) for what a window sees.
template <typename Pixel>
[[gnu::always_inline]] inline void for_each_pixel(const WindowRun& run, Index window, Index channel,
                                                  const Pixel& pixel) {
  for (Index row = run.first_row; row < run.last_row; ++row) {
    for (Index column = run.first_column; column < run.last_column; ++column) {
      pixel(static_cast<std::int32_t>(row * run.size + column),
            window * run.step + (row - run.first_row) * run.row_step +
                (column - run.first_column) * run.channels + channel);
    }
  }
}

}  // namespace

LOCKSTEP_MULTIVERSION
void take_largest(const WindowRun& run, const Real* x, Real* largest, std::int32_t* chosen) {
  for_each_tile(run, [&](Index window, Index channel, Index width) {
    std::array<Real, kTile> values{};
    std::array<std::int32_t, kTile> places{};
    bool is_first = true;
    for_each_pixel(run, window, channel, [&](std::int32_t place, Index offset) {
      for (Index k = 0; k < width; ++k) {
        const auto at = static_cast<std::size_t>(k);
        const Real value = x[offset + k];
        const bool is_larger = is_first || value > values[at] || value != value;
        values[at] = is_larger ? value : values[at];
        places[at] = is_larger ? place : places[at];
      }
      is_first = false;
    });
    std::copy_n(values.begin(), width, largest + window * run.channels + channel);
    std::copy_n(places.begin(), width, chosen + window * run.channels + channel);
  });
}

LOCKSTEP_MULTIVERSION
void add_chosen(const WindowRun& run, const Real* dy, const std::int32_t* chosen, Real* dx) {
  for_each_tile(run, [&](Index window, Index channel, Index width) {
    const Index first = window * run.channels + channel;
    for_each_pixel(run, window, channel, [&](std::int32_t place, Index offset) {
      for (Index k = 0; k < width; ++k)
        dx[offset + k] += chosen[first + k] == place ? dy[first + k] : Real(0);
    });
  });
}

LOCKSTEP_MULTIVERSION
void take_means(const WindowRun& run, const Real* x, Real divisor, Real* means) {
  for_each_tile(run, [&](Index window, Index channel, Index width) {
    std::array<Real, kTile> sums{};
    for_each_pixel(run, window, channel, [&](std::int32_t /*place*/, Index offset) {
      for (Index k = 0; k < width; ++k) sums[static_cast<std::size_t>(k)] += x[offset + k];
    });
    for (Index k = 0; k < width; ++k) {
      means[window * run.channels + channel + k] = sums[static_cast<std::size_t>(k)] / divisor;
    }
  });
}

LOCKSTEP_MULTIVERSION
void add_parts(const WindowRun& run, const Real* dy, Real divisor, Real* dx) {
  for_each_tile(run, [&](Index window, Index channel, Index width) {
    const Real* const by_window = dy + window * run.channels + channel;
    for_each_pixel(run, window, channel, [&](std::int32_t /*place*/, Index offset) {
      for (Index k = 0; k < width; ++k) dx[offset + k] += by_window[k] / divisor;
    });
  });
}

}  // namespace lockstep::inline LOCKSTEP_REAL
