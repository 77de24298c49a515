"""Confusion matrices of records: the counts that `metrics.ConfusionCell` has measured.

Its values are numbers of cells and not scores, so other sections of the page leave this metric out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from repro.record import Measurement, Record

NAME = "ConfusionCell"
CLASSES = "classes: "  # before the names of the classes, in the identity of the metric
MOST = 30  # classes of a matrix that is drawn


@dataclass(frozen=True)
class Matrix:
    """The names of the K classes, and `counts[true class][answered class]`."""

    classes: list[str]
    counts: list[list[int]]

    @property
    def total(self) -> int:
        """The number of answers."""
        return sum(map(sum, self.counts))

    @property
    def right(self) -> int:
        """The number of right answers."""
        return sum(row[n] for n, row in enumerate(self.counts))


def is_cell(one: Measurement) -> bool:
    """Whether the values of a measurement are cells of a confusion matrix."""
    return one.identity.get("name") == NAME


def among(records: Iterable[Record]) -> bool:
    """Whether a record has a confusion matrix."""
    return any(is_cell(one) for found in records for one in found.measurements)


def of(measured: Sequence[Measurement]) -> Matrix | None:
    """The sum of the matrices of several seeds; None if they have different classes, or values that are not cells."""
    said = {str(one.identity.get("reference", "")) for one in measured}
    classes = next(iter(said), "").removeprefix(CLASSES).split(", ")
    values = [value for one in measured for value in one.values]
    many = len(classes)
    if len(said) != 1 or not 1 < many <= MOST or not set(values) <= set(range(many * many)):
        return None
    counts = [[0] * many for _ in classes]
    for value in values:
        counts[int(value) // many][int(value) % many] += 1
    return Matrix(classes, counts)
