#include "data/csv_fields.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "core/text.hpp"
#include "data/csv_separator.hpp"

namespace lockstep {

namespace {

/// Characters that are taken for another: [first, last] looks like `like`.
struct LookAlike {
  char32_t first;
  char32_t last;
  std::string_view like;
};

constexpr std::string_view kNothing;
constexpr std::array kLookAlikes = {LookAlike{0xA0, 0xA0, " "},          LookAlike{0xAD, 0xAD, kNothing},
                                    LookAlike{0xB7, 0xB7, "."},          LookAlike{0x2BC, 0x2BC, "'"},
                                    LookAlike{0x2000, 0x200A, " "},      LookAlike{0x200B, 0x200F, kNothing},
                                    LookAlike{0x2010, 0x2015, "-"},      LookAlike{0x2018, 0x2019, "'"},
                                    LookAlike{0x202A, 0x202E, kNothing}, LookAlike{0x202F, 0x202F, " "},
                                    LookAlike{0x2032, 0x2032, "'"},      LookAlike{0x205F, 0x205F, " "},
                                    LookAlike{0x2060, 0x2064, kNothing}, LookAlike{0x2212, 0x2212, "-"},
                                    LookAlike{0x3000, 0x3000, " "},      LookAlike{0xFE58, 0xFE58, "-"},
                                    LookAlike{0xFE63, 0xFE63, "-"},      LookAlike{0xFEFF, 0xFEFF, kNothing},
                                    LookAlike{0xFF0B, 0xFF0B, "+"},      LookAlike{0xFF0C, 0xFF0C, ","},
                                    LookAlike{0xFF0D, 0xFF0D, "-"},      LookAlike{0xFF0E, 0xFF0E, "."},
                                    LookAlike{0xFF10, 0xFF19, "a digit"}};

struct Character {
  char32_t code = 0;
  std::size_t size = 1;

  const LookAlike* look_alike() const {
    const auto found = std::find_if(kLookAlikes.begin(), kLookAlikes.end(), [&](const LookAlike& entry) {
      return entry.first <= code && code <= entry.last;
    });
    return found == kLookAlikes.end() ? nullptr : &*found;
  }

