#pragma once

#include <cstdint>

#include "core/vector_unit.hpp"
#include "lockstep/core/index.hpp"

namespace lockstep {

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

/// What pooling does with a run, for numbers of type T and one vector unit. `x` and `dx` begin at the first
/// pixel that its first window sees; results and gradients by them, [windows x channels], at those of its
/// first window.
template <typename T>
struct WindowLoops {
  /// The largest value of each window and channel, and its place in the window, the first of equal ones. NaN
  /// stays, as in PyTorch, so that the guard of the run sees it.
  void (*take_largest)(const WindowRun& run, const T* x, T* largest, std::uint32_t* chosen);

  /// dx += dy where its place is the chosen one.
  void (*add_chosen)(const WindowRun& run, const T* dy, const std::uint32_t* chosen, T* dx);

  /// The sum of what each window sees of a channel, divided.
  void (*take_means)(const WindowRun& run, const T* x, T divisor, T* means);

  /// dx += dy / divisor.
  void (*add_parts)(const WindowRun& run, const T* dy, T divisor, T* dx);
};

template <typename T, VectorUnit>
const WindowLoops<T>& window_loops_of();

/// Those of this process's vector unit.
template <typename T>
const WindowLoops<T>& window_loops() {
  return for_vector_unit(
      []<VectorUnit unit>() -> const WindowLoops<T>& { return window_loops_of<T, unit>(); });
}

}  // namespace lockstep
