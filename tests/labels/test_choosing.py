"""`repro labels select`: the items that an acquisition function chooses, as tasks for people, again and again."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from repro.datasets import label_table
from repro.datasets.digits import Digits
from repro.errors import BadInput
from repro.labels import acquisition, choosing, tasks
from repro.models.dropout_samples import samples
from repro.run import finished
from tests.labels import study

DIGITS = Digits("test", size=8)
DROPOUT = """
import torch
from torch import nn
from repro.registry import MODELS

@MODELS.register
class Unsure(nn.Sequential):
    '''Classifier of 8 x 8 pixels with dropout.'''

    def __init__(self) -> None:
        super().__init__(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.5), nn.Linear(64, 10))
"""
MORE = """
import papers.{name}.unsure
experiment.model = @models.Unsure()
"""


@pytest.fixture
def ran(paper: Any, repro: Callable[..., tuple[int, str, str]]) -> Path:
    """The config of a finished run on digits, of a network with dropout."""
    paper.module("unsure", DROPOUT)
    path = study.digits(paper, more=MORE.format(name=paper.name))
    code, _, err = repro("run", path)
    assert code == 0, err
    return path


def expected(path: Path, by: str, among: list[int], size: int) -> list[int]:
    """The definition: the items with the highest scores, from samples of the whole test set at once, 100 at a time."""
    built = finished.restored(path)
    parts = [torch.stack([DIGITS[index][0] for index in range(at, min(at + 100, 297))]) for at in range(0, 297, 100)]
    drawn = torch.cat([samples(built.model.eval(), part, 20, seed=0) for part in parts], dim=1).numpy()
    scores = acquisition.FUNCTIONS[by](drawn.astype(float))
    return sorted(among, key=lambda index: -scores[index])[:size]


@pytest.mark.parametrize("by", acquisition.FUNCTIONS)
def test_the_items_with_the_highest_scores_are_chosen(by: Any, ran: Path) -> None:
    found = choosing.choose(ran, test="right", by=by, size=7)
    assert [row.index for row in found.rows] == expected(ran, by, list(range(297)), 7)
    assert [row.rank for row in found.rows] == list(range(1, 8)) and found.total == 297
    for row in found.rows:
        assert row.label == str(DIGITS[row.index][1]) and row.answer == str(found.scores[row.index].argmax())


def test_answered_items_are_left_out_of_the_next_choice(ran: Path, repro: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("labels", "select", ran, "--test", "right", "--by", "entropy", "--size", 5)
    first = tasks.read(Path(repro(*words)[1].splitlines()[0]))
    monkeypatch.setattr("sys.stdin", io.StringIO("\n\n3\n\n\n"))
    code, out, err = repro("labels", "annotate", chosen(first), "--who", "ann")
    assert code == 0, err
    assert repro("labels", "import", out.strip(), "--name", "more")[0] == 0
    table = label_table.read(ran.parent.parent / "labels" / "more.csv")
    assert {one.item for one in table} == {one.item for one in first} and len(table) == 5
    again = tasks.read(Path(repro(*words)[1].splitlines()[0]))
    ids = label_table.ids(DIGITS)
    open_ = [index for index in range(297) if ids[index] not in {one.item for one in first}]
    assert [one.item for one in again] == [ids[index] for index in expected(ran, "entropy", open_, 5)]


def chosen(found: list[tasks.Task]) -> Path:
    """The file that the tasks are from."""
    one = found[0]
    return Path("selected", one.paper, f"{one.config}-seed0-{one.test}-entropy.json")


def test_the_files_are_those_of_suspects(ran: Path, repro: Any) -> None:
    code, out, err = repro("labels", "select", ran, "--test", "right", "--size", 3)
    assert code == 0, err
    written = [Path(line) for line in out.splitlines()]
    assert [path.suffix for path in written] == [".json", ".xml", ".html"]
    assert all(path.stem == "digits-seed0-right-bald" for path in written)
    rows = json.loads(written[0].read_text())
    assert [row["data"]["rank"] for row in rows] == [1, 2, 3]
    assert written[2].read_text().count("<img") == 3 and "bald" in written[2].read_text()


def test_random_items_depend_on_the_seed_alone(ran: Path) -> None:
    found = [[row.index for row in choosing.choose(ran, test="right", by="random", size=9).rows] for _ in range(2)]
    assert found[0] == found[1] and len(set(found[0])) == 9
    assert found[0] == np.random.default_rng(0).permutation(297)[:9].tolist()


def test_a_record_names_its_run(ran: Path, repro: Any) -> None:
    words = ("--test", "right", "--size", 4, "--to")
    record = ran.parent.parent / "records" / "digits-seed0.json"
    one, other = (repro("labels", "select", given, *words, folder) for given, folder in ((ran, "a"), (record, "b")))
    assert one[0] == other[0] == 0
    assert [path.read_bytes() for path in sorted(Path("a").glob("*.json"))] == [
        path.read_bytes() for path in sorted(Path("b").glob("*.json"))
    ]


def test_without_dropout_only_functions_of_the_mean_can_choose(paper: Any, repro: Any, refused: Any) -> None:
    path = study.digits(paper)
    assert repro("run", path)[0] == 0
    for by in acquisition.SPREAD:
        assert "dropout" in refused("labels", "select", path, "--test", "right", "--by", by)
    found = choosing.choose(path, test="right", by="entropy", size=5)
    scores = acquisition.entropy(found.scores[None])
    assert [row.index for row in found.rows] == np.argsort(-scores, kind="stable")[:5].tolist()


@pytest.mark.parametrize(
    "words",
    [
        *(("--test", "rigth"), (), ("--test", "right", "--by", "balds"), ("--test", "right", "--size", "298")),
        *(
            ("--test", "right", "--size", "0"),
            ("--test", "right", "--passes", "0"),
            ("--test", "right", "--classes", "a,b"),
        ),
    ],
)
def test_a_wrong_argument_is_one_line(words: tuple[str, ...], ran: Path, refused: Any) -> None:
    refused("labels", "select", ran, *words)
    assert not Path("selected").exists()


def test_another_acquisition_function_is_refused_before_the_run_is_read() -> None:
    with pytest.raises(BadInput, match="acquisition"):
        choosing.choose(Path("nowhere.gin"), by="balds")  # type: ignore[arg-type]