  bool is_unseen() const {
    const LookAlike* const found = look_alike();
    return found != nullptr && (found->like == kNothing || found->like == " ");
  }
};

/// The first character of `text`, which is not empty. What is no UTF-8 counts as single bytes.
Character first_character(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const auto size = static_cast<std::size_t>(std::countl_one(lead));
  if (size < 2 || size > 4 || size > text.size()) return {lead, 1};
  char32_t code = lead & (0x7FU >> size);
  for (std::size_t i = 1; i < size; ++i) code = code << 6U | (static_cast<unsigned char>(text[i]) & 0x3FU);
  return {code, size};
}

bool is_digit(char character) { return '0' <= character && character <= '9'; }
bool is_alphabetic(char character) {
  return ('a' <= character && character <= 'z') || ('A' <= character && character <= 'Z');
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& character : result) {
    if ('A' <= character && character <= 'Z') character = static_cast<char>(character - 'A' + 'a');
  }
  return result;
}

/// Whether `text` is written as a decimal number, with `point` for the decimal point.
bool is_decimal(std::string_view text, char point = '.') {
  text = trim(text);
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  bool has_digit = false;
  bool has_point = false;
  while (!text.empty() && (is_digit(text.front()) || (text.front() == point && !has_point))) {
    (text.front() == point ? has_point : has_digit) = true;
    text.remove_prefix(1);
  }
  if (!has_digit || text.empty()) return has_digit;
  if (lower(text.substr(0, 1)) != "e") return false;
  text.remove_prefix(1);
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}

/// Without what a number may have in front of its digits, as signs, currencies and look-alikes.
std::string_view without_prefix(std::string_view text) {
  while (!text.empty()) {
    const Character character = first_character(text);
    const bool is_plain = character.code < 0x80 && !is_digit(text.front()) && !is_alphabetic(text.front());
    const bool is_currency = character.code == 0xA3 || character.code == 0xA5 || character.code == 0x20AC;
    if (!is_plain && !is_currency && character.look_alike() == nullptr) break;
    if (character.look_alike() != nullptr && character.look_alike()->like == "a digit") break;
    text.remove_prefix(character.size);
  }
  return text;
}

std::optional<Character> first_look_alike(std::string_view text) {
  while (!text.empty()) {
    const Character character = first_character(text);
    if (character.look_alike() != nullptr) return character;
    text.remove_prefix(character.size);
  }
  return std::nullopt;
}

/// "1 234", "1'234", "1_234", "1,234.5".
bool has_thousands(std::string_view text) {
  std::string digits;
  bool has_separator = false;
  for (const char character : trim(text)) {
    if (std::string_view(" '_,").find(character) == std::string_view::npos) {
      digits += character;
    } else {
      has_separator = true;
    }
  }
  return has_separator && is_decimal(digits);
}

std::string advice(char separator) {
  const std::string name = separator == '\t'  ? "tab"
                           : separator == ' ' ? "space"
                                              : fmt::format("'{}'", separator);
  const std::string typed = separator == '\t' ? "\\t" : std::string(1, separator);
  return fmt::format("; this has the separator {}; convert it, as by: tr {}'{}' ',' < OLD.csv > NEW.csv",
                     name, separator == ' ' ? "-s " : "", typed);
}

std::string out_of_range(std::string_view field, bool too_large) {
  if (too_large) {
    return fmt::format("expected a number up to {:.1e}, found '{}'; scale the column down",
                       std::numeric_limits<float>::max(), shown(field));
  }
  return fmt::format("expected 0 or a number from {:.1e} on, found '{}'; scale the column up, or write 0",
                     std::numeric_limits<double>::min(), shown(field));
}

bool has_negative_exponent(std::string_view field) {
  const std::size_t e = field.find_first_of("eE");
  return e != std::string_view::npos && field.find('-', e) != std::string_view::npos;
}

}  // namespace

FieldKind kind_of(std::string_view field) {
  field = trim(field);
  if (is_decimal(field)) return FieldKind::kNumber;
  const std::string_view rest = without_prefix(field);
  if (rest.empty()) return FieldKind::kGap;
  constexpr std::array<std::string_view, 10> kGaps = {"na",  "n/a",     "nan", "null",     "none",
                                                      "nil", "missing", "inf", "infinity", "na>"};
  if (std::find(kGaps.begin(), kGaps.end(), lower(rest)) != kGaps.end()) return FieldKind::kGap;
  const Character first = first_character(rest);
  return is_digit(rest.front()) || first.look_alike() != nullptr ? FieldKind::kValue : FieldKind::kName;
}

bool has_decimal_comma(std::string_view field) {
  return field.find(',') != std::string_view::npos && is_decimal(field, ',');
}

std::optional<double> parse_field(std::string_view field, char separator) {
  const std::optional<double> number = parse_number(field);
  if (number || separator == ',' || !has_decimal_comma(field)) return number;
  std::string text(field);
  text[text.find(',')] = '.';
  return parse_number(text);
}

bool is_gap(std::string_view field) {
  constexpr std::array<std::string_view, 14> kGaps = {"",     "?",    "-",   "--",   ".",   "na",   "n/a",
                                                      "#n/a", "<na>", "nan", "-nan", "nil", "null", "none"};
  constexpr std::size_t kLongest = 4;
  field = trim(field);
  return field.size() <= kLongest && std::ranges::find(kGaps, lower(field)) != kGaps.end();
}

bool is_written_number(std::string_view field) {
  std::string_view text = trim(without_prefix(trim(field)));
  if (text.ends_with('%')) text = trim(text.substr(0, text.size() - 1));
  return is_decimal(text) || has_decimal_comma(text) || has_thousands(text);
}

