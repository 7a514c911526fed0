#pragma once

#include <string>
#include <vector>

namespace lockstep {

/// For words of one unit that make no sense together. Errors: one after the first is among `names`, those of
/// units, so that commas are missing; the message tells where. Capital and small letters are the same. Local.
void refuse_missing_commas(const std::vector<std::string>& words, const std::vector<std::string>& names);

}  // namespace lockstep
