"""The author's table of 255 papers that he tried to reproduce, and the questions that his tables ask of it.

The numbers of the tables are from a reading of the PDF in the author's repository.

Letters: A attempts, those left out aside.
"""

from __future__ import annotations

import hashlib
import itertools
import math
import random
from collections.abc import Iterator
from functools import cached_property
from typing import Annotated, Any, Literal

from torch.utils.data import Dataset

from repro.datasets import store, tables
from repro.errors import BadInput, nearest
from repro.registry import DATASETS

NAME = "reproducable_blind.csv"

MISSING = "N/A"  # an author who was not asked, a paper without data
PER_PAGE = "Normalized "  # the paper's word (Table 3) for a count divided by the number of pages

NUMBERS = (
    *("Year", "Year Attempted", "Pages", "Number of Authors", "Num References", "Number of Equations"),
    *("Number of Proofs", "Total Tables and Figures", "Number of Tables", "Number of Graphs/Plots"),
    *("Number of Other Figures", "Conceptualization Figures"),
)
TOPICS = (
    *("Bayesian", "Class Imbalance", "Classification", "Clustering", "Concept Drift", "Decision Trees"),
    *("Deep Learning", "Dimension Reduction", "Embedding", "Ensembling", "Fairness", "Feature Engineering"),
    *("Feature Importanace", "Graph Classification", "Kernel/SVMs", "Linear Models", "Meta", "NLP"),  # sic
    *("Non-Linear Other", "Online Classification", "Optimization", "Other", "Outlier Detection", "Parallel Learning"),
    *("Search/Retrieval", "Topic Modeling"),
)
LEVELS = {  # in the order of Tables 5 to 19
    "Reproduced": ("No", "Yes"),
    "Type": ("Tech Report", "Workshop", "Conference", "Journal", "Book"),
    "Author Code Available": ("No", "Yes"),
    "Authors Reply": ("No", "Yes", MISSING),
    "Rigor vs Empirical": ("Empirical", "Theory", "Balance"),
    "Has Appendix": ("No", "Yes"),
    "Looks Intimidating": ("No", "Yes"),
    "Paper Readability": ("Low", "Ok", "Good", "Excellent"),
    "Algo Difficulty": ("Low", "Medium", "High"),
    "Pseudo Code": ("No", "Step-Code", "Yes", "Code-Like"),
    "Data Available": ("No", "Yes", MISSING),
    "Uses Exemplar Toy Problem": ("No", "Yes"),
    "Exact Compute Used": ("No", "Yes"),
    "Hyperparameters Specified": ("No", "Yes", "Partial"),
    "Compute Needed": ("Desktop", "GPU", "Server", "Cluster", "500 CPUs"),
    "Primary Topic": TOPICS,
}

Attempt = dict[str, str]
"""One attempt: the text of each column."""

Values = list[float] | list[str]
Target = dict[str, Any]


@DATASETS.register
class Attempts(Dataset[tuple[Attempt, str]]):
    """The author's blinded table. Item: `(the 27 features of an attempt as texts, "Yes" or "No": was it reproduced)`.

    255 attempts in the order of the file. Raises BadInput where the file is not here and cannot be downloaded, and for
    one that is no such table.
    """

    @cached_property
    def rows(self) -> list[Attempt]:
        path = store.folder("raff2019") / NAME
        rows = tables.once(tables.read(path, (*LEVELS, *NUMBERS)), path, lambda row: tuple(row.values()))
        if not rows:
            raise BadInput("holds no attempt", str(path))
        for number, row in enumerate(rows, 1):
            _refuse_odd(row, f"{path}: attempt {number}")
        return rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> tuple[Attempt, str]:
        return split(self.rows[index])

    def fingerprint(self) -> str:
        """Digest of the rows, column by column in the order of the file."""
        return digest(self.rows)


@DATASETS.register
class SyntheticAttempts(Dataset[tuple[Attempt, str]]):
    """A table of the same columns filled by chance, for those without the author's: no number of it means anything."""

    def __init__(self, size: int = 60, seed: int = 0) -> None:
        self.size, self.seed = size, seed

    @cached_property
    def rows(self) -> list[Attempt]:
        chance = random.Random(self.seed)
        return [self._row(chance) for _ in range(self.size)]

    def _row(self, chance: random.Random) -> Attempt:
        numbers = {column: str(chance.randint(1, 20)) for column in NUMBERS}
        return {**numbers, **{column: chance.choice(levels) for column, levels in LEVELS.items()}}

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> tuple[Attempt, str]:
        return split(self.rows[index])

    def fingerprint(self) -> str:
        """Digest of the rows."""
        return digest(self.rows)


