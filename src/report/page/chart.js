// Charts. Plotly draws; legend and buttons are real buttons, so that keyboards and screen readers reach them.

// The trace of one series, and that of its band from `low` to `high`.
function seriesTraces(series, look, visible) {
  const colour = cssColour(look.colour);
  const common = { name: plain(series.name), visible, x: series.x, y: series.y };
  if (look.bars) return [{ ...common, type: "bar", marker: { color: colour } }];
  const trace = {
    ...common, type: "scatter", connectgaps: false,
    mode: [look.line && "lines", look.markers && "markers"].filter(Boolean).join("+"),
    line: { color: colour, width: look.few ? 2.25 : 1.5, dash: look.dash },
    marker: { color: colour, symbol: look.symbol.name, size: look.line ? 6 : 5, opacity: look.line ? 1 : 0.7,
      maxdisplayed: look.line && !look.few ? kMarkersALine : 0 },
  };
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
    traces.push(...seriesTraces(series, seriesLook(section, series, looks), !state.hidden.has(i)));
  });
  return traces;
}

function chartLayout(section, state) {
  const named = section.series.some((series) => series.x.some((x) => typeof x === "string"));
  const names = [...new Set(section.series.flatMap((series) => series.x))];
  const unified = section.kind !== "points" && !section.surface && section.series.length <= 12;
  return {
    ...baseLayout(), barmode: "stack", bargap: named ? 0.4 : 0.05, hovermode: unified ? "x unified" : "closest",
    xaxis: axisLayout(section.x, named ? null : Boolean(section.x.log),
      named ? { type: "category", tickvals: names, ticktext: names.map(plain) } : {}),
    yaxis: axisLayout(section.y, state.log, { uirevision: String(state.log) }),
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
function chartTable(section) {
  const number = (name) => ({ name, number: true });
  const parts = (series) => ["y", "low", "high"].filter((part) => series[part]);
  if (section.series.some((series) => new Set(series.x).size < series.x.length)) {
    const bands = ["low", "high"].filter((part) => section.series.some((series) => series[part]));
    const rows = section.series.flatMap((series) => series.x.map((x, i) =>
      [series.name, x, series.y[i], ...bands.map((part) => series[part]?.[i] ?? null)]));
    const columns = [section.x.title, section.y.title, ...bands].map(number);
    return { columns: [{ name: "series", number: false }, ...columns], rows };
  }
  const columns = [number(section.x.title)];
  const rowOf = new Map();
  for (const series of section.series) {
    for (const part of parts(series)) {
      series.x.forEach((x, i) => {
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

function chartSection(section) {
  const looks = groupLooks(section.series);
  const state = { hidden: new Set(), log: Boolean(section.y.log) };
  const plot = element("div", { class: "plot", role: "img", "aria-label":
    `${section.title}. ${section.description ?? ""} Chart of ${section.y.title} against ${section.x.title}; series: ` +
    `${section.series.map((series) => series.name).join(", ")}. Its numbers: "Show as table".` });
  const draw = () => Plotly.react(plot, chartTraces(section, looks, state), chartLayout(section, state), kPlotConfig);
  const { buttons, holder } = dataTools(section.title, plot, () => chartTable(section));
  const log = section.kind === "stacked-bars" ? null : toggle("Log scale", state.log, (on) => {
    state.log = on;
    draw();
  });
  return { draw, parts: [legendView(section, looks, state, draw), plot,
    element("div", { class: "tools" }, log, ...buttons), holder] };
}
