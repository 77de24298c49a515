"""Simulates how often each verdict is given if the true number is known. Writes `guide/characteristics.csv`.

The file has a row per kind of study. Run it by hand:

    python docs/characteristics.py
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from repro.claim import Claim
from repro.record import Measurement, Record
from repro.verdict import judge

FILE = Path(__file__).parent / "guide" / "characteristics.csv"
STUDIES = 2000
SEEDS = (1, 3, 5, 10)
TRUTHS = (0.0, 0.5, 1.0, 2.0)  # the distance from our true number to the paper's, in tolerances
SPREAD = 0.2  # standard deviation between seeds; also that of a mean over sampled items
REST = 0.1  # standard deviation that seed and item do not explain, of the mean over one seed's items
ITEMS = 100
SHAPE = 4  # of the gamma distribution of skewed seeds: a skewness of 1
HEAD = ("items", "seeds spread", "seeds", *(f"truth {truth:g}" for truth in TRUTHS))
OUTCOMES = (("reproduced",), ("inconclusive",), ("exceeded", "not reproduced"))

Kind = tuple[str, str, int]  # the items (fixed, sampled), the distribution of the seeds, their number

CLAIM = Claim("c", "says", "where", "M", "configs/c.gin", value=0.0, tolerance=1.0, because="it is the unit")
IDENTITY = {"name": "m", "version": 1, "unit": "", "better": "higher"}


def kinds() -> list[Kind]:
    """The kinds of studies, in the order of the rows."""
    return list(product(("fixed", "sampled"), ("normal", "skewed"), SEEDS))


def row(kind: Kind) -> list[str]:
    """One row: for each truth, the percentages of studies that are reproduced, inconclusive, or found to differ."""
    counts = [Counter(outcomes(kind, truth)) for truth in TRUTHS]
    shares = ([sum(count[name] for name in names) / STUDIES for names in OUTCOMES] for count in counts)
    return [*map(str, kind), *(" / ".join(f"{100 * share:.1f}" for share in of_truth) for of_truth in shares)]


def outcomes(kind: Kind, truth: float) -> Iterator[str]:
    """The outcome of each study. The truth is above the paper's number in half of the studies, else below."""
    items, spread, seeds = kind
    random = np.random.default_rng([kinds().index(kind), TRUTHS.index(truth)])
    claim = replace(CLAIM, items=items, seeds=seeds)
    for study in range(STUDIES):
        values = _values(random, items, spread, seeds) + (truth if study % 2 else -truth)
        yield judge(claim, [_record(seed, list(map(float, values[seed]))) for seed in range(seeds)]).outcome


def _values(random: Any, items: str, spread: str, seeds: int) -> Any:
    """Random values with a true mean of 0, of shape (seeds, items)."""
    chance = random.standard_normal((seeds, 1))
    if spread == "skewed":
        chance = (random.gamma(SHAPE, size=(seeds, 1)) - SHAPE) / SHAPE**0.5
    if items == "fixed":
        return SPREAD * chance
    of_items, rest = random.standard_normal((1, ITEMS)), random.standard_normal((seeds, ITEMS))
    return SPREAD * chance + ITEMS**0.5 * (SPREAD * of_items + REST * rest)


def _record(seed: int, values: list[float]) -> Record:
    return Record("p", "c", seed, "d", [Measurement("test", "M", IDENTITY, values)])


if __name__ == "__main__":
    with FILE.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEAD)
        for one in kinds():
            writer.writerow(row(one))
