// The page: every section of the document in its order, the table of contents, the choice of light or dark.

const kSections = {
  text: (section) => ({ parts: section.paragraphs.map((paragraph) => element("p", {}, paragraph)) }),
  facts: (section) => ({ parts: [factsView(section.items)] }),
  result: resultSection,
  chart: chartSection,
  matrix: matrixSection,
  bars: barsSection,
  grid: gridSection,
  parallel: parallelSection,
  images: imagesSection,
  table: tableSection,
};

// A damaged section says so and leaves the others alone.
function sectionContent(section) {
  try {
    return kSections[section.type](section);
  } catch (error) {
    console.error(error);
    return { parts: [element("p", { class: "problem" }, `This section cannot be shown: ${error.message}`)] };
  }
}

// A section whose content is made when it is opened: of hundreds of runs, much is never looked at.
function foldedView(section, heading, description) {
  const details = element("details", { class: "fold" }, element("summary", {}, heading));
  details.addEventListener("toggle", () => {
    if (!details.open || details.dataset.made) return;
    details.dataset.made = "true";
    details.append(...[description, ...sectionContent(section).parts].filter(Boolean));
  });
  return { children: [details] };
}

// The element of one section, and how to draw its plot.
function sectionView(section, id) {
  const heading = element("h2", { id: `${id}-title` }, section.title);
  const description = section.description ? element("p", { class: "description muted" }, section.description) : null;
  let view;
  if (section.folded) {
    view = foldedView(section, heading, description);
  } else {
    const { menu = null, parts, draw } = sectionContent(section);
    view = { children: [heading, menu, description, ...parts], draw };
  }
  const made = element("section", { id, class: `card card-${section.type}`, "aria-labelledby": `${id}-title` },
    ...view.children);
  return { made, draw: view.draw };
}

// Opens the section that a link leads to.
function unfold(id) {
  const fold = document.getElementById(id)?.querySelector(":scope > .fold");
  if (fold) fold.open = true;
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
    links.set(id, element("a", { href: `#${id}`, onclick: () => unfold(id) }, section.title));
    list.append(element("li", {}, links.get(id)));
    if (draw) draws.push(draw);
  }
  document.getElementById("contents").open = matchMedia("(min-width: 62rem)").matches;
  followReading(links);
  themeButton(() => draws.forEach((draw) => draw()));
  await Promise.all(draws.map((draw) => draw()));
  unfold(location.hash.slice(1));
  if (content.refresh) refreshEvery(content.refresh);
  document.documentElement.dataset.ready = "true";
}

showPage();
