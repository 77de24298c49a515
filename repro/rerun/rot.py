"""The dependency check: does a paper's smoke config still run, on the locked pins and on the newest releases?

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

from repro import disk
from repro.claim import paper, paper_toml
from repro.errors import BadInput, DataMissing, where
from repro.files import regular, strict_json
from repro.files.toml_lines import Block
from repro.record import machine
from repro.rerun import child

FOLDER = "records/dependency_checks"  # in the folder of a paper
STACKS = {"locked": "the locked pins", "latest": "the newest releases"}
PINS = Path("constraints.txt")
LIMIT = 600.0  # seconds that a smoke config may take: a hundred times what it should
LONGEST = 200  # letters of the line that says why
TOLD = ("repro: ", "the run failed: ")
PATH = re.compile(r"(?<![\w.:/<])(?:/[^\s/:'\"(),;]+)+/?")

log = logging.getLogger("repro")


@dataclass(frozen=True)
class Trial:
    """One try of a paper's smoke config on one stack. `said` is why it does not run, in one line.

    `date` is the day of the try, `since` the first day of an unbroken row of tries that came out so.
    """

    stack: str
    date: str
    since: str
    outcome: Literal["runs", "fails", "not run"]
    python: str
    packages: dict[str, str]
    said: str = ""


def today() -> datetime.date:
    """The date, in UTC: that of a machine in another zone may be another."""
    return datetime.datetime.now(datetime.UTC).date()


def turn(stack: str, names: Sequence[str] = ()) -> Iterator[tuple[str, Trial]]:
    """Try the papers called `names`, or all, on the packages installed here; keep and yield what came out of each.

    A try for which the data is missing tells nothing of the packages: it does not replace one that does. Raises
    BadInput where a paper or what is kept of it cannot be read, and where `locked` is not what is installed.
    """
    if stack == "locked":
        _refuse_unpinned()
    known = paper.folders()
    folders = {name: paper.find(name).folder for name in names or sorted(known)}
    before = {name: read(folder, stack) for name, folder in folders.items()}  # a broken one is said before any runs
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
    """Refuse to call `locked` what is not: every package that has a pin and is installed must be as pinned."""
    if not PINS.is_file():
        raise BadInput(f"no {PINS} here, which says what 'locked' is: start this in the root of the repository")
    for number, line in enumerate(PINS.read_text(encoding="utf-8-sig").splitlines(), 1):
        name, _, pin = line.partition("#")[0].strip().partition("==")
        found = _installed(name) if pin else ""
        if found and found.partition("+")[0] != pin:
            hint = "expected an environment of `make venv`; --stack latest is for another"
            raise BadInput(f"{name} {found} is installed, not {pin}: {hint}", f"{PINS}:{number}")


def _installed(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def attempt(smoke: Path, limit: float) -> tuple[Literal["runs", "fails", "not run"], str]:
    """Run a smoke config in a process and a folder of its own, for at most `limit` seconds: what came out, and why.

    The binding keeps its record out of the paper, where a claim names the smoke config; what is drawn of an item is
    tried too.
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
        return "fails", f"was still running after {limit:g} s, and was stopped"
    if code < 0:
        return "fails", f"was ended by {signal.Signals(-code).name}"
    return "fails", _cut(line) or f"ended with exit code {code}, saying nothing"


def _execute(smoke: Path, folder: Path, limit: float) -> tuple[int | None, str]:
    """The exit code, or None where it took longer; and what was said, with the logs of the run."""
    once = ["repro", "run", str(smoke), "--set", "experiment.examples = 1"]
    with child.started(once, folder, [Path(place) for place in sys.path if place]) as process:
        try:
            said, code = process.communicate(timeout=limit)[1], process.returncode
        except subprocess.TimeoutExpired:
            said, code = "", None
    logs = [path.read_text(encoding="utf-8", errors="replace") for path in folder.glob("runs/*/*/*/run.log")]
    return code, "\n".join([*logs, said])


def _told(text: str) -> str:
    """The line that says what went wrong: the last of ours, else the last of all."""
    lines = [" ".join(line.split()) for line in re.split(r"[\r\n]+", text) if line.strip()]
    ours = [line.removeprefix(start) for line in lines for start in TOLD if line.startswith(start)]
    return (ours or lines or [""])[-1]


def _clean(line: str, places: Sequence[str]) -> str:
    """Without what is this machine's alone: a path is shown from one of `places` on, or by its last name."""
    line = re.sub(r"\s*\(the traceback is in [^)]*\)", "", line)
    for place in (*places, sys.prefix):
        line = line.replace(f"{place}/", "")
    line = PATH.sub(lambda hit: hit[0].rstrip("/").rpartition("/")[2], line)
    return "".join(filter(str.isprintable, re.sub(r"\x1b\[[\d;]*[A-Za-z]", "", line)))


def _cut(line: str) -> str:
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1].rstrip()}…"


def write(folder: Path, trial: Trial) -> Path:
    """Keep what came out of a try, in one step; a line per key."""
    row = asdict(trial)
    del row["stack"]
    (folder / FOLDER).mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(f" {json.dumps(key)}: {json.dumps(row[key], sort_keys=True)}" for key in sorted(row))
    return disk.write(folder / FOLDER / f"{trial.stack}.json", f"{{\n{lines}\n}}\n")


def of_paper(folder: Path) -> list[Trial]:
    """The last try on each stack, of those that were tried."""
    return [trial for stack in STACKS if (trial := read(folder, stack))]


def read(folder: Path, stack: str) -> Trial | None:
    """The last try on one stack, None where there was none. Raises BadInput for a file that does not hold one."""
    path = folder / FOLDER / f"{stack}.json"
    if not regular.present(path):
        return None
    row = strict_json.load(path, "not what `repro rot` writes")
    text = path.read_text(encoding="utf-8-sig")
    if not isinstance(row, dict):
        raise BadInput("not what `repro rot` writes: expected an object", where(path))
    at = Block(where(path), 1, _lines(text))
    trial: Trial = paper_toml.make(Trial, row, at, {"stack": stack})
    for key in ("date", "since"):
        _refuse_odd(key, row[key], at)
    return trial


def _lines(text: str) -> dict[str, int]:
    """Where each key stands, as `write` lays them out."""
    return {line.split('"')[1]: number for number, line in enumerate(text.splitlines(), 1) if line.startswith(' "')}


def _refuse_odd(key: str, day: str, at: Block) -> None:
    try:
        datetime.date.fromisoformat(day)
    except ValueError:
        raise BadInput(f"'{key}' is '{day}'; expected a date as 2026-01-31", at.place(key)) from None
