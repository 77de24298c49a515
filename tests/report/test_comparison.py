"""The landing page: papers apart from courses and templates, what each card says, and the table that sorts."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from repro.errors import BadInput
from repro.report import basis, comparison, effort, page, papers, quote, spreadsheet
from repro.report.page import Page
from repro.report.reviews import Review

KINDS = ("paper", "course", "template")


@pytest.fixture
def shown(built: Path) -> Page:
    page.forget()
    return page.read("tiny")


def of(shown: Page, **changes: Any) -> Page:
    return replace(shown, paper=replace(shown.paper, **changes))


def test_papers_are_apart_from_courses_and_templates(shown: Page) -> None:
    pages = [of(shown, kind=kind, name=kind) for kind in KINDS]
    assert [[one.name for one in papers.of_kind(pages, kind)] for kind in KINDS] == [[kind] for kind in KINDS]
    rows = list(csv.DictReader(io.StringIO(spreadsheet.papers(pages))))
    assert [(row["paper"], row["kind"]) for row in rows] == [(kind, kind) for kind in KINDS]
    with pytest.raises(BadInput, match="did you mean 'course'"):
        papers.of_kind(pages, "cours")


def test_a_card_says_what_came_out_and_what_it_depends_on(shown: Page, elements: Callable[..., Any]) -> None:
    found = elements(str(papers.papers([shown], "")))
    ours, theirs = quote.judged(shown, "mean"), quote.stated(shown, "mean")
    assert f"The mean is {ours.text}, {theirs.text} is" in found.text
    assert {ours.href, theirs.href} <= set(found.values("href", "a"))
    assert basis.READ["abstract"] in found.text and basis.TUNED["test"] in found.text
    assert dict(basis.rows(shown))["Seeds per config"] == "1 to 2"
    assert "reviewed by: nobody yet" in found.text


def test_a_review_is_named_with_its_date_and_linked(shown: Page, elements: Callable[..., Any]) -> None:
    made = [Review(Path("r.md"), group, "A", f"2026-01-0{n}", "0" * 40, {}, []) for n, group in enumerate("abca", 1)]
    for view in (basis.reviewed, lambda one: comparison.comparison([one], "")):
        found = elements(str(view(replace(shown, reviews=made))))
        assert "a, b, c" in found.text and "2026-01-04" in found.values("datetime", "time")
        assert "papers/tiny.html#reviews" in found.values("href", "a")


def test_what_a_paper_does_not_say_is_not_stated(shown: Page) -> None:
    bare = of(replace(shown, verdicts=[]), text_read="", tuned_on="", outcome="")
    assert [text for _, text in basis.rows(bare)][:2] == ["not stated", "not stated"]
    assert "repro-card-outcome" not in papers.papers([bare], "")


def test_the_table_has_a_row_per_paper(shown: Page, elements: Callable[..., Any]) -> None:
    pages = [of(shown, title=f"The {name}") for name in ("first", "second")]
    html = str(comparison.comparison(pages, ""))
    found = elements(html)
    assert html.count("<tr") == 3 and found.text.index("The first") < found.text.index("The second")
    assert found.values("data-label", "td") == [*comparison.HEADS[1:]] * 2
    times = [given["data-by"] for tag, given in found.found if given.get("data-label") == "Time"]
    assert [float(time) for time in times] == [shown.seconds] * 2  # sorted by number, not by "2 min" or "1 h"
    assert "repro-comparison" not in comparison.comparison([], "")


def test_each_paper_is_once_on_the_landing_page_and_tables_do_not_mix_kinds() -> None:
    docs = Path(__file__).parents[2] / "docs"
    shown = re.findall(r"(?m)^```\{(\w+)\}(.*)$", (docs / "index.md").read_text(encoding="utf-8"))
    assert sorted(kind.strip() for name, kind in shown if name == "papers") == sorted(KINDS)
    assert "comparison" not in dict(shown)
    compared = re.findall(r"(?m)^```\{comparison\}(.*)$", (docs / "compare.md").read_text(encoding="utf-8"))
    assert [kind.strip() for kind in compared] == ["paper", "course"]


def test_the_hardware_is_that_of_the_records(shown: Page) -> None:
    cpu = [replace(shown.records[0], environment={"threads": 1, "processor": name}) for name in ("", "B", "A, old")]
    assert effort.hardware(replace(shown, records=cpu[:1])) == "CPU, 1 thread"
    assert effort.hardware(replace(shown, records=cpu)) == "A and B (CPU), 1 thread"
    gpu = replace(shown.records[0], environment={"accelerator": "NVIDIA H100", "threads": 4})
    assert effort.hardware(replace(shown, records=[*shown.records, gpu])) == "NVIDIA H100"
    assert effort.hardware(replace(shown, records=[])) == ""


def test_the_table_is_on_the_built_page(built: Path, html: Callable[..., Any]) -> None:
    assert "repro-blocks repro-comparison" in html(built, "index").values("class", "table")


INDEX = """# Home

```{papers}
```

```{sidebar} papr
```

```{sidebar} paper
:caption: Those that are read
```

```{sidebar} course
```
"""


def test_the_sidebar_has_a_part_per_kind_and_a_wrong_text_is_one_line(
    fresh: Path, build: Callable[..., Any], html: Callable[..., Any]
) -> None:
    root = fresh.parents[1]
    toml = (fresh / "paper.toml").read_text()
    (fresh / "paper.toml").write_text(toml.replace("{claim}`mean`", "{claim}`men`"))
    (root / "docs/index.md").write_text(INDEX)
    code, heard = build(root)
    assert code != 0
    assert heard.count("index.md:3: WARNING: outcome of tiny: tiny: no claim 'men'; did you mean 'mean'?") == 1
    assert "index.md:6: WARNING: no kind 'papr' of a paper; did you mean 'paper'?" in heard
    found = html(root, "guide/claims")
    assert "../papers/tiny.html" in found.values("href", "a")
    assert "Those that are read" in found.text and "Course" not in found.text
    assert "missing: men" in html(root, "index").text
