"""Learning curves in a real browser: the switch of the horizontal axis, and the boxes that hide a line."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from repro.report import curves, families, page

STATIC = Path(curves.__file__).parent / "sphinx/static"
SCRIPT = """
addEventListener("load", () => {
  const shape = document.querySelector("svg[data-left]"), lines = [...shape.querySelectorAll(".line")];
  const ends = () => lines.map((line) => { const at = line.getBoundingClientRect(); return [at.left, at.right]; });
  const names = () => [...shape.querySelectorAll("[data-axis]")].filter((axis) => axis.getBoundingClientRect().width).map((axis) => axis.dataset.axis);
  const told = { hidden: document.querySelector(".repro-switch").hidden, steps: [ends(), names()] };
  for (const key of ["time", "steps"]) {
    document.querySelector(`.repro-switch input[value=${key}]`).click();
    told[key === "steps" ? "again" : key] = [ends(), names()];
  }
  document.querySelector(".repro-panel input[value='1']").click();
  told.shown = lines.map((line) => getComputedStyle(line).display);
  told.numbers = [...shape.querySelectorAll(".end")].map((text) => getComputedStyle(text).display);
  document.querySelector("#told").textContent = JSON.stringify(told);
});
"""  # noqa: E501

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("chromium"), reason="chromium is not installed"),
]


def told(shown: page.Page, folder: Path) -> Any:
    """What the browser measures on a page with only the curves."""
    style, code = ((STATIC / f"repro.{kind}").read_text(encoding="utf-8") for kind in ("css", "js"))
    head = f"<!doctype html><meta charset=utf-8><style>{style}</style>"
    body = f"<body>{curves.curves(shown)}<pre id=told></pre><script>{code}</script><script>{SCRIPT}</script>"
    (folder / "curves.html").write_text(head + body, encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--window-size=1000,900", "--dump-dom"]
    command = ["chromium", *options, f"--user-data-dir={folder}/profile", f"file://{folder}/curves.html"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return json.loads(unescape(re.search(r'<pre id="told">(.*?)</pre>', done.stdout)[1]))


def test_the_switch_moves_the_end_of_each_line_and_a_box_hides_one(tmp_path: Path) -> None:
    shown = page.read("lecun1998")
    found, (family, *_) = told(shown, tmp_path), families.families(shown)
    assert not found["hidden"]
    assert [found[key][1] for key in ("steps", "time", "again")] == [["steps"], ["time"], ["steps"]]
    assert found["steps"][0] == found["again"][0]
    lasts = [curves.averaged(one, "train")[-1][0] for one in family.trainings]
    for key, rates in (("steps", [1.0] * len(lasts)), ("time", [one.step_seconds for one in family.trainings])):
        ends = [rate * last for rate, last in zip(rates, lasts, strict=True)]
        starts, rights = zip(*found[key][0], strict=True)
        left = min(starts) - 2  # the first loss is that of a later step than 0
        widths = [right - left for right in rights]
        for end, width in zip(ends, widths, strict=True):
            assert width / max(widths) == pytest.approx(end / max(ends), abs=0.04)
    assert found["shown"] == ["none", *["inline"] * (len(lasts) - 1)]
    assert found["numbers"][0] == "none" and "none" not in found["numbers"][1:]
