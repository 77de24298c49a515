"""A Slurm cluster of two emulated nodes on this machine (`slurm/up.sh`, `down.sh`), and what can happen to it."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

SCRIPTS = Path(__file__).parent / "slurm"


def unavailable() -> str:
    """Why there can be no cluster on this machine; empty if there can be one."""
    lacking = [name for name in ("slurmctld", "slurmd", "sbatch", "munged") if not shutil.which(name)]
    if lacking:
        return f"Slurm is not installed: there is no {lacking[0]} (Debian: apt-get install slurm-wlm munge)"
    if os.geteuid():
        return "only root can start an emulated Slurm: slurmd starts jobs as their users"
    return "" if importlib.util.find_spec("submitit") else "the package submitit is not installed"


class Cluster:
    """Two nodes, n1 and n2, each with two processors and two pretended GPUs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        done = subprocess.run([SCRIPTS / "up.sh", folder], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        self.conf = done.stdout.strip()
        self.environment = os.environ | {"SLURM_CONF": self.conf}

    def down(self) -> None:
        subprocess.run([SCRIPTS / "down.sh", self.folder], check=True, timeout=60)

    def ask(self, *words: str) -> str:
        """What a command of Slurm prints."""
        done = subprocess.run(words, env=self.environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def drain(self) -> None:
        """No job starts on any node, until `clear`."""
        self.ask("scontrol", "update", "nodename=n[1-2]", "state=drain", "reason=test")

    def clear(self) -> None:
        """End all jobs, and bring all nodes back."""
        self.ask("scancel", "--me")
        end = time.monotonic() + 60
        while self.ask("squeue", "--noheader") and time.monotonic() < end:
            time.sleep(0.2)
        for node in ("n1", "n2"):
            if not self._daemon(node):
                self.ask("slurmd", "-N", node, "-f", self.conf)
            while (state := self._state(node)) not in ("idle", "mixed") and time.monotonic() < end:
                if state.startswith(("down", "drain")):
                    self.ask("scontrol", "update", f"nodename={node}", "state=resume")
                time.sleep(0.2)

    def _state(self, node: str) -> str:
        return self.ask("sinfo", "--noheader", "--nodes", node, "--format=%T").split()[0]

    def preempt(self, node: str) -> None:
        """A job of the partition `debug` takes the whole node for a second."""
        self.ask(
            "srun", "--partition=debug", f"--nodelist={node}", "--cpus-per-task=2", "--gpus-per-node=2", "sleep", "1"
        )

    def kill(self, node: str) -> None:
        """The node loses power: none of its processes can say anything more."""
        if daemon := self._daemon(node):
            os.kill(daemon, signal.SIGKILL)
        there = set(self._processes(node))
        parents = {_parent(process) for process in there} - there  # slurmstepd would report that its job has failed
        for process in [*(parents - {1}), *there]:
            if Path(f"/proc/{process}").exists():
                os.kill(process, signal.SIGKILL)
        self.ask("scontrol", "update", f"nodename={node}", "state=down", "reason=power")

    def _daemon(self, node: str) -> int:
        """The process of the slurmd of a node; 0 if there is none."""
        file = self.folder / "run" / f"slurmd.{node}.pid"
        process = int(file.read_text()) if file.is_file() else 0
        return process if Path(f"/proc/{process}/cmdline").is_file() and process else 0

    def _processes(self, node: str) -> Iterator[int]:
        """The processes of the jobs on a node of this cluster."""
        for path in Path("/proc").glob("[0-9]*/environ"):
            try:
                variables = path.read_bytes().split(b"\0")
            except OSError:  # it has ended
                continue
            if {f"SLURMD_NODENAME={node}".encode(), f"SLURM_CONF={self.conf}".encode()} <= set(variables):
                yield int(path.parent.name)


def _parent(process: int) -> int:
    try:
        return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:  # it has ended
        return 1
