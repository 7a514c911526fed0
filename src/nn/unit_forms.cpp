#include "lockstep/nn/unit_forms.hpp"

#include <algorithm>
#include <utility>

#include <fmt/ranges.h>

#include "core/named.hpp"
#include "core/registry.hpp"
#include "core/suggestion.hpp"
#include "core/text.hpp"
#include "lockstep/core/error.hpp"
#include "nn/missing_commas.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

std::vector<UnitForm> picture_forms() {
  std::vector<UnitForm> forms = {conv_form(), max_pool_form(), avg_pool_form()};
  for (UnitForm& form : flatten_forms()) forms.push_back(std::move(form));
  for (UnitForm& form : shortcut_forms()) forms.push_back(std::move(form));
  return forms;
}

std::vector<UnitForm>& all_forms() {
  static std::vector<UnitForm> all = [] {
    std::vector<UnitForm> forms = {linear_form()};
    for (UnitForm& form : activation_forms()) forms.push_back(std::move(form));
    forms.push_back(softmax_form());
    forms.push_back(dropout_form());
    forms.push_back(embedding_form());
    forms.push_back(embed_categories_form());
    forms.push_back(layer_norm_form());
    forms.push_back(group_norm_form());
    forms.push_back(batch_norm_form());
    for (UnitForm& form : picture_forms()) forms.push_back(std::move(form));
    return forms;
  }();
  return all;
}

bool may_be_left_out(const std::string& value) { return value.starts_with('['); }

std::vector<std::string> texts_of_forms() {
  std::vector<std::string> texts;
  for (const UnitForm& form : unit_forms()) texts.push_back(form.text());
  return texts;
}

}  // namespace

std::string UnitForm::text() const {
  std::vector<std::string> words = {name};
  words.insert(words.end(), values.begin(), values.end());
  for (const std::string& option : options) words.push_back(fmt::format("[{}=…]", option));
  for (const std::string& flag : flags) words.push_back(fmt::format("[{}]", flag));
  return fmt::format("{}", fmt::join(words, " "));
}

UnitWords::UnitWords(const UnitForm& form, const std::vector<std::string>& words)
    : form_(form), words_(words) {
  const auto contains = [](const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  const std::string expected = "'" + form.text() + "'";
  for (const std::string& word : words) {
    const std::size_t equals = word.find('=');
    if (equals != std::string::npos) {
      const std::string option = word.substr(0, equals);
      if (!contains(form.options, option)) refuse(expected + suggestion(option, form.options));
      if (!options_.emplace(option, word.substr(equals + 1)).second) {
        refuse(expected);
      }
    } else if (contains(form.flags, word)) {
      if (!flags_.insert(word).second) refuse(expected);
    } else {
      values_.push_back(word);
    }
  }
  const auto needed = std::count_if(form.values.begin(), form.values.end(),
                                    [](const std::string& value) { return !may_be_left_out(value); });
  if (std::ssize(values_) < needed) refuse(expected);
  if (values_.size() > form.values.size()) refuse(expected + suggestion(values_.back(), form.flags));
}

std::optional<double> UnitWords::number(std::size_t i) const {
  return i < values_.size() ? number_of(values_[i]) : std::nullopt;
}

Index UnitWords::whole(std::size_t i, Index lowest, Index highest, const std::string& expected) const {
  return whole_of(number(i), lowest, highest, expected);
}

Index UnitWords::whole_option(const std::string& name, Index lowest, Index highest, Index otherwise,
                              const std::string& expected) const {
  const std::optional<std::string> text = option(name);
  return text ? whole_of(number_of(*text), lowest, highest, expected) : otherwise;
}

std::optional<std::string> UnitWords::option(const std::string& name) const {
  const auto found = options_.find(name);
  return found == options_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<double> UnitWords::number_of(const std::string& text) const {
  const std::optional<double> number = parse_number(text);
  if (!number) refuse("'" + form_.text() + "'");
  return number;
}

Index UnitWords::whole_of(std::optional<double> value, Index lowest, Index highest,
                          const std::string& expected) const {
  const bool fits = value && *value >= static_cast<double>(lowest) && *value <= static_cast<double>(highest);
  if (!fits || *value != static_cast<double>(static_cast<Index>(*value))) refuse(expected);
  return static_cast<Index>(*value);
}

void UnitWords::refuse(const std::string& expected) const {
  std::vector<std::string> all = {form_.name};
  all.insert(all.end(), words_.begin(), words_.end());
  refuse_missing_commas(all, names_of(unit_forms()));
  fail_input("'{}': expected {}", fmt::join(all, " "), expected);
}

const std::vector<UnitForm>& unit_forms() { return all_forms(); }

void register_unit(UnitForm form) {
  check_new_name(unit_forms(), form.name, "a unit");
  all_forms().push_back(std::move(form));
}

std::unique_ptr<Unit> make_unit(const std::vector<std::string>& words) {
  const std::string name = words.empty() ? "" : words.front();
  const UnitForm* const form = find_named(unit_forms(), name);
  if (form == nullptr) {
    fail_input("unknown unit '{}'; known are: {}{}", fmt::join(words, " "), join(texts_of_forms()),
               suggestion(name, names_of(unit_forms())));
  }
  return form->make(UnitWords(*form, {words.begin() + 1, words.end()}));
}

}  // namespace lockstep::inline LOCKSTEP_REAL
