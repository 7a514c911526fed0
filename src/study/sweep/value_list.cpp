#include "study/sweep/value_list.hpp"

#include <cmath>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "core/text.hpp"
#include "lockstep/core/error.hpp"

namespace lockstep {

namespace {

constexpr std::size_t kMostValues = 10'000;
constexpr std::string_view kOpenLinear = "lin";
constexpr std::string_view kOpenLogarithmic = "log";
constexpr const char* kForms = "expected A:B:logN, A:B:linN or A:B:xF, such as 1e-4:1e-1:log7";

/// Short, and without the rounding of powers: 64, not 63.99999999999999.
std::string number_text(double value) { return fmt::format("{:.12g}", value); }

struct Range {
  std::string origin;  ///< what errors begin with
  std::string low_text, high_text;
  double low, high;
  std::string_view spacing;  ///< after the second colon
};

/// `text` as a range, unless it is a value that holds colons.
std::optional<Range> as_range(const std::string& option, std::string_view text) {
  const auto parts = split(text, ':');
  if (parts.size() != 3) return std::nullopt;
  const auto low = parse_number(parts[0]);
  const auto high = parse_number(parts[1]);
  if (!low || !high) return std::nullopt;
  return Range{fmt::format("{}: range '{}'", option, text),
               std::string(parts[0]),
               std::string(parts[1]),
               *low,
               *high,
               parts[2]};
}

/// N of "logN" or "linN".
Index count_of(const Range& range) {
  const auto count = parse_integer(range.spacing.substr(3));
  if (!count || *count < 2 || *count > static_cast<Index>(kMostValues)) {
    fail_input("{}: expected 2 to {} values, such as {}:{}:{}5", range.origin, kMostValues, range.low_text,
               range.high_text, range.spacing.substr(0, 3));
  }
  return *count;
}

/// The values between the two ends, which keep their text.
template <typename At>
void append_spaced(const Range& range, const At& at, std::vector<std::string>& values) {
  const Index last = count_of(range) - 1;
  values.push_back(range.low_text);
  for (Index i = 1; i < last; ++i) {
    values.push_back(number_text(at(static_cast<double>(i) / static_cast<double>(last))));
  }
  values.push_back(range.high_text);
}

void append_powers(const Range& range, std::vector<std::string>& values) {
  constexpr double kRounding = 1e-9;
  const auto factor = parse_number(range.spacing.substr(1));
  if (!factor || !(*factor > 1 && *factor < 1e30)) {
    fail_input("{}: expected a factor above 1 after 'x', such as {}:{}:x2", range.origin, range.low_text,
               range.high_text);
  }
  const double steps = std::floor(std::log(range.high / range.low) / std::log(*factor) + kRounding);
  if (steps >= static_cast<double>(kMostValues)) {
    fail_input("{}: more than {} values; take a larger factor", range.origin, kMostValues);
  }
  for (Index i = 0; i <= static_cast<Index>(steps); ++i) {
    values.push_back(number_text(range.low * std::pow(*factor, static_cast<double>(i))));
  }
}

/// Errors: ends between which there is nothing.
void check_ends(const Range& range, bool is_linear) {
  const bool is_finite = std::isfinite(range.low) && std::isfinite(range.high);
  if (!is_finite || !(range.low < range.high)) {
    fail_input("{}: empty or backwards; expected the smaller end first, then a larger one", range.origin);
  }
  if (!is_linear && range.low <= 0) {
    fail_input("{}: ratios need ends above 0; expected that, or {}", range.origin,
               range.spacing == kOpenLogarithmic ? "A:B:lin" : "A:B:linN");
  }
}

void append_range(const Range& range, std::vector<std::string>& values) {
  const bool is_linear = range.spacing.starts_with(kOpenLinear);
  const bool is_geometric = range.spacing.starts_with(kOpenLogarithmic);
  if (!is_linear && !is_geometric && !range.spacing.starts_with('x')) {
    fail_input("{}: {}", range.origin, kForms);
  }
  check_ends(range, is_linear);
  if (is_linear) {
    append_spaced(
        range, [&](double x) { return range.low + (range.high - range.low) * x; }, values);
  } else if (is_geometric) {
    append_spaced(
        range, [&](double x) { return range.low * std::pow(range.high / range.low, x); }, values);
  } else {
    append_powers(range, values);
  }
}

}  // namespace

std::optional<NumberRange> parse_open_range(const std::string& option, std::string_view text) {
  const auto range = as_range(option, trim(text));
  if (!range || (range->spacing != kOpenLinear && range->spacing != kOpenLogarithmic)) return std::nullopt;
  const bool is_geometric = range->spacing == kOpenLogarithmic;
  check_ends(*range, !is_geometric);
  return NumberRange{
      std::string(trim(text)), range->low_text, range->high_text, range->low, range->high, is_geometric};
}

std::vector<std::string> parse_values(const std::string& option, std::string_view text) {
  std::vector<std::string> values;
  for (const std::string_view value : split(text, text.find('|') != std::string_view::npos ? '|' : ',')) {
    if (value.empty()) {
      fail_input("{}: an empty value; expected values separated by commas, or by '|' where they hold commas",
                 option);
    }
    if (const auto range = as_range(option, value)) {
      append_range(*range, values);
    } else {
      values.emplace_back(value);
    }
    if (values.size() > kMostValues) fail_input("{}: more than {} values; give fewer", option, kMostValues);
  }
  return values;
}

std::vector<Index> parse_whole_numbers(const std::string& option, const std::string& text, Index most,
                                       const std::string& what) {
  const std::string origin = fmt::format("{} {}", option, text);
  std::set<Index> numbers;
  for (const std::string& value : parse_values(origin, text)) {
    const auto number = parse_integer(value);
    if (!number || *number < 1 || *number > most) {
      fail_input(
          "{}: expected whole numbers from 1 to {} ({}), such as 16,64,200, or a range, such as 16:128:x2",
          origin, most, what);
    }
    numbers.insert(*number);
  }
  return {numbers.begin(), numbers.end()};
}

}  // namespace lockstep
