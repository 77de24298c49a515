// Two comforts; every page reads the same without them.

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

// A link to a record opens it.
function open() {
  const found = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (found instanceof HTMLDetailsElement) {
    found.open = true;
    found.scrollIntoView();
  }
}
addEventListener("hashchange", open);
open();
