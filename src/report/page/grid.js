// Results over two settings, as a heat map.

function gridLayout({ x, y }) {
  const ticks = (axis) => ({ tickformat: null, tickvals: axis.values.map((_, i) => i), ticktext: axis.values.map(plain),
    showgrid: false, fixedrange: true });
  return { ...baseLayout(), hovermode: "closest", xaxis: axisLayout(x, false, ticks(x)),
    yaxis: axisLayout(y, false, ticks(y)) };
}

function gridTrace({ x, y, name, values, lower_is_better: lowerIsBetter }) {
  const said = (value, i, j) => plain(`${x.title} = ${x.values[i]}, ${y.title} = ${y.values[j]}: ${shown(value)}`);
  return {
    type: "heatmap", z: values, xgap: 1, ygap: 1, hoverongaps: false, text: values.map((row) => row.map(shown)),
    texttemplate: values.length * x.values.length <= 100 ? "%{text}" : "", hoverinfo: "text",
    textfont: { color: cssColour("--text") },
    hovertext: values.map((row, j) => row.map((value, i) => said(value, i, j))),
    colorscale: [[0, cssColour("--heat-0")], [1, cssColour("--heat-1")]], reversescale: lowerIsBetter,
    colorbar: { thickness: 10, outlinewidth: 0, title: { text: plain(name), side: "right" } },
  };
}

function gridSection(section) {
  const { x, y, values } = section;
  const plot = element("div", { class: "plot", role: "img", "aria-label": `${section.title}. Heat map of ` +
    `${section.name} over ${x.title} and ${y.title}. Its numbers: "Show as table".` });
  const draw = () => Plotly.react(plot, [gridTrace(section)], gridLayout(section), kPlotConfig);
  const { buttons, holder } = dataTools(section.title, plot, () => ({
    columns: [{ name: `${y.title} \\ ${x.title}`, number: false }, ...x.values.map((name) => ({ name, number: true }))],
    rows: values.map((row, j) => [y.values[j], ...row]),
  }));
  return { draw, menu: menuView(section.title, ...buttons), parts: [plot, holder] };
}
