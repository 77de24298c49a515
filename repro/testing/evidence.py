"""The evidence of a tip: tests that exist, or a record with the problem and a record with the fix.

The parts that a tip names must exist too.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Collection, Iterator
from pathlib import Path

from repro import record
from repro.errors import close
from repro.record import Record
from repro.registry import parse
from repro.report import patterns
from repro.report.tips import Tip
from repro.testing import part_names

TEST = re.compile(r"`([\w/]+\.py)(?:::(\w+))?`")
RECORD = re.compile(r"`([\w/]+/records/[\w./-]+\.json)`")
NONE = re.compile(r"none\W+\w+\W+\w+")  # and a reason, which has at least two words


def parts() -> frozenset[str]:
    """The full names of all parts that a tip may name."""
    return frozenset(f"{part.kind}.{part.name}" for part in part_names.every())


def faults(tip: Tip, root: Path, known: Collection[str]) -> Iterator[str]:
    """What is wrong with the evidence of a tip, whose paths are relative to the folder `root`.

    known: the parts that it may name (`parts`).
    """
    given = tip.item("Test")
    tests, records = TEST.findall(given), RECORD.findall(given)
    if not tests and not records and not NONE.match(given):
        yield "names no test; expected a test or two records in backticks, or none with a reason"
    yield from (f"names {file}::{name}, which does not exist" for file, name in tests if not _is(root / file, name))
    yield from (f"names {part}, which does not exist{close(part, known)}" for part in tip.parts if part not in known)
    if len(records) not in (0, 2):
        yield f"names {len(records)} records; expected one with the problem, then one with the fix"
    elif gone := [path for path in records if not (root / path).is_file()]:
        yield f"names {gone[0]}, which does not exist"
    elif records:
        yield from _not_shown(tip, *(record.read(root / path) for path in records))


def _is(path: Path, name: str) -> bool:
    """True if the file has a function of this name; without a name, if there is the file."""
    return path.is_file() and (not name or name in _functions(path, path.stat().st_mtime_ns))


@functools.lru_cache(maxsize=256)
def _functions(path: Path, changed: int) -> frozenset[str]:
    """The names of the functions of a file; `changed` is the time of its last change."""
    return frozenset(node.name for node in ast.walk(parse(path)) if isinstance(node, ast.FunctionDef))


def _not_shown(tip: Tip, problem: Record, fixed: Record) -> Iterator[str]:
    """The `loss` and `curve` patterns of a tip that its first record does not show, or that its second record shows."""
    for pattern in tip.patterns:
        if pattern.startswith(("loss: ", "curve: ")):
            before, after = (patterns.in_curves(pattern, one.curves) for one in (problem, fixed))
            if not before:
                yield f"has the pattern '{pattern}', but the record {problem.stem} does not show it"
            if after:
                yield f"has the pattern '{pattern}', but the record {fixed.stem}, which has the fix, shows it too"
