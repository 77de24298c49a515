"""Large Movie Review Dataset (Maas et al. 2011): 25,000 reviews to train and 25,000 to test, half of them positive.

Two layouts with the same content can be read. One is the original tree
`aclImdb/{train,test}/{pos,neg}/<id>_<rating>.txt`. The other is two tables `{train,test}.csv.xz` (or `.csv`) with the
columns id, label, rating, text. In the original, 123 texts occur both in train and in test.
"""

from __future__ import annotations

import hashlib
import io
import logging
import re
from collections import Counter
from functools import cached_property
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from torch.utils.data import Dataset

from repro.data import store, unpack
from repro.data.panels import show_text
from repro.datasets import tables, walk
from repro.errors import BadInput
from repro.registry import DATASETS, wrong_value

CLASSES = ("neg", "pos")

log = logging.getLogger("repro")


class Review(NamedTuple):
    """One review: its class (1 positive, 0 negative), its number within the class, its rating in stars, its text."""

    label: int
    number: int
    rating: int
    text: str


@DATASETS.register
class Imdb(Dataset[tuple[str, int]]):
    """IMDb movie reviews (Large Movie Review Dataset): 25,000 to train, 25,000 to test.

    Item: `(text str, label int)`, label 1 for a positive review. The negative reviews come first. Each class is sorted
    by number. The texts are unchanged and contain `<br />`.

    size: take this many reviews, spread evenly over the split. shared: False removes reviews whose text is also in the
    other split. Raises BadInput if the data are missing and cannot be downloaded, if a file is not a review, or if
    `size` is out of range. Source: Maas et al. 2011.

    Example: a table with two reviews in place of the real ones (`repro data get imdb`).

        >>> import os
        >>> os.environ["REPRO_DATA"] = str(Path.cwd())
        >>> Path("imdb").mkdir()
        >>> rows = "id,label,rating,text\\n0,1,9,A lovely film.\\n0,0,2,A dull film.\\n"
        >>> for split in ("train", "test"):
        ...     size = Path(f"imdb/{split}.csv").write_text(rows)
        >>> reviews = Imdb("train")
        >>> len(reviews), reviews[0]
        (2, ('A dull film.', 0))
    """

    illustrate = staticmethod(show_text)

    def __init__(self, split: Literal["train", "test"], size: int | None = None, shared: bool = True) -> None:
        self.split, self.size, self.shared = split, size, shared
        self.folder = store.folder("imdb")

    @cached_property
    def reviews(self) -> list[Review]:
        """The reviews of this set, negative ones first."""
        rows = read_reviews(self.folder, self.split)
        if not self.shared:
            other = {row.text for row in read_reviews(self.folder, "test" if self.split == "train" else "train")}
            rows = [row for row in rows if row.text not in other]
        if self.size is None:
            return rows
        if not 0 < self.size <= len(rows):
            raise wrong_value(self, "size", self.size, f"1 to {len(rows)}, the number of reviews")
        return [rows[index] for index in np.linspace(0, len(rows) - 1, self.size).round().astype(int)]

    @cached_property
    def texts(self) -> list[str]:
        return [row.text for row in self.reviews]

    @cached_property
    def labels(self) -> list[int]:
        return [row.label for row in self.reviews]

    def __len__(self) -> int:
        return len(self.reviews)

    def __getitem__(self, index: int) -> tuple[str, int]:
        row = self.reviews[index]
        return row.text, row.label

    def fingerprint(self) -> str:
        """Digest of the rows. For the complete split it equals the fingerprint in the catalogue."""
        digest = hashlib.sha256()
        for row in self.reviews:
            digest.update(f"{row.label} {row.number} {row.rating} {len(row.text)} {row.text}\n".encode())
        return digest.hexdigest()[:16]


def read_reviews(folder: Path, split: str) -> list[Review]:
    """Read the reviews of a split from the layout that `folder` has, sorted. Raises BadInput if it has neither."""
    packed, tree = [folder / f"{split}.csv.xz", folder / f"{split}.csv"], folder / "aclImdb" / split
    found = [path for path in packed if path.is_file()] + [tree] * tree.is_dir()
    if not found:
        raise BadInput(f"{folder} contains neither {packed[0].name} nor aclImdb/{split}/")
    if found[1:]:
        log.info("%s is read, and left out is %s", found[0], ", ".join(map(str, found[1:])))
    return sorted(_from_tree(tree) if found[0] is tree else _from_table(found[0]))


def _from_table(path: Path) -> list[Review]:
    try:
        with unpack.opened(path) as file:
            lines = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
            rows = tables.rows(lines, path, ("label", "id", "rating", "text"))
            once = tables.once(rows, path, lambda row: f"label {row['label']}, id {row['id']}")
            reviews = [Review(int(r["label"]), int(r["id"]), int(r["rating"]), _whole(r["text"], path)) for r in once]
    except (*unpack.BROKEN, OSError) as error:
        raise BadInput(f"is not a table of reviews: {type(error).__name__}: {error}", str(path)) from None
    if not reviews or {row.label for row in reviews} - set(range(len(CLASSES))):
        raise BadInput("has labels other than 0 and 1", str(path), expected="a table of reviews")
    return reviews


def _from_tree(folder: Path) -> list[Review]:
    rows = []
    for label, name in enumerate(CLASSES):
        found = walk.files(folder / name, ".txt")
        if not found and (folder / name).is_dir():
            raise BadInput(f"contains no reviews in {name}/", str(folder), expected="pos/ and neg/ with reviews")
        rows += [_review(label, path, folder) for path in found.values()]
    if not rows:
        raise BadInput("contains no reviews", str(folder), expected="pos/ and neg/ with reviews")
    (twice, times) = Counter((row.label, row.number) for row in rows).most_common(1)[0]
    if times > 1:
        raise BadInput(f"{CLASSES[twice[0]]}/ contains {times} reviews with the number {twice[1]}", str(folder))
    return rows


def _review(label: int, path: Path, folder: Path) -> Review:
    if not re.fullmatch(r"[0-9]{1,9}_[0-9]{1,9}", path.stem):
        raise BadInput(f"contains {path.relative_to(folder)}", str(folder), expected="names like 123_8.txt")
    number, _, rating = path.stem.partition("_")
    return Review(label, int(number), int(rating), _text(path))


def _text(path: Path) -> str:
    try:
        text = path.read_bytes().decode()
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}", str(path)) from None
    except UnicodeDecodeError as error:
        raise BadInput(f"is not UTF-8 text ({error.reason} at byte {error.start})", str(path)) from None
    return _whole(text, path)


def _whole(text: str, path: Path) -> str:
    """The text without a byte order mark at its start. Raises BadInput if the text is empty."""
    if not (whole := text.removeprefix("\ufeff")):
        raise BadInput("has an empty review", str(path), expected="a text")
    return whole
