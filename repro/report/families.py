"""The families of a paper's learning curves: which configs share a panel.

A family is the configs whose names start with the same word and that have the same loss: `lenet1`, `lenet4_long` and
`lenet4_local`. Configs that have a family of their own share one panel, if they have the same loss. Configs with
identical curves are one training, which is drawn once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby, takewhile
from statistics import fmean

from repro import config
from repro.config.syntax import Reference
from repro.record import Record
from repro.report.page import Page

MOST = 8  # lines of a panel, as many as there are colours
WORD = re.compile(r"[^\W\d_]+")


@dataclass
class Training:
    """One training, of one or several configs: a record per seed."""

    configs: list[str]
    seeds: dict[int, Record]

    @property
    def records(self) -> list[Record]:
        """The records, sorted by seed."""
        return [self.seeds[seed] for seed in sorted(self.seeds)]

    @property
    def loss(self) -> str:
        """The name of the loss, as the config binds it."""
        bound = config.values(self.records[0].text).get("experiment.loss")
        return bound.selector.rpartition(".")[2] if isinstance(bound, Reference) else "loss"

    @property
    def batch(self) -> int | None:
        """The number of items of a step, if the config sets it."""
        values = config.values(self.records[0].text).items()
        found = {value for name, value in values if name.startswith("trainers.") and name.endswith(".batch_size")}
        only = next(iter(found)) if len(found) == 1 else None
        return only if isinstance(only, int) else None

    @property
    def steps_per_epoch(self) -> float | None:
        """The mean number of steps of an epoch, if the records have it."""
        known = [one.cost.get("steps_per_epoch") for one in self.records]
        found = [steps for steps in known if steps]
        return fmean(found) if len(found) == len(known) else None

    @property
    def step_seconds(self) -> float | None:
        """The mean time of a training step, if the records have it."""
        costs = [(one.cost.get("training_seconds"), one.cost.get("steps")) for one in self.records]
        known = [seconds / steps for seconds, steps in costs if seconds and steps]
        return fmean(known) if len(known) == len(costs) else None

    def same(self, others: Iterable[Record]) -> bool:
        """Whether these records have the same curves, for all seeds that both have."""
        shared = [one for one in others if one.seed in self.seeds]
        return bool(shared) and all(one.curves == self.seeds[one.seed].curves for one in shared)


@dataclass
class Family:
    """The trainings of one panel. `labels` are their names, without the words that all start with: the `title`."""

    title: str
    loss: str
    trainings: list[Training]
    labels: list[str]


def trainings(page: Page) -> list[Training]:
    """The trainings that have curves, in the order of `Page.rank`."""
    found: list[Training] = []
    for name, group in groupby(sorted(page.curved, key=page.rank), key=lambda one: one.config):
        records = list(group)
        twin = next((one for one in found if one.same(records)), None)
        if twin is None:
            found.append(Training([name], {one.seed: one for one in records}))
        else:
            twin.configs.append(name)
            twin.seeds = {one.seed: one for one in records} | twin.seeds
    return found


def families(page: Page) -> list[Family]:
    """The families: those with the most headline claims first, then in the order of the claims."""
    groups: dict[tuple[str, str], list[Training]] = {}
    for one in trainings(page):
        word = WORD.match(one.configs[0])
        groups.setdefault((word[0] if word else one.configs[0], one.loss), []).append(one)
    shared: dict[tuple[str, str], list[Training]] = {}
    for (word_, loss), members in groups.items():
        shared.setdefault(("" if len(members) == 1 else word_, loss), []).extend(members)
    order = _order(page)
    for members in shared.values():
        members.sort(key=lambda one: _place(one, order))
    led = {claim.config for claim in page.paper.headlines}
    ranked = sorted(shared.items(), key=lambda pair: (-_headlines(pair[1], led), _place(pair[1][0], order)))
    return [
        _family(page, loss, part)
        for (_, loss), members in ranked
        for part in (members[first : first + MOST] for first in range(0, len(members), MOST))
    ]


def _family(page: Page, loss: str, part: list[Training]) -> Family:
    labels = [page.paper.label(one.configs[0]) for one in part]
    start = title(labels) if len(part) > 1 else ""
    short = [one.removeprefix(f"{start}, ") if start else one for one in labels]
    return Family(start or ", ".join(labels), loss, part, short)


def _headlines(members: list[Training], led: set[str]) -> int:
    """The number of configs of headline claims."""
    return sum(f"configs/{name}.gin" in led for one in members for name in one.configs)


def _order(page: Page) -> dict[str, int]:
    """The place of each config: in the headline claims, then in the other claims."""
    claims = sorted(page.paper.claims, key=lambda claim: not claim.headline)
    names = dict.fromkeys(name for claim in claims for name in claim.configs)
    return {name: place for place, name in enumerate(names)}


def _place(one: Training, order: dict[str, int]) -> int:
    return min(order.get(f"configs/{name}.gin", len(order)) for name in one.configs)


def title(labels: Iterable[str]) -> str:
    """The words that all labels start with: `LeNet` for `LeNet-1` and `LeNet-4, trained longer`; "" if there are none.

    >>> title(["LeNet-1", "LeNet-4, trained longer"]), title(["CNN", "RNN"]), title(["L1+GAN", "L1+cGAN"])
    ('LeNet', '', '')
    """
    given = list(labels)
    alike = takewhile(lambda letters: len(set(letters)) == 1, zip(*given, strict=False))
    start = "".join(letters[0] for letters in alike)
    if any(start[-1:].isalpha() and one[len(start) : len(start) + 1].isalpha() for one in given):
        start = re.sub(r"[^\W\d_]+$", "", start)  # not the first half of a word
    start = re.sub(r"[\W\d_]+$", "", start)
    return start if len(start) > 1 else ""
