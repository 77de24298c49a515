"""What a run must know before it trains: a fault found after hours of training would cost them.

The data and the names of its items as the record will hold them, and whether the run measures what the claims ask.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from repro import disk, record, untrusted
from repro.claim import paper
from repro.config import Config
from repro.datasets import catalogue
from repro.errors import BadInput, nearest, where
from repro.experiment.answerable import Known, asked, missing


def places(config: Config, folder: Path, stem: str) -> None:
    """Refuse a run whose folder, or whose record in the paper, cannot be written: before the training, not after."""
    disk.refuse_unwritable(folder.parent, f".{folder.name}.holder")
    disk.refuse_unwritable(folder, f"{stem}.json")
    if config.committed:
        disk.refuse_unwritable(config.folder / "records", f"{stem}.json")
        disk.refuse_unwritable(config.folder / "records" / stem)  # its examples


def data(built: Any) -> dict[str, Any]:
    """The fingerprint of each dataset by its role. Raises BadInput for a dataset that has none."""
    found = {}
    for role, dataset in built.datasets().items():
        if not callable(getattr(dataset, "fingerprint", None)):
            raise BadInput(f"dataset '{role}' ({type(dataset).__name__}) has no fingerprint() for the record")
        found[role] = dataset.fingerprint()
    for role, wanted in built.data.items():
        _require(role, wanted, built.datasets())
    return found


def _require(role: str, wanted: str, datasets: dict[str, Any]) -> None:
    """Refuse other data in a role than `experiment.data` asks for, saying which it is."""
    if role not in datasets:
        raise BadInput(f"experiment.data has a role '{role}'{nearest(role, datasets)}")
    if not ("/" in wanted or re.fullmatch("[0-9a-f]{16,64}", wanted)):
        raise BadInput(f"experiment.data asks for '{wanted}' as '{role}'; expected NAME/VARIANT, or a fingerprint")
    try:
        expected = catalogue.fingerprint(wanted) if "/" in wanted else wanted
    except BadInput as error:
        raise BadInput(f"experiment.data asks for {wanted} as '{role}': {error}") from None
    found = [dataset.fingerprint() for dataset in _chain(datasets[role])]
    if expected not in found:
        known = " made from ".join(f"{print_} ({catalogue.named(print_) or 'of no known data'})" for print_ in found)
        hint = f"experiment.data asks for {wanted} as '{role}'"
        raise BadInput(f"{hint}{'' if expected == wanted else f' ({expected})'}; found {known}")


def _chain(dataset: Any) -> Iterator[Any]:
    """A dataset, and those that it was made from: each keeps its own as `source`."""
    while callable(getattr(dataset, "fingerprint", None)):
        yield dataset
        dataset = getattr(dataset, "source", None)


def items(built: Any) -> dict[str, list[str]]:
    """The names of the items of each test set that has names. Raises BadInput unless each item has one of its own."""
    found = {role: _names(role, dataset) for role, dataset in built.test.items() if hasattr(dataset, "names")}
    untrusted.refuse_unseen([found, [metric.identity for metric in built.metrics]], "a name for the record")
    values = sum(map(len, built.test.values())) * len(built.metrics)
    if values > record.MOST:
        raise BadInput(f"the record would have {values:,} values; expected at most {record.MOST:,}: test fewer items")
    return found


def _names(role: str, dataset: Any) -> list[str]:
    given = f"dataset '{role}' ({type(dataset).__name__})"
    try:
        names = list(dataset.names)
    except TypeError:
        raise BadInput(f"{given} has names that are no list (a method?); expected an attribute or a property") from None
    if not all(isinstance(name, str) for name in names) or len(names) != len(dataset):
        raise BadInput(f"{given} has {len(names)} names for {len(dataset)} items; expected a text for each")
    if twins := {name for name in names if names.count(name) > 1}:
        raise BadInput(f"{given} has two items that are called '{min(twins)}'")
    return names


def answers(config: Config, built: Any, names: dict[str, list[str]]) -> None:
    """Refuse a run that would not measure what a claim asks of its config: metric, test set, item."""
    one = paper.read(config.folder)
    metrics = [metric.identity["name"] for metric in built.metrics]
    known = Known(list(built.test), metrics, {test: names.get(test, []) for test in built.test})
    for claim in one.claims:
        for name, test in asked(claim):
            for _, _, said in missing(claim, test, known) if name == f"configs/{config.name}.gin" else ():
                raise BadInput(said, f"{where(config.folder)}/paper.toml:{claim.line}")
