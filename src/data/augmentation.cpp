#include "lockstep/data/augmentation.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include <fmt/ranges.h>

#include "core/named.hpp"
#include "core/suggestion.hpp"
#include "core/text.hpp"
#include "data/augmentation_text.hpp"
#include "data/mixup.hpp"
#include "data/picture_changes.hpp"
#include "lockstep/core/error.hpp"

namespace lockstep {

namespace {

enum class Takes { kNothing, kPixels, kStrength };

/// How a change is written.
struct ChangeForm {
  std::string name;
  std::string value;  // what follows the name
  Takes takes;
  std::string flag;  // what may follow the value
  PictureChange (*make)(double value, bool flag);
};

const std::vector<ChangeForm>& change_forms() {
  using Change = PictureChange;
  static const std::vector<ChangeForm> forms = {
      {"crop", "PAD", Takes::kPixels, "edge",
       [](double pad, bool edge) {
         return Change(Crop{static_cast<Index>(pad), edge});
       }},
      {"flip", "", Takes::kNothing, "", [](double, bool) { return Change(Flip{}); }},
      {"brightness", "MOST", Takes::kStrength, "",
       [](double most, bool) { return Change(Brightness{most}); }},
      {"contrast", "MOST", Takes::kStrength, "", [](double most, bool) { return Change(Contrast{most}); }},
      {"cutout", "SIZE", Takes::kPixels, "",
       [](double size, bool) { return Change(Cutout{static_cast<Index>(size)}); }},
      {"mixup", "ALPHA", Takes::kStrength, "", [](double alpha, bool) { return Change(Mixup{alpha}); }}};
  return forms;
}

std::string text_of(const ChangeForm& form) {
  std::string text = form.name;
  if (!form.value.empty()) text += " " + form.value;
  if (!form.flag.empty()) text += " [" + form.flag + "]";
  return text;
}

std::string text_of(const PictureChange& change) {
  struct Texts {
    std::string operator()(const Crop& c) { return fmt::format("crop {}{}", c.pad, c.edge ? " edge" : ""); }
    std::string operator()(const Flip& /*flip*/) { return "flip"; }
    std::string operator()(const Brightness& b) { return fmt::format("brightness {}", b.most); }
    std::string operator()(const Contrast& c) { return fmt::format("contrast {}", c.most); }
    std::string operator()(const Cutout& c) { return fmt::format("cutout {}", c.size); }
    std::string operator()(const Mixup& m) { return fmt::format("mixup {}", m.alpha); }
  };
  return std::visit(Texts{}, change);
}

constexpr const char* kNoChange = "none";

/// The value of a change that is written as `words`; nothing where they do not fit.
std::optional<double> value_in(const std::vector<std::string_view>& words, const ChangeForm& form) {
  constexpr double kMostPixels = 1 << 16;
  constexpr double kLeastStrength = 0.001;
  const std::size_t values = form.takes == Takes::kNothing ? 0 : 1;
  const bool has_flag = words.size() == values + 2 && !form.flag.empty() && words.back() == form.flag;
  if (words.size() != values + (has_flag ? 2 : 1)) return std::nullopt;
  if (values == 0) return 0;
  const std::optional<double> value = parse_number(words[1]);
  if (!value) return std::nullopt;
  const bool fits = form.takes == Takes::kPixels
                        ? 1 <= *value && *value <= kMostPixels && *value == std::floor(*value)
                        : kLeastStrength <= *value && *value <= 1;
  return fits ? value : std::nullopt;
}

/// Adds the change that `text` says; or returns what was expected instead.
std::string read_change(std::string_view text, Augmentation& augmentation) {
  std::vector<std::string_view> words = split(text, ' ');
  std::erase(words, "");
  const std::string_view name = words.empty() ? "" : words.front();
  const ChangeForm* const form = find_named(change_forms(), name);
  if (form == nullptr) {
    std::vector<std::string> known;
    for (const ChangeForm& one : change_forms()) known.push_back(text_of(one));
    return fmt::format("some of {}, separated by commas, and not '{}'{}", join(known), text,
                       suggestion(name, names_of(change_forms())));
  }
  const std::optional<double> value = value_in(words, *form);
  if (value) {
    augmentation.push_back(form->make(*value, words.back() == form->flag));
    return {};
  }
  constexpr std::array kValues = {"", ", with a whole number of pixels from 1 to 65536 as ",
                                  ", with a number from 0.001 to 1 as "};
  return fmt::format("'{}' in place of '{}'{}{}", text_of(*form), text,
                     kValues[static_cast<std::size_t>(form->takes)], form->value);
}

bool is_of_stored_values(const PictureChange& change) {
  return !std::holds_alternative<Cutout>(change) && !std::holds_alternative<Mixup>(change);
}

/// How many pixels a picture needs in both directions for `change` to leave something of it.
Index least_side(const PictureChange& change) {
  if (const auto* const crop = std::get_if<Crop>(&change)) return crop->pad + 1;
  if (const auto* const cutout = std::get_if<Cutout>(&change)) return cutout->size;
  return 1;
}

}  // namespace

std::string read_augmentation(std::string_view text, Augmentation& augmentation) {
  augmentation.clear();
  if (trim(text).empty() || trim(text) == kNoChange) return {};
  for (const std::string_view change : split(text, ',')) {
    std::string expected = read_change(change, augmentation);
    if (!expected.empty()) return expected;
  }
  const auto late = std::ranges::adjacent_find(augmentation, [](const auto& before, const auto& after) {
    return std::holds_alternative<Mixup>(before) ||
           (std::holds_alternative<Cutout>(before) && is_of_stored_values(after));
  });
  if (late == augmentation.end()) return {};
  if (std::holds_alternative<Mixup>(late[0])) return fmt::format("'{}' to be the last", text_of(late[0]));
  return fmt::format("'{}' before '{}', which acts on what the network sees", text_of(late[1]),
                     text_of(late[0]));
}

Augmentation augmentation_from_text(std::string_view text) {
  Augmentation augmentation;
  const std::string expected = read_augmentation(text, augmentation);
  if (!expected.empty()) fail_input("`augment` = {}: expected {}", text, expected);
  return augmentation;
}

std::string to_text(const Augmentation& augmentation) {
  if (augmentation.empty()) return kNoChange;
  std::vector<std::string> texts;
  for (const PictureChange& change : augmentation) texts.push_back(text_of(change));
  return join(texts);
}

void check_augmentation(const Augmentation& augmentation, const DatasetDescription& data) {
  if (augmentation.empty()) return;
  static_cast<void>(augmentation_from_text(to_text(augmentation)));
  if (!is_picture(data)) {
    fail_input("`augment` = {}: changes pictures, and {} has none; remove it", to_text(augmentation),
               data.name);
  }
  if (mixes(augmentation) && data.task != Task::kClassification) {
    fail_input("`augment` = {}: mixes classes, and {} has none; remove '{}'", to_text(augmentation),
               data.name, text_of(augmentation.back()));
  }
  const PictureSize size = picture_size(data);
  for (const PictureChange& change : augmentation) {
    const Index side = std::min(size.height, size.width);
    if (least_side(change) <= side) continue;
    fail_input(
        "`augment` = {}: '{}' leaves nothing of some pictures of {} x {} pixels in {}; give a smaller number",
        to_text(augmentation), text_of(change), size.height, size.width, data.name);
  }
}

}  // namespace lockstep
