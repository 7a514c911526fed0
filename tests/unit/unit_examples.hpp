#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/text.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/nn/unit_forms.hpp"

namespace lockstep::test {

/// What stands in the place of a value in a form's text.
inline std::string value_for(const std::string& word) {
  if (word == "HEIGHT") return "1";
  if (word == "DIM") return "2 at=1-2/4-5";  // as many values come out as go in
  if (word == "OUTPUTS" || word == "WIDTH" || word == "CHANNELS") return "6";
  return word.starts_with("WINDOW") || word == "GROUPS" || word == "STRIDE" ? "2" : "0.3";
}

/// The units of a form, as they are written: without its flags and with them.
inline std::vector<std::string> units_of(const UnitForm& form) {
  std::string text = form.name;
  for (const std::string& word : form.values) text += " " + value_for(word);
  std::string with_flags = text;
  for (const std::string& flag : form.flags) with_flags += " " + flag;
  return form.flags.empty() ? std::vector{text} : std::vector{text, with_flags};
}

inline bool takes(const std::string& text, const Shape& shape) {
  std::vector<std::string> words;
  for (const std::string_view word : split(text, ' ')) words.emplace_back(word);
  try {
    const std::unique_ptr<Unit> unit = make_unit(words);
    if (unit->takes_categories(0)) return false;
    unit->connect({&shape, 1});
    return true;
  } catch (const Error&) {
    return false;
  }
}

/// The registered units that may stand where a sample has `shape`, each with values that suit a test, and
/// what joins branches.
inline std::vector<std::string> units_that_take(const Shape& shape) {
  std::vector<std::string> units;
  for (const UnitForm& form : unit_forms()) {
    for (const std::string& unit : units_of(form)) {
      if (takes(unit, shape)) units.push_back(unit);
    }
  }
  if (shape.categories() == 0 && shape.axes().size() <= 3) {
    for (const std::string join : {"add", "concat"}) {
      units.push_back(join + "((identity), (tanh), (leaky-relu 0.1))");
    }
  }
  return units;
}

}  // namespace lockstep::test
