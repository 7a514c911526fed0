#pragma once

#include <chrono>
#include <filesystem>

namespace lockstep {

/// The page of a run that still goes on.
class LivePage {
 public:
  /// Writes report.html in the run directory `folder` anew, so seldom that it takes about a hundredth of the
  /// time, and not in a run's first seconds; but every five minutes, since a page that gets old says that its
  /// run is silent (kSilent). What goes wrong is left to the page at the end. Local.
  void renew(const std::filesystem::path& folder);

 private:
  using Clock = std::chrono::steady_clock;

  Clock::time_point next_ = Clock::now() + std::chrono::seconds(10);
};

}  // namespace lockstep
