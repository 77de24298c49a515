"""`repro grade` counts what is in the files, and says which files it does not count."""

from __future__ import annotations

import csv
import io
import json
import re
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
    school.review("my_paper", "2026-10-13-digits", "- [ ] one", "  * [ ] two", "- [x] done")
    school.review("my_paper", "2026-10-20-words")
    school.review("other_paper", "2026-10-13-words", "- [ ] three")
    school.replay("third_paper", "a", json.dumps({"group": "waves"}))
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
    assert only.open_points == ["papers/other_paper/reviews/2026-10-13-words.md:5: three"]


@pytest.mark.parametrize(
    "name", ["2026-10-13-digit", "2026-10-13-waves", "13.10.2026-digits", "2026-13-13-digits", "notes"]
)
def test_a_review_that_counts_for_nobody_is_named(school: Any, repro: Any, name: str) -> None:
    path = school.review("my_paper", name, "- [ ] not counted")
    code, rows, err = table(repro)
    assert code == 2 and err.count("\n") == 1 and path.relative_to(school.root).as_posix() in err
    assert {row["reviews given"] for row in rows.values()} == {row["open points"] for row in rows.values()} == {"0"}


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"group": 3}', '{"group": "waves"}', '{"group": "strangers"}'])
def test_a_replay_that_counts_for_nobody_is_named(school: Any, repro: Any, text: str) -> None:
    path = school.replay("my_paper", "a", text)
    code, rows, err = table(repro)
    assert code == 2 and err.count("\n") == 1 and path.relative_to(school.root).as_posix() in err
    assert (
        {row["replays given"] for row in rows.values()} == {row["replays received"] for row in rows.values()} == {"0"}
    )


def test_a_review_with_a_character_for_the_terminal_is_refused(school: Any, refused: Any) -> None:
    school.review("my_paper", "2026-10-13-digits", "- [ ] \x1b[2J all is well")
    assert "2026-10-13-digits.md:5" in refused("grade", "waves")


def test_an_unknown_group_is_refused(school: Any, refused: Any) -> None:
    assert "did you mean 'waves'" in refused("grade", "wave")
