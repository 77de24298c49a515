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

// Sphinx calls the titles of the navigation headings, without a level.
for (const title of document.querySelectorAll(".caption[role=heading]")) title.setAttribute("aria-level", "2");

// What scrolls sideways can be reached with the keyboard, in every browser.
for (const box of document.querySelectorAll("pre, .table-wrapper, .terminal")) {
  if (box.scrollWidth > box.clientWidth && box.tabIndex < 0) box.tabIndex = 0;
}

// A table or picture that is wider than its box says so: many systems hide the bar that scrolls it. `data-wide` is
// "end" at the right end. A box in a fold has a width only when the fold is open.
function sign(box) {
  const left = box.scrollWidth - box.clientWidth;
  if (left > 3) box.dataset.wide = box.scrollLeft >= left - 3 ? "end" : "more";
  else delete box.dataset.wide;
}
const widths = new ResizeObserver((all) => all.forEach((one) => sign(one.target)));
for (const box of document.querySelectorAll(".repro-box, .table-wrapper, .terminal, div.highlight > pre")) {
  widths.observe(box);
  box.addEventListener("scroll", () => sign(box), { passive: true });
}

// A link to what is folded opens it.
function open() {
  const found = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  let fold = found?.closest("details") ?? found?.querySelector(":scope.repro-entry > details");
  if (!fold) return;
  for (; fold; fold = fold.parentElement.closest("details")) fold.open = true;
  found.scrollIntoView();
}
addEventListener("hashchange", open);
open();

// How old a record is: the page holds its date, which does not grow old with the reader. Dates are compared, not times:
// a record of last night is of yesterday.
const today = new Date();
const now = Date.UTC(today.getFullYear(), today.getMonth(), today.getDate());
const said = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
for (const time of document.querySelectorAll(":is(.repro-facts, .repro-card) time:not(.repro-rot *)")) {
  const days = Math.max(0, (now - Date.parse(time.dateTime.slice(0, 10))) / 86400000);
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
    for (const line of document.querySelectorAll(".repro-index :is(div, .line)")) {  // the table of contents
      const links = [...line.querySelectorAll("dd a, :scope > a")];
      for (const one of links) one.hidden = document.getElementById(one.hash.slice(1))?.hidden ?? false;
      line.hidden = links.every((one) => one.hidden);
    }
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

const plural = (name) => name.replace(/\bneeds /, "need ").replace(/^trend (holds|fails)$/, (_, verb) => `trends ${verb.slice(0, -1)}`)
  .replace("last digit differs", "last digits differ").replace("own: holds", "own: hold").replace("own: does not", "own: do not");

// Claims: a button for each outcome shows its claims alone, and a box shows those with all words typed.
function choose(home) {
  const claims = [...document.querySelectorAll("[data-outcome]")];
  const outcomes = home.dataset.outcomes.split(", ").filter((name) => claims.some((one) => one.dataset.outcome === name));
  const words = claims.map((one) => ` ${(one.getAttribute("aria-label") ?? one.textContent).toLowerCase()}`);
  const wanted = new Set();
  const [label, box, said] = ["label", "input", "output"].map((name) => document.createElement(name));
  label.textContent = "Find a claim";
  label.htmlFor = box.id = "repro-claims-filter";
  box.type = "search";
  said.setAttribute("aria-live", "polite");
  const buttons = outcomes.map((name) => {
    const button = document.createElement("button");
    button.type = "button";
    const many = claims.filter((one) => one.dataset.outcome === name).length;
    const outcome = name.replace(/^own: /, "");
    button.className = outcome.startsWith("needs ") ? "not-run" : outcome.replaceAll(" ", "-");
    button.textContent = `${many} ${many > 1 ? plural(name) : name}`;
    button.setAttribute("aria-pressed", "false");
    button.addEventListener("click", () => {
      const on = !wanted.delete(name);
      if (on) wanted.add(name);
      button.setAttribute("aria-pressed", String(on));
      show();
    });
    return button;
  });
  const find = document.createElement("div");
  find.className = "repro-find";
  find.append(label, box, said);
  home.append(...buttons, find);

  function show() {
    const typed = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    let many = 0;
    claims.forEach((one, i) => {
      const right = (!wanted.size || wanted.has(one.dataset.outcome)) && typed.every((word) => words[i].includes(word));
      many += right;
      if (one.matches("tbody")) one.hidden = !right;
      else one.classList.toggle("repro-other", !right);
    });
    for (const fold of document.querySelectorAll(".repro-printed")) {
      const left = fold.querySelector("[data-outcome]:not(.repro-other)");
      fold.hidden = !left;
      if (left && (wanted.size || typed.length)) fold.open = true;
    }
    for (const fold of document.querySelectorAll(".repro-agreeing")) {
      fold.hidden = !fold.querySelector(".repro-printed:not([hidden])");
      if (!fold.hidden && (wanted.size || typed.length)) fold.open = true;
    }
    for (const fold of document.querySelectorAll(".repro-all")) if (wanted.size || typed.length) fold.open = true;
    said.textContent = many < claims.length ? `${many} of ${claims.length} claims` : "";
  }
  box.addEventListener("input", show);
  addEventListener("hashchange", () => {  // a link to a claim shows it
    const found = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!found?.closest("[hidden], .repro-other")) return;
    wanted.clear();
    buttons.forEach((button) => button.setAttribute("aria-pressed", "false"));
    box.value = "";
    show();
    found.scrollIntoView();
  });
}
for (const home of document.querySelectorAll(".repro-chips")) choose(home);