bool has_unit(std::string_view field) {
  field = trim(field);
  if (field.starts_with('(') && field.ends_with(')')) field = field.substr(1, field.size() - 2);
  const std::size_t end = field.find_last_of("0123456789");
  if (end == std::string_view::npos) return false;
  const std::string_view unit = field.substr(end + 1);
  return is_written_number(field.substr(0, end + 1)) &&
         unit.find_first_of(".,:;/-") == std::string_view::npos;
}

bool joins_numbers(std::string_view field) {
  return std::any_of(kOtherSeparators.begin(), kOtherSeparators.end(), [&](char separator) {
    const std::vector<std::string_view> parts = split(field, separator);
    return parts.size() > 1 && std::any_of(parts.begin(), parts.end(), [](std::string_view part) {
             return is_decimal(part) || has_decimal_comma(part);
           });
  });
}

bool is_in_range(double value, std::string_view field) {
  const std::string_view digits = field.substr(0, field.find_first_of("eE"));
  const bool is_zero = digits.find_first_of("123456789") == std::string_view::npos;
  return std::abs(value) <= std::numeric_limits<float>::max() &&
         (std::abs(value) >= std::numeric_limits<double>::min() || is_zero);
}

std::string number_problem(std::string_view field, std::string_view row) {
  const std::optional<double> value = parse_number(field);
  if (trim(field).empty()) return "expected a number, found nothing; fill the gap or remove the row";
  if (value && !std::isfinite(*value)) {
    return fmt::format("expected a finite number, found '{}'; replace it or remove the row", shown(field));
  }
  if (is_decimal(field)) {
    const bool too_large = value ? std::abs(*value) > 1 : !has_negative_exponent(field);
    return out_of_range(field, too_large);
  }
  const std::string found = fmt::format("expected a number, found '{}'", shown(field));
  if (joins_numbers(field)) return found + separator_advice(row);
  if (const std::optional<Character> character = first_look_alike(field)) {
    const std::string_view like = character->look_alike()->like;
    return fmt::format("{}: it holds the character U+{:04X}, which looks like {}; {}", found,
                       static_cast<unsigned>(character->code),
                       like == kNothing    ? "nothing"
                       : like == " "       ? "a space"
                       : like == "a digit" ? std::string(like)
                                           : fmt::format("'{}'", like),
                       like == kNothing || like == " " ? "remove it" : "write the ASCII one in its place");
  }
  if (has_decimal_comma(field)) return found + "; write a decimal point, and no separators of thousands";
  if (has_thousands(field)) return found + "; write it without separators of thousands";
  switch (kind_of(field)) {
    case FieldKind::kGap:
      return found + "; fill the gap, or remove the row";
    case FieldKind::kValue:
      return found + "; write a number and nothing else";
    default:
      return found + "; correct it";
  }
}

std::string separator_advice(std::string_view text) {
  for (const char separator : kOtherSeparators) {
    if (text.find(separator) != std::string_view::npos) return advice(separator);
  }
  const std::string_view line = trim(text.substr(0, text.find('\n')));
  return line.find(' ') != std::string_view::npos ? advice(' ') : "";
}

std::string_view trim_unseen(std::string_view text) {
  const auto first_is_unseen = [&] { return !text.empty() && first_character(text).is_unseen(); };
  while (first_is_unseen()) text.remove_prefix(first_character(text).size);
  std::size_t end = 0;  // of the last character that is seen
  for (std::size_t i = 0; i < text.size();) {
    const Character character = first_character(text.substr(i));
    i += character.size;
    if (!character.is_unseen()) end = i;
  }
  return text.substr(0, end);
}

std::string shown(std::string_view text) {
  constexpr std::size_t kLongest = 40;
  std::string result;
  std::size_t i = 0;
  while (i < text.size()) {
    const Character character = first_character(text.substr(i));
    if (i + character.size > kLongest) return result + "…";
    if (character.is_unseen()) {
      result += fmt::format("<U+{:04X}>", static_cast<unsigned>(character.code));
    } else if (character.code < 0x20 || character.code == 0x7F) {
      result += '?';
    } else {
      result += text.substr(i, character.size);
    }
    i += character.size;
  }
  return result;
}

}  // namespace lockstep
