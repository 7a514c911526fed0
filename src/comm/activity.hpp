#pragma once

#include <cstdint>

namespace lockstep {

/// What this process does beside the thread that looks: whether it computes, waits or stands still.
class Activity {
 public:
  /// `seconds` after the last look; waiting for a rank that works outside of a step doesn't count.
  void look(double seconds, bool others_work);

  double still() const { return still_; }    ///< seconds since it computed
  double waited() const { return waited_; }  ///< seconds of the wait that it is in

 private:
  std::uint64_t waits_ = 0;
  double busy_ = 0;
  double still_ = 0;
  double waited_ = 0;
};

}  // namespace lockstep
