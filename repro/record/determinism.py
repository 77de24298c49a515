"""How far a config's numbers repeat: what was measured on a machine, the class that follows, and what agrees within it.

Four comparisons are made, each between two runs of the same seed: `seed twice`; `resume`, a run that was killed and
went on against one that was not; `workers`, 1 process that reads the data against 2; `ranks`, 1 process that trains
against 2 at the same global batch. `repro certify` makes them, and stores what came out in
`papers/<paper>/records/certificates/<config>.json`, a row per machine, committed as records are.

- **bitwise**: no comparison found a difference, in a weight or in a metric.
- **within e**: no item's value moved by more than e of the largest value of its metric. e is what was found, rounded up
  to a power of ten, for it is one sample; it is at least `FINEST` and at most `COARSEST`.
- **statistical**: some value moved further.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from repro import config as configs
from repro import disk
from repro.errors import BadInput, where
from repro.files import regular, strict_json
from repro.interval import difference
from repro.record import Record

FORMAT = 1
FOLDER = "records/certificates"  # in the folder of a paper
COMPARISONS = ("seed twice", "resume", "workers", "ranks")
FINEST = 1e-6
"""The least e: ten times what one rounding of a float32 is."""
COARSEST = 1e-3
FEW = 100  # items of which it is asked whether the same ones are hard
"""The greatest e: beyond it the class is statistical."""
MACHINE = ("system", "processor", "accelerator", "threads")
"""What tells one machine from another, of a record's `environment`: what may move a number."""


@dataclass(frozen=True)
class Class:
    """How far two runs of one config with one seed agree: `bitwise`, `within` e, or `statistical`."""

    name: str
    e: float = 0.0

    def __str__(self) -> str:
        return f"within {self.e:g}" if self.name == "within" else self.name


BITWISE, STATISTICAL = Class("bitwise"), Class("statistical")


@dataclass(frozen=True)
class Comparison:
    """The largest difference that one comparison found: of weights, absolutely; of metrics, as `moved` has it.

    Where it does not apply to the config, `why` says so in words.
    """

    weights: float = 0.0
    metrics: float = 0.0
    why: str = ""


@dataclass(frozen=True)
class Certificate:
    """What was measured of one config on one machine, in runs of `steps` steps."""

    digest: str
    code: dict[str, str]
    machine: dict[str, Any]
    comparisons: dict[str, Comparison]
    steps: int
    measured: str  # when

    @property
    def determinism(self) -> Class:
        """The class that follows from all comparisons that apply."""
        return self.class_of(COMPARISONS)

    def class_of(self, names: Iterable[str]) -> Class:
        """The class that follows from some of the comparisons: those by which two runs differ."""
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
        """Whether it is of the config, the code (or what gives the same bits) and the machine that made a record."""
        config = self.digest == found.digest or configs.belongs(self.digest, found.text)
        alike = config and (self.code == found.code or bool(found.renewed))
        return alike and not differences(self.machine, found.environment)


