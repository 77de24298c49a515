"""The second mark of a claim, and the open points of the reviews, on the page of a paper."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from repro import record
from repro.errors import where
from repro.record import Record
from repro.report import claims, page, replays, reviews
from repro.report.sphinx import changes
from repro.rerun import counter_record
from repro.testing import contract
from tests.conftest import CLEAN

FORM = """# Review of tiny

- **Group** Group 2
- **Who** Ada
- **Date** 2026-01-31
- **Commit** 0000000000000000000000000000000000000000

## What I ran

all

## What I could not run

none

## Questions

- [ ] Why <b>0.3</b> and `x`?
- [x] An old question

## What must change

none
"""


@pytest.fixture
def folder(tmp_path: Path, small: Callable[[Path], Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The small paper, written by Group 1."""
    made = small(tmp_path)
    toml = made / "paper.toml"
    toml.write_text(toml.read_text().replace("[paper]\n", '[paper]\ngroup = "Group 1"\n', 1))
    monkeypatch.syspath_prepend(str(tmp_path))
    page.forget()
    yield made
    page.forget()


def shown() -> page.Page:
    page.forget()
    return page.read("tiny")


def replayed(found: Record, folder: Path, group: str, by: float = 0.0) -> Path:
    """Write a counter-record of `found`: its values are larger `by` this much."""
    measured = [replace(one, values=[value + by for value in one.values]) for one in found.measurements]
    source = CLEAN | {"group": group, "who": "Ada"}
    again = replace(found, measurements=measured, source=source, finished="2026-02-02T00:00:00+00:00", stale="")
    return record.write(again, folder / counter_record.FOLDER / counter_record.name(group))


def marked() -> dict[str, list[str]]:
    """The groups that have replayed each claim; checks that the page shows just these."""
    found = shown()
    groups = {
        verdict.claim.id: names for verdict in found.verdicts if (names := replays.groups(verdict, found.replays))
    }
    assert str(claims.claims(found)).count("replayed by Group") == len(groups)
    return groups


def test_a_claim_is_marked_only_if_another_group_gets_the_same_numbers(folder: Path) -> None:
    judged = [(one.claim.id, one.judged) for one in shown().verdicts if one.judged and not one.judged.over]
    assert judged and marked() == {}
    name, evidence = judged[0]
    found = evidence.records[0]
    replayed(found, folder, "Group 1")
    replayed(found, folder, "Group 3", by=1.0)
    assert marked() == {}
    assert "differs" in str(claims.claims(shown())) and shown().verdicts[0].evidence[0].records
    replayed(found, folder, "Group 2")
    assert marked()[name] == ["Group 2"]
    path = folder / "records" / f"{found.stem}.json"
    changed = [replace(one, values=[value + 1.0 for value in one.values]) for one in found.measurements]
    record.write(replace(found, measurements=changed), path.parent)
    assert marked().get(name) == ["Group 3"], "now the other group agrees"


@pytest.mark.parametrize(("second", "marked"), [
    ("Group 2", ["Group 2"]), ("Group 2 (@ann)", ["Group 2"]), ("group 2", ["Group 2"]), ("Group 3 (@ann)", []),
])  # fmt: skip
def test_the_accounts_of_a_group_do_not_split_its_replays(second: str, marked: list[str]) -> None:
    sides = [SimpleNamespace(config=name, seed=0) for name in ("a", "b")]
    verdict: Any = SimpleNamespace(judged=SimpleNamespace(records=sides[:1], over=sides[1:]))
    found: Any = [
        SimpleNamespace(group=group, agrees=True, run=(side.config, 0))
        for side, group in zip(sides, ("Group 2", second), strict=True)
    ]
    assert replays.groups(verdict, found) == marked


def test_the_page_is_made_again_when_a_replay_or_a_review_changes(folder: Path) -> None:
    def digest() -> str:
        changes.forget()
        return changes.digest("paper tiny")

    digests = [digest()]
    made = replayed(shown().records[0], folder, "Group 2")
    digests.append(digest())
    Path(f"{made}.sig").write_text("x")
    digests.append(digest())
    (folder / "reviews").mkdir()
    (folder / "reviews" / "2026-01-31-group-2.md").write_text(FORM)
    digests.append(digest())
    (folder.parent / "allowed_signers").write_text("group-2 ssh-ed25519 A\n")
    digests.append(digest())
    assert len(set(digests)) == len(digests)


def test_open_points_are_on_the_page_until_they_are_answered(folder: Path) -> None:
    assert "{reviews}" not in page.text(shown(), folder)
    path = folder / "reviews" / "2026-01-31-group-2.md"
    path.parent.mkdir()
    path.write_text(FORM)
    assert "```{reviews} tiny" in page.text(shown(), folder)
    told = str(reviews.section(shown()))
    assert "1 open point" in told and "An old question" not in told and "<b>" not in told
    assert f"reviews/{path.name}.html#L{FORM.splitlines().index('- [ ] Why <b>0.3</b> and `x`?') + 1}" in told
    assert "changes needed" not in told
    path.write_text(re.sub(r"(- \*\*Commit.*\n)", r"\1- **Decision** changes needed\n", FORM))
    assert "changes needed, 1 open point" in str(reviews.section(shown()))
    path.write_text(FORM.replace("- [ ] Why", "- [x] Why"))
    told = str(reviews.section(shown()))
    assert "no open point" in told and "Why" not in told


UNBOXED = ["The tolerance is too wide.", "1. A number.", "> - [ ] quoted", "### A heading", "Two\nlines.", "- no box"]


@pytest.mark.parametrize("text", UNBOXED)
@pytest.mark.parametrize("above", ["", "- [x] done\n\n", "- [x] done\n\n  An answer.\n\n", "none\n\n"])
def test_what_has_no_box_is_an_open_point_and_a_fault(folder: Path, text: str, above: str) -> None:
    path = folder / "reviews" / "2026-01-31-group-2.md"
    path.parent.mkdir()
    path.write_text(FORM.replace("change\n\nnone\n", f"change\n\n{above}{text}\n"))
    line = path.read_text().splitlines().index(text.splitlines()[0]) + 1
    assert [point.line for point in reviews.read(path).open][1:] == [line]
    found = [fault for fault in contract.faults(folder) if fault.check == "reviews"]
    assert [(fault.file, fault.line) for fault in found] == [(where(path), line)]


@pytest.mark.parametrize(
    "text", ["none", "None.", "*none*", "- [x] done\nand more\n  of it\n\n  An answer.\n\n  More."]
)
def test_an_answer_has_no_open_point(folder: Path, text: str) -> None:
    path = folder / "reviews" / "2026-01-31-group-2.md"
    path.parent.mkdir()
    path.write_text(FORM.replace("change\n\nnone\n", f"change\n\n{text}\n"))
    assert len(reviews.read(path).open) == 1
    assert not [fault for fault in contract.faults(folder) if fault.check == "reviews"]


@pytest.mark.slow
def test_the_site_has_the_mark_and_the_points(folder: Path, build: Any) -> None:
    (folder / "reviews").mkdir()
    (folder / "reviews" / "2026-01-31-group-2.md").write_text(FORM)
    for found in shown().records:
        replayed(found, folder, "Group 2")
    root = folder.parents[1]
    assert build(root) == (0, "")
    html = (root / "html" / "papers" / "tiny.html").read_text()
    assert "replayed by Group 2" in html and "1 open point" in html
    assert (root / "html" / "files" / "papers" / "tiny" / "reviews" / "2026-01-31-group-2.md.html").is_file()
