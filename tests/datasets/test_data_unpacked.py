"""Readers on files that are packed or unpacked, or named, otherwise than published: MNIST and its kind, reviews."""

from __future__ import annotations

import csv
import gzip
import io
import logging
import lzma
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from repro.data import store
from repro.datasets import tables
from repro.datasets.idx import FashionMnist, Mnist
from repro.datasets.imdb import Imdb, Review, read_reviews
from repro.errors import BadInput
from tests.datasets.test_idx import IMAGES, LABELS, idx

JUNK = b"\0\5\x16\7" + bytes(60)  # how a file of macOS begins


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Path:
    """An empty data folder, no mirror and no network."""
    monkeypatch.setenv("REPRO_DATA", str(tmp_path / "data"))
    monkeypatch.delenv("REPRO_MIRROR", raising=False)
    monkeypatch.setattr("repro.data.store._download", lambda *_: pytest.fail("it went to the network"))
    caplog.set_level(logging.INFO, logger="repro")
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


SPLITS = ("train", "t10k")
FORMS = {  # who leaves MNIST so: the folder, the name of a file, whether it is gzipped
    "published": ("", "{split}-{kind}-idx{n}-ubyte.gz", True),
    "unpacked": ("", "{split}-{kind}-idx{n}-ubyte", False),
    "named .gz by mistake": ("", "{split}-{kind}-idx{n}-ubyte.gz", False),
    "packed without .gz": ("", "{split}-{kind}-idx{n}-ubyte", True),
    "Kaggle": ("", "{split}-{kind}.idx{n}-ubyte", False),
    "Kaggle, in folders": ("", "{split}-{kind}-idx{n}-ubyte/{split}-{kind}-idx{n}-ubyte", False),
    "torchvision": ("{own}/raw", "{split}-{kind}-idx{n}-ubyte", False),
    "torchvision, packed": ("{own}/raw", "{split}-{kind}-idx{n}-ubyte.gz", True),
    "the inner folder": ("raw", "{split}-{kind}-idx{n}-ubyte", False),
}


def left(folder: Path, form: str, own: str) -> None:
    place, name, packed = FORMS[form]
    for split in SPLITS:
        for kind, array in {"images": IMAGES, "labels": LABELS}.items():
            path = folder / place.format(own=own) / name.format(split=split, kind=kind, n=array.ndim)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(gzip.compress(idx(array)) if packed else idx(array))
            (path.parent / f"._{path.name}").write_bytes(JUNK)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("reader", [Mnist, FashionMnist])
def test_idx_files_as_another_library_leaves_them(data: Path, form: str, reader: type[Mnist]) -> None:
    left(data / reader.name, form, {"mnist": "MNIST", "fashion_mnist": "FashionMNIST"}[reader.name])
    for split in ("train", "test"):
        found = reader(split)  # type: ignore[arg-type]
        assert np.array_equal(found.images, IMAGES) and found.labels.tolist() == LABELS.tolist()


def test_of_several_idx_files_one_is_read_and_named(data: Path, caplog: Any) -> None:
    left(data / "mnist", "torchvision", "MNIST")
    left(data / "mnist", "torchvision, packed", "MNIST")
    assert len(Mnist("test")) == 7
    path = data / "mnist/MNIST/raw/t10k-labels-idx1-ubyte"
    assert f"{path}.gz is read, and left out is {path}" in caplog.messages


def test_an_unpacked_file_that_ends_early_is_refused(data: Path) -> None:
    left(data / "mnist", "unpacked", "")
    path = data / "mnist/t10k-images-idx3-ubyte"
    for content, said in (
        (path.read_bytes()[:-1], "but 5487 bytes"),
        (b"", "is not an idx file"),
        (JUNK, "is not an idx"),
    ):
        path.write_bytes(content)
        with pytest.raises(BadInput, match=rf"t10k-images-idx3-ubyte: .*{said}"):
            len(Mnist("test"))


REVIEWS = [Review(0, 3, 1, "Dull."), Review(1, 0, 10, "é" * 200_000)]


def table(rows: list[Review], mark: str = "") -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerows([("id", "label", "rating", "text"), *((r.number, r.label, r.rating, r.text) for r in rows)])
    return (mark + text.getvalue()).encode()


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize(("name", "pack"), [("csv.xz", lzma.compress), ("csv", bytes), ("csv.xz", gzip.compress)])
def test_a_table_of_reviews_packed_or_not(data: Path, mark: str, name: str, pack: Any) -> None:
    """One review has 200,000 signs: Python's own limit for a value of a csv file is 131,072."""
    for split in ("train", "test"):
        (data / "imdb").mkdir(exist_ok=True)
        (data / f"imdb/{split}.{name}").write_bytes(pack(table([*REVIEWS, REVIEWS[0]], mark)))
    assert Imdb("test").reviews == REVIEWS


def test_reviews_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    (tmp_path / "test.csv").write_bytes(table([*REVIEWS, REVIEWS[0]._replace(text="Other.")]))
    with pytest.raises(BadInput, match=r"test\.csv: has two rows of label 0, id 3 that differ"):
        read_reviews(tmp_path, "test")
    (tmp_path / "test.csv").write_bytes(table([Review(0, 1, 1, "")]))
    with pytest.raises(BadInput, match=r"test\.csv: has an empty review"):
        read_reviews(tmp_path, "test")


def tree(folder: Path, name: str, content: bytes) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)


def test_a_tree_of_reviews_with_marks_copies_and_hidden_files(tmp_path: Path) -> None:
    folder = tmp_path / "aclImdb/test"
    contents = {"neg/3_1.TXT": "Dull.", "pos/0_10.txt": "\ufeffGood.", "pos/0_10 (1).txt": "\ufeffGood."}
    for name, text in contents.items():
        tree(folder, name, text.encode())
        tree(folder, f"{name[:4]}._{name[4:]}", JUNK)
    assert read_reviews(tmp_path, "test") == [Review(0, 3, 1, "Dull."), Review(1, 0, 10, "Good.")]
    tree(folder, "pos/0_9.txt", b"Good.")
    with pytest.raises(BadInput, match="pos/ contains 2 reviews with the number 0"):
        read_reviews(tmp_path, "test")
    tree(folder, "pos/0_9.txt", b"")
    with pytest.raises(BadInput, match=r"0_9\.txt: has an empty review"):
        read_reviews(tmp_path, "test")
    shutil.rmtree(folder / "pos")
    (folder / "pos").mkdir()
    with pytest.raises(BadInput, match="contains no reviews in pos/"):
        read_reviews(tmp_path, "test")


@pytest.mark.parametrize(
    ("text", "said"),
    [("a,b\n1,2,3\n", ":2: has more than 2 values"), ("a,b,a\n1,2,3\n", ":1: has two columns 'a'")],
)
def test_a_table_from_which_a_value_would_be_lost_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(BadInput, match=rf"t\.csv{said}"):
        list(tables.read(tmp_path / "t.csv", ["a", "b"]))
    (tmp_path / "t.csv").write_text("\ufeffa,b\n1,2,,\n", encoding="utf-8")
    assert list(tables.read(tmp_path / "t.csv", ["a", "b"])) == [{"a": "1", "b": "2"}]


def test_where_says_that_unpacked_data_is_here(data: Path) -> None:
    assert store.where("mnist") is None
    left(data / "mnist", "torchvision", "MNIST")
    assert store.where("mnist") == data / "mnist"
