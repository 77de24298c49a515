"""Asking in the terminal: every answer is written at once, and stopping anywhere changes nothing."""

from __future__ import annotations

import contextlib
import io
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.errors import BadInput
from repro.labels import answers, terminal

CLASSES = ["cat", "dog", "cow"]


def tasks(folder: Path, number: int = 4, **data: Any) -> Path:
    path = folder / "tasks.json"
    about = {"paper": "p", "config": "c", "test": "t", "label": "dog", "classes": CLASSES, **data}
    path.write_text(json.dumps([{"data": {"item": f"item {at}", **about}} for at in range(number)]))
    return path


def run(path: Path, lines: list[str], stop: type[BaseException] = EOFError) -> list[str]:
    """Annotate with these lines as input; what was said. After the last line, `stop` is raised."""
    waiting: Iterator[str] = iter(lines)
    said: list[str] = []

    def ask(prompt: str) -> str:
        said.append(prompt)
        if (line := next(waiting, None)) is None:
            raise stop
        return line

    terminal.annotate(path, "ann", ask, said.append)
    return said


def chosen(folder: Path) -> dict[str, str]:
    path = folder / "tasks-by-ann.json"
    return {one.task.item: one.choice for one in answers.read(path)} if path.exists() else {}


def test_a_name_a_number_and_nothing(tmp_path: Path) -> None:
    run(tasks(tmp_path), ["cow", "0", "", "s"])
    assert chosen(tmp_path) == {"item 0": "cow", "item 1": "cat", "item 2": "dog"}
    assert all(one.by == "ann" for one in answers.read(tmp_path / "tasks-by-ann.json"))


def test_what_is_no_class_is_asked_again_and_b_goes_back(tmp_path: Path) -> None:
    run(tasks(tmp_path), ["3", "-1", "horse", "\u0663", "cow", "b", "cat", "q"])
    assert chosen(tmp_path) == {"item 0": "cat"}


LINES = st.lists(st.sampled_from(["cat", "dog", "2", "", "s"]), min_size=4, max_size=4)


@given(LINES, st.integers(0, 4), st.sampled_from([EOFError, KeyboardInterrupt]))
def test_stopping_anywhere_loses_nothing(lines: list[str], at: int, stop: type[BaseException]) -> None:
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        run(tasks(Path(one)), lines)
        with contextlib.suppress(KeyboardInterrupt):
            run(tasks(Path(other)), lines[:at], stop)
        assert len(chosen(Path(other))) == sum(line != "s" for line in lines[:at])
        run(tasks(Path(other)), lines[at:])
        assert chosen(Path(other)) == chosen(Path(one))


def test_control_characters_do_not_reach_the_terminal(tmp_path: Path) -> None:
    path = tasks(tmp_path, 1)
    rows = json.loads(path.read_text())
    rows[0]["data"]["text"] = "a \N{LATIN SMALL LETTER E WITH ACUTE}" + "word " * 5000
    path.write_text(json.dumps(rows))
    assert sum(map(len, run(path, []))) < 6000
    rows[0]["data"]["text"] = "\x1b]0;title\x07"
    path.write_text(json.dumps(rows))
    with pytest.raises(BadInput):  # a file with such characters is not read at all
        run(path, [])


def test_two_names_have_two_files(tmp_path: Path) -> None:
    path = tasks(tmp_path)
    found = {terminal.annotate(path, who, lambda prompt: "cow", lambda line: None) for who in ("A B", "A_B", "A.B")}
    assert len(found) == 3
    assert {one.by for file in found for one in answers.read(file)} == {"A B", "A_B", "A.B"}


@pytest.mark.parametrize("typed", ["", "q\n"])
def test_a_file_that_was_not_written_is_not_printed(
    typed: str, tmp_path: Path, repro: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tasks(tmp_path)
    for before in ("", "cow\n"):
        monkeypatch.setattr("sys.stdin", io.StringIO(before + typed))
        code, out, _ = repro("labels", "annotate", path, "--who", "zoe")
        own = tmp_path / "tasks-by-zoe.json"
        assert code == 0 and own.exists() == bool(before) == (own.name in out)
        assert before or out == ""


@pytest.mark.parametrize("who", ["", "a/b", "a@b.c", "x" * 41, "\x1b", ".hidden"])
def test_a_name_that_is_not_one_is_refused(who: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput):
        terminal.annotate(tasks(tmp_path), who, lambda prompt: "q", lambda line: None)


def test_answers_that_somebody_changed_are_refused(tmp_path: Path) -> None:
    path = tasks(tmp_path)
    run(path, ["cow"])
    own = tmp_path / "tasks-by-ann.json"
    rows = json.loads(own.read_text())
    rows[0]["annotations"][0]["result"][0]["value"]["choices"] = ["horse"]
    own.write_text(json.dumps(rows))
    with pytest.raises(BadInput):
        run(path, ["cow"])
