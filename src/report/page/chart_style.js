// How charts look: colours, dashes and markers of groups, axes, the theme's colours.

const kColours = 8;  // --series-1 … in page.css; further ones are hues between them
const kGoldenAngle = 137.508;  // degrees: hues at its multiples stay apart however many there are
// Plotly's names of markers, and their outlines for the legend. As many as colours less one: 56 groups differ.
const kSymbols = [
  { name: "circle", path: "M4.5,0A4.5,4.5 0 1,1 -4.5,0A4.5,4.5 0 1,1 4.5,0Z" },
  { name: "square", path: "M-4,-4H4V4H-4Z" },
  { name: "triangle-up", path: "M0,-5L5,4H-5Z" },
  { name: "diamond", path: "M0,-5.5L5.5,0L0,5.5L-5.5,0Z" },
  { name: "cross", path: "M-1.7,-5H1.7V-1.7H5V1.7H1.7V5H-1.7V1.7H-5V-1.7H-1.7Z" },
  { name: "triangle-down", path: "M0,5L5,-4H-5Z" },
  { name: "x", path: "M-4.5,-2.5L-2.5,-4.5L0,-2L2.5,-4.5L4.5,-2.5L2,0L4.5,2.5L2.5,4.5L0,2L-2.5,4.5L-4.5,2.5L-2,0Z" },
];
// Of the first eight groups of a chart, of the next eight, …
const kDashes = {
  solid: ["solid", "12px,3px", "12px,3px,2px,3px", "12px,3px,2px,3px,2px,3px"],
  dashed: ["6px,4px", "6px,2px,6px,6px", "6px,4px,1px,4px", "6px,4px,1px,2px,1px,4px"],
  dotted: ["2px,3px", "2px,6px", "2px,3px,2px,8px", "1px,2px"],
};
const kFewPoints = 40;       // up to here every point is marked
const kMarkersALine = 10;    // beyond, so many, where groups must be told apart without colour
const kPlotConfig = { displayModeBar: false, displaylogo: false, responsive: true, showTips: false };

// Plotly reads some HTML in its texts; this shows any text as it is.
function plain(text) {
  return String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

const groupOf = (series) => series.group ?? series.name;
const styleOf = (series) => series.style ?? "solid";

// The colour of a group's place as CSS, which follows the theme, and as Plotly reads it.
function cssSeriesColour(index) {
  if (index < kColours) return `var(--series-${index + 1})`;
  const shift = 9 * (Math.floor(index / kColours) % 3 - 1);
  return `hsl(${(index * kGoldenAngle % 360).toFixed(2)} 60% calc(var(--series-lightness) + ${shift}%))`;
}

function seriesColour(index) {
  const probe = element("i", { style: `color: ${cssSeriesColour(index)}` });
  document.body.append(probe);
  const [red, green, blue] = getComputedStyle(probe).color.match(/[\d.]+/g).map(Number);
  probe.remove();
  return `#${[red, green, blue].map((part) => Math.round(part).toString(16).padStart(2, "0")).join("")}`;
}

// The place in the palette of each group that several charts share: it looks the same in all of them.
const sharedGroups = new Map();

function findSharedGroups(charts) {
  const count = new Map();
  for (const chart of charts) {
    for (const group of new Set(chart.series.map(groupOf))) count.set(group, (count.get(group) ?? 0) + 1);
  }
  for (const [group, times] of count) if (times > 1) sharedGroups.set(group, sharedGroups.size);
}

// The place of each group: that which it has in all charts, where the chart has room for it, else one that is free. No
// two groups share one.
function groupPlaces(groups) {
  const most = Math.max(kColours, groups.length);
  const places = new Map();
  const taken = new Set();
  for (const group of groups) {
    const shared = sharedGroups.get(group);
    if (shared === undefined || shared >= most) continue;
    places.set(group, shared);
    taken.add(shared);
  }
  let free = 0;
  for (const group of groups) {
    if (places.has(group)) continue;
    while (taken.has(free)) ++free;
    places.set(group, free);
    taken.add(free);
  }
  return places;
}

// Colour and marker of each group. Groups that share a style also differ by marker, and beyond the eighth by dash.
function groupLooks(series) {
  const groups = [...new Set(series.map(groupOf))];
  const places = groupPlaces(groups);
  const users = new Map();  // of each style
  for (const one of series) {
    if (!users.has(styleOf(one))) users.set(styleOf(one), new Set());
    users.get(styleOf(one)).add(groupOf(one));
  }
  const marked = new Set(series.filter((one) => users.get(styleOf(one)).size > 1).map(groupOf));
  return new Map(groups.map((group) => {
    const place = places.get(group);
    return [group, { place, symbol: kSymbols[place % kSymbols.length], marked: marked.has(group) }];
  }));
}

// What is drawn of one series, for plot and legend alike.
function seriesLook(section, series, looks) {
  const look = looks.get(groupOf(series));
  const bars = section.kind === "stacked-bars";
  const line = section.kind === "lines" || (section.kind === "points" && series.style !== undefined);
  const few = series.x.length <= kFewPoints;
  const markers = section.kind === "lines" ? few || look.marked : section.kind === "points" && !line;
  const dashes = kDashes[styleOf(series)];
  return { ...look, bars, line, few, markers, dash: dashes[Math.floor(look.place / kColours) % dashes.length] };
}

function axisLayout(axis, log, extra = {}) {
  const range = axis.range && (log ? axis.range.map(Math.log10) : axis.range);
  return {
    title: { text: plain(axis.title ?? ""), standoff: 8 },
    ...(log === null ? {} : { type: log ? "log" : "linear", tickformat: log ? "" : ",.8~g" }),
    ...(range ? { range, autorange: false } : {}),
    automargin: true, gridcolor: cssColour("--grid"), zeroline: false, linecolor: cssColour("--line"),
    tickcolor: cssColour("--line"), hoverformat: ",.5~g", exponentformat: "power", fixedrange: isTouched(),
    ...extra,
  };
}

// Dragging on a touch screen scrolls the page, not the chart.
function isTouched() {
  return matchMedia("(pointer: coarse)").matches;
}

function baseLayout() {
  return {
    autosize: true, showlegend: false, margin: { l: 48, r: 12, t: 8, b: 40 }, uirevision: "kept",
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", dragmode: isTouched() ? false : "zoom",
    font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: cssColour("--muted") },
    hoverlabel: { bgcolor: cssColour("--surface"), bordercolor: cssColour("--line"), namelength: -1,
      font: { color: cssColour("--text"), size: 12 } },
  };
}

// The mark of a series in the legend: a piece of its line, its marker or its bar.
function swatch(look) {
  const make = (tag, attributes) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    return made;
  };
  const svg = make("svg", { width: 26, height: 12, viewBox: "0 0 26 12", "aria-hidden": "true" });
  const colour = cssSeriesColour(look.place);
  if (look.bars) svg.append(make("rect", { x: 7, y: 0, width: 12, height: 12, rx: 2, style: `fill: ${colour}` }));
  if (look.line) {
    svg.append(make("line", { x1: 0, y1: 6, x2: 26, y2: 6, "stroke-dasharray": look.dash.replace("solid", "none"),
      style: `stroke: ${colour}; stroke-width: 2` }));
  }
  if (look.markers) {
    svg.append(make("path", { d: look.symbol.path, transform: "translate(13,6)", style: `fill: ${colour}` }));
  }
  return svg;
}
