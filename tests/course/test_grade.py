"""`repro grade` counts what is in the files, and says which files it does not count."""

from __future__ import annotations

import csv
import io
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from repro import course
from repro.course import grade
from repro.verdict import OUTCOMES


def table(repro: Any, *words: str) -> tuple[int, dict[str, dict[str, str]], str]:
    """The exit code, the rows of the CSV by group, and stderr."""
    code, out, err = repro("grade", *words, "--csv")
    return code, {row["group"]: row for row in csv.DictReader(io.StringIO(out))}, err


def test_without_reviews_every_count_of_them_is_0(school: Any, repro: Any) -> None:
    code, rows, err = table(repro)
    assert (code, err, list(rows)) == (0, "", ["waves", "digits", "words"])
    for row in rows.values():
        counted = ("reviews given", "reviews received", "replays given", "replays received", "open points")
        assert [row[name] for name in counted] == ["0"] * 5
        claims = Path("papers", row["paper"], "paper.toml").read_text().count("[[claim]]")
        assert sum(int(row[name]) for name in OUTCOMES) == claims == int(row["not run"])
        tests = [path.read_text() for path in Path("papers", row["paper"], "tests").rglob("test_*.py")]
        assert int(row["tests"]) == sum(len(re.findall(r"(?m)^\s*def test_", text)) for text in tests) > 0
        assert int(row["tips"]) == len(re.findall(r"(?m)^## ", Path("papers", row["paper"], "tips.md").read_text()))


def test_what_is_given_is_received(school: Any, repro: Any) -> None:
    school.review("my_paper", "digits", "- [ ] one", "* [ ] two", "- [x] done")
    school.review("my_paper", "Words")
    (path,) = [school.review("other_paper", "words", "- [ ] three")]
    school.replay("third_paper", "waves")
    code, rows, err = table(repro)
    assert (code, err) == (0, "")
    assert {name: (row["reviews given"], row["reviews received"]) for name, row in rows.items()} == {
        "waves": ("0", "2"),
        "digits": ("1", "1"),
        "words": ("2", "0"),
    }
    assert [row["open points"] for row in rows.values()] == ["2", "1", "0"]
    assert (rows["waves"]["replays given"], rows["words"]["replays received"]) == ("1", "1")
    assert table(repro, "digits")[1] == {"digits": rows["digits"]}
    (only,) = (row for row in grade.standings(course.find())[0] if row.group.id == "digits")
    line = path.read_text().split("\n").index("- [ ] three") + 1
    assert only.open_points == [f"papers/other_paper/reviews/{path.name}:{line}: three"]


def test_the_newest_review_of_a_group_decides(school: Any, repro: Any) -> None:
    def decided(paper: str, group: str, day: str, decision: str) -> None:
        path = school.review(paper, group, day=day)
        path.write_text(path.read_text().replace("0" * 40, f"{'0' * 40}\n- **Decision** {decision}"))

    decided("my_paper", "digits", "2026-10-13", "changes needed")
    decided("my_paper", "digits", "2026-10-20", "approve")
    decided("my_paper", "words", "2026-10-20", "approve")
    decided("other_paper", "waves", "2026-10-13", "approve")
    decided("other_paper", "waves", "2026-10-20", "changes needed")
    school.review("third_paper", "waves")  # without a decision
    assert [row["approvals"] for row in table(repro)[1].values()] == ["2", "0", "0"]


@pytest.mark.parametrize("group", ["digit", "waves"])
def test_a_review_that_counts_for_nobody_is_named(school: Any, repro: Any, group: str) -> None:
    path = school.review("my_paper", group, "- [ ] not counted")
    code, rows, err = table(repro)
    assert code == 2 and err.count("\n") == 1 and path.relative_to(school.root).as_posix() in err
    assert {row["reviews given"] for row in rows.values()} == {row["open points"] for row in rows.values()} == {"0"}


def test_a_file_that_is_no_review_is_named(school: Any, repro: Any) -> None:
    path = school.review("my_paper", "digits")
    path.write_text("# Notes\n")
    code, _, err = table(repro)
    assert code == 2 and err.count("\n") == 1 and path.relative_to(school.root).as_posix() in err


