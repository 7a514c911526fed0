#include "train/configuration/setting_values.hpp"

#include <cmath>
#include <limits>

#include "lockstep/train/training_options.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

/// Whether `value` is not 0, but less than what keeps its digits where parameters are computed.
bool vanishes(double value) { return value != 0 && std::abs(value) < std::numeric_limits<Real>::min(); }

/// One of `names`, kept as its index.
Field index(double& field, const std::vector<std::string>& names) {
  std::vector<std::pair<std::string, double>> choices;
  choices.reserve(names.size());
  for (const std::string& name : names) choices.emplace_back(name, static_cast<double>(choices.size()));
  return choice(field, std::move(choices));
}

}  // namespace

Field batch_size(Index& field) {
  const std::string automatic = "auto";
  const Field number = whole_or(field, "full");
  return {
      .assign = [&field, number, automatic](const std::string& text) -> std::string {
        if (text == automatic) {
          field = kAutomaticBatch;
          return {};
        }
        const std::string expected = number.assign(text);
        return expected.empty() ? expected : fmt::format("{}, or '{}'", expected, automatic);
      },
      .text = [&field, number, automatic] { return field == kAutomaticBatch ? automatic : number.text(); },
      .is_whole = true};
}

Field sides(Index& height, Index& width, Index highest) {
  const std::string none = "none";
  const auto assign = [&height, &width, highest, none](const std::string& text) -> std::string {
    const bool is_given = text != none;
    const auto space = text.find(' ');
    Index first = 0;
    Index second = 0;
    for (const auto& [side, word] :
         {std::pair(&first, text.substr(0, space)), {&second, text.substr(space + 1)}}) {
      const std::string expected = is_given ? whole(*side, 1, highest).assign(std::string(trim(word))) : "";
      if (!expected.empty()) return fmt::format("{}, or two, for height and width, or '{}'", expected, none);
    }
    height = first;
    width = second;
    return {};
  };
  const auto text = [&height, &width, none] {
    if (height == width) return height == 0 ? none : fmt::format("{}", height);
    return fmt::format("{} {}", height, width);
  };
  return {.assign = assign, .text = text, .is_whole = true};
}

Field fold(Fold& field) {
  const std::string none = "none";
  const auto assign = [&field, none](const std::string& text) -> std::string {
    const auto slash = text.find('/');
    Fold given;
    const bool is_fold =
        slash != std::string::npos && whole(given.number, 1).assign(text.substr(0, slash)).empty() &&
        whole(given.count, 2).assign(text.substr(slash + 1)).empty() && given.number <= given.count;
    if (!is_fold && text != none) {
      return fmt::format("K/N with N of at least 2 and K from 1 to N, as 1/5, or '{}'", none);
    }
    field = is_fold ? Fold{given.number - 1, given.count} : Fold{};
    return {};
  };
  const auto text = [&field, none] {
    return field.count == 0 ? none : fmt::format("{}/{}", field.number + 1, field.count);
  };
  return {.assign = assign, .text = text};
}

Field real(double& field, double lowest, double highest, bool highest_excluded) {
  const auto assign = [&field, lowest, highest, highest_excluded](const std::string& text) -> std::string {
    const auto value = parse_number(text);
    if (value && *value >= lowest && (highest_excluded ? *value < highest : *value <= highest)) {
      constexpr auto kPrecision = sizeof(Real) == sizeof(float) ? "float" : "double";
      if (vanishes(*value)) {
        return fmt::format("0, or at least {:.3g}: this is too near 0 for a {}; raise it",
                           std::numeric_limits<Real>::min(), kPrecision);
      }
      if (highest_excluded && static_cast<double>(static_cast<Real>(*value)) == highest) {
        return fmt::format("less than {} as a {} too; lower it", highest, kPrecision);
      }
      field = *value;
      return {};
    }
    return fmt::format("a number from {} to {}{}", lowest, highest, highest_excluded ? " (excluded)" : "");
  };
  return {.assign = assign, .text = [&field] { return fmt::format("{}", field); }};
}

Field words(std::string& field) {
  return {.assign = [&field](const std::string& text) -> std::string {
            field = text;
            return {};
          },
          .text = [&field] { return field; }};
}

Field one_of(std::string& field, const std::vector<std::string>& names) {
  std::vector<std::pair<std::string, std::string>> choices;
  choices.reserve(names.size());
  for (const std::string& name : names) choices.emplace_back(name, name);
  return choice(field, std::move(choices));
}

Field value_of(const Hyperparameter& h, double& field) {
  if (!h.choices.empty()) return index(field, h.choices);
  if (h.numbers == Numbers::kWhole) {
    return whole(field, static_cast<std::int64_t>(h.lowest), static_cast<std::int64_t>(h.highest));
  }
  return real(field, h.lowest, h.highest, h.numbers == Numbers::kBelowHighest);
}

}  // namespace lockstep::inline LOCKSTEP_REAL
