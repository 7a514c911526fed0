// Light or dark before the first paint: what was chosen on an earlier visit, else what the system prefers.
{
  let chosen = null;
  try { chosen = localStorage.getItem("lockstep-theme"); } catch { /* storage may be off for local files */ }
  const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  document.documentElement.dataset.theme = chosen === "dark" || chosen === "light" ? chosen : system;
}
