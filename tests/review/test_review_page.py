"""The examples of the guide's page about reviews print what the page shows."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from repro import record
from tests.review.conftest import made

PAGE = (Path(__file__).parents[2] / "docs" / "guide" / "review.md").read_text(encoding="utf-8")
EXAMPLES = [text for text in re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL) if "my_paper" in text]


def shown(line: str) -> str:
    """A line without what depends on the day and on the code: dates and commits."""
    return re.sub(r"\b[0-9a-f]{12}\b", "COMMIT", re.sub(r"\b\d{4}-\d\d-\d\d\b", "DATE", line.strip()))


def check(paper: Any, repro: Any, examples: list[str]) -> None:
    for text in examples:
        command, *lines = text.replace("my_paper", paper.name).splitlines()
        code, out, err = repro(*shlex.split(command.removeprefix("$ repro ")))
        printed = {shown(line) for line in out.splitlines()}
        assert code == 0, err
        assert [line for line in lines if shown(line) not in printed] == [], out


def test_the_page_and_the_form_are_as_the_guide_shows(paper: Any, git: Any, repro: Any) -> None:
    record.write(made(paper, "line"), paper.records)
    git("config", "user.name", "Ada Reviewer")
    git("add", "-A"), git("commit", "-qm", "records")
    git("branch", "-M", "main"), git("checkout", "-qb", "mine")
    toml = (paper.folder / "paper.toml").read_text()
    paper.toml(toml.replace("tolerance = 0.002", "tolerance = 0.02", 1))
    git("commit", "-qam", "a wider tolerance")
    examples = [text for text in EXAMPLES if text.startswith("$ repro review")]
    assert len(examples) == 2
    check(paper, repro, examples)


@pytest.mark.slow
def test_the_replay_is_as_the_guide_shows(paper: Any, git: Any, repro: Any) -> None:
    assert repro("run", f"{paper.name}/smoke")[0] == 0
    git("config", "user.name", "Ada Reviewer")
    examples = [text for text in EXAMPLES if text.startswith("$ repro replay")]
    assert len(examples) == 1
    check(paper, repro, examples)
