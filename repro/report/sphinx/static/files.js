// The pages of files: the theme that the reader chose on the site, with a button, and a copy button. Without it, the pages
// read the same.
const THEMES = ["auto", "light", "dark"];
let theme = "auto";
try {
  theme = localStorage.getItem("theme") ?? "auto";
} catch { /* a browser that forbids storage: the theme of the system */ }
document.documentElement.dataset.theme = theme;

function button(text, pressed) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  made.addEventListener("click", () => pressed(made));
  return made;
}

// The next theme, for this page and for the site: both save it under the name that the site's theme uses.
function change(made) {
  theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
  document.documentElement.dataset.theme = theme;
  made.textContent = `theme: ${theme}`;
  try {
    localStorage.setItem("theme", theme);
  } catch { /* the next page has the theme of the system */ }
}

async function copy(made) {
  const lines = [...document.querySelectorAll("pre > span")].map((line) => line.textContent.slice(line.firstChild.textContent.length));
  await navigator.clipboard.writeText(`${lines.join("\n")}\n`);
  made.textContent = "copied";
  setTimeout(() => { made.textContent = "copy"; }, 1500);
}

addEventListener("DOMContentLoaded", () => {
  document.querySelector(".tools").append(button("copy", copy), button(`theme: ${theme}`, change));
});
