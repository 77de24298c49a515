"""What a Slurm job does on its node: run one command of the queue, and write down how it ended.

Slurm's signals stop the run after its step, with a checkpoint:

- SIGUSR2 (the time limit is near, or the job is preempted) and SIGTERM: the job is requeued, and the run resumes.
- SIGUSR1 (`repro stop`): the run stays stopped, and `repro launch` resumes it.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from repro.errors import Busy, DataMissing
from repro.interruption import RESUME
from repro.launch import run_of, tmux
from repro.run import run_folders

STOP = signal.SIGUSR1
LEAVE = (signal.SIGUSR2, signal.SIGTERM)
LOOK = 2.0  # seconds between two tries while another process makes the run
TAIL = 20  # lines of a failed run's output that are kept


@dataclass
class Run:
    """Runs a command of the queue with more `variables`, in a job with a time limit of `minutes`."""

    variables: dict[str, str]
    minutes: int
    asked: list[int] = field(default_factory=list)  # the signals so far
    process: Any = None

    def __call__(self, command: str) -> None:
        """Run `command` to its end, and end this process with its exit code."""
        os.environ.update(self.variables)
        first = _described()
        for number in (STOP, *LEAVE):
            signal.signal(number, self._stop)
        began, before = time.monotonic(), _checkpoints(command)
        code = self._run(command)
        if not first:
            sys.exit(0)  # the first process of the run says how it ended
        stuck = time.monotonic() - began > self.minutes * 30 and _checkpoints(command) == before
        finish(command, code, STOP in self.asked, stuck)
        sys.exit(0 if code == RESUME else code)

    def checkpoint(self, command: str) -> Any:
        """submitit calls this if a signal arrives before the run has started: the job is requeued as it is."""
        import submitit

        return submitit.helpers.DelayedSubmission(Run(self.variables, self.minutes), command)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.asked.append(number)
        if self.process:
            self.process.terminate()

    def _run(self, command: str) -> int:
        """The exit code of the command. While another process makes its run, it is tried again and again."""
        code = Busy.code
        while code == Busy.code and not self.asked:
            self.process = _process(command)
            if self.asked:  # the signal arrived while the process started
                self.process.terminate()
            code = self.process.wait()
            time.sleep(LOOK if code == Busy.code else 0)
        if self.asked and (code < 0 or code == Busy.code):
            return RESUME  # the signal came before there was a run to stop
        return 128 - code if code < 0 else code


def _described() -> bool:
    """Describe the processes of a run to `repro run`, as torchrun does; returns whether this is the first one.

    They meet at the first node of the job, unless MASTER_ADDR or MASTER_PORT name another place.
    """
    import submitit

    job = submitit.JobEnvironment()
    if job.num_tasks > 1:
        found = submitit.helpers.TorchDistributedEnvironment()
        own = {"RANK": found.rank, "WORLD_SIZE": found.world_size}
        own |= {"LOCAL_RANK": found.local_rank, "LOCAL_WORLD_SIZE": found.local_world_size}
        os.environ.update({name: str(value) for name, value in own.items()})
        os.environ.setdefault("MASTER_ADDR", found.master_addr)
        os.environ.setdefault("MASTER_PORT", str(found.master_port))
    return bool(job.global_rank == 0)


def _process(command: str) -> subprocess.Popen[bytes]:
    """Start the command. Slurm sends SIGUSR2 to every process of a job, and this one must not end by it."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2})
    try:
        return subprocess.Popen([sys.executable, "-um", *shlex.split(command)], stdin=subprocess.DEVNULL)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGUSR2})


def _checkpoints(command: str) -> set[Path]:
    """The checkpoints of the run of `command`."""
    return {path for run in run_folders.called(run_of(command)) for path in run.glob("checkpoints/step-*")}


def finish(command: str, code: int, stopped: bool, stuck: bool) -> None:
    """Write into the queue how the command ended, or requeue the job: the rules are those of `tmux/worker.sh`.

    stuck: most of the time limit passed without a new checkpoint, so requeueing it would repeat this forever.
    """
    if code == RESUME and not stuck:
        note("stopped", command) if stopped else _requeue()
    elif code == 0:
        note("done", command)
    elif code in (2, RESUME, DataMissing.code) or command in tmux.lines("tried"):
        note("failed", f"{code}\t{command}")
        note("failed.txt", f"== exit code {code}: {command}\n{_tail()}")
    else:
        note("tried", command)
        _requeue()


def note(name: str, line: str) -> None:
    """Append a line to a file of the queue."""
    with tmux.locked(), (tmux.folder() / name).open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")


def _tail() -> str:
    """The last lines that this job has printed."""
    import submitit

    return "\n".join(submitit.JobEnvironment().paths.stdout.read_text(errors="replace").splitlines()[-TAIL:])


def _requeue() -> None:
    """Put this job back into Slurm's queue, unless Slurm has already ended it: cancelled it, or requeued it itself."""
    import submitit

    job = submitit.JobEnvironment().job_id
    state = subprocess.run(["squeue", "-h", "-j", job, "-o", "%T"], capture_output=True, text=True, check=True).stdout
    if state.strip() == "RUNNING":
        print(f"repro: job {job} is requeued; its run resumes", flush=True)
        subprocess.run(["scontrol", "requeue", job], check=True)
