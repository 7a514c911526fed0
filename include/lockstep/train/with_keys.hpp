#pragma once

#include <string>
#include <string_view>

#include "lockstep/core/real.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// `message` for a person who writes configurations. Errors and warnings name an option in backquotes, as it
/// is written below its section: "set `header` = yes". Here each such name becomes its key, data.header, if
/// it stands as a word of its own and exactly one section has it; all else stays. For log::set_wording.
/// Local; a pure function.
std::string with_keys(std::string_view message);

}  // namespace lockstep::inline LOCKSTEP_REAL
