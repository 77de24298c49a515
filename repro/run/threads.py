"""How many threads a run computes with, and why.

On a quiet machine two threads train 1.3 times faster than one. On busy cores they wait for each other at every
operation: two were more than ten times slower than one. To let them wait without spinning (`OMP_WAIT_POLICY=PASSIVE`)
helps there, but then two are slower than one on a quiet machine. So a run uses no more threads than there are free
cores. The number of threads can change the last bits of a result: the number of the committed record comes first.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from repro import record
from repro.config import Config
from repro.errors import BadInput

OPENMP = "OMP_NUM_THREADS"
WORKERS = "REPRO_WORKERS"
"""How many workers `tmux/session.sh` has started side by side."""
MOST_BESIDE_GPU = 4
MOST = 1024  # threads that OMP_NUM_THREADS may ask for


@dataclass(frozen=True)
class Choice:
    """A number of threads, and why it was chosen."""

    number: int
    why: str

    def __str__(self) -> str:
        return f"{self.number} thread{'s' if self.number > 1 else ''} ({self.why})"


def check(wanted: int | None) -> None:
    """Refuse a `--threads` that this process has not the cores for, and variables that hold no number."""
    if wanted is not None and not 1 <= wanted <= cores():
        raise BadInput(f"--threads is {wanted}; expected 1 to {cores()}, the cores that this process may use")
    _number(OPENMP)
    _number(WORKERS)


def choose(config: Config, seed: int = 0, wanted: int | None = None, begun: int = 0) -> Choice:
    """The threads of a run. wanted: by `--threads`; begun: those of the run that is resumed, 0 if there is none."""
    if begun:
        return Choice(begun, "as when the run began")
    if wanted is not None:
        return Choice(wanted, "--threads")
    if given := _number(OPENMP):
        return Choice(given, OPENMP)
    recorded = _recorded(config, seed)
    if 0 < recorded <= cores():
        return Choice(recorded, "as in the committed record")
    found = _free()
    return Choice(found.number, f"{found.why}; the committed record has {recorded}") if recorded else found


@contextmanager
def limited(number: int) -> Iterator[None]:
    """Compute with `number` threads: torch, numpy and scipy, and what is only loaded in the block."""
    import torch
    from threadpoolctl import threadpool_limits

    before, variable = torch.get_num_threads(), os.environ.get(OPENMP)
    with threadpool_limits(number):
        torch.set_num_threads(number)
        os.environ[OPENMP] = str(number)
        try:
            yield
        finally:
            os.environ.pop(OPENMP)
            if variable is not None:
                os.environ[OPENMP] = variable
            torch.set_num_threads(before)


def cores() -> int:
    """The cores that this process may use: those it is bound to, less where its control group allows less time."""
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, int(min(bound, _quota())))


def _free() -> Choice:
    """The cores that nothing else uses, shared with the workers side by side; at least one."""
    here, workers = cores(), _number(WORKERS) or 1
    if workers > 1:  # they are the load
        number, why = here // workers, f"{here} cores for {workers} workers"
    else:
        number = round(here - _load() * here / (os.cpu_count() or here))  # the load is that of the whole machine
        why = f"{max(number, 0)} of {here} cores are free"
    import torch

    most = MOST_BESIDE_GPU if torch.cuda.is_available() else here
    return Choice(max(1, min(number, most)), why)


def _load() -> float:
    """How many processes wanted a core, as an average of the last minute; 0 where the system does not say."""
    try:
        return os.getloadavg()[0]
    except OSError:
        return 0.0


def _number(variable: str) -> int:
    """The number that a variable of the environment holds, the first of a list; 0 where it is not set."""
    given = os.environ.get(variable, "").strip()
    hit = re.fullmatch(r"(\d{1,9})(\s*,\s*\d+)*", given)
    if given and not (hit and 1 <= int(hit[1]) <= MOST):
        raise BadInput(f"{variable} is {given!r:.80}; expected a whole number from 1 to {MOST}")
    return int(hit[1]) if hit else 0


def _recorded(config: Config, seed: int) -> int:
    """The threads of the config's committed record: of this seed, else of the lowest that has one; else 0."""
    found = []
    for path in (config.folder / "records").glob(f"{config.name}-seed*.json"):
        try:
            one = record.read(path)
        except BadInput:
            continue
        if one.config == config.name and one.environment.get("threads", 0) > 0:
            found.append(((one.seed != seed, one.seed), int(one.environment["threads"])))
    return min(found)[1] if found else 0


def _quota(root: Path = Path("/sys/fs/cgroup"), own: Path = Path("/proc/self/cgroup")) -> float:
    """The processors' worth of time that the control group of this process and those above it allow."""
    try:
        names = [line.split(":", 2) for line in own.read_text().splitlines()]
    except OSError:
        return float("inf")
    found = [float("inf")]
    for _, controllers, name in names:
        mount = root / controllers.split(",")[0] if controllers else root
        place = mount / name.lstrip("/")
        for folder in (place, *place.parents):
            if folder.is_relative_to(mount):
                found.append(_allowed(folder))
    return min(found)


def _allowed(folder: Path) -> float:
    """What one control group allows: `cpu.max` of version 2, `cpu.cfs_quota_us` of version 1."""
    for files in (("cpu.max",), ("cpu.cfs_quota_us", "cpu.cfs_period_us")):
        try:
            quota, period = " ".join((folder / name).read_text() for name in files).split()
            if float(quota) > 0 and float(period) > 0:
                return float(quota) / float(period)
        except (OSError, ValueError):  # "max": no limit
            continue
    return float("inf")
