"""The table of corrected labels, `papers/<paper>/labels/<name>.csv`: one row for each answer of an annotator.

    item,old,new,who,when
    7_theo_0,7,1,ann,2026-01-02T03:04:05+00:00
    7_theo_0,7,1,ben,2026-01-02T03:10:00+00:00

`item` is the id of the item (`ids`), `old` its label in the data, and `new` the label that `who` gave. Labels are the
numbers of the classes, from 0. The majority of the annotators decides (`decided`). If there is none, the item keeps its
old label (`ties`).
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from repro.claim import paper
from repro.datasets import tables
from repro.errors import BadInput, where
from repro.files import disk, regular, typed
from repro.untrusted import UNSEEN

FOLDER = "labels"
"""The folder of a paper with its tables of corrected labels."""
PATH = re.compile(r"papers/(?P<paper>\w{1,80})/labels/(?P<file>[\w-][\w.-]{0,80}\.csv)")
WHO = re.compile(r"\w[\w .-]{0,39}")  # no e-mail address, and nothing that a spreadsheet executes
MOST = 8_000_000  # bytes of a table: about 100,000 answers
OFFERED = 1000  # for so many known names at most, an error looks for the nearest one: it takes a millisecond each


@dataclass(frozen=True)
class Answer:
    """The label that one annotator gave to one item. old, new: classes from 0. when: a time in ISO format."""

    item: str
    old: int
    new: int
    who: str
    when: str


COLUMNS = tuple(one.name for one in fields(Answer))


def place(labels: str) -> Path:
    """The file that a config calls `papers/<paper>/labels/<name>.csv`. The working directory does not matter.

    Raises BadInput for another form of path, and for an unknown paper.
    """
    if not (hit := PATH.fullmatch(labels)):
        raise BadInput(f"the table of labels is {labels!r:.120}", expected="papers/PAPER/labels/NAME.csv")
    return paper.folder_of(hit["paper"]) / FOLDER / hit["file"]


def read(path: Path) -> list[Answer]:
    """The answers in a table, in the order of its rows.

    Raises BadInput, with file and line, for a wrong row and for two answers of one annotator about one item.
    """
    regular.check(path, MOST)
    found: dict[tuple[str, str], Answer] = {}
    for number, row in enumerate(tables.read(path, COLUMNS)):
        answer = _answer(row, at(path, number))
        if (key := (answer.item, answer.who)) in found:
            raise BadInput(f"is the second answer of {answer.who} about {answer.item}", at(path, number))
        found[key] = answer
    return list(found.values())


def at(path: Path, number: int) -> str:
    """The file and line of answer `number`, from 0. A value has no line break, so each row is one line."""
    return f"{where(path)}:{number + 2}"


def _answer(row: tables.Row, line: str) -> Answer:
    for name in COLUMNS:
        if not row[name] or UNSEEN.search(row[name]) or "\n" in row[name]:
            raise BadInput(f"{name} is {row[name]!r:.80}", line, expected="a visible text on one line")
    return Answer(row["item"], _class(row, "old", line), _class(row, "new", line), *_by(row["who"], row["when"], line))


def _class(row: tables.Row, name: str, line: str) -> int:
    if not re.fullmatch(r"[0-9]{1,6}", row[name]):
        raise BadInput(f"{name} is {row[name]!r:.80}", line, expected="the number of a class, from 0")
    return int(row[name])


def _by(who: str, when: str, line: str) -> tuple[str, str]:
    if not WHO.fullmatch(who):
        raise BadInput(f"who is {who!r:.80}", line, expected="a name of letters, digits, blanks, '.', '_' and '-'")
    if not typed.TIME.holds(when):
        raise BadInput(f"when is {when!r:.80}", line, expected=typed.TIME.expected)
    return who, when


def write(path: Path, answers: Iterable[Answer]) -> Path:
    """Write a table, sorted by item and annotator, so that a diff shows what was added. The folder must exist."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(one) for one in sorted(answers, key=lambda one: (one.item, one.who)))
    return disk.write(path, text.getvalue())


