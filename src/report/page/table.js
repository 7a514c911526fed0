// Tables: sorted by their header buttons; copied and saved in the order they are shown in.

const kLongText = 24;  // characters from which a cell breaks its lines
const kLongestText = 120;  // those from which it takes more room for it

// Numbers by size, text by the language's order, absent values last in both directions.
function compareCells(a, b, ascending) {
  const absent = (value) => value === null || value === undefined;
  if (absent(a) || absent(b)) return absent(a) - absent(b);
  const order = typeof a === "number" && typeof b === "number"
    ? a - b : String(a).localeCompare(String(b), "en", { numeric: true });
  return ascending ? order : -order;
}

function tableRow(columns, row) {
  const kind = (text) => (text.length > kLongestText ? "longest" : text.length > kLongText ? "long" : null);
  return element("tr", {}, ...columns.map((column, i) => {
    const text = shown(row[i]);
    return element(i === 0 ? "th" : "td", { scope: i === 0 ? "row" : null,
      class: column.number ? "number" : kind(text) }, text);
  }));
}

function tableBody(columns, rows) {
  return rows.map((row) => tableRow(columns, row));
}

// The columns in which the rows differ, and the first, which names them.
function differingColumns(columns, rows) {
  const places = columns.map((_, i) => i);
  return rows.length < 2 ? places : places.filter((i) => i === 0 || rows.some((row) => row[i] !== rows[0][i]));
}

// A table that hides the columns in which its rows do not differ, until a button shows them.
function differencesView(title, columns, rows) {
  const places = differingColumns(columns, rows);
  const hidden = columns.length - places.length;
  const holder = element("div", {});
  const show = (chosen) => holder.replaceChildren(tableView(title, chosen.map((i) => columns[i]),
    rows.map((row) => chosen.map((i) => row[i]))));
  show(places);
  return [holder, hidden === 0 ? null : toggle(`Columns that are the same (${hidden})`, false,
    (on) => show(on ? columns.map((_, i) => i) : places))];
}

// A table of `columns` ({name, number}) and `rows`, with its buttons; `title` names it for screen readers and files.
function tableView(title, columns, rows) {
  let sorted = rows;
  const body = element("tbody", {}, ...tableBody(columns, rows));
  const headers = columns.map((column, i) => {
    const header = element("th", { scope: "col", "aria-sort": "none", class: column.number ? "number" : null },
      button(column.name, () => {
        const ascending = header.getAttribute("aria-sort") !== "ascending";
        for (const other of headers) other.setAttribute("aria-sort", "none");
        header.setAttribute("aria-sort", ascending ? "ascending" : "descending");
        sorted = [...rows].sort((a, b) => compareCells(a[i], b[i], ascending));
        body.replaceChildren(...tableBody(columns, sorted));
      }));
    return header;
  });
  const table = element("table", { "aria-label": title }, element("thead", {}, element("tr", {}, ...headers)), body);

  const status = element("span", { role: "status", class: "muted" });
  const names = columns.map((column) => column.name);
  const copy = button("Copy", async () => {
    const flat = (value) => (value === null || value === undefined ? "" : String(value).replace(/[\t\r\n]+/g, " "));
    const text = [names, ...sorted].map((row) => row.map(flat).join("\t") + "\n").join("");
    const rowsText = `${rows.length} ${rows.length === 1 ? "row" : "rows"}`;
    status.textContent = await copyText(text) ? `Copied ${rowsText}` : "The browser does not allow copying";
  });
  const save = button("Download CSV", () => saveFile(`${fileName(title)}.csv`, "text/csv", csvText(names, sorted)));
  return element("div", { class: "table" },
    element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `${title}, table` }, table),
    element("div", { class: "tools" }, copy, save, status));
}

function tableSection(section) {
  const { title, columns, rows } = section;
  return { parts: section.hide_same ? differencesView(title, columns, rows) : [tableView(title, columns, rows)] };
}
