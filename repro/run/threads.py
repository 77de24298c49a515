"""Choose the number of threads of a run.

A run uses at most as many threads as there are free cores. On an idle machine, two threads train 1.3 times faster than
one. On busy cores, threads wait for each other at every operation: two threads were more than ten times slower than
one. `OMP_WAIT_POLICY=PASSIVE` helps on busy cores, but makes two threads slower than one on an idle machine.

The number of threads can change the last bits of a result. So the number in the committed record is preferred.
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
from repro.training import processes

OPENMP = "OMP_NUM_THREADS"
WORKERS = "REPRO_WORKERS"
"""The environment variable with the number of parallel workers that `tmux/session.sh` has started."""
MOST_BESIDE_GPU = 4  # the maximum number of threads if there is a GPU
MOST = 1024  # the maximum of OMP_NUM_THREADS


@dataclass(frozen=True)
class Choice:
    """A number of threads, and why it was chosen."""

    number: int
    why: str

    def __str__(self) -> str:
        return f"{self.number} thread{'s' if self.number > 1 else ''} ({self.why})"


def check(wanted: int | None) -> None:
    """Raise BadInput if `--threads` is more than the cores of this process, or a variable is not a number."""
    if wanted is not None and not 1 <= wanted <= cores():
        raise BadInput(
            f"--threads is {wanted}", expected=f"1 to {cores()}, the number of cores that this process may use"
        )
    _number(OPENMP)
    _number(WORKERS)


def choose(config: Config, seed: int = 0, wanted: int | None = None, begun: int = 0) -> Choice:
    """The number of threads of a run, and why.

    The first of these that is set: begun (the number of the run that is resumed, else 0), wanted (`--threads`),
    OMP_NUM_THREADS, the committed record, the number of free cores.
    """
    if begun:
        return Choice(begun, "as at the start of the run")
    if wanted is not None:
        return Choice(wanted, "--threads")
    if given := _number(OPENMP):
        return Choice(given, OPENMP)
    recorded = _recorded(config, seed)
    if 0 < recorded <= cores() // processes.on_this_machine():
        return Choice(recorded, "as in the committed record")
    found = _free()
    return Choice(found.number, f"{found.why}; the committed record has {recorded}") if recorded else found


@contextmanager
def limited(number: int) -> Iterator[None]:
    """Compute with `number` threads in torch, numpy, scipy, and libraries that are loaded inside the block."""
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
    """The number of cores that this process may use, limited by its CPU affinity and by its control group (cgroup)."""
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, int(min(bound, _quota())))


def _free() -> Choice:
    """The free cores per process: divided by the parallel workers, and by the processes of a run; at least 1."""
    here, workers, shares = cores(), _number(WORKERS) or 1, processes.on_this_machine()
    if workers > 1:  # the workers themselves are the load
        number, why = here // workers, f"{here} cores for {workers} workers"
    else:
        number = round(here - _load() * here / (os.cpu_count() or here))  # the load is that of the whole machine
        why = f"{max(number, 0)} of {here} cores are free"
    if shares > 1:
        number, why = number // shares, f"{why}, {shares} processes"
    import torch

    most = MOST_BESIDE_GPU if torch.cuda.is_available() else here
    return Choice(max(1, min(number, most)), why)


def _load() -> float:
    """The load average of the last minute (processes that want a core); 0 if the system does not report it."""
    try:
        return os.getloadavg()[0]
    except OSError:
        return 0.0


def _number(variable: str) -> int:
    """The number in an environment variable, the first one of a list; 0 if the variable is not set."""
    given = os.environ.get(variable, "").strip()
    hit = re.fullmatch(r"(\d{1,9})(\s*,\s*\d+)*", given)
    if given and not (hit and 1 <= int(hit[1]) <= MOST):
        raise BadInput(f"{variable} is {given!r:.80}", expected=f"a whole number from 1 to {MOST}")
    return int(hit[1]) if hit else 0


def _recorded(config: Config, seed: int) -> int:
    """The number of threads in the config's committed record: with this seed, else with the lowest seed; 0 if none."""
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
    """The number of cores that the control group (cgroup) of this process and its parent groups allow."""
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
    """The cores that one control group allows: from `cpu.max` (version 2) or `cpu.cfs_quota_us` (version 1)."""
    for files in (("cpu.max",), ("cpu.cfs_quota_us", "cpu.cfs_period_us")):
        try:
            quota, period = " ".join((folder / name).read_text() for name in files).split()
            if float(quota) > 0 and float(period) > 0:
                return float(quota) / float(period)
        except (OSError, ValueError):  # "max": no limit
            continue
    return float("inf")
