#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "lockstep/comm/communicator.hpp"

namespace lockstep {

/// When this rank did what, for trace viewers: Perfetto (ui.perfetto.dev) and chrome://tracing. The form is
/// the Trace Event Format's complete events, one process a rank. Only the first steps are kept.
class Timeline {
 public:
  /// More is too much for the viewers.
  static constexpr std::uint64_t kMostSteps = 1000;

  /// Starts the clocks of all ranks together. Collective.
  explicit Timeline(Communicator& communicator);

  /// Keeps what lasted from `begin` to `end` in step `step`, counted from 0; `name` outlives the timeline.
  void add(const char* name, std::chrono::steady_clock::time_point begin,
           std::chrono::steady_clock::time_point end, std::uint64_t step);

  /// The trace of all ranks. Collective.
  std::string to_json(Communicator& communicator) const;

 private:
  struct Span {
    const char* name;
    double begin, end;  // microseconds since the start
    std::uint64_t step;
  };

  std::chrono::steady_clock::time_point start_;
  std::vector<Span> spans_;
};

}  // namespace lockstep
