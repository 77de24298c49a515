"""The output of `repro diff`: one table for each section in which two records, runs or configs differ."""

from __future__ import annotations

import itertools
import json
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from repro.cli import listing
from repro.record import git
from repro.rerun.diff import Diff, Result, Row
from repro.rerun.sides import Side

LONGEST = 60  # characters of a value in a table; `--json` has all
BEFORE = 20  # characters of a long value before the first difference


def as_json(found: Diff) -> str:
    """Everything, with what differs by section; `A` and `B` are null where a side does not have a thing."""
    row: dict[str, Any] = {
        "A": _side(found.one),
        "B": _side(found.other),
        "same": found.same,
        "bit_identical": found.bit_identical,
        **{name: [_row(row) for row in rows] for name, rows in found.sections.items()},
        "result": [_row(one) for one in found.results],
        "time": [_row(one) for one in found.time],
        "not_compared": found.unknown,
    }
    return json.dumps(row, indent=1)


def _side(side: Side) -> dict[str, Any]:
    return {"name": side.name, "kind": side.kind, **{key: side.source.get(key) for key in ("commit", "dirty")}}


def _row(found: Row | Result) -> dict[str, Any]:
    row = asdict(found)
    return {"name": row.pop("name"), "A": row.pop("one"), "B": row.pop("other"), **row}


def text(found: Diff) -> str:
    """The two sides, then a table for each section with a difference, then what was not compared."""
    return "\n\n".join(filter(None, ("\n".join(_heads(found)), *_tables(found), "\n".join(_notes(found)))))


def _heads(found: Diff) -> Iterator[str]:
    for letter, side in (("A", found.one), ("B", found.other)):
        yield f"{letter}  {side.name} ({', '.join([side.kind, *_source(side)])})"


def _source(side: Side) -> Iterator[str]:
    if side.kind == "config":
        yield "with the present code"
    if commit := side.source.get("commit"):
        yield f"commit {commit:.12}"
    if side.source.get("dirty"):
        yield "with uncommitted changes"


def _tables(found: Diff) -> Iterator[str]:
    for name, rows in found.sections.items():
        if name == "history" and found.results:
            yield listing.table([_told(one) for one in found.results])
        if rows:
            yield _table(name, rows)
        if name == "code" and (command := _git(found)):
            yield f"the change of code: {command}"
    if found.time:
        yield _table("time (does not count)", found.time)


def _git(found: Diff) -> str:
    """The git command that shows the change of code between two commits, or between a commit and the present code."""
    commits = [side.source.get("commit") for side in (found.one, found.other) if side.kind != "config"]
    dirty = found.one.source.get("dirty") or found.other.source.get("dirty")
    if not found.code or dirty or not commits or not all(map(git.is_commit, commits)) or len({*commits}) < len(commits):
        return ""
    present = found.one.kind == "config"
    order = [*(["-R"] if present else []), *(f"{commit:.12}" for commit in commits)]
    return f"git diff {' '.join(order)} -- {' '.join(sorted({_place(row.name) for row in found.code}))}"


def _place(module: str) -> str:
    """Where git finds a module, as an argument of a command: `papers/NAME/*.py` without the records, or `repro`."""
    top, _, rest = module.partition(":")[0].partition(".")
    return shlex.quote(f"papers/{rest.partition('.')[0]}/*.py") if top == "papers" and ":" not in module else "repro"


def _table(name: str, rows: Sequence[Row]) -> str:
    return listing.table([{name: row.name, **dict(zip("AB", _values(row), strict=True))} for row in rows])


def _told(one: Result) -> dict[str, str]:
    differing = f"{one.differing} of {one.items}, by up to {one.largest:.3g}" if one.differing else one.why
    return {
        "result": f"{one.name} ({one.unit})" if one.unit else one.name,
        "A": _value(one.one),
        "B": _value(one.other),
        "B - A": "-" if one.difference is None else f"{one.difference:+.4g}",
        "items that differ": differing,
    }


def _values(row: Row) -> tuple[str, str]:
    """The two values of a row. If one is long, both begin shortly before their first difference."""
    one, other = _value(row.one), _value(row.other)
    shared = sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
    start = max(shared - BEFORE, 0) if max(len(one), len(other)) > LONGEST else 0
    return _cut(one, start), _cut(other, start)


def _value(value: str | float | None) -> str:
    """A value on one line; `-` if there is none."""
    return "-" if value is None else " ".join((f"{value:.6g}" if isinstance(value, float) else str(value)).split())


def _cut(text: str, start: int) -> str:
    rest = f"...{text[start:]}" if start else text
    return rest if len(rest) <= LONGEST else f"{rest[: LONGEST - 3]}..."


def _notes(found: Diff) -> Iterator[str]:
    if found.same:
        yield "the same"
    elif found.bit_identical:
        yield f"bit-identical measurements: {found.measurements}"
    if found.unknown:
        yield f"not compared, because A or B does not have it: {', '.join(found.unknown)}"