// A table that a click on a column head sorts, by `data-by` of the cells or by their text; once more: the other way. A
// claim has a body of its own, with two rows; the first one counts.
const order = (a, b) => (a - b) || a.localeCompare(b, "en", { numeric: true });
for (const table of document.querySelectorAll("table[data-sorts]")) {
  const heads = [...table.tHead.rows[0].cells];
  const several = table.tBodies.length > 1;
  const first = (one) => (several ? one.rows[0] : one);
  const key = (one, at) => first(one).cells[at].dataset.by ?? first(one).cells[at].textContent.trim();
  heads.forEach((head, at) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "repro-sort";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const way = head.ariaSort === "ascending" ? "descending" : "ascending";
      for (const other of heads) other.ariaSort = other === head ? way : null;
      const rows = [...(several ? table.tBodies : table.tBodies[0].rows)].sort((a, b) => order(key(a, at), key(b, at)));
      (several ? table : table.tBodies[0]).append(...(way === "ascending" ? rows : rows.reverse()));
    });
  });
}

// The order of search results: the page of a paper before other pages that fit as well, and first of all if its name was
// typed.
if (typeof Scorer !== "undefined") {
  const typed = (new URLSearchParams(location.search).get("q") ?? "").trim().toLowerCase();
  Scorer.score = ([document, , anchor, , score]) => {
    if (anchor || !document.startsWith("papers/")) return score;
    return score + (document === `papers/${typed}` ? 50 : 3);
  };
}

// The excerpts of search results: what a reader sees, with blanks between blocks and signs between cells and items.
if (typeof Search !== "undefined") {
  const text = Search.htmlToText;
  const within = "p a, li a, td a, abbr, b, code, em, i, strong, sub, sup, wbr, pre *";
  Search.htmlToText = (html, anchor) => {
    const page = new DOMParser().parseFromString(html, "text/html");
    for (const unseen of page.querySelectorAll("svg, [aria-hidden=true], [hidden], .repro-filter")) unseen.remove();
    for (const name of page.querySelectorAll("[role=main] dt")) name.append(": ");
    const listed = ":is(dd, td, th, li, dl > div):not(:last-child)";
    for (const one of page.querySelectorAll(`[role=main] ${listed}`)) one.append("; ");
    for (const block of page.querySelectorAll(`[role=main] :not(${within})`)) block.append(" ");
    const place = anchor && `#${CSS.escape(anchor.slice(1))}`;  // an id may have dots
    return text(page.documentElement.outerHTML, place).replace(/\s+/g, " ").replace(/ ([;:]) /g, "$1 ").replace(/([.!?:;,])(?:; )+/g, "$1 ");
  };
}
// Learning curves: the radio buttons stretch each line to steps, items or time, and show the axis that fits.
for (const box of document.querySelectorAll(".repro-switch")) {
  box.hidden = false;
  box.addEventListener("change", (event) => {
    for (const shape of box.closest(".repro-curves").querySelectorAll("svg[data-left]")) {
      const left = Number(shape.dataset.left), key = event.target.value;
      for (const axis of shape.querySelectorAll("[data-axis]")) axis.setAttribute("display", axis.dataset.axis === key ? "inline" : "none");
      for (const part of shape.querySelectorAll(".line, .end")) {
        const by = Number(part.dataset[key] ?? 1);
        const end = (Number(part.getAttribute("x")) - 3 - left) * (by - 1);
        part.setAttribute("transform", part.matches(".end") ? `translate(${end} 0)` : `matrix(${by} 0 0 1 ${left * (1 - by)} 0)`);
      }
    }
  });
}

// Pictures of test items: the slider of an item fades what is drawn over its image.
for (const box of document.querySelectorAll(".repro-fade")) {
  const slider = box.querySelector("input");
  const fade = () => {
    box.parentElement.style.setProperty("--over", slider.value / 100);
    slider.setAttribute("aria-valuetext", `${slider.value} %`);
  };
  box.hidden = false;
  slider.addEventListener("input", fade);
  fade();  // a browser may keep the value of the last visit
}
