"""The sentence of a report that explains why a claim did not reproduce."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from repro.report import explained
from tests.report.read_once import read_once

REPORT = """\
# Report

## Departures

Not this one: `fit.ten-steps`.

## Why it did or did not reproduce

{}

The second paragraph that names `fit.ten-steps` does not count.
"""


@pytest.mark.parametrize(("paragraph", "said"), [
    ("The rate is too low (`fit.ten-steps`). We tested it.", "The rate is too low"),
    ("**Ten steps fail.** The rate is too low for `fit.ten-steps`.", "The rate is too low for fit.ten-steps"),
    ("**Ten steps**: the rate of `fit.ten-steps` is *too* low.", "the rate of fit.ten-steps is too low"),
    ("The fit is good. **Not so** `fit.ten-steps`: too slow. More.", "Not so fit.ten-steps: too slow"),
    ("- Noise.\n- The rate of `fit.ten-steps` is low.", "The rate of fit.ten-steps is low"),
    ("**Ten steps fail** (`fit.ten-steps`).", "Ten steps fail"),
    ("The rate of `fit.ten-steps` is low (see above), we think.", "The rate of fit.ten-steps is low, we think"),
])  # fmt: skip
def test_the_first_sentence_that_names_the_claim_counts_and_no_heading(
    paragraph: str, said: str, tmp_path: Path
) -> None:
    (tmp_path / "report.md").write_text(REPORT.format(paragraph))
    shown = read_once("template")
    there = replace(shown, paper=replace(shown.paper, folder=tmp_path))
    assert explained.sentences(there) == {"fit.ten-steps": said}
