// The page: every section of the document in its order, the table of contents, the choice of light or dark.

const kSections = {
  text: (section) => ({ parts: section.paragraphs.map((paragraph) => element("p", {}, paragraph)) }),
  facts: (section) => ({ parts: [element("dl", { class: "facts" }, ...section.items.map(({ name, value }) =>
    element("div", {}, element("dt", {}, name), element("dd", {}, shown(value)))))] }),
  chart: chartSection,
  matrix: matrixSection,
  images: imagesSection,
  table: tableSection,
};

// The element of one section, and how to draw its plot. A damaged section says so and leaves the others alone.
function sectionView(section, id) {
  let view;
  try {
    view = kSections[section.type](section);
  } catch (error) {
    console.error(error);
    view = { parts: [element("p", { class: "problem" }, `This section cannot be shown: ${error.message}`)] };
  }
  const description = section.description ? element("p", { class: "description muted" }, section.description) : null;
  const made = element("section", { id, class: `card card-${section.type}`, "aria-labelledby": `${id}-title` },
    element("h2", { id: `${id}-title` }, section.title), description, ...view.parts);
  return { made, draw: view.draw };
}

// Marks in the contents what is being read.
function followReading(links) {
  const seen = new Set();
  const observer = new IntersectionObserver((changes) => {
    for (const { target, isIntersecting } of changes) {
      if (isIntersecting) seen.add(target.id); else seen.delete(target.id);
    }
    const first = [...links.keys()].find((id) => seen.has(id));
    for (const [id, link] of links) {
      if (id === first) link.setAttribute("aria-current", "true"); else link.removeAttribute("aria-current");
    }
  }, { rootMargin: "-5% 0px -60% 0px" });
  for (const id of links.keys()) observer.observe(document.getElementById(id));
}

function themeButton(redraw) {
  const root = document.documentElement;
  const made = document.getElementById("theme");
  const apply = (theme) => {
    root.dataset.theme = theme;
    made.setAttribute("aria-pressed", theme === "dark");
  };
  apply(root.dataset.theme);
  made.addEventListener("click", () => {
    apply(root.dataset.theme === "dark" ? "light" : "dark");
    try { localStorage.setItem("lockstep-theme", root.dataset.theme); } catch { /* kept for this visit only */ }
    redraw();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", (event) => {
    apply(event.matches ? "dark" : "light");
    redraw();
  });
}

async function showPage() {
  const content = JSON.parse(document.getElementById("document").textContent);
  document.title = `${content.title} – Lockstep`;
  for (const part of ["title", "subtitle", "generator"]) {
    document.getElementById(part).textContent = content[part] ?? "";
  }

  findSharedGroups(content.sections.filter((section) => section.type === "chart"));
  const main = document.getElementById("content");
  const list = document.querySelector("#contents ul");
  const links = new Map();
  const draws = [];
  for (const section of content.sections) {
    const named = `section-${section.id}`;
    const id = section.id && !links.has(named) ? named : `section-${links.size + 1}`;
    const { made, draw } = sectionView(section, id);
    main.append(made);
    links.set(id, element("a", { href: `#${id}` }, section.title));
    list.append(element("li", {}, links.get(id)));
    if (draw) draws.push(draw);
  }
  document.getElementById("contents").open = matchMedia("(min-width: 62rem)").matches;
  followReading(links);
  themeButton(() => draws.forEach((draw) => draw()));
  await Promise.all(draws.map((draw) => draw()));
  document.documentElement.dataset.ready = "true";
}

showPage();
