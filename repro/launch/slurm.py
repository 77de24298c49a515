"""Give the queue to Slurm: one job array per launch, submitted with `submitit`.

Each launch has a folder, `<queue>/slurm/<N>/`. Its file `commands` has the command of each job of the array, one per
line; the other files are submitit's: `<job>_0_log.out` is what the job printed. The array is called
`<name of the queue>-<N>`, so `squeue` is enough to find the command of a job. `repro.launch.node` is what a job runs.
"""

from __future__ import annotations

import importlib.util
import math
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from repro.errors import BadInput
from repro.launch import run_of, tmux
from repro.launch.node import Run

WARNING = 120  # seconds: how long before the time limit Slurm asks a run to stop
SHORTEST = 2  # minutes, because Slurm may give this warning a minute early
TIME = re.compile(
    r"(?:(?P<d>\d{1,4})-(?P<dh>\d{1,2})(?::(?P<dm>[0-5]?\d)(?::(?P<ds>[0-5]?\d))?)?"
    r"|(?P<h>\d{1,6}):(?P<hm>[0-5]?\d):(?P<hs>[0-5]?\d)|(?P<m>\d{1,6})(?::(?P<s>[0-5]?\d))?)"
)
PLACE = "a login node of a cluster, or the path of its slurm.conf in SLURM_CONF"
UNITS = {"d": 1440.0, "h": 60.0, "m": 1.0, "s": 1 / 60}  # in minutes
HANDED_ON = ("REPRO_", "OMP_NUM_THREADS", "PYTHONPATH")
"""The variables that a job has from the launch, by their beginnings, also if the cluster hands on none."""


class Silent(BadInput):
    """Slurm does not answer."""


@dataclass(frozen=True)
class Wanted:
    """What each job asks Slurm for.

    `partition`: empty for the cluster's default. `gpus`: of each of its `nodes`. A run has one process per GPU, or one
    per node without GPUs. `at_once`: how many jobs run at the same time at most.
    """

    partition: str
    minutes: int
    gpus: int
    at_once: int
    nodes: int = 1


@dataclass(frozen=True)
class SlurmJob:
    """A job of this queue in Slurm: its id, such as `12_3`; its command; whether it still waits for a node."""

    id: str
    command: str
    pending: bool


def minutes(text: str) -> int:
    """A time limit in one of Slurm's notations, in minutes, rounded up. Raises BadInput if it is malformed.

    >>> minutes("90"), minutes("1:30:00"), minutes("2-12"), minutes("0:10:01")
    (90, 90, 3600, 11)
    """
    hit = TIME.fullmatch(text)
    found = math.ceil(sum(int(value) * UNITS[key[-1]] for key, value in hit.groupdict().items() if value)) if hit else 0
    if found < SHORTEST:
        raise BadInput(
            f"--time is {text!r:.40}",
            expected=f"at least {SHORTEST} minutes, as minutes, hours:minutes:seconds or days-hours: 90, 1:30:00, 2-12",
        )
    return found


def start(commands: Iterable[str], wanted: Wanted) -> str:
    """Submit the commands that are not in Slurm yet, as one job array; returns one line that says so.

    Raises BadInput if Slurm or submitit is missing, if there is no such partition, or if Slurm refuses the jobs.
    """
    _refuse_missing()
    _refuse_partition(wanted)
    tmux.refuse_foreign()
    with tmux.locked():
        there = {run_of(job.command) for job in jobs()}
        new = [command for command in commands if run_of(command) not in there]
        already = f"{len(there)} of this queue are in Slurm already"
        if not new:
            return f"nothing was submitted: {already}"
        folder = _new_folder(new)
        array = _submit(new, wanted, folder)
    more = f" ({already})" if there else ""
    return f"job {array}: runs: {len(new)}, at most {wanted.at_once} at once{more}; logs in {folder}; see repro status"


def _refuse_missing() -> None:
    if not importlib.util.find_spec("submitit"):
        raise BadInput("the package submitit is not installed", expected="pip install 'repro-papers[slurm]'")
    for program in ("sbatch", "srun", "squeue", "sinfo", "scancel", "scontrol"):
        if not shutil.which(program):
            raise BadInput(
                f"Slurm is not installed on this machine: there is no {program}",
                expected="a login node of a cluster; without Slurm, leave out --on slurm",
            )


def _refuse_partition(wanted: Wanted) -> None:
    """Raise BadInput for a partition that does not exist, or whose limits the jobs exceed: they would wait forever."""
    rows = [line.split("|") for line in asked("sinfo", "--noheader", "--format=%P|%l|%G|%D|%s").splitlines()]
    names = [row[0].rstrip("*") for row in rows]
    if wanted.partition and wanted.partition not in names:
        raise BadInput(f"Slurm has no partition {wanted.partition!r:.60}", given=wanted.partition, known=names)
    mine = [row for row in rows if (row[0].rstrip("*") == wanted.partition if wanted.partition else "*" in row[0])]
    limits = [minutes(limit) for _, limit, *_ in mine if TIME.fullmatch(limit)]
    if limits and wanted.minutes > max(limits):
        raise BadInput(f"--time is {wanted.minutes} minutes", expected=f"at most {max(limits)}, the partition's limit")
    most = max((_gpus(gres) for _, _, gres, *_ in mine), default=0)
    if mine and wanted.gpus > most:
        raise BadInput(f"--gpus-per-node is {wanted.gpus}", expected=f"at most {most}, as a node of the partition has")
    nodes = _nodes(mine, wanted.gpus)
    if mine and wanted.nodes > nodes:
        with_gpus = f" with {wanted.gpus} GPUs" if wanted.gpus else ""
        raise BadInput(f"--nodes is {wanted.nodes}", expected=f"at most {nodes}, the partition's nodes{with_gpus}")


