#include "core/json.hpp"

#include <nlohmann/json.hpp>

namespace lockstep {

template <typename Json>
Json parse_json(std::string_view text) {
  return Json::parse(text.begin(), text.end());
}

template <typename Json>
Json parse_json_or_nothing(std::string_view text) {
  return Json::parse(text.begin(), text.end(), nullptr, false);
}

template <typename Json>
std::string json_text(const Json& json, bool ascii, int indent) {
  return json.dump(indent, ' ', ascii, Json::error_handler_t::replace);
}

template nlohmann::json parse_json(std::string_view text);
template nlohmann::ordered_json parse_json(std::string_view text);
template nlohmann::json parse_json_or_nothing(std::string_view text);
template nlohmann::ordered_json parse_json_or_nothing(std::string_view text);
template std::string json_text(const nlohmann::json& json, bool ascii, int indent);
template std::string json_text(const nlohmann::ordered_json& json, bool ascii, int indent);

}  // namespace lockstep
