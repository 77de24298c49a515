"""Certificates of determinism: how exactly a config's numbers repeat on a machine, measured by `repro certify`.

There are four comparisons, each between two runs with the same seed:

- `seed twice`: the same run two times;
- `resume`: a run that was killed and resumed, against an uninterrupted run;
- `workers`: data read by 1 process, against 2 processes;
- `ranks`: training in 1 process, against 2 processes with the same global batch.

The differences give the class of the config on this machine:

- **bitwise**: no comparison found a difference in a weight or in a metric;
- **within e**: no item's value differs by more than the fraction e of the largest value of its metric. e is the
  measured difference rounded up to a power of ten, because it is one sample; it is from `FINEST` to `COARSEST`;
- **statistical**: a value differs by more.

`papers/<paper>/records/certificates/<config>.json` has one row per machine, and is committed like the records.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

from repro import config as configs
from repro.errors import BadInput, where
from repro.files import disk, regular, strict_json, typed
from repro.interval import difference
from repro.record import Record

FORMAT = 1
FOLDER = "records/certificates"  # in the folder of a paper
COMPARISONS = ("seed twice", "resume", "workers", "ranks")
FINEST = 1e-6
"""The smallest e: about ten times the rounding error of a float32."""
COARSEST = 1e-3
"""The largest e: above it, the class is statistical."""
FEW = 100  # the least number of items for a test whether the same items are hard
MACHINE = ("system", "processor", "accelerator", "threads", "processes")
"""The keys of a record's `environment` that distinguish machines, because they may change a number."""


@dataclass(frozen=True)
class Class:
    """How closely two runs of one config with one seed agree: `bitwise`, `within` e, or `statistical`."""

    name: str
    e: float = 0.0

    def __str__(self) -> str:
        return f"within {self.e:g}" if self.name == "within" else self.name


BITWISE, STATISTICAL = Class("bitwise"), Class("statistical")


@dataclass(frozen=True)
class Comparison:
    """The largest differences in one comparison: `weights` is absolute, `metrics` is relative (see `moved`).

    If the comparison does not apply to the config, `why` gives the reason.
    """

    weights: float = 0.0
    metrics: float = 0.0
    why: str = ""


@dataclass(frozen=True)
class Certificate:
    """How closely the numbers of one config repeat on one machine.

    It contains up to four comparisons of two runs of `steps` steps: those listed at the top of this module.
    """

    digest: str
    code: dict[str, str]
    machine: dict[str, Any]
    comparisons: dict[str, Comparison]
    steps: Annotated[int, typed.FROM_0]
    measured: Annotated[str, typed.TIME]  # date and time

    @property
    def determinism(self) -> Class:
        """The class that follows from all comparisons that apply to the config."""
        return self.class_of(COMPARISONS)

    def class_of(self, names: Iterable[str]) -> Class:
        """The class that follows from the comparisons `names`: the ways in which two runs differ."""
        found = [self.comparisons[name] for name in names if not self.comparisons[name].why]
        if not any(one.weights or one.metrics for one in found):
            return BITWISE
        e = max(one.metrics for one in found)
        return Class("within", 10.0 ** math.ceil(math.log10(max(e, FINEST)))) if e <= COARSEST else STATISTICAL

    @property
    def by(self) -> list[str]:
        """The comparisons that found a difference."""
        return [name for name in COMPARISONS if (one := self.comparisons[name]).metrics or one.weights]

    def __str__(self) -> str:
        """`within 1e-06 (ranks), measured over 50 steps on Abacus on 2026-01-02`."""
        by = f" ({', '.join(self.by)})" if self.by else ""
        over = f" over {self.steps} step{'s' if self.steps > 1 else ''}" if self.steps else ""
        return f"{self.determinism}{by}, measured{over} on {self.machine.get('processor')} on {self.measured[:10]}"

    def speaks_of(self, found: Record) -> bool:
        """Whether the certificate is valid for the record `found`.

        It is if the config and the machine are the same, and if the code is the same or gives bit-identical numbers.
        """
        config = self.digest == found.digest or configs.belongs(self.digest, found.text)
        alike = config and (self.code == found.code or bool(found.renewed))
        return alike and not differences(self.machine, found.environment)


