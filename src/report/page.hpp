#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

namespace lockstep {

/// One self-contained HTML file that shows `document` in any current browser, also from file:// without a
/// network. Local; a pure function. Text of the document is shown as it is, never read as HTML; bytes that
/// are not UTF-8 are replaced, numbers that JSON has not (NaN) are gaps.
///
///     {"title", "subtitle", "generator": text, "refresh": seconds after which the page loads itself anew
///      (optional), "sections": [section …]}
///
/// Every section has a "type" and a "title"; all but text and facts take a "description". One that is
/// "folded" shows its title alone until it is opened. null stands for an absent value. By type:
///
///     text    "paragraphs": [text …]
///     result  "status": "running" | "finished" | "interrupted" | "failed" (optional); "silent":
///             {"from": seconds since 1970, "status": text} (optional: what the page says instead from then
///             on); "reason": text (optional); "headline": {"name", "value"} (optional); "items": as those of
///             facts; "command": text to copy (optional)
///     facts   "items": [{"name", "value"} …]
///     chart   "id": for links to it; "kind": "lines" | "stacked-bars" | "points"; "x", "y": {"title",
///             "log": bool, "range": [low, high] (optional)}, for y "robust": true (optional: a few outliers
///             lie outside of the picture), for x "others": [title …] (optional: what else a person may have
///             along x); "series": [{"name", "group" (optional: series of one group share a colour), "style":
///             "solid" | "dashed" | "dotted" (optional; a series of points with a style is a line), "x":
///             [number or text], "y": [number], "low", "high": [number] (optional: a shaded band), "along":
///             {title of others: [number]}, "best": index of the point that is marked (optional)} …];
///             "surface": {"x", "y", "z": [[number at y, x]]} (optional: contour lines behind the series)
///     bars    "name": what the values are; "items": [{"name", "value", "deviation" (optional: drawn about
///     the
///             bar's end)} …], a bar each from 0, in their order
///     grid    "x", "y": {"title", "values": [text …]}; "name": what "values": [[number at y, x]] are;
///             "lower_is_better"
///     parallel "axes": [{"title", "values": [text …] in their order, "heights": [number from 0 to 1]
///             (optional, rising: where they stand; otherwise evenly spaced)}]; "name": what the result is;
///             "lower_is_better"; "lines": [{"name", "at": [index of the value on each axis], "result"} …]
///     matrix  "rows", "columns": what they are; "labels": [text …]; "values": [[count …] …]
///     images  "items": [{"width", "height", "channels": 1 (grey) or 3 (red, green, blue), "pixels": base64
///             of width x height x channels bytes, channels last, "caption"} …]
///     table   "columns": [{"name", "number": bool} …]; "rows": [[number or text …] …]; "hide_same":
///             true (optional: columns with one value are hidden at first)
std::string page_html(const nlohmann::ordered_json& document);

}  // namespace lockstep
