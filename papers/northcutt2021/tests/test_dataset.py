"""Tests of the released files, of the votes, and of the pictures of recordings."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from papers.northcutt2021.dataset import FOLDERS, CrowdChecked, DigitSpectrograms, Released
from repro.datasets.idx import Mnist
from repro.errors import BadInput
from repro.testing import check_dataset, needs

VOTES = [
    {"id": 1, "mturk": {"given": 2, "guessed": 3}},
    {"id": 3, "mturk": {"given": 3, "guessed": 2}},
]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Writes the files of a small "mnist": four items of two classes, two of which were shown."""
    monkeypatch.setenv("REPRO_DATA", str(tmp_path))
    monkeypatch.delenv("REPRO_MIRROR", raising=False)

    def write(votes: Any = VOTES, labels: Any = (0, 1, 0, 1), nested: bool = False) -> Path:
        for name in ("mnist", "imdb", "cifar10", "20news"):
            _write(tmp_path, f"{name}_test_set_pyx.npy", np.array([[0.75, 0.25]] * 4), nested)
            _write(tmp_path, f"{name}_test_set_original_labels.npy", np.array(labels, dtype=np.uint16), nested)
            _write(tmp_path, f"{name}_mturk.json", votes, nested)
        _write(tmp_path, "imdb_test_set_index_to_filename.json", ["neg/9_1.txt", "pos/7_8.txt"], nested)
        return tmp_path

    return write


def _write(folder: Path, name: str, content: Any, nested: bool) -> None:
    place = folder / "label_errors"
    if nested:
        place /= next(inner for ending, inner in FOLDERS.items() if name.endswith(ending))
    place.mkdir(parents=True, exist_ok=True)
    if isinstance(content, np.ndarray):
        np.save(place / name, content)
    else:
        (place / name).write_text(json.dumps(content), encoding="utf-8")


@pytest.mark.parametrize("nested", [True, False])
def test_items_have_probabilities_labels_and_votes(files: Callable[..., Path], nested: bool) -> None:
    files(nested=nested)
    data = Released("mnist")
    assert [data[index][1]["label"] for index in range(4)] == [0, 1, 0, 1]
    assert [data[index][1]["shown"] for index in range(4)] == [False, True, False, True]
    assert [data[index][1]["wrong"] for index in range(4)] == [False, True, False, False], "three votes are enough"
    assert data[0][0].tolist() == [0.75, 0.25]
    check_dataset(data)


def test_the_fingerprint_changes_with_the_votes(files: Callable[..., Path]) -> None:
    files()
    before = Released("mnist").fingerprint()
    files(votes=VOTES[:1])
    assert Released("mnist").fingerprint() != before


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"votes": [{"id": 9, "mturk": {"given": 1}}]}, "votes on 9"),
        ({"votes": [{"id": 1}]}, "mturk"),
        ({"votes": ["text"]}, "mnist_mturk.json"),
        ({"labels": (0, 1)}, "2 labels"),
        ({"labels": ((0, 1), (0, 1))}, "dimensions"),
    ],
)
def test_files_that_do_not_fit_are_one_line(files: Callable[..., Path], given: Any, what: str) -> None:
    files(**given)
    with pytest.raises(BadInput) as caught:
        _ = Released("mnist").fingerprint()
    assert what in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["mnist_test_set_pyx.npy", "mnist_mturk.json"])
def test_a_damaged_file_is_named(files: Callable[..., Path], name: str) -> None:
    (files() / "label_errors" / name).write_bytes(b"{")
    with pytest.raises(BadInput) as caught:
        _ = Released("mnist").fingerprint()
    assert caught.value.where.endswith(name)


def test_votes_on_reviews_name_their_files(files: Callable[..., Path]) -> None:
    files(votes=[{"id": "test/pos/7_8", "mturk": {"given": 0}}])
    rows = [
        SimpleNamespace(label=label, number=number, rating=rating) for label, number, rating in ((0, 9, 1), (1, 7, 8))
    ]
    reviews = SimpleNamespace(reviews=rows)
    source = [(torch.zeros(2), 0), (torch.ones(2), 1)]
    checked = CrowdChecked(source, "imdb", reviews)
    assert [checked[index][1]["wrong"] for index in range(2)] == [False, True]
    with pytest.raises(BadInput) as caught:
        CrowdChecked(source, "imdb")
    assert caught.value.parameter == "reviews"


def test_votes_on_a_test_set_that_is_cut_are_refused(files: Callable[..., Path]) -> None:
    files()
    with pytest.raises(BadInput) as caught:
        _ = CrowdChecked([(torch.zeros(2), 0)], "mnist")[0]
    assert "complete" in caught.value.expected


@needs("label_errors/mnist", "mnist/test")
def test_the_released_labels_of_mnist_are_those_of_the_test_set() -> None:
    assert Released("mnist").labels == Mnist("test").labels.tolist()


def test_pictures_of_recordings_show_pitch_and_time() -> None:
    """A rising tone is loud in low bands at first, and in high bands at the end; its level does not matter."""
    time = torch.arange(8000) / 8000
    tone = torch.sin(2 * torch.pi * (200 + 1600 * time) * time)
    data = DigitSpectrograms([(tone, 1), (0.5 * tone, 1)])  # type: ignore[arg-type]
    picture = data[0][0]
    assert picture.shape == (1, 28, 28) and picture.dtype == torch.float32
    assert picture[0, :, 2].argmax() < picture[0, :, 14].argmax() < picture[0, :, 25].argmax()
    assert (picture - data[1][0]).abs().mean() < 0.2
