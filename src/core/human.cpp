#include "core/human.hpp"

#include <array>
#include <cmath>
#include <cstdint>
#include <ctime>

#include <fmt/chrono.h>

namespace lockstep {

namespace {

/// "3 min 20 s"; the smaller unit is left out where it is 0.
std::string two_units(std::int64_t seconds, std::int64_t large, const char* large_name, std::int64_t small,
                      const char* small_name) {
  const std::int64_t smalls = (seconds % large) / small;
  const std::string first = fmt::format("{} {}", seconds / large, large_name);
  return smalls == 0 ? first : fmt::format("{} {} {}", first, smalls, small_name);
}

}  // namespace

std::string duration_in_words(double seconds) {
  constexpr std::int64_t kMinute = 60;
  constexpr std::int64_t kHour = 60 * kMinute;
  constexpr std::int64_t kDay = 24 * kHour;
  constexpr double kThousand = 1000;
  if (!std::isfinite(seconds)) return "unknown";
  if (seconds == 0) return "0 s";
  if (seconds < 1 / kThousand) return fmt::format("{:.3g} µs", seconds * kThousand * kThousand);
  if (seconds < 1) return fmt::format("{:.3g} ms", seconds * kThousand);
  if (seconds < static_cast<double>(kMinute) - 0.5) return fmt::format("{:.3g} s", seconds);
  const auto whole = static_cast<std::int64_t>(std::llround(seconds));
  if (whole < kHour) return two_units(whole, kMinute, "min", 1, "s");
  if (whole < kDay) return two_units(whole, kHour, "h", kMinute, "min");
  return two_units(whole, kDay, "d", kHour, "h");
}

std::string duration_on_clock(double seconds) {
  if (!std::isfinite(seconds)) return "unknown";
  const auto whole = static_cast<std::int64_t>(std::llround(seconds));
  if (whole < 3600) return fmt::format("{}:{:02}", whole / 60, whole % 60);
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

std::string moment_in_words(double seconds) {
  return fmt::format("{:%Y-%m-%d %H:%M:%S %Z}", fmt::localtime(static_cast<std::time_t>(seconds)));
}

std::string byte_rate_in_words(double bytes_a_second) {
  constexpr std::array kUnits = {"bytes/s", "kB/s", "MB/s", "GB/s", "TB/s"};
  constexpr double kNext = 999.5;  // is shown as 1000
  constexpr double kThousand = 1000;
  std::size_t unit = 0;
  while (bytes_a_second >= kNext && unit + 1 < kUnits.size()) {
    bytes_a_second /= kThousand;
    ++unit;
  }
  return fmt::format("{:.3g} {}", bytes_a_second, kUnits[unit]);
}

}  // namespace lockstep
