#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "core/suggestion.hpp"
#include "core/text.hpp"
#include "lockstep/core/hyperparameter.hpp"
#include "lockstep/core/index.hpp"
#include "lockstep/core/real.hpp"
#include "lockstep/data/sampler.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// A field of a Config as text.
struct Field {
  /// Takes `text` over, or returns what was expected instead.
  std::function<std::string(const std::string& text)> assign;
  /// What `assign` would have to be given for the field's present value.
  std::function<std::string()> text;
  bool is_whole = false;  ///< of numbers it takes whole ones alone
};

/// The most that counts may be: far above any use, far below overflow.
constexpr std::int64_t kMostCount = std::int64_t{1} << 40U;

/// A whole number.
template <typename Number>
Field whole(Number& field, std::int64_t lowest, std::int64_t highest = kMostCount) {
  return {.assign = [&field, lowest, highest](const std::string& text) -> std::string {
            const auto value = parse_integer(text);
            if (!value || *value < lowest || *value > highest) {
              const bool too_large = parse_number(text).value_or(0) > static_cast<double>(highest);
              return highest == kMostCount && !too_large
                         ? fmt::format("a whole number of at least {}", lowest)
                         : fmt::format("a whole number from {} to {}", lowest, highest);
            }
            field = static_cast<Number>(*value);
            return {};
          },
          .text = [&field] { return fmt::format("{}", field); },
          .is_whole = true};
}

/// A whole number of at least 1, or `word` for 0.
template <typename Number>
Field whole_or(Number& field, const std::string& word, std::int64_t highest = kMostCount) {
  return {
      .assign = [&field, word, number = whole(field, 1, highest)](const std::string& text) -> std::string {
        if (text == word) {
          field = 0;
          return {};
        }
        const std::string expected = number.assign(text);
        return expected.empty() ? expected : fmt::format("{}, or '{}'", expected, word);
      },
      .text = [&field, word] { return field == 0 ? word : fmt::format("{}", field); },
      .is_whole = true};
}

/// A number of samples, "full" (0) or "auto" (kAutomaticBatch).
Field batch_size(Index& field);

/// Two sides from 1 to `highest`, or one for both; `none` for 0 and 0.
Field sides(Index& height, Index& width, Index highest);

/// "2/5" for the second of five; `none` for no fold.
Field fold(Fold& field);

/// lowest <= value <= highest, or < highest where it is excluded, also where parameters are computed.
Field real(double& field, double lowest, double highest, bool highest_excluded = false);

/// Any text.
Field words(std::string& field);

/// One of several words, for the value beside it.
template <typename Value>
Field choice(Value& field, std::vector<std::pair<std::string, std::type_identity_t<Value>>> choices) {
  return {.assign = [&field, choices](const std::string& text) -> std::string {
            std::vector<std::string> names;
            for (const auto& [name, value] : choices) {
              if (name == text) {
                field = value;
                return {};
              }
              names.push_back(name);
            }
            return fmt::format("one of: {}{}", join(names), suggestion(text, names));
          },
          .text =
              [&field, choices] {
                for (const auto& [name, value] : choices) {
                  if (value == field) return name;
                }
                return std::string();
              }};
}

/// One of `names`.
Field one_of(std::string& field, const std::vector<std::string>& names);

/// A value of `h`, which has to outlive this, as those of the registries do; a word is kept as its index.
Field value_of(const Hyperparameter& h, double& field);

}  // namespace lockstep::inline LOCKSTEP_REAL
