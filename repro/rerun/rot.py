"""The dependency check: does a paper's smoke config still run with the pinned and with the newest packages?

The result of the last check is in `papers/<paper>/records/dependency_checks/<stack>.json`. It is committed, and the
page of the paper shows it. There is one file per stack, so two machines that check one stack each never write the same
file.
"""

from __future__ import annotations

import datetime
import importlib.metadata
import json
import logging
import platform
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from repro.claim import paper
from repro.errors import BadInput, DataMissing, where
from repro.files import disk, regular, strict_json
from repro.record import machine
from repro.rerun import child

FOLDER = "records/dependency_checks"  # in the folder of a paper
STACKS = {"locked": "the pinned versions", "latest": "the newest releases"}
PINS = Path("constraints.txt")
LIMIT = 600.0  # seconds that a smoke config may take; it should take a few seconds
LONGEST = 200  # characters of the line that says why
TOLD = ("repro: ", "the run failed: ")
PATH = re.compile(r"(?<![\w.:/<])(?:/[^\s/:'\"(),;]+)+/?")

log = logging.getLogger("repro")


@dataclass(frozen=True)
class Trial:
    """The result of running a paper's smoke config once on one stack (`locked` or `latest`).

    date: the day of the check. since: the day since which every check had this outcome. packages: name and version.
    said: one line that says why it does not run.
    """

    stack: str
    date: str
    since: str
    outcome: Literal["runs", "fails", "not run"]
    python: str
    packages: dict[str, str]
    said: str = ""


def today() -> datetime.date:
    """The date in UTC, which does not depend on the time zone of the machine."""
    return datetime.datetime.now(datetime.UTC).date()


def turn(stack: str, names: Sequence[str] = ()) -> Iterator[tuple[str, Trial]]:
    """Check the papers `names` (or all) with the installed packages; stores and yields the result of each.

    If the data is missing, the check says nothing about the packages. Such a result does not replace one that does.
    Raises BadInput if a paper or its last result cannot be read, and if `stack` is `locked` but an installed package
    does not have its pinned version.
    """
    if stack == "locked":
        _refuse_unpinned()
    known = names or [folder.name for folder in paper.own_folders()]
    folders = {name: paper.find(name).folder for name in known}
    before = {
        name: read(folder, stack) for name, folder in folders.items()
    }  # refuses a broken file before the first run
    for folder in folders.values():
        disk.refuse_unwritable(folder / FOLDER, f"{stack}.json")
    for name, folder in folders.items():
        outcome, said = attempt(folder / "configs" / "smoke.gin", LIMIT)
        day, old = today().isoformat(), before[name]
        since = old.since if old and old.outcome == outcome else day
        trial = Trial(stack, day, since, outcome, platform.python_version(), machine.packages(), said)
        if outcome != "not run" or old is None or old.outcome == "not run":
            write(folder, trial)
        yield name, trial


def _refuse_unpinned() -> None:
    """Raise BadInput if an installed package does not have the version that `constraints.txt` pins."""
    if not PINS.is_file():
        raise BadInput(f"no {PINS} here", expected="the root of the repository as the working directory")
    for number, line in enumerate(PINS.read_text(encoding="utf-8-sig").splitlines(), 1):
        name, _, pin = line.partition("#")[0].strip().partition("==")
        found = _installed(name) if pin else ""
        if found and found.partition("+")[0] != pin:
            raise BadInput(
                f"{name} {found} is installed, not {pin}",
                f"{PINS}:{number}",
                expected="an environment of `make venv`, or --stack latest",
            )


def _installed(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def attempt(smoke: Path, limit: float) -> tuple[Literal["runs", "fails", "not run"], str]:
    """Run a smoke config in its own process and temporary folder, for at most `limit` seconds; the outcome, and why.

    The run draws one example. Because that is an extra binding, its record stays out of the paper's folder.
    """
    with child.stoppable(), tempfile.TemporaryDirectory(prefix="repro-rot-") as folder:
        code, text = _execute(smoke.resolve(), Path(folder).resolve(), limit)
        line = _clean(_told(text), [str(Path(folder).resolve()), str(smoke.resolve().parents[3])])
    if code == 0:
        return "runs", ""
    if code == DataMissing.code:
        return "not run", _cut(line)
    log.info("%s", "\n".join(text.splitlines()[-40:]))
    if code is None:
        return "fails", f"did not finish within {limit:g} s and was stopped"
    if code < 0:
        return "fails", f"was killed by {signal.Signals(-code).name}"
    return "fails", _cut(line) or f"exit code {code} without a message"


def _execute(smoke: Path, folder: Path, limit: float) -> tuple[int | None, str]:
    """The exit code (None if it took more than `limit` seconds), and the logs of the run with its stderr."""
    once = ["repro", "run", str(smoke), "--set", "experiment.examples = 1"]
    with child.started(once, folder, [Path(place) for place in sys.path if place]) as process:
        try:
            said, code = process.communicate(timeout=limit)[1], process.returncode
        except subprocess.TimeoutExpired:
            said, code = "", None
    logs = [path.read_text(encoding="utf-8", errors="replace") for path in folder.glob("runs/*/*/*/run.log")]
    return code, "\n".join([*logs, said])


def _told(text: str) -> str:
    """The line that says what went wrong: the last line of `repro` itself, or else the last line."""
    lines = [" ".join(line.split()) for line in re.split(r"[\r\n]+", text) if line.strip()]
    ours = [line.removeprefix(start) for line in lines for start in TOLD if line.startswith(start)]
    return (ours or lines or [""])[-1]


def _clean(line: str, places: Sequence[str]) -> str:
    """Remove what is specific to this machine, such as colours and absolute paths.

    With `/home/me/repro` in `places`, `/home/me/repro/papers/a/b.py` becomes `papers/a/b.py`, and `/opt/c.so` becomes
    `c.so`.
    """
    line = re.sub(r"\s*\(the traceback is in [^)]*\)", "", line)
    for place in (*places, sys.prefix):
        line = line.replace(f"{place}/", "")
    line = PATH.sub(lambda hit: hit[0].rstrip("/").rpartition("/")[2], line)
    return "".join(filter(str.isprintable, re.sub(r"\x1b\[[\d;]*[A-Za-z]", "", line)))


def _cut(line: str) -> str:
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1].rstrip()}…"


def write(folder: Path, trial: Trial) -> Path:
    """Store a result, one line per key; returns the path."""
    row = asdict(trial)
    del row["stack"]
    (folder / FOLDER).mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(f" {json.dumps(key)}: {json.dumps(row[key], sort_keys=True)}" for key in sorted(row))
    return disk.write(folder / FOLDER / f"{trial.stack}.json", f"{{\n{lines}\n}}\n")


def of_paper(folder: Path) -> list[Trial]:
    """The last result on each stack that was checked."""
    return [trial for stack in STACKS if (trial := read(folder, stack))]


def read(folder: Path, stack: str) -> Trial | None:
    """The last result on one stack; None if there is none. Raises BadInput if the file cannot be read."""
    path = folder / FOLDER / f"{stack}.json"
    if not regular.present(path):
        return None
    found = strict_json.read(path, Trial, "not a result of `repro rot`", {"stack": stack})
    for key, day in (("date", found.date), ("since", found.since)):
        _refuse_odd(key, day, where(path))
    return found


def _refuse_odd(key: str, day: str, place: str) -> None:
    try:
        datetime.date.fromisoformat(day)
    except ValueError:
        raise BadInput(f"'{key}' is '{day}'", place, expected="a date such as 2026-01-31") from None
