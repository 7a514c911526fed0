#include "train/run/live_page.hpp"

#include <exception>

#include "report/run_report.hpp"

namespace lockstep {

void LivePage::renew(const std::filesystem::path& folder) {
  constexpr int kSeldom = 100;
  const auto begin = Clock::now();
  if (begin < next_) return;
  try {
    write_run_report({folder}, folder / "report.html");
  } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch): the run is worth more than its page
  }
  const auto end = Clock::now();
  next_ = end + kSeldom * (end - begin);
}

}  // namespace lockstep
