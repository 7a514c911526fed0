#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "lockstep/nn/unit.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

class UnitWords;

/// How a unit is written in a configuration. To add one: write the unit in a file of its own beside
/// linear.cpp, with its form, and list that in unit_forms.cpp; programs of others call register_unit.
struct UnitForm {
  std::string name;  ///< "leaky-relu"
  std::vector<std::string> values =
      {};  ///< what may follow it, in brackets where it may be left out: "[SLOPE]"
  std::vector<std::string> options = {};  ///< what may be given by its name: "stride", as in stride=2
  std::vector<std::string> flags = {};    ///< words that say something by themselves: "nobias"
  std::function<std::unique_ptr<Unit>(const UnitWords& words)> make;

  /// "leaky-relu [SLOPE]", "conv OUTPUTS WINDOW [stride=…] [nobias]".
  std::string text() const;
};

/// A unit as somebody has written it: its name and the words after that.
class UnitWords {
 public:
  /// Errors: too few or too many values, unknown options, anything twice. `form` outlives the words.
  UnitWords(const UnitForm& form, const std::vector<std::string>& words);

  /// Value number `i`, or nothing where it was left out. Errors: no number.
  std::optional<double> number(std::size_t i) const;
  /// Value number `i`, which is a whole number from `lowest` to `highest`. Errors: something else; `expected`
  /// says what is, as "a whole number of outputs from 1 to 10".
  Index whole(std::size_t i, Index lowest, Index highest, const std::string& expected) const;

  /// The same of the option `name`, and `otherwise` where it is not given.
  Index whole_option(const std::string& name, Index lowest, Index highest, Index otherwise,
                     const std::string& expected) const;
  /// What the option `name` says, or nothing where it is not given.
  std::optional<std::string> option(const std::string& name) const;
  /// Whether value number `i` is this word; how many words there are in all.
  bool is(std::size_t i, const std::string& word) const { return i < values_.size() && values_[i] == word; }
  std::size_t count() const { return words_.size(); }
  bool has(const std::string& flag) const { return flags_.contains(flag); }

  /// Throws "'linear 0': expected …".
  [[noreturn]] void refuse(const std::string& expected) const;

 private:
  std::optional<double> number_of(const std::string& text) const;
  Index whole_of(std::optional<double> value, Index lowest, Index highest, const std::string& expected) const;

  const UnitForm& form_;
  std::vector<std::string> words_;
  std::vector<std::string> values_;
  std::map<std::string, std::string> options_;
  std::set<std::string> flags_;
};

/// All forms, in the order of their help.
const std::vector<UnitForm>& unit_forms();

/// Makes another unit known to configurations. Errors: a name that is known, or no word.
void register_unit(UnitForm form);

/// The unit that `words`, a name and its values, describe. Errors: an unknown name (the nearest known one is
/// named), a missing, superfluous or bad value.
std::unique_ptr<Unit> make_unit(const std::vector<std::string>& words);

/// The forms of the units in units.hpp, beside their sources.
UnitForm linear_form();
UnitForm conv_form();
UnitForm max_pool_form();
UnitForm avg_pool_form();
std::vector<UnitForm> flatten_forms();
std::vector<UnitForm> shortcut_forms();
UnitForm dropout_form();
UnitForm embedding_form();
UnitForm embed_categories_form();
UnitForm layer_norm_form();
UnitForm group_norm_form();
UnitForm batch_norm_form();
UnitForm softmax_form();
std::vector<UnitForm> activation_forms();

}  // namespace lockstep::inline LOCKSTEP_REAL