@pytest.mark.parametrize(
    ("by", "changed"),
    [("waves", {}), ("strangers", {}), ("digits", {"dirty": True}), ("digits", {"group": "words"})],
    ids=["own paper", "no group", "uncommitted", "another folder"],
)
def test_a_replay_that_counts_for_nobody_is_named(school: Any, repro: Any, by: str, changed: Any) -> None:
    path = school.replay("my_paper", by, **changed)
    code, rows, err = table(repro)
    assert code == 2 and err.count("\n") == 1 and path.relative_to(school.root).as_posix() in err
    assert (
        {row["replays given"] for row in rows.values()} == {row["replays received"] for row in rows.values()} == {"0"}
    )


def test_a_review_or_replay_of_a_paper_outside_the_course_is_named(school: Any, repro: Any) -> None:
    for name in ("foreign", "distant"):
        shutil.copytree(school.root / "papers" / "my_paper", school.root / "papers" / name)
    paths = [school.review("foreign", "Digits", "- [ ] one"), school.replay("distant", "waves")]
    school.review("foreign", "strangers"), school.replay("distant", "strangers")  # neither is a group of the course
    code, rows, err = table(repro)
    assert code == 2 and err.count("\n") == 2
    assert all(path.relative_to(school.root).as_posix() in err for path in paths)
    assert {row["reviews given"] for row in rows.values()} == {row["replays given"] for row in rows.values()} == {"0"}


def test_a_folder_outside_the_course_that_cannot_be_read_hides_no_group(school: Any, repro: Any) -> None:
    shutil.copytree(school.root / "papers" / "my_paper", school.root / "papers" / "foreign")
    (school.root / "papers" / "foreign" / "reviews").write_text("")
    code, rows, err = table(repro)
    assert (code, len(rows)) == (2, 3) and "papers/foreign/reviews" in err


def test_a_review_with_a_character_for_the_terminal_is_refused(school: Any, repro: Any) -> None:
    path = school.review("my_paper", "digits", "- [ ] \x1b[2J all is well")
    code, out, err = repro("grade", "waves")
    assert code == 2 and f"{path.name}:{len(path.read_text().splitlines())}" in err and "\x1b" not in out + err


BROKEN = {"tips.md": ["tips"], "tests/test_parts.py": ["tests"], "paper.toml": OUTCOMES, "records/a.json": OUTCOMES}


@pytest.mark.parametrize("name", BROKEN)
def test_a_file_that_cannot_be_read_hides_no_group(school: Any, repro: Any, name: str) -> None:
    school.review("my_paper", "digits", "- [ ] one")
    before = table(repro)[1]["waves"]
    school.replay("my_paper", "digits")
    path = school.root / "papers" / "my_paper" / name
    path.write_bytes(b"\xff\xfe\x00")
    code, rows, err = table(repro)
    assert (code, list(rows)) == (2, ["waves", "digits", "words"])
    assert err.count(f"papers/my_paper/{name}") == err.count("\n") == 1
    unknown, row = BROKEN[name], rows["waves"]
    assert {row[key] for key in unknown} == {""} and row["cannot be read"].startswith(f"papers/my_paper/{name}")
    counted = [key for key in row if key not in (*unknown, *OUTCOMES, "cannot be read", "replays received")]
    assert [row[key] for key in counted] == [before[key] for key in counted]
    assert repro("grade", "waves")[1].splitlines()[1].count("?") == (0 if unknown is OUTCOMES else 1)


def test_a_group_without_a_folder_has_a_row(school: Any, repro: Any) -> None:
    school.review("my_paper", "words")
    (school.root / "papers" / "third_paper").rename(school.root / "papers" / "elsewhere")
    code, rows, err = table(repro)
    assert (code, list(rows)) == (2, ["waves", "digits", "words"]) and err.count("\n") == 1
    row = rows["words"]
    assert (row["reviews given"], row["tips"], row["tests"], row["not run"]) == ("1", "", "", "")


def test_an_unknown_group_is_refused(school: Any, refused: Any) -> None:
    assert "did you mean 'waves'" in refused("grade", "wave")
