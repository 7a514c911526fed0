#include "train/run/live_page.hpp"

#include <algorithm>
#include <exception>

#include "report/run_report.hpp"

namespace lockstep {

void LivePage::renew(const std::filesystem::path& folder) {
  constexpr int kSeldom = 100;
  constexpr Clock::duration kOften = std::chrono::seconds(30);  // browsers look no more often
  constexpr Clock::duration kSilence = std::chrono::minutes(5);
  const auto begin = Clock::now();
  if (begin < next_) return;
  try {
    write_run_report({folder}, folder / "report.html");
  } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch): the run is worth more than its page
  }
  const auto end = Clock::now();
  next_ = end + std::clamp(kSeldom * (end - begin), kOften, kSilence);
}

}  // namespace lockstep
