"""A record: the small JSON file with the results of one run. Every number on a page comes from a record.

A run writes its record into its run folder. Publishing (`repro.run.publishing`) copies it to
`papers/<paper>/records/`; verdicts and pages read it there.

A record is written atomically, its keys have a fixed order, and it contains no path of the machine. When the records of
a paper are read, a record is marked as stale if its config or code has changed since. The mark names the change
(`repro.record.stale`).

- `stale` decides which records are stale; `code_digest` computes the digests that it compares.
- `same_code`, `cores` and `renewal`: records that are valid although their code has changed.
- `as_committed`, `loaded`, `git`: whether a run used the code of its commit; `audit` checks this later.
- `machine`: the environment of a run. `determinism`: certificates, which say how exactly numbers repeat.
- `packed_values`: how a long list of values is stored.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any, TypedDict

from repro import config as configs
from repro import untrusted
from repro.errors import BadInput, where
from repro.files import disk, regular, strict_json, typed
from repro.record import packed_values, stale

FORMAT = 1
EXAMPLES_LIMIT = 500_000  # bytes: the maximum total size of a record's examples
MOST = packed_values.MOST  # the maximum number of values in a record
SWEPT = "sweeps"
"""The folder in `records/` with the records of sweeps: a folder for each point."""
LARGEST = 1e150  # the maximum absolute value: its square is still finite


@dataclass(frozen=True)
class Measurement:
    """One metric on one test set: the value of every item, with the unit and identity of the metric."""

    test: str
    metric: str
    identity: Annotated[dict[str, Any], typed.SOME]
    values: list[float]

    @property
    def mean(self) -> float:
        """The mean of the values of all items."""
        return sum(self.values) / len(self.values)


class Environment(TypedDict, total=False):
    """The `environment` of a record: Python, packages, machine. `repro.record.machine.environment` fills it."""

    python: str
    packages: dict[str, str]
    system: str
    processor: str
    cores: int | None
    accelerator: str
    threads: Annotated[int, typed.FROM_1]  # of each process
    processes: list[int]  # that worked together, one number after the other; left out if it was always one
    gpu: dict[str, Any]  # driver, CUDA and cuDNN, and settings that change numbers
    variables: dict[str, str]


class Source(TypedDict, total=False):
    """The `source` of a record: commit, and whether the code was as committed. `as_committed.state` fills it."""

    commit: str | None
    dirty: bool | None
    diff: str
    why: str


class Layer(TypedDict, total=False):
    """A layer of the model: its name and kind in torch, and the number of its parameters."""

    name: str
    kind: str
    parameters: Annotated[int, typed.FROM_0]


class Panel(TypedDict, total=False):
    """What a page shows or plays of an item; `repro.report.examples` explains each key."""

    label: str
    image: str
    sound: str
    text: str
    truth: str
    answer: str
    scores: list[tuple[str, float | None]]
    signal: str
    start: float
    stop: float
    true: list[tuple[float, str, int]]
    found: list[tuple[float, int]]


class Example(TypedDict, total=False):
    """One item of a test set. `by`: the metric in which the examples are spread from the worst to the best item."""

    test: str
    item: int
    by: str
    panels: list[Panel]


Point = Annotated[list[float], tuple[float, float]]  # step, value


@dataclass(frozen=True)
class Record:
    """The results of one run of one config with one seed. `stale` and `renewed` are computed, not stored."""

    paper: str
    config: str
    seed: Annotated[int, typed.FROM_0]
    digest: str
    measurements: list[Measurement]
    text: str = ""
    overrides: list[str] = field(default_factory=list)
    data: dict[str, Any] = field(default_factory=dict)
    items: dict[str, list[str]] = field(default_factory=dict)  # the item names of each test set that has item names
    code: dict[str, str] = field(default_factory=dict)
    core: str = ""
    source: Annotated[dict[str, Any], Source] = field(default_factory=dict)
    environment: Annotated[dict[str, Any], Environment] = field(default_factory=dict)
    cost: dict[str, Annotated[float, typed.FROM_0]] = field(default_factory=dict)
    curves: dict[str, list[Point]] = field(default_factory=dict)
    model: list[Annotated[dict[str, Any], Layer]] = field(default_factory=list)  # its layers with parameters
    examples: list[Annotated[dict[str, Any], Example]] = field(default_factory=list)
    finished: Annotated[str, typed.TIME_OR_NONE] = ""
    format: int = FORMAT
    stale: str = ""  # what has changed since, so that the record is not valid any more; empty if it is valid
    renewed: str = ""  # why the record is valid although its code has changed since

    @property
    def stem(self) -> str:
        """The name of the record's file, without `.json`."""
        return f"{self.config}-seed{self.seed}"

    def fingerprint(self, role: str) -> str:
        """The fingerprint of the data in one role, as text; empty if the record has none."""
        found = self.data.get(role, "")
        return found if isinstance(found, str) else json.dumps(found, sort_keys=True)

    def basis(self, role: str) -> str:
        """The name or fingerprint of the original data in a role: the same for all forms of the same items.

        Two configs may read the same items in different forms (cut to another length, deskewed), each with its own
        fingerprint. The result is what `experiment.data` requires, because the run has checked it. If it requires
        nothing, the result is the fingerprint.
        """
        return _required(self.text).get(role) or self.fingerprint(role)

    def pinned(self, role: str) -> bool:
        """True if the config requires one data set in this role, by name or fingerprint."""
        return role in _required(self.text)

    def measured(self, test: str, metric: str) -> Measurement | None:
        """The measurement of a metric on a test set; None if the record has none."""
        return next((m for m in self.measurements if (m.test, m.metric) == (test, metric)), None)


