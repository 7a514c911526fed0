// Charts. Plotly draws; legend and buttons are real buttons, so that keyboards and screen readers reach them.

// The trace of one series, and that of its band from `low` to `high`.
function seriesTraces(series, look, visible, state) {
  const colour = seriesColour(look.place);
  const x = along(series, state);
  const smooths = state.smoothing > 0 && look.line && !look.few;
  const common = { name: plain(series.name), visible, x, y: smooths ? smoothed(series.y, state.smoothing) : series.y };
  if (look.bars) return [{ ...common, type: "bar", marker: { color: colour } }];
  const trace = {
    ...common, type: "scatter", connectgaps: false,
    mode: [look.line && "lines", look.markers && "markers"].filter(Boolean).join("+"),
    line: { color: colour, width: look.few ? 2.25 : 1.5, dash: look.dash },
    marker: { color: colour, symbol: look.symbol.name, size: look.line ? 6 : 5, opacity: look.line ? 1 : 0.7,
      maxdisplayed: look.line && !look.few ? kMarkersALine : 0 },
  };
  if (smooths) {
    return [{ type: "scatter", mode: "lines", visible, x, y: series.y, hoverinfo: "skip", meta: "raw", opacity: 0.25,
      line: { color: colour, width: 1 } }, trace];
  }
  if (!series.low || !series.high) return [trace];
  const known = series.x.map((_, i) => i).filter((i) => series.low[i] !== null && series.high[i] !== null);
  const back = [...known].reverse();
  return [{
    type: "scatter", mode: "lines", visible, hoverinfo: "skip", meta: "band", line: { width: 0 }, fill: "toself",
    fillcolor: colour + "30",
    x: [...known, ...back].map((i) => series.x[i]),
    y: [...known.map((i) => series.high[i]), ...back.map((i) => series.low[i])],
  }, trace];
}

// Contour lines of z at levels that are equally spaced on a logarithmic scale of both signs (linear next to zero).
function surfaceTrace(surface) {
  const largest = Math.max(...surface.z.flat().map(Math.abs)) || 1;
  const level = (z) => Math.sign(z) * Math.log10(1 + 1e4 * Math.abs(z) / largest);
  return {
    type: "contour", x: surface.x, y: surface.y, z: surface.z.map((row) => row.map(level)), meta: "surface",
    ncontours: 30, contours: { coloring: "lines" }, line: { width: 1, smoothing: 1 }, showscale: false,
    hoverinfo: "skip", opacity: 0.55, colorscale: [[0, cssColour("--line")], [1, cssColour("--muted")]],
  };
}

function chartTraces(section, looks, state) {
  const traces = section.surface ? [surfaceTrace(section.surface)] : [];
  section.series.forEach((series, i) => {
    traces.push(...seriesTraces(series, seriesLook(section, series, looks), !state.hidden.has(i), state));
  });
  return traces;
}

function chartLayout(section, state) {
  const named = section.series.some((series) => series.x.some((x) => typeof x === "string"));
  const names = [...new Set(section.series.flatMap((series) => series.x))];
  const unified = section.kind !== "points" && !section.surface && section.series.length <= 12;
  const range = valueRange(section, state);
  return {
    ...baseLayout(), ...bestMarks(section, state), barmode: "stack", bargap: named ? 0.4 : 0.05,
    hovermode: unified ? "x unified" : "closest",
    xaxis: axisLayout({ ...section.x, title: xTitle(section, state) }, named ? null : Boolean(section.x.log),
      named ? { type: "category", tickvals: names, ticktext: names.map(plain) } : { uirevision: String(state.x) }),
    yaxis: axisLayout(section.y, state.log, { uirevision: [state.log, state.robust, ...(range ?? [])].join(),
      ...(range ? { range, autorange: false } : {}) }),
  };
}

function legendView(section, looks, state, draw) {
  const toggles = section.series.map((series, i) => {
    const made = toggle("", true, (on) => {
      if (on) state.hidden.delete(i); else state.hidden.add(i);
      draw();
    });
    made.append(swatch(seriesLook(section, series, looks)), element("span", {}, series.name));
    return made;
  });
  const setAll = (on) => () => {
    toggles.forEach((one, i) => {
      one.setAttribute("aria-pressed", on);
      if (on) state.hidden.delete(i); else state.hidden.add(i);
    });
    draw();
  };
  const all = toggles.length > 4 ? [button("All", setAll(true), { class: "plain" }),
    button("None", setAll(false), { class: "plain" })] : [];
  return element("div", { class: "legend", role: "group", "aria-label": "Shown series" }, ...toggles, ...all);
}