def decided(answers: Iterable[Answer]) -> dict[str, int]:
    """The label that most annotators gave to an item, by item. An item whose answers are tied is not in it.

    >>> when = "2026-01-02"
    >>> rows = [("a", 7, 1, "ann"), ("a", 7, 1, "ben"), ("a", 7, 7, "eve"), ("b", 3, 5, "ann"), ("b", 3, 3, "ben")]
    >>> answers = [Answer(*row, when) for row in rows]
    >>> decided(answers), ties(answers)
    ({'a': 1}, ['b'])
    """
    votes = _votes(answers)
    return {item: ranked[0][0] for item, ranked in votes.items() if not _tied(ranked)}


def ties(answers: Iterable[Answer]) -> list[str]:
    """The items about which annotators disagree without a majority. They keep their old labels."""
    return [item for item, ranked in _votes(answers).items() if _tied(ranked)]


def _votes(answers: Iterable[Answer]) -> dict[str, list[tuple[int, int]]]:
    """The given labels of each item with the number of annotators, the most frequent one first."""
    votes: dict[str, Counter[int]] = {}
    for one in answers:
        votes.setdefault(one.item, Counter())[one.new] += 1
    return {item: counted.most_common() for item, counted in votes.items()}


def _tied(ranked: Sequence[tuple[int, int]]) -> bool:
    return len(ranked) > 1 and ranked[0][1] == ranked[1][1]


def ids(dataset: Any) -> list[str]:
    """The id of each item of a dataset: its name if the dataset has `names`, else `<fingerprint>-<index>`.

    So an id without a name never means an item of other data. The ids of a dataset with corrected labels are those of
    the dataset that it corrects.
    """
    while hasattr(dataset, "relabelled"):
        dataset = dataset.source
    if hasattr(dataset, "names"):
        return list(dataset.names)
    content = dataset.fingerprint()
    return [f"{content}-{index}" for index in range(len(dataset))]


def labels(dataset: Any) -> list[int]:
    """The label of each item: its target, which must be a class from 0. This reads all items.

    Raises BadInput if a target is not the number of a class.
    """
    return [_label(dataset[index][1], index, dataset) for index in range(len(dataset))]


def _label(target: Any, index: int, dataset: Any) -> int:
    value = target.item() if getattr(target, "ndim", 1) == 0 else target
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        what = f"the target of item {index} of {type(dataset).__name__} is a {type(value).__name__}"
        raise BadInput(what, expected="the number of a class, from 0")
    return value


def classes(dataset: Any, found: Sequence[int]) -> list[str]:
    """The names of the classes: the dataset's `class_names` if it has them, else numbers up to its largest label."""
    named = next((one.class_names for one in origins(dataset) if hasattr(one, "class_names")), None)
    return list(named or map(str, range(max(found) + 1)))


def origins(dataset: Any) -> Iterator[Any]:
    """The dataset, and those that it was made from item by item: the `source` of each, if it has as many items.

    So an item of features can be shown as the text, picture or sound that they were computed from.

    >>> from repro.datasets.digits import Digits
    >>> from repro.datasets.flipped import FlippedLabels
    >>> [type(one).__name__ for one in origins(FlippedLabels(Digits("test"), classes=10))]
    ['FlippedLabels', 'Digits']
    """
    size = len(dataset)
    while dataset is not None and len(dataset) == size:
        yield dataset
        dataset = getattr(dataset, "source", None)


def indices(answers: Sequence[Answer], dataset: Any, places: Sequence[str]) -> list[int]:
    """The index in `dataset` of the item of each answer. places: file and line of each answer.

    Raises BadInput with the place if there is no such item, if its label is not the old one of the answer, or if the
    new one is not a class.
    """
    known = {item: index for index, item in enumerate(ids(dataset))}
    held = labels(dataset)
    number = len(classes(dataset, held))
    for answer, line in zip(answers, places, strict=True):
        if answer.item not in known:
            raise BadInput(f"there is no item {answer.item!r:.80} in this data", line, **_near(answer.item, known))
        if answer.old != (label := held[known[answer.item]]):
            what = f"the old label of {answer.item} is {answer.old}, but the data have {label}"
            raise BadInput(what, line, expected="a table that was made from the same labels")
        if answer.new >= number:
            what = f"the new label of {answer.item} is {answer.new}"
            raise BadInput(what, line, expected=f"a class from 0 to {number - 1}")
    return [known[answer.item] for answer in answers]


def _near(name: str, known: Collection[str]) -> dict[str, Any]:
    few = len(known) <= OFFERED
    return {"given": name, "known": known} if few else {"expected": f"an id such as {min(known)}"}
