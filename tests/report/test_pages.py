"""The pages: every number is a record's, nothing hides, nothing is fetched."""

from __future__ import annotations

import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import pytest
from scipy.stats import t

from repro import record
from repro.interval import interval
from repro.report import curves, figure, outcome, page
from repro.report.html import words

HOSTILE = "<script>alert(1)</script>"
SVG = "{http://www.w3.org/2000/svg}"


def test_numbers_are_those_of_the_record(built: Path, html: Callable[..., Any]) -> None:
    found = record.read(built / "papers/tiny/records/full-seed0.json")
    values, text = found.measurements[0].values, html(built).text
    half = stdev(values) / len(values) ** 0.5 * t.ppf(0.975, len(values) - 1)  # the textbook's interval of a mean
    low, mean, high = (f"{fmean(values) + side * half:.2f}" for side in (-1, 0, 1))
    assert f"We measured {mean} [{low}, {high}] mm" in text and f"{stdev(values):.2f}" in text
    assert found.digest in text and "75 s" in text and "Abacus" in text


def test_the_outcome_is_told_in_words(built: Path, html: Callable[..., Any]) -> None:
    for name in ("papers/tiny", "index"):
        text = html(built, name).text
        assert "1 reproduced, 1 trend holds." in text
        assert "T3" in text and "2026-01-02" in text


def test_prose_knows_its_paper_and_its_files(built: Path, html: Callable[..., Any]) -> None:
    found = html(built)
    links = found.values("href", "a")
    assert "../files/papers/tiny/model.py.html#L2" in links and "https://example.org" in links
    assert "the guide" in found.text and not any("CONTRIBUTING" in link for link in links)
    assert "Nothing was hard." in found.text


def test_every_link_and_file_is_there(built: Path, html: Callable[..., Any], elements: Callable[..., Any]) -> None:
    for name in ("papers/tiny", "index"):
        here = built / "html" / f"{name}.html"
        found = html(built, name)
        for link in [*found.values("href"), *found.values("src")]:
            path, _, place = link.partition("#")
            if path.startswith(("http", "mailto")):
                continue
            target = (here.parent / path.partition("?")[0]).resolve() if path else here
            assert target.is_file(), link
            if place and target.suffix == ".html":
                assert place in elements(target.read_text(encoding="utf-8")).values("id"), link


def test_a_listing_leads_back_to_its_paper(built: Path, elements: Callable[..., Any]) -> None:
    for name in ("model.py", "configs/full.gin"):
        path = built / f"html/files/papers/tiny/{name}.html"
        ways = elements(path.read_text(encoding="utf-8")).values("href", "a")[:2]
        assert [(path.parent / way).resolve() for way in ways] == [
            built / "html/index.html",
            built / "html/papers/tiny.html",
        ]


def test_a_claim_leads_to_its_records_as_told_and_as_files(built: Path, html: Callable[..., Any]) -> None:
    links = html(built).values("href", "a")
    told, file = "../papers/tiny.html#record-full-seed1", "../files/papers/tiny/records/full-seed1.json"
    assert links[links.index(told) + 1] == file


def test_nothing_is_fetched_from_elsewhere(built: Path, elements: Callable[..., Any]) -> None:
    for path in (built / "html").rglob("*.html"):
        found = elements(path.read_text(encoding="utf-8"))
        loaded = [*found.values("src"), *found.values("href", "link")]
        assert not [link for link in loaded if link.startswith(("http", "//"))], path
    for path in (built / "html").rglob("*.css"):
        assert not re.search(r"(url\(|@import)\s*['\"]?(https?:)?//", path.read_text(encoding="utf-8")), path


def test_hostile_text_stays_text(built: Path, html: Callable[..., Any], elements: Callable[..., Any]) -> None:
    for path in (built / "html").rglob("*.html"):
        raw = path.read_text(encoding="utf-8")
        found = elements(raw)
        assert HOSTILE not in raw and "<em>stars" not in raw, path
        assert not found.values("onerror") and not [link for link in found.values("href") if "javascript:" in link]
    assert HOSTILE in html(built).text and "*stars*" in html(built).text


