"""The page "Train, serve, watch, relabel", executed: its files are written, its commands are run.

The annotator of the test knows the labels of the images that were sent. The service listens on a free port.
"""

from __future__ import annotations

import io
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from repro import HOME, config, record, verdict
from repro.claim import paper
from repro.datasets import label_table
from repro.datasets.idx import Mnist
from repro.experiment import binding
from repro.labels import tasks
from repro.testing import needs
from tests.guide import files

FOLDER = Path("papers/mine")
FIRST, EVERY = "bald", ("bald", "entropy", "variation", "std", "random")
ADDRESS = "http://127.0.0.1:8000"
Command = Callable[..., tuple[int, str, str]]


class Reader:
    """Does what the page says. Steps 4 to 6 are done for each strategy: first all choices, then the labels."""

    def __init__(self, repro: Command, patch: pytest.MonkeyPatch, strategies: tuple[str, ...]) -> None:
        self.repro, self.patch, self.strategies = repro, patch, strategies
        self.service: subprocess.Popen[str] | None = None
        self.address, self.watched = "", ""

    def follow(self) -> None:
        assert self.repro("new", "mine")[0] == 0
        for file, kind, text in files("loop", FOLDER):
            if file:
                self.write(Path(file), text)
            elif kind == "console":
                for one in self.versions(text):
                    self.run(one)

    def versions(self, text: str) -> list[str]:
        """The block for each strategy, if it is about one."""
        return [text.replace(FIRST, one) for one in self.strategies] if FIRST in text.lower() else [text]

    def write(self, file: Path, text: str) -> None:
        if file.name == "paper.toml":
            head = file.read_text().partition("\n\n")[0] + "\n\n"
            file.write_text(head + "\n".join(text.replace(FIRST, one) for one in self.strategies))
            return
        for one in self.strategies if FIRST in file.name else [FIRST]:
            file.with_name(file.name.replace(FIRST, one)).write_text(text.replace(FIRST, one))

    def run(self, text: str) -> None:
        for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
            line, _, shown = part.partition("\n")
            words = shlex.split(line)
            if words[0] != "repro":
                self.other(words)
            elif words[1] == "serve":
                self.serve(words[1:-1])
            else:
                self.command(words[1:], shown)

    def command(self, words: list[str], shown: str) -> None:
        if words[:2] == ["labels", "annotate"]:
            self.patch.setattr("sys.stdin", io.StringIO(truth(Path(words[2]))))
        code, out, err = self.repro(*words)
        expected = 1 if words[0] == "watch" else 0
        assert code == expected and (not shown or out == shown), (words, out, err)
        if words[0] == "watch":
            self.watched = out

    def other(self, words: list[str]) -> None:
        """A command that is not repro's, in a process of its own."""
        if words[0] == "kill":
            self.stop()
        elif words[0] == "mkdir":
            Path(words[1]).mkdir(exist_ok=True)
        elif words[0] == "cp":
            shutil.copy(words[1], words[2])
        else:
            words = [sys.executable if one == "python" else one.replace(ADDRESS, self.address) for one in words]
            subprocess.run(words, check=True, capture_output=True, env=environment(), timeout=200)

    def serve(self, words: list[str]) -> None:
        words = ["0" if one == "8000" else one for one in words]
        command = [sys.executable, "-m", "repro", *words]
        self.service = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment()
        )
        assert self.service.stdout is not None
        self.address = self.service.stdout.readline().strip()
        assert self.address.startswith("http://127.0.0.1:")

    def stop(self) -> None:
        if self.service:
            self.service.terminate()
            self.service.wait(30)
            assert self.service.stdout is not None
            self.service.stdout.close()
            self.service = None


def environment() -> dict[str, str]:
    roots = os.pathsep.join([str(Path.cwd()), str(HOME.parent)])
    return {**os.environ, "PYTHONPATH": roots, "OMP_NUM_THREADS": "1", "NO_PROXY": "127.0.0.1"}


def truth(path: Path) -> str:
    """What an annotator types who knows the true label of each task."""
    built = binding.build(config.read(FOLDER / "configs" / "incoming.gin"))
    index = {item: at for at, item in enumerate(label_table.ids(built.test["incoming"]))}
    labels = sent()
    return "".join(f"{labels[index[task.item]]}\n" for task in tasks.read(path))


def sent() -> list[int]:
    """The true labels of the images in the log."""
    labels = Mnist("train", start=700, stop=1500).labels
    return labels[torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))].tolist()


@pytest.fixture
def reader(
    here: Path, repro: Any, monkeypatch: pytest.MonkeyPatch, without: Callable[[str], None]
) -> Iterator[Callable[..., Reader]]:
    """`reader(strategies)`: in an empty project, in a repository of its own."""
    for module in ("fastapi", "uvicorn"):
        pytest.importorskip(module, reason=f"{module} is not installed (the extra `serve`)")
    for key in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{key}_NAME", "a")
        monkeypatch.setenv(f"GIT_{key}_EMAIL", "a@b.c")
    subprocess.run(["git", "init", "-q"], check=True)
    Path(".gitignore").write_text("runs/\n__pycache__/\ndata/\nselected/\nservice.jsonl*\n.service*\n*.html\n")
    monkeypatch.setattr("repro.record.as_committed._core_top", lambda top: None)  # the core may have changes
    without("papers.mine")
    made: list[Reader] = []

    def call(*strategies: str) -> Reader:
        made.append(Reader(repro, monkeypatch, strategies))
        return made[-1]

    yield call
    for one in made:
        one.stop()


def checked(read: Reader) -> None:
    """The alarm came, the labels are true, and the effect on turned images has an interval above 0."""
    assert "first in window 2 (answers 301 to 400" in read.watched and Path("watch.html").is_file()
    one = paper.find("mine")
    judged = verdict.judge_all(one.claims, record.of_paper(one.folder))
    assert len(judged) == len(read.strategies)
    for found in judged:
        assert found.judged is not None
        effect = found.judged.interval
        assert effect.seeds == 3 and effect.low < effect.mean < effect.high and effect.mean > 0
    assert {found.outcome for found in judged} <= {"reproduced", "inconclusive"}
    for name in read.strategies:
        built = binding.build(config.read(FOLDER / "configs" / f"with_{name}.gin"))
        given, labels = built.train.given, sent()
        assert len(given) == 50 and all(labels[at] == label for at, label in given.items())


@pytest.mark.timeout(600)
def test_the_loop_on_small_digits(reader: Any, small_mnist: None) -> None:
    """On digits in the files of MNIST."""
    read = reader("bald")
    read.follow()
    checked(read)


@needs("mnist")
@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_loop_on_mnist_with_each_strategy(reader: Any) -> None:
    read = reader(*EVERY)
    read.follow()
    checked(read)
