"""The examples of the guide's page about reviews print what the page shows."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "guide" / "review.md").read_text(encoding="utf-8")
EXAMPLES = [text for text in re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL) if "my_paper" in text]


def shown(line: str) -> str:
    """A line without what depends on the day and on the code: dates and commits."""
    return re.sub(r"\b[0-9a-f]{12}\b", "COMMIT", re.sub(r"\b\d{4}-\d\d-\d\d\b", "DATE", line.strip()))


@pytest.mark.slow
def test_the_examples_print_what_the_page_shows(paper: Any, git: Any, repro: Any) -> None:
    for name, seed in (("smoke", 0), ("line", 0)):
        assert repro("run", f"{paper.name}/{name}", "--seed", seed)[0] == 0
    git("config", "user.name", "Ada Reviewer")
    git("add", "-A"), git("commit", "-qm", "records")
    git("branch", "-M", "main"), git("checkout", "-qb", "mine")
    toml = (paper.folder / "paper.toml").read_text()
    paper.toml(toml.replace("tolerance = 0.002", "tolerance = 0.02", 1))
    git("commit", "-qam", "a wider tolerance")
    assert len(EXAMPLES) == 3
    for text in EXAMPLES:
        command, *lines = text.replace("my_paper", paper.name).splitlines()
        code, out, err = repro(*shlex.split(command.removeprefix("$ repro ")))
        printed = {shown(line) for line in out.splitlines()}
        assert code == 0, err
        assert [line for line in lines if shown(line) not in printed] == [], out
