#pragma once

#include <vector>

#include "nn/picture.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// Along one axis of a picture: pixels that are a stride apart, and so are seen by windows at the same of
/// their taps. Tap t of window w sees pixel w · stride - pad + t · dilation.
struct WindowPhase {
  Index first = 0;   ///< of the pixels
  Index pixels = 0;  ///< how many there are
  Index taps = 0;    ///< at which they are seen
  Index tap = 0;     ///< the last of those; the others are WindowPhases::tap_step apart
  Index window = 0;  ///< which sees the first pixel at that tap; before the first window where it is below 0
};

/// The phases of an axis, `stride` at most. The gradient by a picture of the pixels of one phase is a
/// convolution of stride 1, of the gradients by the windows with the weights of that phase's taps, the last
/// first: pixel number i of a phase is seen by windows window + i + k · window_step at the taps tap - k ·
/// tap_step, for k = 0 … taps - 1, as far as there are such windows.
struct WindowPhases {
  Index tap_step = 1;
  Index window_step = 1;
  std::vector<WindowPhase> phases;
};

WindowPhases phases_of(const Windows& windows, Index pixels);

}  // namespace lockstep::inline LOCKSTEP_REAL
