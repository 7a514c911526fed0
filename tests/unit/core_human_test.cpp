#include <cstdlib>
#include <ctime>
#include <limits>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "core/human.hpp"

namespace lockstep {
namespace {

TEST(DurationInWords, HasTwoUnitsAtMost) {
  const std::pair<double, const char*> cases[] = {
      {0, "0 s"},
      {85e-6, "85 µs"},
      {0.0123, "12.3 ms"},
      {4.25, "4.25 s"},
      {59.4, "59.4 s"},
      {59.9, "1 min"},
      {200, "3 min 20 s"},
      {3599.6, "1 h"},
      {7500, "2 h 5 min"},
      {86400, "1 d"},
      {3 * 86400 + 4 * 3600 + 59, "3 d 4 h"},
  };
  for (const auto& [seconds, text] : cases) EXPECT_EQ(duration_in_words(seconds), text);
  EXPECT_EQ(duration_in_words(std::numeric_limits<double>::quiet_NaN()), "unknown");
}

TEST(DurationOnClock, HasHoursWhereThereAreSome) {
  EXPECT_EQ(duration_on_clock(0), "0:00");
  EXPECT_EQ(duration_on_clock(65), "1:05");
  EXPECT_EQ(duration_on_clock(59.6), "1:00");
  EXPECT_EQ(duration_on_clock(2 * 3600 + 3 * 60 + 4), "2:03:04");
  EXPECT_EQ(duration_on_clock(std::numeric_limits<double>::infinity()), "unknown");
}

TEST(MomentInWords, IsDateAndTimeOfThePlace) {
  setenv("TZ", "CET-1", 1);  // an hour before UTC
  tzset();
  EXPECT_EQ(moment_in_words(951782400.75), "2000-02-29 01:00:00 CET");
  unsetenv("TZ");
  tzset();
}

TEST(ByteRateInWords, HasThreeDigitsOfTheUnitThatFits) {
  EXPECT_EQ(byte_rate_in_words(1.46e8), "146 MB/s");
  EXPECT_EQ(byte_rate_in_words(1.5e9), "1.5 GB/s");
  EXPECT_EQ(byte_rate_in_words(512), "512 bytes/s");
  EXPECT_EQ(byte_rate_in_words(999.7e6), "1 GB/s");
  EXPECT_EQ(byte_rate_in_words(3e15), "3e+03 TB/s");
}

}  // namespace
}  // namespace lockstep
