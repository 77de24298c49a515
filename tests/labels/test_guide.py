"""The page "Wrong labels", executed on images, text and speech: its files are written, its commands are run.

The annotator of the test knows the truth, because the labels are wrong on purpose.
"""

from __future__ import annotations

import csv
import importlib
import io
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from repro import HOME, config, record, verdict
from repro.audio.files import write_wav
from repro.claim import paper
from repro.data import store
from repro.datasets import label_table
from repro.datasets.fsdd import Fsdd
from repro.datasets.imdb import Imdb
from repro.datasets.relabelled import Relabelled
from repro.experiment import binding
from repro.labels import tasks
from repro.testing import needs
from tests.guide import files

FOLDER = Path("papers/mine")
Command = Callable[..., tuple[int, str, str]]


def blocks(kind: str) -> Iterator[tuple[str, str, str]]:
    """The file that each block is (or ""), its language, and its text; `kind` in place of the images."""
    for own, language, text in files("labels", FOLDER):
        if own.endswith(("/images.gin", "/text.gin", "/speech.gin")):
            yield own, language, text
        else:
            yield own.replace("images", kind), language, text.replace("images", kind)


def truth(path: Path, kind: str) -> str:
    """What an annotator types who knows the true label of each task."""
    built = binding.build(config.read(FOLDER / "configs" / f"{kind}_suspects.gin"))
    data = built.test["training"]
    index = {item: at for at, item in enumerate(label_table.ids(data))}
    return "".join(f"{data.source[index[task.item]][1]}\n" for task in tasks.read(path))


def write(file: Path, text: str) -> None:
    """Write a file of the page; of `paper.toml`, the page gives only the claims."""
    head = file.read_text().partition("\n\n")[0] + "\n\n" if file.name == "paper.toml" else ""
    file.write_text(head + text, encoding="utf-8")


def follow(repro: Command, patch: pytest.MonkeyPatch, kind: str) -> None:
    """Do what the page says, from top to bottom."""
    assert repro("new", "mine")[0] == 0
    for file, language, text in blocks(kind):
        if file:
            write(Path(file), text)
        for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:] if language == "console" else ():
            line, _, shown = part.partition("\n")
            words = shlex.split(line)
            if words[0] == "git":
                subprocess.run(words, check=True, capture_output=True)
                continue
            if words[:3] == ["repro", "labels", "annotate"]:
                patch.setattr("sys.stdin", io.StringIO(truth(Path(words[3]), kind)))
            code, out, err = repro(*words[1:])
            assert code == 0 and (not shown or out == shown), (words, out, err)


@pytest.fixture
def project(here: Path, monkeypatch: pytest.MonkeyPatch, without: Callable[[str], None]) -> Path:
    """An empty project in a repository of its own."""
    for key in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{key}_NAME", "a")
        monkeypatch.setenv(f"GIT_{key}_EMAIL", "a@b.c")
    subprocess.run(["git", "init", "-q"], check=True)
    Path(".gitignore").write_text("runs/\n__pycache__/\ndata/\nsuspects/\n")
    monkeypatch.setattr("repro.record.as_committed._core_top", lambda top: None)  # the core may have changes
    without("papers.mine")
    return here


def checked(kind: str) -> None:
    """The annotator corrected many wrong labels and made none wrong; the effect has an interval."""
    built = binding.build(config.read(FOLDER / "configs" / f"{kind}_corrected.gin"))
    assert isinstance(built.train, Relabelled)
    wrong = built.train.source.steps
    assert set(built.train.changed) <= set(wrong) and len(built.train.changed) > 0.4 * len(wrong)
    one = paper.find("mine")
    (judged,) = verdict.judge_all(one.claims, record.of_paper(one.folder))
    assert judged.judged is not None
    effect = judged.judged.interval
    assert effect.seeds == 3 and effect.low < effect.mean < effect.high and effect.mean > 0
    assert judged.outcome == ("reproduced" if effect.low > 0 else "inconclusive")
    pages = list(Path("suspects/mine").glob("*.html"))
    text = pages[0].read_text(encoding="utf-8")
    assert {"images": "<img", "text": "<blockquote", "speech": "<audio"}[kind] in text


