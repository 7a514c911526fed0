// What came out, first of all: one large number, how it ended, and a few facts.

function factsView(items) {
  return element("dl", { class: "facts" }, ...items.map(({ name, value }) =>
    element("div", {}, element("dt", {}, name), element("dd", {}, shown(value)))));
}

function resultSection({ headline, status, reason, items, command }) {
  const head = element("div", { class: "headline" },
    headline ? element("div", {}, element("div", { class: "figure" }, shown(headline.value)),
      element("div", { class: "muted" }, headline.name)) : null,
    status ? element("span", { class: `status status-${status}` }, status) : null);
  return { parts: [head, reason ? element("p", { class: "problem" }, reason) : null, factsView(items),
    command ? copyable(command) : null] };
}
