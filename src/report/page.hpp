#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

namespace lockstep {

/// One self-contained HTML file that shows `document` in any current browser, also from file:// without a
/// network. Local; a pure function. Text of the document is shown as it is, never read as HTML; bytes that
/// are not UTF-8 are replaced, numbers that JSON has not (NaN) are gaps.
///
///     {"title", "subtitle", "generator": text, "sections": [section …]}
///
/// Every section has a "type" and a "title"; all but text and facts take a "description". null stands for an
/// absent value. By type:
///
///     text    "paragraphs": [text …]
///     facts   "items": [{"name", "value"} …]
///     chart   "id": for links to it; "kind": "lines" | "stacked-bars" | "points"; "x", "y": {"title",
///             "log": bool, "range": [low, high] (optional)}; "series": [{"name", "group" (optional: series
///             of one group share a colour), "style": "solid" | "dashed" | "dotted" (optional; a series of
///             points with a style is a line), "x": [number or text], "y": [number], "low", "high":
///             [number] (optional: a shaded band)} …]; "surface": {"x", "y", "z": [[number at y, x]]}
///             (optional: contour lines behind the series)
///     matrix  "rows", "columns": what they are; "labels": [text …]; "values": [[count …] …]
///     images  "items": [{"width", "height", "channels": 1 (grey) or 3 (red, green, blue), "pixels": base64
///     of
///             width x height x channels bytes, channels last, "caption"} …]
///     table   "columns": [{"name", "number": bool} …]; "rows": [[number or text …] …]
std::string page_html(const nlohmann::ordered_json& document);

}  // namespace lockstep
