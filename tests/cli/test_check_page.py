"""The examples of the guide's page about `repro check` print what the page shows, and its table has every check."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest

from repro.testing import contract

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "guide" / "check.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", PAGE, re.DOTALL)


def shown(line: str) -> str:
    """A line without the width of its columns, and without what depends on the code: the digest of a run."""
    return re.sub(r"\b[0-9a-f]{8}-seed", "DIGEST-seed", " ".join(line.split()))


def test_the_examples_print_what_the_page_shows(
    paper: Any, git: Any, repro: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    shutil.copytree(ROOT / "papers/template/tests", paper.folder / "tests")
    tips = paper.folder / "tips.md"
    tips.write_text(tips.read_text().replace("papers/template", f"papers/{paper.name}"))
    git("add", "-A"), git("commit", "-qm", "tests")
    assert repro("run", f"{paper.name}/smoke")[0] == 0
    for kind, text in BLOCKS:
        if kind == "md":
            report = paper.folder / "report.md"
            report.write_text(report.read_text() + text)
        if kind == "console":
            command, *lines = re.sub(r"\b(template|my_paper)\b", paper.name, text).splitlines()
            _, out, err = repro(*shlex.split(command.removeprefix("$ repro ")))
            printed = {shown(line) for line in (*out.splitlines(), *err.splitlines())}
            assert [line for line in lines if shown(line) not in printed] == [], "\n".join(printed)


def test_the_table_has_every_check() -> None:
    assert re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE) == list(contract.CHECKS)
