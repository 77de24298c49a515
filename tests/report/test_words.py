"""Words, digits, headings and links of the report, and the command that builds it."""

from __future__ import annotations

from pathlib import Path

import pytest

from repro.errors import BadInput
from repro.report import prose
from repro.report.html import words
from repro.report.sphinx import site


def test_report_needs_docs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInput, match=r"no docs/conf\.py"):
        site.build()


def test_report_prints_where_its_pages_are(
    fresh: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    root = fresh.parents[1]
    monkeypatch.chdir(root)
    monkeypatch.setenv("PYTHONPATH", str(root))
    conf = root / "docs/conf.py"
    conf.write_text(conf.read_text() + 'repro_papers = ["tiny"]\n')
    assert site.build().splitlines() == ["docs/_build/html/index.html", "docs/_build/html/papers/tiny.html"]
    assert capfd.readouterr().out == ""
    published = root / "docs/_build/html"
    assert (published / "papers/tiny.html").is_file()
    assert not [*published.rglob("*.doctree"), *published.rglob("*.pickle")], "they have local paths"


@pytest.mark.parametrize(
    ("value", "half", "text"),
    [
        (5.9321, 0.37, "5.93"),
        (-0.01, 0.0013, "−0.0100"),
        (123.4, 21.0, "123"),
        (0.3, 0.0, "0.3"),
        (-0.001, 0.2, "0.00"),
    ],
)
def test_digits_follow_the_uncertainty(value: float, half: float, text: str) -> None:
    assert words.number(value, half) == text


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("1.54496e-09 against the printed 1.55e-9", "1.54496 × 10⁻⁹ against the printed 1.55 × 10⁻⁹"),
        ("-2e+10 [-3.5, 1e5]", "−2 × 10¹⁰ [−3.5, 1 × 10⁵]"),
        ("-0.00 [-0.20, 0.19] and -0 but -0.01, -0.001", "0.00 [−0.20, 0.19] and 0 but −0.01, −0.001"),
        ("6 +- 0.5 of configs/lr_1e-3.gin on 2026-01-02, adam-1e-3, a1e-3, 0x1e-3, 1e-3.gin", None),
    ],
)
def test_powers_are_typeset_and_names_are_not(typed: str, text: str | None) -> None:
    shown = words.typeset(typed).replace(words.NARROW, " ")
    assert shown == (typed.replace("+-", "±") if text is None else text)


@pytest.mark.parametrize(
    ("seconds", "text"), [(2.6, "2.6 s"), (75, "75 s"), (840, "14 min"), (11520, "3.2 h"), (181440, "2.1 days")]
)
def test_durations(seconds: float, text: str) -> None:
    assert words.duration(seconds) == text


def test_headings_of_prose_start_below_those_of_the_page(tmp_path: Path) -> None:
    path = tmp_path / "tips.md"
    path.write_text("# Tips\n\n```python\n# no heading\n```\n\n## One\n\n### Deeper\n")
    assert prose.include(path, tmp_path) == "```{include} tips.md\n:start-line: 1\n:heading-offset: 1\n```"
