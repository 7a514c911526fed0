#include "report/page.hpp"

#include <string_view>

#include <nlohmann/json.hpp>

#include "core/json.hpp"
#include "lockstep/core/error.hpp"
#include "report/assets.hpp"

namespace lockstep {

namespace {

/// `document` as JSON of ASCII characters none of which HTML gives a meaning: nothing in it ends the script
/// element that holds it, nor a line of a script.
std::string json_for_html(const nlohmann::ordered_json& document) {
  const std::string json = json_text(document, true);
  std::string text;
  text.reserve(json.size());
  for (const char c : json) {
    switch (c) {
      case '<':
        text += "\\u003c";
        break;
      case '>':
        text += "\\u003e";
        break;
      case '&':
        text += "\\u0026";
        break;
      default:
        text += c;
    }
  }
  return text;
}

/// What stands in the template as {{name}}.
std::string part(std::string_view name, const nlohmann::ordered_json& document) {
  if (name == "style") return std::string(assets::page_css());
  if (name == "theme") return std::string(assets::theme_js());
  if (name == "plotly") return std::string(assets::plotly_js());
  if (name == "document") return json_for_html(document);
  LOCKSTEP_CHECK(name == "script");
  std::string script;
  for (const std::string_view file :
       {assets::dom_js(), assets::menu_js(), assets::result_js(), assets::table_js(),
        assets::chart_style_js(), assets::chart_range_js(), assets::chart_lines_js(), assets::chart_js(),
        assets::matrix_js(), assets::bars_js(), assets::grid_js(), assets::parallel_js(),
        assets::refresh_js(), assets::page_js()}) {
    script += file;
  }
  return script;
}

}  // namespace

std::string page_html(const nlohmann::ordered_json& document) {
  constexpr std::string_view kOpen = "{{";
  constexpr std::string_view kClose = "}}";
  std::string_view left = assets::page_html();
  std::string page;
  for (std::size_t begin = left.find(kOpen); begin != std::string_view::npos; begin = left.find(kOpen)) {
    const std::size_t end = left.find(kClose, begin);
    page += left.substr(0, begin);
    page += part(left.substr(begin + kOpen.size(), end - begin - kOpen.size()), document);
    left.remove_prefix(end + kClose.size());
  }
  page += left;
  return page;
}

}  // namespace lockstep
