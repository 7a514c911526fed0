// Numbers of named things, such as how much each column of a table matters: a bar each, from 0.

function barsSection({ name, items }) {
  const ends = items.flatMap(({ value, deviation }) => [(value ?? 0) - (deviation ?? 0), (value ?? 0) + (deviation ?? 0)]);
  const low = Math.min(0, ...ends);
  const width = Math.max(0, ...ends) - low || 1;
  const between = (className, from, to) => {
    const made = element("div", { class: className });
    made.style.left = `${100 * (from - low) / width}%`;
    made.style.width = `${100 * (to - from) / width}%`;
    return made;
  };
  const rounded = (number, digits) => shown(number === null ? null : Number(number.toPrecision(digits)));
  const bar = ({ name: item, value, deviation }) => element("li", {}, element("span", {}, item),
    element("div", { class: "track", "aria-hidden": "true" },
      value === null ? null : between("bar", Math.min(0, value), Math.max(0, value)),
      value !== null && deviation ? between("spread", value - deviation, value + deviation) : null),
    element("span", { class: "number" }, deviation === null || deviation === undefined ? shown(value)
      : `${rounded(value, 4)} ± ${rounded(deviation, 2)}`));
  return { parts: [element("ul", { class: "bars", "aria-label": name }, ...items.map(bar))] };
}