@DATASETS.register
class Features(Dataset[tuple[Values, Target]]):
    """An item per feature: `(values, {"groups", "asked"})`, its value and its group for each of A attempts.

    rows: the paper's name of a feature -> its column; `Normalized X` is column X divided by the pages, as in Table 3.
    by: the column whose levels are the groups. recoded: levels to be counted as another one.
    beside: a second column of groups, for what adjusts for it: it joins the target as "beside".

    Values are numbers, or the levels of a column in LEVELS. `asked` is empty: the item is about all groups. Attempts
    where any of these is "N/A" are left out.
    """

    def __init__(
        self,
        attempts: Annotated[Any, DATASETS],
        rows: dict[str, str],
        by: str = "Reproduced",
        recoded: dict[str, str] | None = None,
        beside: str = "",
    ) -> None:
        self.attempts, self.rows, self.by, self.recoded, self.beside = attempts, rows, by, recoded or {}, beside
        for column in (*rows.values(), by, *filter(None, [beside])):
            _refuse_unknown(column)

    @property
    def source(self) -> Any:
        """The attempts that the items are made from: `experiment.data` may ask for it."""
        return self.attempts

    @property
    def names(self) -> list[str]:
        return list(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> tuple[Values, Target]:
        columns = [self.rows[self.names[index]], self.by, *filter(None, [self.beside])]
        given = [[self._value(column, *item) for column in columns] for item in self._items()]
        whole = [row for row in given if MISSING not in row]
        if not whole:
            raise BadInput(f"datasets.Features: '{self.names[index]}' is {MISSING} of every attempt")
        values, groups, *beside = map(list, zip(*whole, strict=True))
        return values, {"groups": groups, "asked": [], **({"beside": beside[0]} if beside else {})}

    def _items(self) -> Iterator[tuple[Attempt, str]]:
        return (self.attempts[index] for index in range(len(self.attempts)))

    def _value(self, column: str, features: Attempt, reproduced: str) -> float | str:
        if column == "Reproduced":
            return reproduced
        if column in LEVELS:
            return self.recoded.get(features[column], features[column])
        number = float(features[column.removeprefix(PER_PAGE)])
        return number / float(features["Pages"]) if column.startswith(PER_PAGE) else number

    def fingerprint(self) -> str:
        """Digest of all items with their names."""
        return digest([self.names, *(self[index] for index in range(len(self)))])


@DATASETS.register
class Breakdown(Dataset[tuple[Values, Target]]):
    """The items of `features` once for every group, every pair of groups or every cell: `asked` says for which.

    group: `asked` is one group (Table 3). pair: two, in the order of LEVELS. cell: one, and the target has a "level" of
    the feature too, as in the contingency tables (Tables 2 and 5 to 19).
    """

    def __init__(self, features: Annotated[Any, DATASETS], each: Literal["group", "pair", "cell"]) -> None:
        self.features, self.each = features, each

    @property
    def source(self) -> Any:
        """The features that the items are made from: `experiment.data` may ask for it."""
        return self.features

    @cached_property
    def _asked(self) -> list[tuple[int, dict[str, Any]]]:
        """The feature that each item is of, and what is asked of it."""
        return [(index, asked) for index in range(len(self.features)) for asked in self._questions(index)]

    def _questions(self, index: int) -> Iterator[dict[str, Any]]:
        values, target = self.features[index]
        groups = [level for level in LEVELS[self.features.by] if level in target["groups"]]
        if self.each == "pair":
            yield from ({"asked": list(pair)} for pair in itertools.combinations(groups, 2))
        elif self.each == "group":
            yield from ({"asked": [group]} for group in groups)
        else:
            yield from ({"asked": [group], "level": level} for level in sorted(set(values)) for group in groups)

    @property
    def names(self) -> list[str]:
        """`Pages, Yes` for a group, `Pages, Low, Ok` for a pair, `Table 5, Book, Yes` for a level and a group."""
        return [f"{self.features.names[index]}, {_said(question)}" for index, question in self._asked]

    def __len__(self) -> int:
        return len(self._asked)

    def __getitem__(self, index: int) -> tuple[Values, Target]:
        feature, question = self._asked[index]
        values, target = self.features[feature]
        return values, {**target, **question}

    def fingerprint(self) -> str:
        """Digest of the features and of how they are taken apart."""
        return digest([self.features.fingerprint(), self.each])


@DATASETS.register
class Together(Dataset[tuple[list[Values], list[Target]]]):
    """All items of `features` as one: `(the values of each, the target of each)`, for a number about all of them."""

    names = ("all features",)

    def __init__(self, features: Annotated[Any, DATASETS]) -> None:
        self.features = features

    @property
    def source(self) -> Any:
        """The features that the item is made from: `experiment.data` may ask for it."""
        return self.features

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> tuple[list[Values], list[Target]]:
        if index:
            raise IndexError(index)
        values, targets = zip(*(self.features[feature] for feature in range(len(self.features))), strict=True)
        return list(values), list(targets)

    def fingerprint(self) -> str:
        """That of the features."""
        return str(self.features.fingerprint())


def _said(question: Target) -> str:
    """`Book, Yes`: the level, where there is one, and the groups."""
    return ", ".join(map(str, [*([question["level"]] if "level" in question else []), *question["asked"]]))


def split(row: Attempt) -> tuple[Attempt, str]:
    """The features of an attempt, and whether it succeeded."""
    return {column: value for column, value in row.items() if column != "Reproduced"}, row["Reproduced"]


def digest(content: Any) -> str:
    """16 hexadecimal digits of a nested structure of texts and numbers."""
    return hashlib.sha256(repr(content).encode()).hexdigest()[:16]


def _refuse_odd(row: Attempt, place: str) -> None:
    """Raise BadInput for a level that no table of the paper has, and for a count that is none."""
    for column, levels in LEVELS.items():
        if row[column] not in levels:
            raise BadInput(f"'{column}' is {row[column]!r:.80}{nearest(row[column], levels)}", place)
    for column in NUMBERS:
        if not _counts(row[column], least=1 if column == "Pages" else 0):  # the paper divides by the pages
            raise BadInput(f"'{column}' is {row[column]!r:.80}; expected a number", place)


def _counts(text: str, least: int) -> bool:
    try:
        return least <= float(text) < math.inf
    except ValueError:
        return False


def _refuse_unknown(column: str) -> None:
    known = (*LEVELS, *NUMBERS, *(PER_PAGE + number for number in NUMBERS))
    if column not in known:
        raise BadInput(f"datasets.Features: no column '{column}'{nearest(column, known)}")