@functools.cache
def _required(text: str) -> dict[str, str]:
    """`experiment.data` in the text of a config; empty if it is missing or not a literal value."""
    if "experiment" not in text:
        return {}
    known = configs.values(text)
    found = configs.resolved(known.get("experiment.data"), known)
    rows = (
        {str(role): configs.resolved(wanted, known) for role, wanted in found.items()}
        if isinstance(found, dict)
        else {}
    )
    return rows if all(isinstance(wanted, str) for wanted in rows.values()) else {}


def write(record: Record, folder: Path) -> Path:
    """Write `record` into `folder` atomically: a reader sees the old file or the new one. Returns the path.

    Raises BadInput if the file would be too large, ValueError for a value above `LARGEST`, and DiskFull.
    """
    row = asdict(record)
    del row["stale"], row["renewed"]
    untrusted.refuse_huge(row, "the record", record.stem)  # `read` would refuse it
    for found in row["measurements"]:
        if beyond := [value for value in found["values"] if abs(value) > LARGEST]:
            raise ValueError(f"{found['test']}: {found['metric']} is {beyond[0]:g}; expected at most {LARGEST:g}")
        found["values"] = packed_values.packed(found["values"])
    text = _dump(row)
    if len(text) > regular.RECORD:
        raise BadInput(
            f"would have {len(text):,} bytes",
            record.stem,
            expected=f"at most {regular.RECORD:,}: test fewer items",
        )
    folder.mkdir(parents=True, exist_ok=True)
    return disk.write(folder / f"{record.stem}.json", text)


