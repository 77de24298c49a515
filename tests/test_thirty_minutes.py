"""The tutorial "Your first paper in 30 minutes", executed: its files are written, its commands are run.

On a stand-in for MNIST with two steps of training; and on MNIST itself as it stands (a slow test).
"""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from repro import record, verdict
from repro.claim import paper
from repro.cli import arxiv
from repro.testing import check_paper, needs
from tests.guide import files
from tests.serving import Server

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "guide" / "thirty-minutes.md"
NAME = "my_baseline"
FOLDER = Path("papers") / NAME
UNWRITTEN = {"placeholders", "explained"}  # the checks of the texts that the page leaves to the reader
JUDGED = {"reproduced", "not reproduced", "inconclusive", "exceeded"}


def write(file: Path, text: str) -> None:
    """Write a file of the page; of `paper.toml`, the page gives only the claims."""
    head = file.read_text().partition("\n\n")[0] + "\n\n" if file.name == "paper.toml" else ""
    file.write_text(head + text, encoding="utf-8")


def follow(repro: Callable[..., tuple[int, str, str]], shorter: dict[str, str]) -> None:
    """Do what the page says, from top to bottom. `shorter`: what to replace in every file that it writes."""
    for file, kind, text in files("thirty-minutes", FOLDER):
        if file:
            for old, now in shorter.items():
                text = text.replace(old, now)
            write(Path(file), text)
        for line in text.splitlines() if kind in ("console", "sh") else ():
            words = shlex.split(line.removeprefix("$ "))
            if words[0] == "git":
                subprocess.run(words, check=True, capture_output=True)
            elif words[0] == "repro" and words[1] != "report":  # the site needs the docs of this repository
                code, out, err = repro(*words[1:])
                unwritten = words[1] == "check" and set(re.findall(r"\[(\w+)\]\n", out)) <= UNWRITTEN
                assert code == 0 or (words[1] == "debug" and shorter) or unwritten, (words, out, err)


@pytest.fixture
def project(here: Path, monkeypatch: pytest.MonkeyPatch, server: Server, without: Callable[[str], None]) -> Path:
    """An empty project in a repository of its own; arXiv is a local server."""
    for key in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{key}_NAME", "a")
        monkeypatch.setenv(f"GIT_{key}_EMAIL", "a@b.c")
    subprocess.run(["git", "init", "-q"], check=True)
    Path(".gitignore").write_text("runs/\n__pycache__/\ndata/\n")
    monkeypatch.setattr("repro.record.as_committed._core_top", lambda top: None)  # the core may have changes
    monkeypatch.setattr(arxiv, "API", f"{server.address}/api/query")
    server.files["api/query?id_list=1610.02136"] = (ROOT / "tests" / "cli" / "1412.6572.atom").read_bytes()
    without(f"papers.{NAME}")
    return here


def outcomes() -> set[str]:
    one = paper.find(NAME)
    return {found.outcome for found in verdict.judge_all(one.claims, record.of_paper(one.folder))}


@pytest.mark.slow
def test_the_page_leads_to_a_judged_claim(project: Path, repro: Any, small_mnist: None) -> None:
    """On digits in the files of MNIST, in two steps: the claim then has a verdict, which is of no interest."""
    follow(repro, {"steps = 14062": "steps = 2\nexperiment.data = {}"})
    assert outcomes() <= JUDGED and len(list((FOLDER / "records").glob("mnist-seed*.json"))) == 3


@needs("mnist")
@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_page_as_it_stands(project: Path, repro: Any) -> None:
    follow(repro, {})
    check_paper(FOLDER.resolve())
    assert outcomes() <= JUDGED


def test_what_a_group_writes_has_at_most_forty_lines() -> None:
    """As the page counts: without comments and empty lines."""
    written = {Path(file).name: text for file, _, text in files("thirty-minutes", FOLDER) if file}
    assert set(written) == {"paper.toml", "model.py", "loss.py", "mnist.gin"}
    lines = [line for text in written.values() for line in text.splitlines()]
    assert len([line for line in lines if line.strip() and not line.startswith("#")]) <= 40


def test_the_number_is_in_the_claim_alone() -> None:
    """Not in the config, where it could differ from the claim."""
    texts = {Path(file).name: text for file, _, text in files("thirty-minutes", FOLDER) if file}
    assert [name for name, text in texts.items() if "1.69" in text] == ["paper.toml"]
