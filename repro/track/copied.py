"""What a tracker shows of one run: its settings, curves, results with intervals, and where they come from.

A record has curves of at most 100 points, and no times. A run folder has every point of the metrics log, with its time.
"""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from repro import config, record
from repro.config.syntax import Macro
from repro.errors import BadInput, where
from repro.files import regular
from repro.interval import interval
from repro.launch import status
from repro.record import Record
from repro.run import resume

Setting = str | int | float | bool
FINISHED = "finished"
LOSSES = ("train", "valid")


@dataclass(frozen=True)
class Point:
    """One value of a curve. time: when it was logged, in seconds since 1970; in a record, when the run ended."""

    curve: str
    step: int
    value: float
    time: float


@dataclass(frozen=True)
class RunCopy:
    """One run, as trackers show it.

    - `id`: the same for the same paper, config, seed and code. A run that is repeated with other code has another id.
    - `state`: as in `repro status`: running, finished, stopped, failed, refused or killed.
    - `settings`: what the config binds, by name. Numbers and texts as such, other values as the config writes them.
    - `points`: the curves, such as `train/loss` and `valid/Accuracy`, in the order of the steps.
    - `results`: for each metric on each test set, its mean and the limits of the 95 % interval, as in
      `result/test/Accuracy`, `result/test/Accuracy/low` and `result/test/Accuracy/high`.
    - `about`: the record, the commit, the digest of the config, and whether the record is stale.
    """

    id: str
    paper: str
    config: str
    seed: int
    state: str
    settings: dict[str, Setting]
    points: list[Point]
    results: dict[str, float] = field(default_factory=dict)
    about: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name of the run, such as `template/line-seed0`."""
        return f"{self.paper}/{self.config}-seed{self.seed}"

    @property
    def tags(self) -> list[str]:
        """Short labels to filter by: paper, config, seed and state. W&B takes at most 64 characters."""
        rows = {"paper": self.paper, "config": self.config, "seed": self.seed, "state": self.state}
        return [f"{key}:{value}"[:64] for key, value in rows.items()] + (["stale"] if "stale" in self.about else [])

    @property
    def last(self) -> tuple[int, float]:
        """Step and time of the last point; the results are shown there. Step 0 for a run without curves."""
        ends = [(point.step, point.time) for point in self.points]
        return max(ends, default=(0, _seconds(self.about.get("finished", ""))))

    @property
    def rows(self) -> dict[int, dict[str, float]]:
        """The values of all curves by step, in the order of the steps."""
        found: dict[int, dict[str, float]] = {}
        for point in sorted(self.points, key=lambda one: one.step):
            found.setdefault(point.step, {})[point.curve] = point.value
        return found

    @property
    def times(self) -> dict[int, float]:
        """The time of each step."""
        return {point.step: point.time for point in sorted(self.points, key=lambda one: one.step)}


def of_record(found: Record) -> RunCopy:
    """The run that wrote a record."""
    points = _in_order(_of_curves(found))
    about = {"from": "record", **_about(found)}
    begun = (found.digest, found.code, found.core)
    state = (found.paper, found.config, found.seed, FINISHED)
    return RunCopy(_id(state, begun), *state, settings(found.text), points, results(found), about)


def of_run(folder: Path) -> RunCopy:
    """The run in a folder, up to now if it is running.

    Raises BadInput if the folder is not that of a run, and if the run has no metrics yet.
    """
    from repro.training import metrics_log  # imported here, because it loads torch

    folder = folder.resolve()
    begun = resume.read(folder)
    if begun is None:
        raise BadInput("is not the folder of a run", where(folder), expected=f"a folder with {resume.FILE}")
    now = status.of_folder(folder)
    kept = folder / f"{now.config}-seed{now.seed}.json"
    found = record.read(kept) if now.state == FINISHED and kept.is_file() else None
    points = _in_order(_of_log(metrics_log.read(folder / "metrics.jsonl")))
    if not points and found is None:
        raise BadInput("has no metrics yet", where(folder), expected=f"a run that has trained; its state: {now.state}")
    about = {"from": "run folder", "digest": begun.digest, **_source(begun.source)}
    state = (now.paper, now.config, now.seed, now.state)
    bound = settings(_text(folder / "config.gin"))
    known = _id(state, (begun.digest, begun.code, begun.core))
    more = (results(found), about | _about(found)) if found else ({}, about)
    return RunCopy(known, *state, bound, points, *more)


def _text(path: Path) -> str:
    regular.check(path, regular.CONFIG)
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise BadInput(f"not UTF-8 text ({error.reason})", where(path), expected="the config of a run") from None


def settings(text: str) -> dict[str, Setting]:
    """What the text of a config binds, by name; the value of a macro in place of the macro.

    >>> settings("RATE = 0.1\\nAdam.lr = %RATE\\nexperiment.model = @models.Line()")
    {'RATE': 0.1, 'Adam.lr': 0.1, 'experiment.model': '@models.Line()'}
    """
    from repro.config import syntax

    known = config.values(text)
    try:
        written = {row.name: row.written for row in syntax.read(text)[1]}
    except syntax.Unreadable:
        return {}
    return {name: _setting(value, written[name], known) for name, value in known.items()}


def _setting(value: Any, written: str, known: dict[str, Any]) -> Setting:
    found = config.resolved(value, known) if isinstance(value, Macro) else value
    return found if isinstance(found, str | int | float | bool) else written


def results(found: Record) -> dict[str, float]:
    """The mean and the 95 % interval over the test items of every metric of a record."""
    rows: dict[str, float] = {}
    for one in found.measurements:
        name, over_items = f"result/{one.test}/{one.metric}", interval([one.values])
        rows |= {name: over_items.mean, f"{name}/low": over_items.low, f"{name}/high": over_items.high}
    return rows


def _id(state: tuple[str, str, int, str], begun: tuple[str, Mapping[str, str], str]) -> str:
    same = [*state[:3], *begun]
    return hashlib.sha256(json.dumps(same, sort_keys=True).encode()).hexdigest()[:16]


def _about(found: Record) -> dict[str, str]:
    rows = {"record": f"{found.paper}/{found.stem}", "digest": found.digest, **_source(found.source)}
    more = {"finished": found.finished, "stale": found.stale, "set": "; ".join(found.overrides)}
    data = {f"data/{role}": found.fingerprint(role) for role in found.data}
    return rows | {key: value for key, value in {**more, **data}.items() if value}


def _source(source: Mapping[str, Any]) -> dict[str, str]:
    """The commit, and whether the code was as committed."""
    dirty = source.get("dirty")
    said = "not known" if dirty is None else "changed after the commit" if dirty else "as committed"
    return {"commit": str(source.get("commit") or "none"), "code": said}


def _of_curves(found: Record) -> Iterator[Point]:
    end = _seconds(found.finished)
    for name, entries in found.curves.items():
        for step, value in entries:
            yield Point(_tag(name), int(step), value, end)


def _of_log(rows: Iterable[Mapping[str, Any]]) -> Iterator[Point]:
    for row in rows:
        for key in row.keys() - {"curve", "step", "time"}:
            curve = _tag(row["curve"]) if key in ("loss", "value") else f"{row['curve']}/{key}"
            yield Point(curve, int(row["step"]), float(row[key]), float(row["time"]))


def _in_order(points: Iterable[Point]) -> list[Point]:
    return sorted(points, key=lambda point: (point.step, point.curve))


def _tag(curve: str) -> str:
    """The name of a curve, as in the TensorBoard events of a run: `train/loss`, `valid/loss`, `valid/Accuracy`."""
    return f"{curve}/loss" if curve in LOSSES else f"valid/{curve}"


def _seconds(time: str) -> float:
    """A time of a record in seconds since 1970; 0 if it has none."""
    try:
        return datetime.datetime.fromisoformat(time).timestamp()
    except ValueError:
        return 0.0
