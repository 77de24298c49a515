"""The page of the first assignment, executed: every command, every line of Python, and what it says is printed.

On digits that need no download, in a handful of steps; and on MNIST itself as it stands, where it is (a slow test).
"""

from __future__ import annotations

import doctest
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from repro.testing import needs

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "guide" / "first-assignment.md"
PAPER = "papers/mnist_quickstart"
BLOCK = re.compile(r"^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
RUNS = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)

Command = tuple[list[str], str]  # its words, and what the page says it prints


def blocks() -> list[tuple[str, str]]:
    """The kind and the text of every block of code, in order; the files that are included are none."""
    return [(hit["kind"], hit["text"]) for hit in BLOCK.finditer(PAGE.read_text(encoding="utf-8"))]


def commands(text: str) -> Iterator[Command]:
    """What stands behind each `$`, and the lines below it."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        line, _, shown = part.partition("\n")
        yield line.split(), shown


def follow(repro: Callable[..., Any], shorter: list[str]) -> None:
    """Do what the page says, from top to bottom, in the working directory; `shorter`: more words for each run."""
    names: dict[str, Any] = {}
    for kind, text in blocks():
        if kind == "python":
            example = doctest.DocTestParser().get_doctest(text, names, PAGE.name, str(PAGE), 0)
            names = example.globs
            assert RUNS.run(example, clear_globs=False).failed == 0, text
        for words, shown in commands(text) if kind == "console" else ():
            if words[0] == "repro":
                code, out, err = repro(*words[1:], *(shorter if words[1] == "run" else []))
                assert code == (1 if "FAULT" in shown else 0), (words, out, err)
                pattern = re.escape(shown).replace(re.escape("..."), ".*")
                assert not shown or re.fullmatch(pattern, out), f"{' '.join(words)} prints\n{out}\nand not\n{shown}"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, without: Any) -> Path:
    """A project with this one paper in it, without records; the working directory."""
    without("papers.mnist_quickstart")
    shutil.copytree(ROOT / PAPER, tmp_path / PAPER, ignore=shutil.ignore_patterns("records", "__pycache__"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


@pytest.mark.slow
def test_the_page_is_run_on_a_stand_in(project: Path, repro: Any, small_mnist: None) -> None:
    """Digits in the files of MNIST. The configs ask for MNIST itself, and would refuse them: that is left out."""
    follow(repro, ["--set", "experiment.data = {}", "--set", "STEPS = 2"])
    assert not (project / PAPER / "records").exists(), "a changed config leaves no record in its paper"


@needs("mnist")
@pytest.mark.slow
def test_the_page_is_run_as_it_stands(project: Path, repro: Any) -> None:
    """All of its trainings, on MNIST."""
    follow(repro, [])
    named = {
        words[2] for kind, text in blocks() if kind == "console" for words, _ in commands(text) if words[1] == "run"
    }
    made = {path.name.rpartition("-")[0] for path in (project / PAPER / "records").glob("*.json")}
    assert made == {name.rpartition("/")[2] for name in named}


def test_what_the_page_tells_to_type_is_there() -> None:
    """What only a clone can do (make, pytest) is not done here; what it needs is looked for."""
    kinds = {kind for kind, _ in blocks()}
    assert kinds == {"sh", "python", "console"}
    setup = [line for kind, text in blocks() if kind == "sh" for line in text.splitlines()]
    assert setup == ["make venv", "source .venv/bin/activate"]
    assert "\nvenv:" in (ROOT / "Makefile").read_text(encoding="utf-8")
    typed = [words for kind, text in blocks() if kind == "console" for words, _ in commands(text)]
    assert {words[0] for words in typed} == {"repro", "pytest"}
    named = [word.partition("/")[2] for words in typed for word in words[1:] if word.startswith("mnist_quickstart/")]
    assert named and [one for one in named if not (ROOT / PAPER / "configs" / f"{one}.gin").is_file()] == []
