#include "lockstep/nn/unit_forms.hpp"

#include <algorithm>
#include <utility>

#include <fmt/ranges.h>

#include "core/named.hpp"
#include "core/registry.hpp"
#include "core/suggestion.hpp"
#include "core/text.hpp"
#include "lockstep/core/error.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

std::vector<UnitForm>& all_forms() {
  static std::vector<UnitForm> all = [] {
    std::vector<UnitForm> forms = {linear_form()};
    for (UnitForm& form : activation_forms()) forms.push_back(std::move(form));
    forms.push_back(dropout_form());
    forms.push_back(embedding_form());
    forms.push_back(layer_norm_form());
    forms.push_back(group_norm_form());
    forms.push_back(batch_norm_form());
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
  return values.empty() ? name : fmt::format("{} {}", name, fmt::join(values, " "));
}

UnitWords::UnitWords(const UnitForm& form, std::vector<std::string> values)
    : form_(form), values_(std::move(values)) {
  const auto needed = std::count_if(form.values.begin(), form.values.end(),
                                    [](const std::string& value) { return !may_be_left_out(value); });
  if (std::ssize(values_) < needed || values_.size() > form.values.size()) refuse("'" + form.text() + "'");
}

std::string UnitWords::word(std::size_t i) const { return i < values_.size() ? values_[i] : ""; }

std::optional<double> UnitWords::number(std::size_t i) const {
  if (i >= values_.size()) return std::nullopt;
  const std::optional<double> number = parse_number(values_[i]);
  if (!number) refuse("'" + form_.text() + "'");
  return number;
}

Index UnitWords::whole(std::size_t i, Index lowest, Index highest, const std::string& expected) const {
  const std::optional<double> value = number(i);
  const bool fits = value && *value >= static_cast<double>(lowest) && *value <= static_cast<double>(highest);
  if (!fits || *value != static_cast<double>(static_cast<Index>(*value))) refuse(expected);
  return static_cast<Index>(*value);
}

void UnitWords::refuse(const std::string& expected) const {
  const std::string space = values_.empty() ? "" : " ";
  fail_input("'{}{}{}': expected {}", form_.name, space, fmt::join(values_, " "), expected);
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
