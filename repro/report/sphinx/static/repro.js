// A few comforts; every page reads the same without them.

// Of a console session only what was typed.
function commands(text) {
  const typed = text.split("\n").filter((line) => line.startsWith("$ "));
  return typed.length ? typed.map((line) => line.slice(2)).join("\n") : text;
}

// A button that copies a command.
for (const block of document.querySelectorAll("pre.repro-command, div.highlight pre")) {
  const button = document.createElement("button");
  const text = commands(block.textContent.trim());
  button.type = "button";
  button.className = "repro-copy";
  button.textContent = "copy";
  button.setAttribute("aria-label", `copy: ${text.split("\n")[0]}`);
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text);
    button.textContent = "copied";
    setTimeout(() => { button.textContent = "copy"; }, 1500);
  });
  const home = block.matches(".repro-command") ? block : block.parentElement;
  home.append(button);
}

// What scrolls sideways can be reached with the keyboard, in every browser.
for (const box of document.querySelectorAll("pre, .table-wrapper")) {
  if (box.scrollWidth > box.clientWidth && box.tabIndex < 0) box.tabIndex = 0;
}

// A link to what is folded opens it.
function open() {
  const found = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  let fold = found?.closest("details");
  if (!fold) return;
  for (; fold; fold = fold.parentElement.closest("details")) fold.open = true;
  found.scrollIntoView();
}
addEventListener("hashchange", open);
open();

// How old a record is: the page holds its date, which does not grow old with the reader.
const said = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
for (const time of document.querySelectorAll(":is(.repro-facts, .repro-card) time:not(.repro-rot *)")) {
  const days = Math.floor((Date.now() - Date.parse(time.dateTime)) / 86400000);
  if (Number.isNaN(days)) continue;
  const [many, unit] = days < 60 ? [days, "day"] : days < 730 ? [Math.round(days / 30.44), "month"] : [Math.round(days / 365.25), "year"];
  time.after(`, ${said.format(-many, unit)}`);
}

// A box that shows only the entries with all words typed, each at the start of a word. `?q=nan` fills it in.
function filter(home) {
  const entries = [...(home.closest("section") ?? document).querySelectorAll(".repro-entry")];
  const words = entries.map((entry) => ` ${entry.textContent.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, " ")}`);
  const groups = [...document.querySelectorAll("section:has(> .repro-entry)")].filter((group) => !group.contains(home));
  const [label, box, said] = ["label", "input", "output"].map((name) => document.createElement(name));
  label.textContent = home.dataset.label;
  label.htmlFor = box.id = "repro-filter";
  box.type = "search";
  box.value = new URLSearchParams(location.search).get("q") ?? "";
  said.setAttribute("aria-live", "polite");
  home.append(label, box, said);

  function show() {
    const typed = box.value.toLowerCase().split(/[^\p{L}\p{N}]+/u).filter(Boolean);
    entries.forEach((entry, i) => { entry.hidden = !typed.every((word) => words[i].includes(` ${word}`)); });
    groups.forEach((group) => { group.hidden = !group.querySelector(".repro-entry:not([hidden])"); });
    const many = entries.filter((entry) => !entry.hidden).length;
    said.textContent = `${many} of ${entries.length} ${home.dataset.noun}${entries.length === 1 ? "" : "s"}`;
  }
  box.addEventListener("input", show);
  addEventListener("hashchange", () => {  // a link to an entry shows it
    const found = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!found?.closest("[hidden]")) return;
    box.value = "";
    show();
    found.scrollIntoView();
  });
  show();
}
for (const home of document.querySelectorAll(".repro-filter")) filter(home);

// A table that a click on a column head sorts, by `data-by` of the cells or by their text; once more: the other way.
const order = (a, b) => (a - b) || a.localeCompare(b, "en", { numeric: true });
for (const table of document.querySelectorAll("table[data-sorts]")) {
  const heads = [...table.tHead.rows[0].cells];
  const key = (row, at) => row.cells[at].dataset.by ?? row.cells[at].textContent.trim();
  heads.forEach((head, at) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "repro-sort";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const way = head.ariaSort === "ascending" ? "descending" : "ascending";
      for (const other of heads) other.ariaSort = other === head ? way : null;
      const rows = [...table.tBodies[0].rows].sort((a, b) => order(key(a, at), key(b, at)));
      table.tBodies[0].append(...(way === "ascending" ? rows : rows.reverse()));
    });
  });
}

// The excerpts of search results: what a reader sees, with blanks between blocks.
if (typeof Search !== "undefined") {
  const text = Search.htmlToText;
  const within = "p a, li a, td a, abbr, b, code, em, i, strong, sub, sup, wbr, pre *";
  Search.htmlToText = (html, anchor) => {
    const page = new DOMParser().parseFromString(html, "text/html");
    for (const unseen of page.querySelectorAll("svg, [aria-hidden=true], [hidden], .repro-filter")) unseen.remove();
    for (const block of page.querySelectorAll(`[role=main] :not(${within})`)) block.append(" ");
    const place = anchor && `#${CSS.escape(anchor.slice(1))}`;  // an id may have dots
    return text(page.documentElement.outerHTML, place).replace(/\s+/g, " ");
  };
}