def _dump(row: dict[str, Any]) -> str:
    """JSON with one line per key and per measurement, so that a diff shows which number changed."""
    parts = []
    for key in sorted(row):
        value = row[key]
        if isinstance(value, list) and value and isinstance(value[0], dict):
            inner = ",\n".join("  " + json.dumps(item, sort_keys=True, allow_nan=False) for item in value)
            parts.append(f"{json.dumps(key)}: [\n{inner}\n]")
        else:
            parts.append(f"{json.dumps(key)}: {json.dumps(value, sort_keys=True, allow_nan=False)}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def read(path: Path) -> Record:
    """Read one record. Raises BadInput if the file is not a valid record."""
    row = strict_json.load(path, "not a record", regular.RECORD, free="examples")
    if not isinstance(row, dict) or row.get("format") != FORMAT:
        raise BadInput(f"not a record of format {FORMAT}, the one that this version reads", where(path))
    try:
        if stray := row.keys() & {"stale", "renewed"}:
            raise BadInput(f"'{min(stray)}' is computed and must not be stored")
        packed_values.unpack(row)
        record: Record = typed.build(row, Record)
        _refuse_odd(record)
        _refuse_names(record, path.stem)
    except BadInput as error:  # the path is only looked up for an error, which is faster
        raise error.at(where(path), "not a record") from None
    return record


def _refuse_odd(record: Record) -> None:
    """Raise BadInput for fields of a wrong size, so that a record edited by hand cannot crash a verdict."""
    if len(record.text) > regular.CONFIG:
        raise BadInput(f"'text' has {len(record.text):,} characters", expected=f"at most {regular.CONFIG:,}")
    for found in record.measurements:
        if not found.values:
            raise BadInput(f"{found.test}: {found.metric} has no values", expected="one number for each item")
        if max(found.values) > LARGEST or min(found.values) < -LARGEST:
            beyond = next(value for value in found.values if abs(value) > LARGEST)
            raise BadInput(
                f"{found.test}: {found.metric} has the value {beyond:g}", expected=f"at most {LARGEST:g} in size"
            )
        if len(record.items.get(found.test, found.values)) != len(found.values):
            raise BadInput(f"{found.test}: {found.metric} does not have one value for each item name")


def _refuse_names(record: Record, stem: str) -> None:
    """Raise BadInput for an impossible name of the paper or config, a wrong file name, or a duplicate measurement."""
    if not record.paper.isidentifier() or not re.fullmatch(r"[\w.+-]+", record.config):
        raise BadInput(
            f"it names {record.paper!r:.80} and {record.config!r:.80}", expected="the names of a paper and a config"
        )
    if record.stem != stem:
        raise BadInput(f"the file is called {stem}, but it contains the record {record.stem}")
    names = [(found.test, found.metric) for found in record.measurements]
    if len(set(names)) < len(names):
        raise BadInput("it has two measurements of one metric on one test set")


def refuse_links(folder: Path, paths: Iterable[Path]) -> None:
    """Raise BadInput for a symbolic link: git reports the link as unchanged even if its target has changed."""
    for path in (folder, *paths):
        if path.is_symlink():
            raise BadInput("is a link", f"{where(path.parent)}/{path.name}", expected="the records themselves")


def paths(folder: Path, swept: bool = False) -> list[Path]:
    """The files of a paper's records, or of those of its sweeps: without the renewals and the verdicts."""
    homes = sorted(filter(Path.is_dir, (folder / "records" / SWEPT).glob("[!.]*"))) if swept else [folder / "records"]
    found = [path for home in homes for path in regular.files(home, "*.json", regular.RECORD)]
    return [path for path in found if path.name not in ("renewals.json", "verdicts.json")]


def of_paper(folder: Path, data: stale.Data | None = None) -> list[Record]:
    """All records of a paper, with the stale ones marked.

    If `data` is given, it reads the data again, and records of other data are marked too.
    """
    found = paths(folder)
    refuse_links(folder / "records", found)
    with strict_json.many():
        records = [read(path) for path in found]
    return list(stale.mark(records, folder, data))


def of_points(folder: Path) -> list[Record]:
    """All records of a paper's sweeps, with the stale ones marked. No claim uses them."""
    found = paths(folder, swept=True)
    refuse_links(folder / "records" / SWEPT, [*(path.parent for path in found), *found])
    return list(stale.mark(map(read, found), folder, swept=True))
