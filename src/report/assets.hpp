#pragma once

#include <string_view>

namespace lockstep::assets {

/// The files of src/report/page, as they were when the library was built.
std::string_view page_html();
std::string_view page_css();
std::string_view plotly_js();
std::string_view theme_js();
std::string_view dom_js();
std::string_view table_js();
std::string_view menu_js();
std::string_view result_js();
std::string_view chart_style_js();
std::string_view chart_range_js();
std::string_view chart_lines_js();
std::string_view chart_js();
std::string_view matrix_js();
std::string_view bars_js();
std::string_view grid_js();
std::string_view parallel_js();
std::string_view refresh_js();
std::string_view page_js();

}  // namespace lockstep::assets
