"""Checks made before training, because an error found after it would waste hours.

They check that the output folders can be written, that the data is the required data and that the model can use it.
They also check that the names of the items fit into a record, and that the run measures what the claims ask for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from repro import record, untrusted
from repro.claim import paper
from repro.config import Config
from repro.data import catalogue
from repro.errors import BadInput, where
from repro.experiment.answerable import Known, asked, missing
from repro.files import disk


def places(config: Config, folder: Path, stem: str) -> None:
    """Raise BadInput if the run folder, or the record in the paper's folder, cannot be written."""
    disk.refuse_unwritable(folder.parent, f".{folder.name}.holder")
    disk.refuse_unwritable(folder, f"{stem}.json")
    if config.committed:
        disk.refuse_unwritable(config.folder / "records", f"{stem}.json")
        disk.refuse_unwritable(config.folder / "records" / stem)  # its examples


def data(built: Any) -> dict[str, Any]:
    """The fingerprint of each dataset by its role.

    Raises BadInput if a dataset has no `fingerprint()`, or is not the one that `experiment.data` requires. Also if a
    test set has corrected labels, and no other one has the published labels of its items.
    """
    found = {}
    for role, dataset in built.datasets().items():
        if not callable(getattr(dataset, "fingerprint", None)):
            raise BadInput(f"dataset '{role}' ({type(dataset).__name__}) has no fingerprint() for the record")
        found[role] = dataset.fingerprint()
    for role, wanted in built.data.items():
        _require(role, wanted, built.datasets())
    _require_published(built.test, found)
    return found


def _require_published(tests: dict[str, Any], found: dict[str, Any]) -> None:
    """Raise BadInput unless each test set with corrected labels has the published one next to it."""
    for role, dataset in tests.items():
        *corrected, published = _uncorrected(dataset)
        if corrected and published.fingerprint() not in (found[other] for other in tests):
            raise BadInput(
                f"experiment.test '{role}' has corrected labels, and no test set has the published ones",
                expected=f"the dataset that '{role}' corrects as another test set: report both numbers",
            )


def _uncorrected(dataset: Any) -> Iterator[Any]:
    """A dataset, and the datasets whose labels it corrects; the last one has the published labels."""
    yield dataset
    while hasattr(dataset, "relabelled"):
        dataset = dataset.source
        yield dataset


def _require(role: str, wanted: str, datasets: dict[str, Any]) -> None:
    """Raise BadInput if a role has other data than `experiment.data` asks for. The message says which data it has."""
    if role not in datasets:
        raise BadInput(f"experiment.data has a role '{role}'", given=role, known=datasets)
    if not ("/" in wanted or re.fullmatch("[0-9a-f]{16,64}", wanted)):
        raise BadInput(f"experiment.data asks for '{wanted}' as '{role}'", expected="NAME/VARIANT, or a fingerprint")
    try:
        expected = catalogue.fingerprint(wanted) if "/" in wanted else wanted
    except BadInput as error:
        raise BadInput(f"experiment.data asks for {wanted} as '{role}': {error}") from None
    found = [dataset.fingerprint() for dataset in _chain(datasets[role])]
    if expected not in found:
        known = " made from ".join(
            f"{print_} ({catalogue.named(print_) or 'not in the catalogue'})" for print_ in found
        )
        meant = "" if expected == wanted else f" ({expected})"
        raise BadInput(f"experiment.data asks for {wanted} as '{role}'{meant}; found {known}")


def _chain(dataset: Any) -> Iterator[Any]:
    """A dataset, and the datasets that it was made from: the attribute `source` of each names the next one."""
    while callable(getattr(dataset, "fingerprint", None)):
        yield dataset
        dataset = getattr(dataset, "source", None)


def model(built: Any) -> None:
    """Raise BadInput for a trainer without a model or training data, and for data that the model cannot use.

    For that, a model may have a method `check_data(dataset)`, which raises BadInput. It is called for each dataset.
    """
    for name in ("model", "train"):
        if built.trainer is not None and getattr(built, name) is None:
            raise BadInput(f"experiment.trainer has no experiment.{name}", expected=f"a binding experiment.{name}")
    if callable(check := getattr(built.model, "check_data", None)):
        for dataset in built.datasets().values():
            check(dataset)


def items(built: Any) -> dict[str, list[str]]:
    """The item names of each test set that has item names.

    Raises BadInput if two items have the same name, an item has no name, or the record would have too many values.
    """
    found = {role: _names(role, dataset) for role, dataset in built.test.items() if hasattr(dataset, "names")}
    untrusted.refuse_unseen([found, [asdict(metric.identity) for metric in built.metrics]], "a name for the record")
    values = sum(map(len, built.test.values())) * len(built.metrics)
    if values > record.MOST:
        raise BadInput(
            f"the record would have {values:,} values", expected=f"at most {record.MOST:,}: test fewer items"
        )
    return found


def _names(role: str, dataset: Any) -> list[str]:
    given = f"dataset '{role}' ({type(dataset).__name__})"
    try:
        names = list(dataset.names)
    except TypeError:
        raise BadInput(
            f"{given} has 'names' that is not a list (a method?)", expected="an attribute or a property"
        ) from None
    if not all(isinstance(name, str) for name in names) or len(names) != len(dataset):
        raise BadInput(f"{given} has {len(names)} names for {len(dataset)} items", expected="a text for each")
    if twins := {name for name in names if names.count(name) > 1}:
        raise BadInput(f"{given} has two items that are called '{min(twins)}'")
    return names


def answers(config: Config, built: Any, names: dict[str, list[str]]) -> None:
    """Raise BadInput if the run would not measure what a claim asks of its config: a metric, a test set or an item."""
    one = paper.read(config.folder)
    metrics = [metric.identity.name for metric in built.metrics]
    known = Known(list(built.test), metrics, {test: names.get(test, []) for test in built.test})
    for word, claim in one.tested:
        for test in (test for name, test in asked(claim) if name == f"configs/{config.name}.gin"):
            for _, wanted, what, there in missing(claim, test, known, word):
                raise BadInput(what, f"{where(config.folder)}/paper.toml:{claim.line}", given=wanted, known=there)
