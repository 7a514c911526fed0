#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

// JSON from text and back. The templates behind both take seconds to compile wherever they are used, so that
// json.cpp has them for all.
namespace lockstep {

/// The JSON that `text` holds, as nlohmann::json or nlohmann::ordered_json. Errors: nlohmann's parse_error.
template <typename Json>
Json parse_json(std::string_view text);

/// The same, or a value of no type (is_discarded) where `text` is no JSON.
template <typename Json>
Json parse_json_or_nothing(std::string_view text);

/// `json` on one line, or on many where `indent` is not negative. Text that is no UTF-8 (a file name, say)
/// gets replacement characters; `ascii` escapes all that is not ASCII.
template <typename Json>
std::string json_text(const Json& json, bool ascii = false, int indent = -1);

}  // namespace lockstep