// The numbers behind a chart: a row an x where every series has each x once, else a row a point.
function chartTable(section, state) {
  const number = (name) => ({ name, number: true });
  const parts = (series) => ["y", "low", "high"].filter((part) => series[part]);
  const title = xTitle(section, state);
  const xOf = (series) => along(series, state);
  if (section.series.some((series) => new Set(xOf(series)).size < xOf(series).length)) {
    const bands = ["low", "high"].filter((part) => section.series.some((series) => series[part]));
    const rows = section.series.flatMap((series) => xOf(series).map((x, i) =>
      [series.name, x, series.y[i], ...bands.map((part) => series[part]?.[i] ?? null)]));
    const columns = [title, section.y.title, ...bands].map(number);
    return { columns: [{ name: "series", number: false }, ...columns], rows };
  }
  const columns = [number(title)];
  const rowOf = new Map();
  for (const series of section.series) {
    for (const part of parts(series)) {
      xOf(series).forEach((x, i) => {
        if (!rowOf.has(x)) rowOf.set(x, [x]);
        rowOf.get(x)[columns.length] = series[part][i];
      });
      columns.push(number(part === "y" ? series.name : `${series.name} (${part})`));
    }
  }
  const rows = [...rowOf.values()].map((row) => columns.map((_, i) => row[i] ?? null));
  if (rows.every((row) => typeof row[0] === "number")) rows.sort((a, b) => a[0] - b[0]);
  return { columns, rows };
}

// Buttons for the data of a plot: shown as a table below it, or saved.
function dataTools(title, plot, makeTable) {
  const holder = element("div", { hidden: "" });
  const show = button("Show as table", () => {
    const opening = holder.hidden;
    const { columns, rows } = makeTable();
    holder.replaceChildren(...(opening ? [tableView(title, columns, rows)] : []));
    holder.hidden = !opening;
    show.setAttribute("aria-expanded", opening);
    show.textContent = opening ? "Hide table" : "Show as table";
  }, { "aria-expanded": "false" });
  const data = button("Download data (CSV)", () => {
    const { columns, rows } = makeTable();
    saveFile(`${fileName(title)}.csv`, "text/csv", csvText(columns.map((column) => column.name), rows));
  });
  const picture = button("Save as SVG", () => Plotly.downloadImage(plot, {
    format: "svg", filename: fileName(title), width: plot.clientWidth, height: plot.clientHeight }));
  return { buttons: [show, data, picture], holder };
}

// The controls that a chart has use for: scale, smoothing, what runs along x.
function chartControls(section, state, draw) {
  const set = (name) => (value) => {
    state[name] = value;
    draw();
  };
  const lines = section.kind === "lines" && !section.surface;
  const long = lines && section.series.some((series) => series.x.length > kFewPoints);
  const others = section.x.others ?? [];
  return [
    others.length === 0 ? null : choice("Along x", [[section.x.title, null], ...others.map((title) => [title, title])],
      set("x")),
    long ? choice("Smoothing", kSmoothings, set("smoothing")) : null,
    section.kind === "stacked-bars" ? null : toggle("Log scale", state.log, set("log")),
    section.y.robust ? toggle("Outliers", false, (on) => set("robust")(!on)) : null,
  ];
}

function chartSection(section) {
  const looks = groupLooks(section.series);
  const state = { hidden: new Set(), log: Boolean(section.y.log), robust: Boolean(section.y.robust), smoothing: 0,
    x: null };
  const plot = element("div", { class: "plot", role: "img", "aria-label":
    `${section.title}. ${section.description ?? ""} Chart of ${section.y.title} against ${section.x.title}; series: ` +
    `${section.series.map((series) => series.name).join(", ")}. Its numbers: "Show as table".` });
  const note = element("p", { class: "muted note", hidden: "" },
    "Outliers are outside of the picture; the menu shows them.");
  const draw = () => {
    note.hidden = !state.robust || state.log || robustRange(shownValues(section, state)) === null;
    return Plotly.react(plot, chartTraces(section, looks, state), chartLayout(section, state), kPlotConfig);
  };
  const { buttons, holder } = dataTools(section.title, plot, () => chartTable(section, state));
  return { draw, menu: menuView(section.title, ...chartControls(section, state, draw), ...buttons),
    parts: [legendView(section, looks, state, draw), plot, note, holder] };
}
