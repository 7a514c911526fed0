// Results over many settings, as parallel coordinates.

// From 0, the worst, to 1, the best, by rank; lines come best last, and so on top.
function rankedLines({ lines, lower_is_better: lowerIsBetter }) {
  const sign = lowerIsBetter ? 1 : -1;
  const ranked = lines.filter((line) => line.result !== null).sort((a, b) => sign * (b.result - a.result));
  return ranked.map((line, i) => ({ ...line, rank: ranked.length < 2 ? 1 : i / (ranked.length - 1) }));
}

function mixedColour(from, to, share) {
  const parts = (colour) => [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16));
  const [a, b] = [parts(from), parts(to)];
  return `#${a.map((part, i) => Math.round(part + share * (b[i] - part)).toString(16).padStart(2, "0")).join("")}`;
}

// How high a value of a setting, and a result, stands: from 0 to 1, the best result at 1.
function valueHeight(axis, at) {
  if (axis.heights) return axis.heights[at];
  return axis.values.length < 2 ? 0.5 : at / (axis.values.length - 1);
}

// The places of the values that have room for their texts.
function labelledPlaces(axis) {
  const places = [];
  for (const at of axis.values.keys()) {
    const room = places.length === 0 ? 1 : valueHeight(axis, at) - valueHeight(axis, places.at(-1));
    if (room >= 0.04) places.push(at);
  }
  return places;
}

function resultHeight(section, result, [low, high]) {
  if (high === low) return 0.5;
  const share = (result - low) / (high - low);
  return section.lower_is_better ? 1 - share : share;
}

function parallelTraces({ axes, ...section }, lines, ends) {
  return lines.map((line) => ({
    type: "scatter", mode: "lines", name: plain(line.name), x: [...axes.keys(), axes.length],
    y: [...axes.map((axis, i) => valueHeight(axis, line.at[i])), resultHeight(section, line.result, ends)],
    hoverinfo: "text", text: plain(`${line.name}: ${shown(line.result)}`),
    line: { width: line.rank === 1 ? 4 : 1.5,
      color: mixedColour(cssColour("--line"), cssColour("--series-1"), line.rank) },
  }));
}

function parallelLayout({ axes, name, ...section }, ends) {
  const label = (x, y, text) => ({ x, y, text: plain(text), showarrow: false, xanchor: "left", xshift: 4, opacity: 0.85,
    bgcolor: cssColour("--surface"), font: { size: 11, color: cssColour("--text") } });
  const annotations = axes.flatMap((axis, x) =>
    labelledPlaces(axis).map((at) => label(x, valueHeight(axis, at), axis.values[at])));
  for (const end of new Set(ends)) {
    annotations.push(label(axes.length, resultHeight(section, end, ends), shown(end)));
  }
  const broken = (key) => plain(key).replaceAll(/[-. ]/g, (mark) => `${mark}<br>`);  // keys are longer than their room
  return { ...baseLayout(), hovermode: "closest", annotations,
    xaxis: axisLayout({ title: "" }, false, { tickvals: [...axes.keys(), axes.length], tickformat: null, tickangle: 0,
      ticktext: [...axes.map((axis) => axis.title), name].map(broken), range: [-0.35, axes.length + 0.5],
      gridcolor: cssColour("--muted"), fixedrange: true }),
    yaxis: { visible: false, range: [-0.06, 1.06], fixedrange: true } };
}

// One vertical axis a setting, the last is the result, better upwards; one line a point.
function parallelSection(section) {
  const { axes, name } = section;
  const lines = rankedLines(section);
  const results = lines.map((line) => line.result);
  const ends = lines.length === 0 ? [] : [Math.min(...results), Math.max(...results)];
  const plot = element("div", { class: "plot", role: "img", "aria-label": `${section.title}. Parallel coordinates of ` +
    `${axes.map((axis) => axis.title).join(", ")} and ${name}, one line a point. Its numbers: "Show as table".` });
  const draw = () =>
    Plotly.react(plot, parallelTraces(section, lines, ends), parallelLayout(section, ends), kPlotConfig);
  const { buttons, holder } = dataTools(section.title, plot, () => ({
    columns: [...axes.map((axis) => ({ name: axis.title, number: false })), { name, number: true }],
    rows: [...lines].reverse().map((line) => [...axes.map((axis, i) => axis.values[line.at[i]]), line.result]),
  }));
  return { draw, menu: menuView(section.title, ...buttons), parts: [plot, holder] };
}
