"""Reviews: both layouts hold the same, whatever their order; what train and test share can be left out."""

from __future__ import annotations

import csv
import lzma
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.datasets.imdb import Imdb, Review, read_reviews
from repro.errors import BadInput
from repro.testing import check_dataset, needs

ROWS = {
    "train": [Review(1, 0, 9, "Good.<br />So good"), Review(0, 0, 2, 'Bad, "bad"\nand long'), Review(1, 1, 8, "Née")],
    "test": [Review(0, 0, 1, "Worse"), Review(1, 0, 10, "Née"), Review(0, 1, 3, "Dull"), Review(1, 1, 7, "Fine")],
}


def write_tables(folder: Path, rows: dict[str, list[Review]]) -> None:
    folder.mkdir(parents=True)
    for split, reviews in rows.items():
        with lzma.open(folder / f"{split}.csv.xz", "wt", encoding="utf-8", newline="") as file:
            table = csv.writer(file)
            table.writerow(["id", "label", "rating", "text"])
            table.writerows([r.number, r.label, r.rating, r.text] for r in reviews)


def write_tree(folder: Path, rows: dict[str, list[Review]]) -> None:
    for split, reviews in rows.items():
        for review in reviews:
            path = folder / "aclImdb" / split / ("neg", "pos")[review.label] / f"{review.number}_{review.rating}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(review.text.encode())


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("REPRO_DATA", str(tmp_path / "data"))
    return tmp_path / "data" / "imdb"


@pytest.mark.parametrize("write", [write_tables, write_tree])
def test_the_battery(data: Path, write: Callable[..., None]) -> None:
    write(data, ROWS)
    check_dataset(Imdb("test"))
    assert [Imdb("train")[index] for index in range(3)] == [(r.text, r.label) for r in sorted(ROWS["train"])]


REVIEWS = st.lists(
    st.builds(Review, st.integers(0, 1), st.integers(0, 99), st.integers(1, 10),
              st.text(st.characters(codec="utf-8", exclude_characters="\ufeff"), min_size=1)),
    min_size=1, max_size=6, unique_by=lambda review: (review.label, review.number))  # fmt: skip


@settings(max_examples=25)
@given(REVIEWS, st.randoms())
def test_both_layouts_hold_the_same_in_any_order(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Review], chance: random.Random
) -> None:
    shuffled = chance.sample(rows, len(rows))
    one, other = tmp_path_factory.mktemp("one") / "imdb", tmp_path_factory.mktemp("other") / "imdb"
    write_tables(one, {"test": shuffled})
    write_tree(other, {"test": rows})
    assert read_reviews(one, "test") == read_reviews(other, "test") == sorted(rows)


def test_the_fingerprint_is_of_the_rows(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tables(data, ROWS)
    before = Imdb("test").fingerprint()
    monkeypatch.setenv("REPRO_DATA", str(data.parent.with_name("other")))
    changed = [row._replace(text=row.text.replace("Dull", "Dul1")) for row in ROWS["test"]]
    write_tree(data.parent.with_name("other") / "imdb", {**ROWS, "test": changed})
    assert Imdb("test").fingerprint() != before


def test_shared_texts_are_left_out_on_request(data: Path) -> None:
    write_tables(data, ROWS)
    assert "Née" in Imdb("test").texts and "Née" not in Imdb("test", shared=False).texts
    assert len(Imdb("test", shared=False)) == 3 and len(Imdb("train", shared=False)) == 2


def test_a_subset_is_spread_over_both_classes(data: Path) -> None:
    write_tables(data, ROWS)
    assert sorted(Imdb("test", size=2).labels) == [0, 1]
    with pytest.raises(BadInput, match=r"datasets.Imdb.size is 5; expected 1 to 4"):
        len(Imdb("test", size=5))


OTHER = {  # what else may be called test.csv.xz
    "nothing": (b"", ":1: has no column 'label'"),
    "no archive": (b"no xz", ":1: has no column 'label'"),
    "another table": (lzma.compress(b"id,label\n1,2\n"), ":1: has no column 'rating'"),
    "a short row": (lzma.compress(b"id,label,rating,text\n1,1,10\n"), ":2: ends before the column 'text'"),
    "no number": (lzma.compress(b"id,label,rating,text\n1,one,1,a\n"), ": is not a table of reviews"),
    "a third class": (
        lzma.compress(b"id,label,rating,text\n1,2,1,a\n"),
        ": has labels other than 0 and 1; expected a table of reviews",
    ),
    "no row": (
        lzma.compress(b"id,label,rating,text\n"),
        ": has labels other than 0 and 1; expected a table of reviews",
    ),
    "no UTF-8": (lzma.compress(b"\xff\xfe"), ": is not a CSV file in UTF-8"),
    "a bomb": (
        lzma.compress(b"id,label,rating,text\n" + b"1,1,1,%s\n" % bytes(100_000).replace(b"\0", b"a") * 700),
        ": refused: it unpacks to more",
    ),
}


@pytest.mark.parametrize(("content", "said"), OTHER.values(), ids=OTHER)
def test_another_table_is_refused_by_name(data: Path, content: bytes, said: str) -> None:
    write_tables(data, ROWS)
    (data / "test.csv.xz").write_bytes(content)
    with pytest.raises(BadInput, match=rf"test\.csv\.xz{said}"):
        len(Imdb("test"))


def test_a_foreign_file_in_the_tree_is_refused(data: Path) -> None:
    write_tree(data, ROWS)
    (data / "aclImdb" / "test" / "pos" / "readme.txt").write_text("?")
    with pytest.raises(BadInput, match=r"contains pos/readme.txt; expected names like 123_8.txt"):
        len(Imdb("test"))


@needs("imdb")
def test_the_real_reviews(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Maas et al.: 25,000 and 25,000, half positive; 123 texts of one stand in the other (the mirror's notes)."""
    train, test = Imdb("train"), Imdb("test")
    assert (len(train), sum(train.labels), len(test), sum(test.labels)) == (25000, 12500, 25000, 12500)
    assert len(Imdb("test", shared=False)) == 25000 - 123
    assert all((row.rating >= 7) == bool(row.label) for row in (*train.reviews, *test.reviews))
    few = test.reviews[::1000]
    write_tree(tmp_path / "imdb", {"train": train.reviews[::12500], "test": few})  # of both classes, or it is not whole
    monkeypatch.setenv("REPRO_DATA", str(tmp_path))
    monkeypatch.delenv("REPRO_MIRROR")
    assert Imdb("test").reviews == few
