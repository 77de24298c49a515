"""Renewals: changed code that was checked to give bit-identical results, so that records stay valid.

Without renewals, a change of code that changes no number would make every record that depends on it stale.
`repro renew` first compares the syntax trees of the old and the present code; if they are the same, nothing is run.
Otherwise it runs the config with the present code and compares: a short run completely, a long run in its first and
last steps. If all weights and values are bit-identical, it writes a row into `papers/<paper>/records/renewals.json`,
with the steps that were compared. The records of that config and that code are then valid again. A difference only in
the other steps is not detected.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

from repro.files import disk, regular, strict_json, typed

FILE = "records/renewals.json"
Changed = dict[str, list[str | None]]
"""For each changed module: its digest in the record and its present digest; None if it was not or is not used."""


@dataclass(frozen=True)
class Renewal:
    """A config with bit-identical results for the code of `commit` and for code that differs from it in `changed`."""

    config: str
    changed: Changed
    commit: str
    steps: Annotated[int, typed.FROM_0]  # how many first steps were compared; 0: the whole run
    processor: str
    measured: Annotated[str, typed.TIME]  # date and time
    last: Annotated[int, typed.FROM_0] = 0  # how many last steps were compared too
    same_code: bool = False  # nothing was run: the two codes have the same syntax trees (`repro.record.same_code`)
    overrides: list[str] = field(default_factory=list)  # the `--set` bindings, for a point of a sweep

    def __str__(self) -> str:
        names = ", ".join(sorted(self.changed))
        if self.same_code:
            return f"the code has changed since ({names}): the same syntax trees, {self.measured[:10]}"
        ends = f" and the last {self.last}" if self.last else ""
        over = f"over the first {self.steps}{ends} steps" if self.steps else "over the whole run"
        return f"the code has changed since ({names}): bit-identical {over}, {self.measured[:10]}"


def difference(before: Mapping[str, str], now: Mapping[str, str]) -> Changed:
    """The modules whose digests differ, with both digests."""
    names = sorted(name for name in {*before, *now} if before.get(name) != now.get(name))
    return {name: [before.get(name), now.get(name)] for name in names}


def find(renewals: Iterable[Renewal], config: str, changed: Changed, overrides: Sequence[str] = ()) -> Renewal | None:
    """The renewal of a config, with these `--set` bindings, that covers exactly these changes; or None."""
    wanted = config, changed, list(overrides)
    return next((one for one in renewals if (one.config, one.changed, one.overrides) == wanted), None)


def read(folder: Path) -> list[Renewal]:
    """The renewals of the paper in `folder`. Raises BadInput if the file is not a list of renewals."""
    path = folder / FILE
    if not regular.present(path):
        return []
    return strict_json.read(path, list[Renewal], "not a list of renewals")


def store(found: Iterable[Renewal], folder: Path) -> Path:
    """Replace the renewals of the paper in `folder` by `found`, one for each config, bindings and change."""
    rows = {(one.config, json.dumps(one.overrides), json.dumps(one.changed)): one for one in found}
    if not rows:
        (folder / FILE).unlink(missing_ok=True)
        return folder / FILE
    lines = [json.dumps(_row(rows[key]), sort_keys=True) for key in sorted(rows)]
    (folder / FILE).parent.mkdir(exist_ok=True)
    return disk.write(folder / FILE, "[\n" + ",\n".join(lines) + "\n]\n")


def _row(one: Renewal) -> dict[str, Any]:
    """The keys of a renewal in the file; without `overrides` if there are none."""
    return {key: value for key, value in asdict(one).items() if key != "overrides" or value}