def test_headings_go_down_one_at_a_time(built: Path, html: Callable[..., Any]) -> None:
    levels = [int(tag[1]) for tag, _ in html(built).found if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_pictures_are_xml_that_says_what_it_shows(built: Path) -> None:
    page.forget()
    shown = page.read("tiny")
    for drawn in (outcome.outcome(shown), figure.figure(shown), curves.curves(shown)):
        tree = ElementTree.fromstring(f"<div>{drawn}</div>")
        pictures = [node for node in tree.iter(f"{SVG}svg") if node.get("role") == "img"]
        assert pictures
        for picture in pictures:
            assert picture.findtext(f"{SVG}title") and picture.findtext(f"{SVG}desc")


def test_figure_says_the_interval_of_every_claim_that_was_read(built: Path) -> None:
    page.forget()
    drawn = str(figure.figure(page.read("tiny")))
    assert (
        "The paper says 5.0 mm; accepted by us: 4.5 to 5.5 mm; ours, full: " in drawn and "the proxy proxy: " in drawn
    )
    assert "later" not in drawn and "cannot be compared with the paper" in drawn


def _break_config(folder: Path) -> None:
    (folder / "configs/full.gin").write_text("import papers.tiny.model\nwidth = 'other'\n")


def _break_code(folder: Path) -> None:
    (folder / "model.py").write_text('"""A model."""\nSIZE = 2\n')


def _break_name(folder: Path) -> None:
    path = folder / "report.md"
    path.write_text(path.read_text().replace("full-seed0:test:Length", "ful-seed0:test:Length"))


@pytest.mark.parametrize(
    ("spoil", "said", "shown"),
    [
        (
            _break_config,
            "report.md:5: WARNING: full-seed0 is stale: changed since the record: configs/full.gin",
            "stale: 5.",
        ),
        (_break_code, "records/proxy-seed0.json is stale: changed since the record: papers.tiny.model", "stale: 5."),
        (_break_name, "report.md:5: WARNING: no record 'ful-seed0'; did you mean 'full-seed0'?", "missing: ful-seed0"),
    ],
)
def test_stale_or_missing_fails_and_shows(
    fresh: Path,
    spoil: Callable[[Path], None],
    said: str,
    shown: str,
    html: Callable[..., Any],
    build: Callable[..., Any],
) -> None:
    spoil(fresh)
    root = fresh.parents[1]
    code, heard = build(root)
    assert code != 0 and said in heard
    assert shown in html(root).text


def test_a_changed_record_changes_the_page(fresh: Path, html: Callable[..., Any], build: Callable[..., Any]) -> None:
    root = fresh.parents[1]
    assert build(root) == (0, "")
    old = record.read(fresh / "records/full-seed0.json")
    moved = [replace(old.measurements[0], values=[value + 0.25 for value in old.measurements[0].values])]
    record.write(replace(old, measurements=moved), fresh / "records")
    assert build(root) == (0, "")
    before, after = (words.spread(interval([found.values]), "mm") for found in (old.measurements[0], moved[0]))
    assert after in html(root).text and before not in html(root).text
    assert str(moved[0].values[0]) in (root / "html/files/papers/tiny/records/full-seed0.json").read_text()


def test_a_paper_gone_takes_its_page_along(fresh: Path, build: Callable[..., Any]) -> None:
    root = fresh.parents[1]
    (root / "docs/papers").mkdir()
    (root / "docs/papers/gone.md").write_text(f"{page.WRITTEN} -->\n# Gone\n")
    (root / "docs/papers/by_hand.md").write_text("---\norphan: true\n---\n# Mine\n")
    assert build(root) == (0, "")
    assert {path.name for path in (root / "docs/papers").glob("*.md")} == {"tiny.md", "by_hand.md"}


def test_building_imports_no_torch(built: Path) -> None:
    lines = (
        "import sys; from sphinx.cmd.build import main",
        "code = main(['-q', '-E', '-D', 'repro_papers=tiny', '-b', 'html', 'docs', 'other'])",
        "print(code, sorted({'torch', 'matplotlib', 'nussl', 'torchaudio'} & set(sys.modules)))",
    )
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)],
        cwd=built,
        env={"PYTHONPATH": str(built)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "0 []", done.stderr
