"""The page of the suspects in a browser: it fits on a phone, and is dark where the reader wants dark pages."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from repro.labels import finding, page, shown

BRIGHTNESS = """() => {
  const colour = getComputedStyle(document.querySelector("h1")).color;
  return colour.match(/\\d+/g).slice(0, 3).map(Number).reduce((a, b) => a + b) / 3;
}"""


def written(folder: Path) -> Path:
    """The page of a text without a blank, with long names."""
    rows = [finding.Suspect(1, 0, "item" * 20, "negative", "positive", 0.75)]
    found = finding.Suspects("p", "c" * 60, 0, "t" * 40, ["negative", "positive"], rows, 1, None, np.zeros((1, 2)))
    return page.write(found, [shown.Shown("x" * 500)], folder)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_on_a_phone_and_follows_the_colours_of_the_reader(scheme: str, tmp_path: Path) -> None:
    api = pytest.importorskip("playwright.sync_api")
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), "")
    if not chromium:
        pytest.skip("no chromium")
    with api.sync_playwright() as started, started.chromium.launch(executable_path=chromium) as browser:
        seen = browser.new_page(viewport={"width": 390, "height": 800}, color_scheme=scheme)
        seen.goto(written(tmp_path).as_uri())
        assert seen.evaluate("document.documentElement.scrollWidth") <= 390
        assert (seen.evaluate(BRIGHTNESS) > 128) == (scheme == "dark")  # of the text