def _nodes(rows: Iterable[list[str]], gpus: int) -> int:
    """The most nodes with so many GPUs that a job can have: rows of a partition, with its nodes and its limit."""
    fit = [(int(nodes), limit.rpartition("-")[2]) for _, _, gres, nodes, limit in rows if _gpus(gres) >= gpus]
    return min([sum(nodes for nodes, _ in fit), *(int(limit) for _, limit in fit if limit.isdecimal())])


def _gpus(gres: str) -> int:
    """The number of GPUs of a node, as sinfo writes it: `gpu:2`, `gpu:a100:4(S:0-1)`, `(null)`."""
    return sum(int(number) for number in re.findall(r"gpu:(?:[^:,()]+:)?(\d+)", gres))


def _new_folder(commands: list[str]) -> Path:
    """The folder of this launch, with the file `commands`. It is there before the jobs are, so each job is known."""
    numbers = [int(path.name) for path in _folders()]
    folder = tmux.folder() / "slurm" / str(max(numbers, default=0) + 1)
    folder.mkdir(parents=True)
    (folder / "commands").write_text("".join(f"{command}\n" for command in commands), encoding="utf-8")
    return folder


def _folders() -> list[Path]:
    return sorted((tmux.folder() / "slurm").glob("[1-9]*"), key=lambda path: int(path.name))


def _submit(commands: list[str], wanted: Wanted, folder: Path) -> str:
    """Submit the commands; returns the id of the array."""
    import submitit

    executor = submitit.SlurmExecutor(folder=folder)
    executor.update_parameters(
        job_name=f"{tmux.server()}-{folder.name}",
        time=wanted.minutes,
        array_parallelism=wanted.at_once,
        nodes=wanted.nodes,
        ntasks_per_node=max(wanted.gpus, 1),
        signal_delay_s=min(WARNING, wanted.minutes * 15),
        stderr_to_stdout=True,
        additional_parameters={"requeue": True},  # after the failure of a node, and when a job is preempted
        **({"partition": wanted.partition} if wanted.partition else {}),
        **({"gpus_per_node": wanted.gpus} if wanted.gpus else {}),
    )
    variables = {name: value for name, value in os.environ.items() if name.startswith(HANDED_ON)}
    variables |= {tmux.VARIABLE: str(tmux.folder()), **({} if wanted.gpus else {"CUDA_VISIBLE_DEVICES": ""})}
    try:
        found = executor.map_array(Run(variables, wanted.minutes), commands)
    except submitit.core.utils.FailedJobError as error:
        shutil.rmtree(folder)
        raise BadInput(f"Slurm refused the jobs: {_reason(str(error))}") from None
    return str(found[0].job_id).partition("_")[0]


def _reason(text: str) -> str:
    """The lines of sbatch in the message of submitit."""
    return "; ".join(re.findall(r"^sbatch: (?:error: )?(.+)$", text, re.MULTILINE)) or text


def jobs() -> list[SlurmJob]:
    """The jobs of this queue that wait or run in Slurm. Raises BadInput if Slurm does not answer."""
    if not _folders() or not shutil.which("squeue"):
        return []
    rows = asked("squeue", "--noheader", "--array", "--me", "--format=%i|%j|%K|%T").splitlines()
    return [job for row in rows if (job := _job(*row.split("|")))]


def _job(job: str, name: str, index: str, state: str) -> SlurmJob | None:
    """The job of one row of squeue; None if it is not of this queue. A launch of one run is no array."""
    queue, _, number = name.rpartition("-")
    if queue != tmux.server():
        return None
    found = commands(tmux.folder() / "slurm" / number)
    at = int(index) if index.isdecimal() else 0
    return SlurmJob(job, found[at], state != "RUNNING") if at < len(found) else None


def commands(folder: Path) -> list[str]:
    """The commands of a launch."""
    return (folder / "commands").read_text(encoding="utf-8").splitlines() if (folder / "commands").is_file() else []


def ended(job: str) -> str:
    """The command of a job that is not in Slurm any more, found by its log; empty if there is none."""
    for folder in _folders():
        if any(folder.glob(f"{job}_0_log.*")):
            at = int(job.partition("_")[2] or 0)
            return next(iter(commands(folder)[at : at + 1]), "")
    return ""


def lost(there: Iterable[SlurmJob]) -> Iterator[str]:
    """The commands whose job is not in Slurm (`there`) and did not write how it ended, for example because its node
    has no Python."""
    known = {job.command for job in there} | {line for name in ("done", "stopped") for line in tmux.lines(name)}
    known |= {line.partition("\t")[2] for line in tmux.lines("failed")}
    yield from (command for folder in _folders() for command in commands(folder) if command not in known)


def asked(*words: str) -> str:
    """What a command of Slurm prints. Raises Silent with its last message if it fails."""
    conf = os.environ.get("SLURM_CONF")
    if conf and not os.path.isfile(conf):  # Slurm itself would look for it for a minute
        raise Silent(f"SLURM_CONF is {conf!r:.200}, which is no file", expected="the slurm.conf of a cluster that runs")
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    except subprocess.TimeoutExpired:
        raise Silent(f"Slurm does not answer: {words[0]} took more than 60 s") from None
    if done.returncode:
        last = done.stderr.strip().rpartition("\n")[2]
        place = f"SLURM_CONF={conf} to be the slurm.conf of a cluster that runs" if conf else PLACE
        raise Silent(f"Slurm does not answer ({last or words[0]})", expected=place)
    return done.stdout
