"""The scripts of the site in a real browser: sorting, search, theme, motion. Each test loads pages in a frame."""

from __future__ import annotations

import functools
import http.server
import json
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("chromium"), reason="chromium is not installed"),
]
DRIVER = """<!doctype html><body><pre></pre><script>
const wait = (time) => new Promise((done) => setTimeout(done, time));
async function load(page) {
  const frame = document.createElement("iframe");
  frame.src = page;
  document.body.append(frame);
  await new Promise((done) => { frame.onload = done; });
  return frame.contentDocument;
}
(async () => {
  const found = await (async () => { SCRIPT })().catch((error) => `${error.stack}`);
  document.querySelector("pre").textContent = JSON.stringify(found);
})();
</script>"""


@pytest.fixture(scope="module")
def address(built: Path) -> Iterator[str]:
    """The address of a server of the built site, because a browser does not fetch from files."""
    handler = functools.partial(Quiet, directory=str(built / "html"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A server that prints nothing."""

    def log_message(self, format: str, *args: Any) -> None:
        """Print nothing."""


@pytest.fixture
def result(built: Path, address: str, tmp_path: Path) -> Callable[..., Any]:
    """`result(script, *options)`: what the script returns in the browser. It may `await load(page)`."""

    def run(script: str, *options: str) -> Any:
        (built / "html/driver.html").write_text(DRIVER.replace("SCRIPT", script))
        given = ["--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", "--virtual-time-budget=20000", *options]
        command = ["chromium", *given, f"--user-data-dir={tmp_path}", f"{address}/driver.html"]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
        (built / "html/driver.html").unlink()
        found = re.search(r"<pre>(.*?)</pre>", done.stdout, re.DOTALL)
        assert found and found[1], (done.stdout[:500], done.stderr[-500:])
        return json.loads(unescape(found[1]))

    return run


def test_a_click_sorts_by_number_and_another_one_turns_the_order(result: Callable[..., Any]) -> None:
    """The table of the site has one paper, so more rows are put in before the click."""
    found = result("""
      const page = await load("index.html");
      const table = page.querySelector("table.repro-comparison");
      const body = table.tBodies[0], heads = [...table.tHead.rows[0].cells];
      const head = heads.find((one) => one.textContent.startsWith("Time")), at = head.cellIndex;
      for (const time of ["9", "100", "0.5", "0.25"]) {
        const row = body.rows[0].cloneNode(true);
        row.cells[at].dataset.by = time;
        body.append(row);
      }
      body.rows[0].remove();
      const clicked = () => {
        head.querySelector("button").click();
        return [head.ariaSort, ...[...body.rows].map((row) => row.cells[at].dataset.by)];
      };
      return [clicked(), clicked(), table.querySelectorAll("[aria-sort]").length];
    """)
    assert found == [["ascending", "0.25", "0.5", "9", "100"], ["descending", "100", "9", "0.5", "0.25"], 1]


def test_the_search_shows_a_claim_with_its_verdict_and_readable_excerpts(result: Callable[..., Any]) -> None:
    found = result("""
      const page = await load("search.html?q=longer");
      for (let tries = 0; tries < 100 && !page.querySelector("#search-results p.context"); tries++) await wait(50);
      return [...page.querySelectorAll("#search-results li")].map((item) =>
        [item.querySelector("a").getAttribute("href"), item.textContent]);
    """)
    texts = dict(found)
    assert "Full is longer than none: trend holds" in texts["papers/tiny.html#claim-order"]
    (excerpt,) = [text for place, text in found if place == "papers/tiny.html"]
    assert "Full is longer than none" in excerpt and not re.search(r"none\w", excerpt)
    assert not set(excerpt) & set("✓◇"), "signs that are hidden from screen readers"


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_a_page_of_a_file_has_the_theme_of_the_site(theme: str, result: Callable[..., Any]) -> None:
    found = result(f"""
      localStorage.setItem("theme", "{theme}");
      const page = await load("files/papers/tiny/model.py.html");
      return [getComputedStyle(page.body).backgroundColor, page.querySelectorAll("header button").length];
    """)
    dark = sum(map(int, re.findall(r"\d+", found[0])[:3])) < 3 * 128
    assert (dark, found[1]) == (theme == "dark", 1)


def test_a_link_to_a_claim_is_followed_at_once(result: Callable[..., Any]) -> None:
    script = """
      const page = await load("papers/tiny.html#claim-order");
      return [getComputedStyle(page.documentElement).scrollBehavior, page.querySelectorAll("#claim-order").length];
    """
    assert result(script) == result(script, "--force-prefers-reduced-motion") == ["auto", 1]
