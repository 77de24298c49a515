// The pages of files: the theme that the reader chose on the site, and a copy button. Without it, the pages read the same.
try {
  document.documentElement.dataset.theme = localStorage.getItem("theme") ?? "auto";
} catch { /* a browser that forbids storage: the theme of the system */ }

addEventListener("DOMContentLoaded", () => {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "copy";
  button.addEventListener("click", async () => {
    const lines = [...document.querySelectorAll("pre > span")].map((line) => line.textContent.slice(line.firstChild.textContent.length));
    await navigator.clipboard.writeText(`${lines.join("\n")}\n`);
    button.textContent = "copied";
    setTimeout(() => { button.textContent = "copy"; }, 1500);
  });
  document.querySelector(".tools").append(button);
});
