// Lines on their way from the document to the plot: which x they have, smoothing, the mark of the best point.

const kSmoothings = [["none", 0], ["light", 0.6], ["medium", 0.9], ["strong", 0.97]];
const kMostMarks = 24;

// The x of a series that the person has chosen.
const along = (series, state) => series.along?.[state.x] ?? series.x;
const xTitle = (section, state) => state.x ?? section.x.title;

// The exponential moving average whose weight of what came before is `factor`, free of the start's bias (Kingma and Ba,
// 2015, section 3). Gaps stay gaps.
function smoothed(values, factor) {
  let sum = 0;
  let weight = 0;
  return values.map((value) => {
    if (!Number.isFinite(value)) return null;
    sum = factor * sum + (1 - factor) * value;
    weight = factor * weight + (1 - factor);
    return sum / weight;
  });
}

// A star at the best point of each series that has one; of a single one also a line and the value.
function bestMarks(section, state) {
  const marked = section.series.filter((series, i) =>
    series.best !== undefined && !state.hidden.has(i) && (!state.log || series.y[series.best] > 0));
  if (marked.length === 0 || marked.length > kMostMarks) return {};
  const alone = marked.length === 1;
  const annotations = marked.map((series) => {
    const [x, y] = [along(series, state)[series.best], series.y[series.best]];
    const star = { x, y: state.log ? Math.log10(y) : y, text: "★", showarrow: false,
      font: { color: cssColour("--text"), size: 13 } };
    if (!alone) return star;
    const isLate = series.best > series.y.length / 2;
    return { ...star, text: `★ best ${shown(y)}`, xanchor: isLate ? "right" : "left", yshift: 12,
      bgcolor: cssColour("--surface"), opacity: 0.95 };
  });
  if (!alone) return { annotations };
  const { x } = annotations[0];
  return { annotations, shapes: [{ type: "line", yref: "paper", y0: 0, y1: 1, x0: x, x1: x, layer: "below",
    line: { color: cssColour("--muted"), width: 1, dash: "2px,3px" } }] };
}
