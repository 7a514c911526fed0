// The menu of a chart: one button, behind which its controls are.

function menuView(title, ...controls) {
  const summary = element("summary", { "aria-label": `Menu of ${title}` }, "Menu");
  const made = element("details", { class: "menu" }, summary, element("div", { class: "panel" }, ...controls));
  made.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    made.open = false;
    summary.focus();
  });
  return made;
}

// What is clicked elsewhere closes the menus.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll(".menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});
