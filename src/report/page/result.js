// What came out, first of all: one large number, how it ended, and a few facts.

function factsView(items) {
  return element("dl", { class: "facts" }, ...items.map(({ name, value }) =>
    element("div", {}, element("dt", {}, name), element("dd", {}, shown(value)))));
}

// A page that nobody has written anew for long says so: its run may be dead.
function presentStatus(status, silent) {
  return silent && Date.now() / 1000 > silent.from ? ["silent", silent.status] : [status, status];
}

function resultSection({ headline, status, silent, reason, items, command }) {
  const [kind, words] = presentStatus(status, silent);
  const head = element("div", { class: "headline" },
    headline ? element("div", {}, element("div", { class: "figure" }, shown(headline.value)),
      element("div", { class: "muted" }, headline.name)) : null,
    status ? element("span", { class: `status status-${kind}` }, words) : null);
  return { parts: [head, reason ? element("p", { class: "problem" }, reason) : null, factsView(items),
    command ? copyable(command) : null] };
}