def moved(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The largest difference between two values of an item, as a fraction of the largest absolute value of all items.

    It is not a fraction of the item's own value, because that may be near zero, for example a squared error.

    >>> moved([1.0, 4.0], [1.0, 3.0])
    0.25
    """
    largest = max(map(abs, (*ours, *theirs)), default=0.0)
    apart = max((abs(a - b) for a, b in zip(ours, theirs, strict=True)), default=0.0)
    return apart / largest if apart else 0.0


def agree(wanted: Class, ours: Sequence[float], theirs: Sequence[float]) -> bool:
    """True if two measurements (one value per item, same items) agree within a class.

    - bitwise: they are identical;
    - within e: `moved(ours, theirs)` is at most e;
    - statistical: the 95 % confidence interval of the difference of their means contains zero, and the same items are
      hard in both. The interval does not pair the items: else two runs that differ only by rounding would not agree.
      They also agree if `moved(ours, theirs)` is at most `COARSEST`, so that a stricter class implies this one.
    """
    if len(ours) != len(theirs):
        return False
    apart = moved(ours, theirs)
    if wanted.name != "statistical":
        return apart <= wanted.e
    if apart <= COARSEST:
        return True
    found = difference([ours], [theirs], same_seeds=False, same_items=False)
    return found.low <= 0.0 <= found.high and _alike(ours, theirs)


def _alike(ours: Sequence[float], theirs: Sequence[float]) -> bool:
    """True if the values correlate over the items (p < 0.001), which invented values do not.

    Also true for fewer than `FEW` items and for constant values, because these cannot be tested.
    """
    import numpy as np

    if len(ours) < FEW or min(ours) == max(ours) or min(theirs) == max(theirs):
        return True
    return float(np.corrcoef(ours, theirs)[0, 1]) * math.sqrt(len(ours)) > 3.1


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """The differences between two environments, for example `torch 2.13.0, here 2.14.0`.

    Packages that only one environment names are ignored, because the project may require others now.
    """
    rows = [(key, one.get(key), other.get(key)) for key in ("python", *MACHINE)]
    packages = _inner(other, "packages")
    rows += [(name, version, packages[name]) for name, version in _inner(one, "packages").items() if name in packages]
    for key in ("variables", "gpu"):
        before, now = _inner(one, key), _inner(other, key)
        rows += [(name, before.get(name), now.get(name)) for name in sorted({*before, *now} - {"driver"})]
    return [f"{name} {was or 'none'}, here {is_ or 'none'}" for name, was, is_ in rows if was != is_]


def _inner(environment: Mapping[str, Any], key: str) -> dict[str, Any]:
    found = environment.get(key)
    return found if isinstance(found, dict) else {}


def machine(environment: Mapping[str, Any]) -> dict[str, Any]:
    """The part of an environment that a certificate stores."""
    return {key: environment[key] for key in (*MACHINE, "gpu", "python", "packages", "variables") if key in environment}


def store(found: Certificate, config: str, folder: Path) -> Path:
    """Add the certificate of a config to those of other machines; it replaces an older one of its own machine."""
    path = _path(config, folder)
    kept = [one for one in read(config, folder) if _name(one) != _name(found)]
    rows = [asdict(one) for one in sorted([*kept, found], key=_name)]
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"format": FORMAT, "config": config, "machines": rows}, indent=1, sort_keys=True)
    return disk.write(path, f"{text}\n")


def read(config: str, folder: Path) -> list[Certificate]:
    """The certificates of a config, one per machine. Raises BadInput if the file is not valid."""
    path = _path(config, folder)
    if not regular.present(path):
        return []
    kept = strict_json.read(path, Stored, "not a certificate")
    if (kept.format, kept.config) != (FORMAT, config):
        raise BadInput(
            f"not a certificate of {config} in format {FORMAT}, the one that this version reads", where(path)
        )
    found = kept.machines
    for one in found:
        _refuse_odd(one, path)
    return found


def every(folder: Path) -> dict[str, list[Certificate]]:
    """All certificates of the paper in `folder`, by config. Configs without a certificate are left out."""
    return {path.stem: read(path.stem, folder) for path in regular.files(folder / FOLDER, "*.json")}


def of(found: Record, certificates: Iterable[Certificate]) -> Certificate | None:
    """The certificate with the config, the code and the machine of the record `found`, or None."""
    return next((one for one in certificates if one.speaks_of(found)), None)


@dataclass(frozen=True)
class Stored:
    """The file of a config's certificates."""

    format: int
    config: str
    machines: list[Certificate]


def _path(config: str, folder: Path) -> Path:
    return folder / FOLDER / f"{config}.json"


def _name(found: Certificate) -> str:
    return json.dumps([found.machine.get(key) for key in MACHINE])


def _refuse_odd(found: Certificate, path: Path) -> None:
    """Raise BadInput for wrong comparisons, so that a certificate edited by hand cannot crash a page."""
    if unknown := sorted({*found.comparisons} ^ {*COMPARISONS}):
        raise BadInput(
            f"not a certificate: '{unknown[0]}' is missing or unknown",
            where(path),
            expected=f"the comparisons {', '.join(COMPARISONS)}",
        )
    numbers = [number for one in found.comparisons.values() for number in (one.weights, one.metrics)]
    if not all(math.isfinite(number) and number >= 0 for number in numbers):
        raise BadInput("not a certificate: a difference is negative or not finite", where(path))
