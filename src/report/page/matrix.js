// Matrices as heat maps (a confusion matrix), and images of grey pixels.

const kMostLabelledClasses = 20;  // more have no room for their counts

// Each value's share of its row; rows without samples have none.
function rowShares(values) {
  return values.map((row) => {
    const sum = row.reduce((a, b) => a + b, 0);
    return row.map((value) => (sum > 0 ? value / sum : 0));
  });
}

function matrixLayout(section, narrow) {
  const { labels } = section;
  const step = Math.ceil(labels.length / kMostLabelledClasses);
  const tickvals = labels.map((_, i) => i).filter((i) => i % step === 0);
  const short = (text) => (narrow && text.length > 9 ? `${text.slice(0, 8)}…` : text);
  const ticks = { tickvals, ticktext: tickvals.map((i) => plain(short(labels[i]))), showgrid: false, fixedrange: true };
  return {
    ...baseLayout(), hovermode: "closest",
    xaxis: axisLayout({ title: section.columns }, false, { ...ticks, constrain: "domain" }),
    yaxis: axisLayout({ title: section.rows }, false, { ...ticks, autorange: "reversed" }),
  };
}

function matrixTrace(section, narrow) {
  const { labels, values, rows, columns } = section;
  const shares = rowShares(values);
  const said = (i, j) => plain(`${rows} ${labels[i]}, ${columns} ${labels[j]}: ${shown(values[i][j])} ` +
    `(${(100 * shares[i][j]).toFixed(1)}% of the row)`);
  return {
    type: "heatmap", z: shares, zmin: 0, zmax: 1, text: values, xgap: 1, ygap: 1, showscale: !narrow,
    texttemplate: labels.length <= kMostLabelledClasses ? "%{text}" : "", textfont: { size: narrow ? 8 : 11, color: cssColour("--text") },
    hoverinfo: "text", hovertext: values.map((row, i) => row.map((_, j) => said(i, j))),
    colorscale: [[0, cssColour("--heat-0")], [1, cssColour("--heat-1")]],
    colorbar: { thickness: 10, len: 1, outlinewidth: 0, tickformat: ".0%",
      title: { text: "share of row", side: "right" } },
  };
}

function matrixSection(section) {
  const plot = element("div", { class: "plot matrix", role: "img", "aria-label": `${section.title}. ` +
    `${section.description ?? ""} Heat map of ${section.rows} (rows) against ${section.columns} (columns) with ` +
    `${section.labels.length} classes. Its numbers: "Show as table".` });
  const draw = () => {
    const narrow = plot.clientWidth < 480;
    return Plotly.react(plot, [matrixTrace(section, narrow)], matrixLayout(section, narrow), kPlotConfig);
  };
  const { buttons, holder } = dataTools(section.title, plot, () => ({
    columns: [{ name: `${section.rows} \\ ${section.columns}`, number: false },
      ...section.labels.map((name) => ({ name, number: true }))],
    rows: section.values.map((row, i) => [section.labels[i], ...row]),
  }));
  return { draw, menu: menuView(section.title, ...buttons), parts: [plot, holder] };
}

function imageView({ width, height, channels, pixels, caption }) {
  const canvas = element("canvas", { width, height, role: "img", "aria-label": caption });
  const image = new ImageData(width, height);
  const bytes = Array.from(atob(pixels), (character) => character.charCodeAt(0));
  for (let i = 0; i < width * height; ++i) {
    const values = bytes.slice(channels * i, channels * (i + 1));
    const [red, green, blue] = channels === 3 ? values : [...values, ...values, ...values];
    image.data.set([red, green, blue, 255], 4 * i);
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
  return element("figure", {}, canvas, element("figcaption", {}, caption));
}

function imagesSection(section) {
  return { parts: [element("div", { class: "images" }, ...section.items.map(imageView))] };
}
