"""The form of a review: how it is started, filled in and answered, and what is a fault."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from repro.report import page, reviews
from repro.testing import contract
from tests.review.conftest import GROUP, counter, sections


def test_a_form_is_started_filled_in_and_answered(recorded: Any, repro: Any, refused: Any, git: Any) -> None:
    counter(recorded, "line")
    page.forget()
    code_, out, err = repro("review", recorded.name, "--write", "--group", GROUP)
    assert code_ == 0, err
    path = Path(out.strip())
    assert re.fullmatch(rf"papers/{recorded.name}/reviews/\d{{4}}-\d\d-\d\d-group-2\.md", out.strip())
    started = reviews.read(path)
    assert (started.group, started.who, started.commit) == (GROUP, "Ada Reviewer", git("rev-parse", "HEAD"))
    assert "line-seed0.json`: agrees" in started.sections["What I ran"] and started.points == []
    page.forget()
    assert refused("review", recorded.name, "--write", "--group", GROUP).startswith(str(path))
    empty = [one for one in contract.faults(recorded.folder) if one.check == "reviews"]
    assert len(empty) == len(reviews.SECTIONS)  # the decision is missing too; what the group has replayed is filled in
    rows = [path.read_text().splitlines()[one.line - 1] for one in empty]
    assert rows == ["- **Decision** approve or changes needed", *(f"## {name}" for name in reviews.SECTIONS[1:])]
    text = path.read_text().replace("approve or changes needed", "changes needed")
    for name, answer in (("could not run", "none"), ("Questions", "- [ ] Why 0.3?"), ("must change", "- [x] The log")):
        text = re.sub(rf"(## .*{name}\n)", rf"\1\n{answer}\n", text)
    path.write_text(text)
    assert not [one for one in contract.faults(recorded.folder) if one.check in ("reviews", "replays")]
    assert [(point.text, point.open) for point in reviews.read(path).points] == [("Why 0.3?", True), ("The log", False)]
    assert sections(recorded)["Open points"].lines[0].endswith("Why 0.3?")
    path.write_text(text.replace("- [ ] Why", "- [x] Why"))
    found = sections(recorded)
    assert found["Open points"].lines == []
    assert found["What changed"].lines  # since the commit of this review


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("## Questions", "## Question"),
        ("- [ ] Why", "- Why"),
        ("- [ ] Why?", "<!-- - [ ] Why? -->"),
        ("- **Group** Group 2", "- **Group** Group 3"),
        ("- **Group** Group 2", "- **Group** the repro authors"),
        ("- **Date** 2026-01-31", "- **Date** 2026-01-32"),
        ("- **Date** 2026-01-31", "- **Date** 9999-01-31"),
        ("- **Commit** 0", "- **Commit** x"),
        ("- **Who** Ada\n", ""),
        ("- **Decision** approve", "- **Decision** approve or changes needed"),
        ("- **Decision** approve", "- **Decision** approved"),
        ("- **Decision** approve", "- **Decided** approve"),
        ("What I ran\n\nall", "What I ran\n\n"),
        ("- [ ] Why?", "- [ ] "),
        ("must change\n\nnone", "must change\n\n- [ ] The tolerance"),  # and it approves
    ],
)
def test_a_review_without_the_form_is_a_fault(paper: Any, before: str, after: str) -> None:
    head = (
        f"- **Group** Group 2\n- **Who** Ada\n- **Date** 2026-01-31\n- **Commit** {'0' * 40}\n- **Decision** approve\n"
    )
    answers = ("all", "none", "- [ ] Why?", "none")
    body = "".join(f"\n## {name}\n\n{said}\n" for name, said in zip(reviews.SECTIONS, answers, strict=True))
    path = paper.folder / "reviews" / "2026-01-31-group-2.md"
    path.parent.mkdir()
    text = f"# Review\n\n{head}{body}"

    def faults() -> list[str]:
        return [one.file for one in contract.faults(paper.folder) if one.check == "reviews"]

    path.write_text(text)
    assert faults() == []
    path.write_text(text.replace("- **Decision** approve\n", ""))
    assert faults() == [], "a review from before there were decisions"
    assert before in text
    path.write_text(text.replace(before, after, 1))
    assert set(faults()) == {f"papers/{paper.name}/reviews/{path.name}"}


def test_an_approval_may_have_done_points_and_questions(paper: Any) -> None:
    """And a file of another kind in the folder is not passed over."""
    head = "".join(
        f"- **{name}** {value}\n"
        for name, value in zip(
            (*reviews.ITEMS, "Decision"), ("B", "Ada", "2026-01-31", "0" * 40, "approve"), strict=True
        )
    )
    answers = ("all", "none", "- [ ] Why?", "- [x] The tolerance")
    body = "".join(f"\n## {name}\n\n{said}\n" for name, said in zip(reviews.SECTIONS, answers, strict=True))
    path = paper.folder / "reviews" / "2026-01-31-b.md"
    path.parent.mkdir()
    path.write_text(f"# Review\n\n{head}{body}")
    assert [one for one in contract.faults(paper.folder) if one.check == "reviews"] == []
    path.rename(path.with_suffix(".txt"))
    assert [one.file for one in contract.faults(paper.folder) if one.check == "reviews"] == [
        f"papers/{paper.name}/reviews/2026-01-31-b.txt"
    ]
