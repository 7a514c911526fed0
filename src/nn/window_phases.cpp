#include "nn/window_phases.hpp"

#include <algorithm>
#include <numeric>

namespace lockstep::inline LOCKSTEP_REAL {

WindowPhases phases_of(const Windows& windows, Index pixels) {
  const Index common = std::gcd(windows.stride, windows.dilation);
  WindowPhases all{
      .tap_step = windows.stride / common, .window_step = windows.dilation / common, .phases = {}};
  for (Index first = 0; first < std::min(windows.stride, pixels); ++first) {
    WindowPhase phase{.first = first, .pixels = (pixels - first - 1) / windows.stride + 1};
    for (Index tap = 0; tap < windows.size; ++tap) {
      const Index place = first + windows.pad - tap * windows.dilation;
      if (place % windows.stride != 0) continue;
      ++phase.taps;
      phase.tap = tap;
      phase.window = place / windows.stride;
    }
    all.phases.push_back(phase);
  }
  return all;
}

}  // namespace lockstep::inline LOCKSTEP_REAL
