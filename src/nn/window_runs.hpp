#pragma once

#include <cstdint>

#include "lockstep/core/index.hpp"
#include "lockstep/core/real.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// Neighbouring windows over a picture, channels last, that see the same of their pixels.
struct WindowRun {
  Index first_row, last_row;  // of a window's pixels, the last not included
  Index first_column, last_column;
  Index size;      // of a window
  Index windows;   // how many
  Index step;      // from window to window
  Index row_step;  // from row to row of a window's pixels
  Index channels;
};

// What pooling does with a run. `x` and `dx` begin at the first pixel that its first window sees; results and
// gradients by them, [windows x channels], at those of its first window. Local; by vectors.

/// The largest value of each window and channel, and its place in the window, the first of equal ones. NaN
/// stays, as in PyTorch, so that the guard of the run sees it.
void take_largest(const WindowRun& run, const Real* x, Real* largest, std::int32_t* chosen);

/// dx += dy where its place is the chosen one.
void add_chosen(const WindowRun& run, const Real* dy, const std::int32_t* chosen, Real* dx);

/// The sum of what each window sees of a channel, divided.
void take_means(const WindowRun& run, const Real* x, Real divisor, Real* means);

/// dx += dy / divisor.
void add_parts(const WindowRun& run, const Real* dy, Real divisor, Real* dx);

}  // namespace lockstep::inline LOCKSTEP_REAL
