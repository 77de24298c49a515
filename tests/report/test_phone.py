"""The real site on a phone: no page is wider than its screen, with all that is folded opened."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from repro.report.html.markup import tag

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("chromium"), reason="chromium is not installed"),
    pytest.mark.xdist_group("site"),
]
SCRIPT = """
(async () => {
  const wide = [];
  for (const page of PAGES) {
    const frame = document.createElement("iframe");
    frame.style.width = "WIDTHpx";
    frame.src = page;
    document.body.append(frame);
    await new Promise((done) => { frame.onload = done; });
    const inner = frame.contentDocument;
    for (const fold of inner.querySelectorAll("details")) fold.open = true;
    const homes = [inner.documentElement, inner.body, ...inner.querySelectorAll(".page, .main, .content")];
    const over = homes.some((home) => home.scrollWidth > home.clientWidth);  // the theme lets .content scroll
    if (over || !inner.body.textContent.trim()) wide.push(page);
    frame.remove();
  }
  document.querySelector("pre").textContent = JSON.stringify(wide);
})();
"""


@pytest.mark.parametrize("width", [390, 320])
def test_no_page_is_wider_than_a_phone(real: tuple[Path, str], tmp_path: Path, width: int) -> None:
    pages = [*real[0].glob("*.html"), *real[0].glob("[gp]*/*.html"), *real[0].glob("files/papers/*/*.html")]
    pages = [path for path in pages if path.name != "phone.html"]
    assert len(pages) > 20
    names = json.dumps([path.relative_to(real[0]).as_posix() for path in pages])
    script = SCRIPT.replace("PAGES", names).replace("WIDTH", str(width))
    (real[0] / "phone.html").write_text(f"<!doctype html><body>{tag('pre')}<script>{script}</script>")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files", "--dump-dom"]
    address = f"file://{real[0]}/phone.html"
    command = ["chromium", *options, f"--user-data-dir={tmp_path}", "--virtual-time-budget=60000", address]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    (real[0] / "phone.html").unlink()
    assert "<pre>[]</pre>" in done.stdout, done.stdout[:2000]
