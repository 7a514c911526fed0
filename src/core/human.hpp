#pragma once

#include <string>

namespace lockstep {

/// Seconds, not below 0, as people say them: "850 µs", "12.3 ms", "4.2 s", "3 min 20 s", "2 h 5 min",
/// "3 d 4 h"; "unknown" where they are not finite.
std::string duration_in_words(double seconds);

/// Seconds as a clock shows them, in lines that renew themselves: "0:04", "1:05", "2:03:04"; "unknown" where
/// they are not finite.
std::string duration_on_clock(double seconds);

/// Seconds since 1970 as the date and time of this place: "2026-03-01 14:05:09 CET".
std::string moment_in_words(double seconds);

/// Bytes a second in decimal units: "146 MB/s", "1.5 GB/s".
std::string byte_rate_in_words(double bytes_a_second);

}  // namespace lockstep
