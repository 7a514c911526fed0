// What a chart shows of its y axis, where Plotly's choice would mislead.

const kFewToJudge = 20;  // points below which no value is an outlier

function shownValues(section, state) {
  return section.series.filter((_, i) => !state.hidden.has(i)).flatMap((series) =>
    [...series.y, ...(series.low ?? []), ...(series.high ?? [])].filter((y) => Number.isFinite(y)));
}

// A constant is drawn between 0 and its double, so that 0.001 does not look like 0. Means of it may be rounded.
function constantRange(values, log) {
  const [value] = values;
  const differs = (other) => Math.abs(other - value) > 1e-9 * Math.abs(value);
  if (!value || values.some(differs)) return null;
  if (log) return value > 0 ? [Math.log10(value) - 1, Math.log10(value) + 1] : null;
  return [Math.min(0, 2 * value), Math.max(0, 2 * value)];
}

// Without the values that lie further above (or below) the middle nine tenths than one and a half times their width, as
// losses of the first steps do; null where there are none.
function robustRange(values) {
  if (values.length < kFewToJudge) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share) => sorted[Math.round(share * (sorted.length - 1))];
  const reach = 1.5 * (at(0.95) - at(0.05));
  const kept = sorted.filter((y) => y >= at(0.05) - reach && y <= at(0.95) + reach);
  if (reach === 0 || kept.length === sorted.length) return null;
  const [low, high] = [kept[0], kept[kept.length - 1]];
  const margin = 0.05 * (high - low);
  return [low - margin, high + margin];
}

// The series each by itself: many points of one say nothing of what is usual in another.
function robustRangeOfAll(section, state) {
  const each = section.series.filter((_, i) => !state.hidden.has(i)).map((series) => {
    const values = [...series.y, ...(series.low ?? []), ...(series.high ?? [])].filter((y) => Number.isFinite(y));
    return { values, range: robustRange(values) };
  }).filter(({ values }) => values.length > 0);
  if (each.every(({ range }) => range === null)) return null;
  const low = Math.min(...each.map(({ values, range }) => (range ? range[0] : Math.min(...values))));
  const high = Math.max(...each.map(({ values, range }) => (range ? range[1] : Math.max(...values))));
  return [low, high];
}

// The range of the y axis; null leaves it to Plotly.
function valueRange(section, state) {
  if (section.kind !== "lines" || section.surface || section.y.range) return null;
  const values = shownValues(section, state);
  return constantRange(values, state.log) ?? (state.robust && !state.log ? robustRangeOfAll(section, state) : null);
}
