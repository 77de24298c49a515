"""The table of measured ratios.

`pytest -s -m '' tests/benchmarks/test_loss.py --speed-table docs/guide/separation-speed.csv` writes it.
"""

from __future__ import annotations

import csv
import datetime
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from repro.record import machine

Row = Callable[[str, str, str], None]
HEAD = ("what", "measured", "wanted", "machine", "date")
ROWS = pytest.StashKey[list[tuple[str, str, str]]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--speed-table", type=Path, help="the CSV file to which the measured ratios are written")


@pytest.fixture
def measured(request: pytest.FixtureRequest) -> Row:
    """Print a measured ratio and what is wanted, and add it to the table."""
    rows = request.config.stash.setdefault(ROWS, [])

    def add(what: str, found: str, wanted: str) -> None:
        print(f"\n{what}: {found}" + (f" (wanted: {wanted})" if wanted else ""))
        rows.append((what, found, wanted))

    return add


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the table. A row of the same name replaces the earlier one; the others stay."""
    path = session.config.getoption("--speed-table", None)
    rows = session.config.stash.get(ROWS, [])
    if path is None or not rows:
        return
    here = f"{machine.processor()}, {torch.get_num_threads()} threads"
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    earlier = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    held = {row["what"]: tuple(row[name] for name in HEAD) for row in csv.DictReader(earlier)}
    held |= {row[0]: (*row, here, today) for row in rows}
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([HEAD, *held.values()])