def moved(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The largest difference of an item's two values, as a share of the largest value that there is.

    Of the item's own value it would be a share of nothing where that value is near zero, as a squared error may be.
    """
    largest = max(map(abs, (*ours, *theirs)), default=0.0)
    apart = max((abs(a - b) for a, b in zip(ours, theirs, strict=True)), default=0.0)
    return apart / largest if apart else 0.0


def agree(wanted: Class, ours: Sequence[float], theirs: Sequence[float]) -> bool:
    """Whether two measurements of the same items, a value each, agree within a class.

    - bitwise: they are identical;
    - within e: `moved(ours, theirs)` is at most e;
    - statistical: zero lies in the 95 % interval of the difference of their means, and the items that are hard for the
      one are hard for the other. The items are not paired for the interval: if they were, two runs that differ by
      rounding alone would not agree. Or no value moved further than `COARSEST`, so that what agrees within a stricter
      class agrees within this.
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
    """Whether the values go together over the items more than by chance (one in a thousand): invented ones do not.

    Nothing can be said of fewer than `FEW` items, or of values that are all equal.
    """
    import numpy as np

    if len(ours) < FEW or min(ours) == max(ours) or min(theirs) == max(theirs):
        return True
    return float(np.corrcoef(ours, theirs)[0, 1]) * math.sqrt(len(ours)) > 3.1


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """What is not the same in two environments, as `torch 2.13.0, here 2.14.0`.

    Packages that the first does not name have no part in it: a project may come to require more.
    """
    rows = [(key, one.get(key), other.get(key)) for key in ("python", *MACHINE)]
    packages = _inner(other, "packages")
    rows += [(name, version, packages.get(name)) for name, version in _inner(one, "packages").items()]
    before, now = _inner(one, "variables"), _inner(other, "variables")
    rows += [(name, before.get(name), now.get(name)) for name in sorted({*before, *now})]
    return [f"{name} {was or 'none'}, here {is_ or 'none'}" for name, was, is_ in rows if was != is_]


def _inner(environment: Mapping[str, Any], key: str) -> dict[str, Any]:
    found = environment.get(key)
    return found if isinstance(found, dict) else {}


def machine(environment: Mapping[str, Any]) -> dict[str, Any]:
    """What a certificate keeps of an environment."""
    return {key: environment[key] for key in (*MACHINE, "python", "packages", "variables") if key in environment}


def store(found: Certificate, config: str, folder: Path) -> Path:
    """Put the certificate of a config of the paper in `folder` beside those of other machines; the newer one stays."""
    path = _path(config, folder)
    kept = [one for one in read(config, folder) if _name(one) != _name(found)]
    rows = [asdict(one) for one in sorted([*kept, found], key=_name)]
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"format": FORMAT, "config": config, "machines": rows}, indent=1, sort_keys=True)
    return disk.write(path, f"{text}\n")


def read(config: str, folder: Path) -> list[Certificate]:
    """The certificates of a config, one per machine. Raises BadInput for a file that holds none."""
    path = _path(config, folder)
    if not regular.present(path):
        return []
    from pydantic import TypeAdapter, ValidationError  # where there is a file to check: it takes a tenth of a second

    row = strict_json.load(path, "not a certificate")
    if not isinstance(row, dict) or (row.get("format"), row.get("config")) != (FORMAT, config):
        raise BadInput(
            f"not a certificate of {config} in format {FORMAT}, the one that this version reads", where(path)
        )
    try:
        found = TypeAdapter(list[Certificate]).validate_python(row.get("machines"))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, ("machines", *first["loc"])))
        raise BadInput(f"not a certificate: {place}: {first['msg']}", where(path)) from None
    for one in found:
        _refuse_odd(one, path)
    return found


def every(folder: Path) -> dict[str, list[Certificate]]:
    """The certificates of each config of a paper that has some."""
    return {path.stem: read(path.stem, folder) for path in regular.files(folder / FOLDER, "*.json")}


def of(found: Record, certificates: Iterable[Certificate]) -> Certificate | None:
    """The one that speaks of a record: of its config, its code and its machine."""
    return next((one for one in certificates if one.speaks_of(found)), None)


def _path(config: str, folder: Path) -> Path:
    return folder / FOLDER / f"{config}.json"


def _name(found: Certificate) -> str:
    return json.dumps([found.machine.get(key) for key in MACHINE])


def _refuse_odd(found: Certificate, path: Path) -> None:
    """A certificate edited by hand must not crash a page."""
    if unknown := sorted({*found.comparisons} ^ {*COMPARISONS}):
        raise BadInput(
            f"not a certificate: expected the comparisons {', '.join(COMPARISONS)}; see {unknown[0]}", where(path)
        )
    numbers = [number for one in found.comparisons.values() for number in (one.weights, one.metrics)]
    if not all(math.isfinite(number) and number >= 0 for number in numbers):
        raise BadInput("not a certificate: a difference is no number from 0", where(path))
