#include "report/assets.hpp"

// The assembler takes the bytes of a file into the library. LOCKSTEP_PAGE_FOLDER comes from CMake, which also
// knows that this source depends on the files. Not formatted: one line of assembler a line.
// clang-format off
#define LOCKSTEP_ASSET(name, file)                                                             \
  __asm__(".pushsection .rodata\n"                                                             \
          ".globl lockstep_asset_" #name ", lockstep_asset_" #name "_end\n"                    \
          ".hidden lockstep_asset_" #name ", lockstep_asset_" #name "_end\n"                   \
          "lockstep_asset_" #name ":\n"                                                        \
          ".incbin \"" LOCKSTEP_PAGE_FOLDER "/" file "\"\n"                                    \
          "lockstep_asset_" #name "_end:\n"                                                    \
          ".byte 0\n"                                                                          \
          ".popsection\n");                                                                    \
  extern "C" __attribute__((visibility("hidden"))) const char lockstep_asset_##name[];         \
  extern "C" __attribute__((visibility("hidden"))) const char lockstep_asset_##name##_end[];   \
  std::string_view lockstep::assets::name() { return {lockstep_asset_##name, lockstep_asset_##name##_end}; }
// clang-format on

LOCKSTEP_ASSET(page_html, "page.html")
LOCKSTEP_ASSET(page_css, "page.css")
LOCKSTEP_ASSET(plotly_js, "vendor/plotly-cartesian.min.js")
LOCKSTEP_ASSET(theme_js, "theme.js")
LOCKSTEP_ASSET(dom_js, "dom.js")
LOCKSTEP_ASSET(table_js, "table.js")
LOCKSTEP_ASSET(menu_js, "menu.js")
LOCKSTEP_ASSET(result_js, "result.js")
LOCKSTEP_ASSET(chart_style_js, "chart_style.js")
LOCKSTEP_ASSET(chart_range_js, "chart_range.js")
LOCKSTEP_ASSET(chart_lines_js, "chart_lines.js")
LOCKSTEP_ASSET(chart_js, "chart.js")
LOCKSTEP_ASSET(matrix_js, "matrix.js")
LOCKSTEP_ASSET(bars_js, "bars.js")
LOCKSTEP_ASSET(grid_js, "grid.js")
LOCKSTEP_ASSET(parallel_js, "parallel.js")
LOCKSTEP_ASSET(refresh_js, "refresh.js")
LOCKSTEP_ASSET(page_js, "page.js")
