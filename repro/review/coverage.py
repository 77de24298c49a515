"""Which lines of a paper its own tests run, measured with coverage.py. This runs the code of the paper."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from repro.claim.paper import Paper
from repro.errors import BadInput, where


def lines(one: Paper) -> Iterator[str]:
    """One line for each module of the paper, then the last line of pytest. Raises BadInput without coverage.py."""
    try:
        import coverage  # noqa: F401
    except ImportError:
        raise BadInput("coverage.py is not installed", expected="pip install coverage, or make venv") from None
    with tempfile.TemporaryDirectory(prefix="repro-review-") as home:
        said = _tested(one, Path(home))
        for name, row in sorted(_measured(one, Path(home)).items()):
            whole = row["summary"]
            missed = f"; not run: {_ranges(row['missing_lines'])}" if row["missing_lines"] else ""
            yield f"{name}: {whole['percent_covered']:.0f} % of {whole['num_statements']} statements{missed}"
    yield f"tests: {said}"


def _tested(one: Paper, home: Path) -> str:
    options = ["--import-mode=importlib", "-q", "-p", "no:cacheprovider", str(one.folder / "tests")]
    done = _call(one, home, "run", f"--source={one.folder}", f"--omit={one.folder}/tests/*", "-m", "pytest", *options)
    return (done.stdout.strip().splitlines() or done.stderr.strip().splitlines() or ["no output"])[-1]


def _measured(one: Paper, home: Path) -> dict[str, Any]:
    done = _call(one, home, "json", "-q", "-o", str(home / "coverage.json"))
    if done.returncode:
        raise BadInput(f"coverage.py has no result: {(done.stdout + done.stderr).strip()}", where(one.folder / "tests"))
    found: dict[str, Any] = json.loads((home / "coverage.json").read_text(encoding="utf-8"))["files"]
    return {Path(name).name: row for name, row in found.items() if row["summary"]["num_statements"]}


def _call(one: Paper, home: Path, command: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run coverage.py with its data in `home`, in the folder above `papers/`, without the project's settings of it."""
    roots = os.pathsep.join(place for place in sys.path if place)
    asked = [sys.executable, "-m", "coverage", command, "--rcfile=", f"--data-file={home / 'data'}", *words]
    variables = os.environ | {"PYTHONPATH": roots}
    return subprocess.run(asked, cwd=one.folder.parents[1], env=variables, capture_output=True, text=True, check=False)


def _ranges(numbers: list[int]) -> str:
    """Line numbers, the consecutive ones as a range.

    >>> _ranges([1, 2, 3, 7])
    '1-3, 7'
    """
    runs = [[n for _, n in run] for _, run in groupby(enumerate(sorted(numbers)), key=lambda row: row[1] - row[0])]
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)