def test_the_page_on_images(project: Path, repro: Any, small_mnist: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """On digits in the files of MNIST."""
    follow(repro, monkeypatch, "images")
    checked("images")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_page_in_a_shell(project: Path, small_mnist: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each command in a process of its own; the answers come through a pipe."""

    def shell(*words: str) -> tuple[int, str, str]:
        command = [sys.executable, "-m", "repro", *words]
        typed = sys.stdin.read() if words[:2] == ("labels", "annotate") else None
        done = subprocess.run(command, input=typed, capture_output=True, text=True)
        return done.returncode, done.stdout, done.stderr

    roots = os.pathsep.join([str(project), str(HOME.parent)])
    monkeypatch.setenv("PYTHONPATH", roots)
    follow(shell, monkeypatch, "images")
    assert (FOLDER / "labels" / "images.csv").stat().st_size > 1000
    assert len(list((FOLDER / "records").glob("images_corrected-seed*.json"))) == 3


@needs("mnist")
@pytest.mark.slow
def test_the_page_on_mnist(project: Path, repro: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    follow(repro, monkeypatch, "images")
    checked("images")


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """`small(kind)`: a part of the real data, as the data folder, because reading all of it takes most of the time."""

    def call(kind: str) -> None:
        folder = tmp_path / "data" / {"text": "imdb", "speech": "fsdd"}[kind]
        folder.mkdir(parents=True)
        for split in ("train", "test"):
            reviews(folder, split) if kind == "text" else recordings(folder, split)
        monkeypatch.setenv(store.DATA, str(folder.parent))

    return call


def reviews(folder: Path, split: Any) -> None:
    """The 1,000 reviews that the page uses of this split."""
    rows = [(row.number, row.label, row.rating, row.text) for row in Imdb(split, size=1000).reviews]
    with (folder / f"{split}.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("id", "label", "rating", "text"), *rows])


def recordings(folder: Path, split: Any) -> None:
    """Every fourth recording of this split."""
    (folder / "recordings").mkdir(exist_ok=True)
    every = Fsdd(split)
    for index in range(0, len(every), 4):
        samples = (every[index][0] * 32768).round().clamp(-32768, 32767).to(torch.int16).numpy()
        write_wav(folder / "recordings" / f"{every.names[index]}.wav", samples, 8000)


@pytest.mark.parametrize("kind", ["text", "speech"])
def test_the_files_on_text_and_speech_are_read(kind: str, project: Path, repro: Any) -> None:
    """Each file of the page: the configs are bound, the claims read. The commands are those of the page on images."""
    assert repro("new", "mine")[0] == 0
    files = [(Path(file), text) for file, _, text in blocks(kind) if file]
    for file, text in files:
        write(file, text)
    configs = [file for file, _ in files if file.suffix == ".gin" and kind in file.name]
    assert {file.stem for file in configs} >= {kind, f"{kind}_suspects", f"{kind}_corrected"}
    for file in configs:
        binding.bind(config.read(file), whole=True)
    assert {name for claim in paper.find("mine").claims for name in claim.configs} <= {
        f"configs/{file.name}" for file in configs
    }
    features = importlib.import_module("papers.mine.features")
    if kind == "text":
        counts, label = features.MineWords([("a b a", 1)], 16)[0]
        assert label == 1 and counts.expm1().sum() == pytest.approx(3)
    else:
        spectrum, label = features.MineSpectrum([(torch.rand(8000), 1)], 8)[0]
        assert label == 1 and spectrum.shape == (129, 8) and spectrum.isfinite().all()


@needs("imdb")
@pytest.mark.slow
def test_the_page_on_text(project: Path, repro: Any, small: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    small("text")
    follow(repro, monkeypatch, "text")
    checked("text")


@needs("fsdd")
@pytest.mark.slow
def test_the_page_on_speech(project: Path, repro: Any, small: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    small("speech")
    follow(repro, monkeypatch, "speech")
    checked("speech")


@needs("imdb", "fsdd")
@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("kind", ["text", "speech"])
def test_the_page_as_it_stands(kind: str, project: Path, repro: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    follow(repro, monkeypatch, kind)
    checked(kind)
