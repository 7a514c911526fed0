// What all sections are built from: elements, numbers as text, files to save.

// An element with attributes and children. Text only ever becomes text nodes: nothing of a document is read as HTML.
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

function button(label, onclick, attributes = {}) {
  return element("button", { type: "button", ...attributes, onclick }, label);
}

// A button that is on or off.
function toggle(label, pressed, onchange) {
  const made = button(label, () => {
    const now = made.getAttribute("aria-pressed") !== "true";
    made.setAttribute("aria-pressed", now);
    onchange(now);
  }, { "aria-pressed": pressed });
  return made;
}

// One of `options`, [[text, value] …], the first of which is chosen.
function choice(label, options, onchange) {
  const select = element("select", { onchange: () => onchange(options[select.selectedIndex][1]) },
    ...options.map(([text]) => element("option", {}, text)));
  return element("label", {}, label, select);
}

// Text to copy, such as a command.
function copyable(text) {
  const copy = button("Copy", async () => {
    copy.textContent = await copyText(text) ? "Copied" : "The browser does not allow copying";
  });
  return element("div", { class: "command" }, element("code", {}, text), copy);
}

// A value as a person reads it; null is an absent one.
function shown(value) {
  if (value === null || value === undefined) return "–";
  if (typeof value !== "number") return String(value);
  const rounded = Number.isInteger(value) ? value : Number(value.toPrecision(5));
  return Math.abs(rounded) >= 1000 && Math.abs(rounded) < 1e15 ? rounded.toLocaleString("en") : String(rounded);
}

function cssColour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

// RFC 4180: fields with commas, quotes or line breaks are quoted.
function csvText(names, rows) {
  const field = (value) => {
    const text = value === null || value === undefined ? "" : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [names, ...rows].map((row) => row.map(field).join(",") + "\r\n").join("");
}

function fileName(title) {
  return title.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-+|-+$/g, "") || "data";
}

function saveFile(name, type, text) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  element("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60000);
}

async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch { /* not allowed here: the way browsers had before */ }
  const area = element("textarea", { class: "visually-hidden", readonly: "" });
  area.value = text;
  const focused = document.activeElement;
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  focused?.focus();
  return copied;
}
