"""Renewals: code that has changed since a record was made, and gives the same bits.

A change that moves no number would otherwise make every record that depends on it stale, and cost all their runs.
`repro renew` runs a config by the present code and compares: short runs whole, of long ones the first and the last
steps. Where all weights and values agree bit for bit, a row in `papers/<paper>/records/renewals.json` says so, and how
much was compared; records of that config and that code count again. What differs only between those steps is not seen.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from repro import disk
from repro.errors import BadInput, where
from repro.files import regular, strict_json

FILE = "records/renewals.json"
Changed = dict[str, list[str | None]]
"""By the name of a module: its digest in the record and now; None where it has no part in one of them."""


@dataclass(frozen=True)
class Renewal:
    """A config that gives the same bits by the code of `commit` and by code that differs from it in `changed`."""

    config: str
    changed: Changed
    commit: str
    steps: int  # the first ones, that were compared; 0: the whole run
    processor: str
    measured: str  # when
    last: int = 0  # the last ones, that were compared too

    def __str__(self) -> str:
        ends = f" and the last {self.last}" if self.last else ""
        over = f"over the first {self.steps}{ends} steps" if self.steps else "over the whole run"
        names = ", ".join(sorted(self.changed))
        return f"the code has changed since ({names}): the same bits {over}, {self.measured[:10]}"


def difference(before: Mapping[str, str], now: Mapping[str, str]) -> Changed:
    """The modules in which two codes differ."""
    names = sorted(name for name in {*before, *now} if before.get(name) != now.get(name))
    return {name: [before.get(name), now.get(name)] for name in names}


def find(renewals: Iterable[Renewal], config: str, changed: Changed) -> Renewal | None:
    """The one that covers just these changes of the code of a config."""
    return next((one for one in renewals if (one.config, one.changed) == (config, changed)), None)


def read(folder: Path) -> list[Renewal]:
    """The renewals of the paper in `folder`. Raises BadInput for a file that holds none."""
    path = folder / FILE
    if not regular.present(path):
        return []
    from pydantic import TypeAdapter, ValidationError  # where there is a file to check: it takes a tenth of a second

    try:
        return TypeAdapter(list[Renewal]).validate_python(strict_json.load(path, "no renewals"))
    except ValidationError as error:
        first = error.errors()[0]
        raise BadInput(f"no renewals: {'.'.join(map(str, first['loc']))}: {first['msg']}", where(path)) from None


def store(found: Iterable[Renewal], folder: Path) -> Path:
    """Write the renewals of the paper in `folder` anew, one for each config and change."""
    rows = {(one.config, json.dumps(one.changed)): one for one in found}
    if not rows:
        (folder / FILE).unlink(missing_ok=True)
        return folder / FILE
    lines = [json.dumps(asdict(rows[key]), sort_keys=True) for key in sorted(rows)]
    (folder / FILE).parent.mkdir(exist_ok=True)
    return disk.write(folder / FILE, "[\n" + ",\n".join(lines) + "\n]\n")
