"""The author's table of 255 papers that he tried to reproduce, and the items for each of the paper's tables.

We read the PDF of the paper in the author's repository. The numbers of the tables are from there.

Letters: A attempts, without those that are left out.
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

from repro.data import store
from repro.datasets import tables
from repro.errors import BadInput
from repro.registry import DATASETS

NAME = "reproducable_blind.csv"

MISSING = "N/A"  # for example: the author was not asked, or the paper has no data
PER_PAGE = "Normalized "  # the paper's prefix (Table 3) for a count divided by the number of pages

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
"""One attempt to reproduce a paper: column name -> the text in it."""

Values = list[float] | list[str]
Target = dict[str, Any]


@DATASETS.register
class Attempts(Dataset[tuple[Attempt, str]]):
    """The author's blinded table of 255 attempts to reproduce a paper.

    Item: `(features dict[str, str], reproduced "Yes" or "No")`, 27 features. Raises BadInput if the file is missing and
    cannot be downloaded, or has other columns or values. Source: Raff 2019.
    """

    @cached_property
    def rows(self) -> list[Attempt]:
        path = store.folder("raff2019") / NAME
        rows = tables.once(tables.read(path, (*LEVELS, *NUMBERS)), path, lambda row: tuple(row.values()))
        if not rows:
            raise BadInput("contains no attempt", str(path))
        for number, row in enumerate(rows, 1):
            _refuse_odd(row, f"{path}: attempt {number}")
        return rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> tuple[Attempt, str]:
        return split(self.rows[index])

    def fingerprint(self) -> str:
        return digest(self.rows)


@DATASETS.register
class SyntheticAttempts(Dataset[tuple[Attempt, str]]):
    """A table with the columns of `datasets.Attempts` and random values, for tests without the author's table.

    Item: as of `datasets.Attempts`. The values have no meaning. `size`: number of attempts.

        >>> len(SyntheticAttempts(size=3)[0][0])
        27
    """

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
        return digest(self.rows)


@DATASETS.register
class Features(Dataset[tuple[Values, Target]]):
    """One item per feature of the table: its value, and the group, of each of A attempts.

    Item: `(values, {"groups": list, "asked": []})`. Values are numbers, or levels if the column is in LEVELS. "asked"
    is empty: the item is about all groups. Attempts with "N/A" in a used column are left out. rows: name of the feature
    in the paper -> column; `Normalized X` is column X per page (Table 3). by: the column that has the groups. recoded:
    level -> its replacement. beside: another column with groups; the target has them under the key "beside".

        >>> Features(SyntheticAttempts(size=2), {"Length": "Pages"})[0]
        ([...], {'groups': [...], 'asked': []})
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
        return digest([self.names, *(self[index] for index in range(len(self)))])


@DATASETS.register
class Breakdown(Dataset[tuple[Values, Target]]):
    """The items of `features`, repeated for each group, each pair of groups, or each cell of a contingency table.

    each="group": "asked" in the target is one group (Table 3). each="pair": two groups, in the order of LEVELS.
    each="cell": one group, and the target has a "level" of the feature, as in Tables 2 and 5 to 19. Names are like
    `Pages, Yes` for a group, `Pages, Low, Ok` for a pair, and `Table 5, Book, Yes` for a cell.

        >>> Breakdown(Features(SyntheticAttempts(), {"Length": "Pages"}), each="group").names
        ['Length, No', 'Length, Yes']
    """

    def __init__(self, features: Annotated[Any, DATASETS], each: Literal["group", "pair", "cell"]) -> None:
        self.features, self.each = features, each

    @property
    def source(self) -> Any:
        return self.features

    @cached_property
    def _asked(self) -> list[tuple[int, dict[str, Any]]]:
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
        return [f"{self.features.names[index]}, {_said(question)}" for index, question in self._asked]

    def __len__(self) -> int:
        return len(self._asked)

    def __getitem__(self, index: int) -> tuple[Values, Target]:
        feature, question = self._asked[index]
        values, target = self.features[feature]
        return values, {**target, **question}

    def fingerprint(self) -> str:
        return digest([self.features.fingerprint(), self.each])


@DATASETS.register
class Together(Dataset[tuple[list[Values], list[Target]]]):
    """All items of `features` as one item: `(list of values, list of targets)`, for a number about all features.

    Its name is "all features".

        >>> len(Together(Features(SyntheticAttempts(), {"Length": "Pages", "Kind": "Type"})))
        1
    """

    names = ("all features",)

    def __init__(self, features: Annotated[Any, DATASETS]) -> None:
        self.features = features

    @property
    def source(self) -> Any:
        return self.features

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> tuple[list[Values], list[Target]]:
        if index:
            raise IndexError(index)
        values, targets = zip(*(self.features[feature] for feature in range(len(self.features))), strict=True)
        return list(values), list(targets)

    def fingerprint(self) -> str:
        return str(self.features.fingerprint())


def _said(question: Target) -> str:
    """The level, if there is one, and the groups, for example `Book, Yes`."""
    return ", ".join(map(str, [*([question["level"]] if "level" in question else []), *question["asked"]]))


def split(row: Attempt) -> tuple[Attempt, str]:
    return {column: value for column, value in row.items() if column != "Reproduced"}, row["Reproduced"]


def digest(content: Any) -> str:
    return hashlib.sha256(repr(content).encode()).hexdigest()[:16]


def _refuse_odd(row: Attempt, place: str) -> None:
    for column, levels in LEVELS.items():
        if row[column] not in levels:
            raise BadInput(f"'{column}' is {row[column]!r:.80}", place, given=row[column], known=levels)
    for column in NUMBERS:
        if not _counts(row[column], least=1 if column == "Pages" else 0):  # the paper divides by the pages
            raise BadInput(f"'{column}' is {row[column]!r:.80}", place, expected="a number")


def _counts(text: str, least: int) -> bool:
    try:
        return least <= float(text) < math.inf
    except ValueError:
        return False


def _refuse_unknown(column: str) -> None:
    if column not in (known := (*LEVELS, *NUMBERS, *(PER_PAGE + number for number in NUMBERS))):
        raise BadInput(f"datasets.Features: no column '{column}'", given=column, known=known)
