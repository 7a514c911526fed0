#pragma once

#include <string>
#include <string_view>

#include "core/named.hpp"
#include "core/text.hpp"
#include "lockstep/core/error.hpp"

namespace lockstep {

/// Errors: a name that is no word, or that an element of `table` has already; `kind` is what they are, "a
/// loss".
template <typename Table>
void check_new_name(const Table& table, const std::string& name, std::string_view kind) {
  if (!is_name(name))
    fail_input("{} called '{}': expected a word of letters, digits, '-' and '_'", kind, name);
  if (find_named(table, name) != nullptr)
    fail_input("{} called '{}' is known already; give it another name", kind, name);
}

}  // namespace lockstep
