"""Datasets with other labels: only the labels change, the fingerprint changes with them, a test set is not replaced."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader

from repro.datasets import label_table
from repro.datasets.digits import Digits
from repro.datasets.label_table import Answer
from repro.datasets.relabelled import Relabelled
from repro.errors import BadInput
from repro.testing import check_dataset
from tests.labels import study

Table = Callable[[dict[int, tuple[int, ...]]], Relabelled]
WHEN = "2026-01-02"


@pytest.fixture
def table(paper: Any) -> Table:
    """`table({index: labels by several people})`: the digits with these answers."""

    def call(given: dict[int, tuple[int, ...]]) -> Relabelled:
        digits = Digits("test", size=8)
        ids, held = label_table.ids(digits), label_table.labels(digits)
        rows = [
            Answer(ids[index], held[index], label, f"person {number}", WHEN)
            for index, labels in given.items()
            for number, label in enumerate(labels)
        ]
        (paper.folder / "labels").mkdir(exist_ok=True)
        label_table.write(paper.folder / "labels" / "first.csv", rows)
        return Relabelled(digits, f"papers/{paper.name}/labels/first.csv")

    return call


def test_only_the_decided_labels_change(table: Table) -> None:
    corrected = table({3: (9,), 5: (1, 2), 7: (4, 4, 5), 8: (int(Digits("test").labels[8]),)})
    check_dataset(corrected)
    before = Digits("test", size=8)
    assert corrected.changed == {3: 9, 7: 4}
    for index in range(len(before)):
        assert torch.equal(corrected[index][0], before[index][0])
        assert corrected[index][1] == {3: 9, 7: 4}.get(index, before[index][1])
    assert corrected[-len(before) + 3][1] == 9


def test_a_loader_reads_the_same_labels(table: Table) -> None:
    corrected = table({3: (9,), 7: (4,)})
    (_, labels), = DataLoader(corrected, batch_size=len(corrected))  # fmt: skip
    assert labels.tolist() == [corrected[index][1] for index in range(len(corrected))]


def test_the_fingerprint_is_that_of_the_labels(table: Table) -> None:
    prints = [table(given).fingerprint() for given in ({3: (9,)}, {3: (9, 9)}, {3: (8,)}, {4: (9,)}, {3: (9, 8)}, {})]
    assert prints[0] == prints[1] and prints[4] == prints[5]
    assert len({*prints, Digits("test", size=8).fingerprint()}) == 5


def test_a_second_round_corrects_the_first(table: Table, paper: Any) -> None:
    first = table({3: (9,)})
    item = label_table.ids(first)[3]
    label_table.write(paper.folder / "labels" / "second.csv", [Answer(item, 9, 2, "ann", WHEN)])
    second = Relabelled(first, f"papers/{paper.name}/labels/second.csv")
    assert (first[3][1], second[3][1]) == (9, 2) and label_table.ids(second) == label_table.ids(Digits("test", size=8))


def test_a_table_of_other_data_is_refused_with_its_line(table: Table, paper: Any) -> None:
    table({3: (9,)})
    other = Relabelled(Digits("test", size=9), f"papers/{paper.name}/labels/first.csv")
    with pytest.raises(BadInput) as error:
        other[0]
    assert error.value.where.endswith("labels/first.csv:2")


def test_attributes_of_the_protocol_are_passed_on_and_labels_are_not(table: Table) -> None:
    corrected = table({3: (9,)})
    assert not hasattr(corrected, "labels") and not hasattr(corrected, "names")
    corrected.source.names = ["x"] * 297
    assert corrected.names == ["x"] * 297
    assert pickle.loads(pickle.dumps(corrected)).names == corrected.names


def test_corrected_test_labels_need_the_published_ones_next_to_them(
    table: Table, paper: Any, repro: Any, refused: Any
) -> None:
    table({3: (9,)})
    more = [
        "datasets.Relabelled.dataset = @datasets.Digits()",
        f"datasets.Relabelled.labels = 'papers/{paper.name}/labels/first.csv'",
        "trainers.Supervised.steps = 2",
    ]
    alone = study.digits(paper, "alone", "\n".join([*more, "experiment.test = {'corrected': @datasets.Relabelled()}"]))
    assert "corrected" in refused("run", alone)
    both = "experiment.test = {'published': @datasets.Digits(), 'corrected': @datasets.Relabelled()}"
    code, out, err = repro("run", study.digits(paper, "both", "\n".join([*more, both])))
    assert code == 0, err
    assert {Path(out.strip()).name} == {"both-seed0.json"}
