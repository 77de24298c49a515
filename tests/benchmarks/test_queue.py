"""What the workers cost: 100 instant commands with two workers, and the CPU beside a command that sleeps."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")

WORKER = Path(__file__).parents[2] / "tmux" / "worker.sh"
COMMANDS, WORKERS, SECONDS = 100, 2, 10


def drain(folder: Path, command: str, count: int) -> None:
    """Start the workers on a queue of this command, and wait until they end."""
    folder.mkdir(parents=True)
    (folder / "todo").write_text("".join(f"{command} # {number}\n" for number in range(count)))
    environment = os.environ | {"REPRO_QUEUE": str(folder)}
    words = [[WORKER, "cpu", f"{number}-cpu"] for number in range(WORKERS)]
    workers = [subprocess.Popen(one, env=environment, stdout=subprocess.DEVNULL) for one in words]
    assert [worker.wait(120) for worker in workers] == [0] * WORKERS
    assert len(set((folder / "done").read_text().splitlines())) == count


def cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def bare() -> None:
    """As many shells one after the other, which is what the commands cost without a queue."""
    subprocess.run(["bash", "-c", f"for one in {{1..{COMMANDS}}}; do bash -c true; done"], check=True)


def spent(call: Callable[[], None]) -> tuple[float, float]:
    """The seconds of a call, and its seconds of CPU."""
    began, before = time.perf_counter(), cpu()
    call()
    return time.perf_counter() - began, cpu() - before


def test_instant_commands(benchmark: Any, tmp_path: Path) -> None:
    """Seconds of CPU count, too, because another load on the machine makes the workers wait."""
    found: list[tuple[float, float]] = []
    queue = lambda: drain(tmp_path / str(len(found)), "true", COMMANDS)  # noqa: E731
    benchmark.pedantic(lambda: found.append(spent(queue)), rounds=3)
    alone = [spent(bare) for _ in range(3)]
    whole, used = (1000 * (min(one[i] for one in found) - min(one[i] for one in alone)) / COMMANDS for i in (0, 1))
    benchmark.extra_info |= {"milliseconds": round(whole, 1), "milliseconds of CPU": round(used, 1)}
    print(f"\n{COMMANDS} instant commands, {WORKERS} workers: each takes {whole:.0f} ms longer than a bare shell, and")
    print(f"{used:.0f} ms more CPU (wanted: at most 50); a bare shell takes {10 * min(alone)[0]:.0f} ms")


def test_share_of_a_long_run(benchmark: Any, tmp_path: Path) -> None:
    """The CPU of the workers while one has a command and the other waits, for a run of one minute."""
    before = cpu()
    benchmark.pedantic(lambda: drain(tmp_path / "queue", f"sleep {SECONDS}", 1), rounds=1)
    share = 100 * (cpu() - before) / SECONDS
    benchmark.extra_info["percent"] = round(share, 2)
    print(f"\nbeside a command of {SECONDS} s: {share:.2f} % of one core (wanted: at most 1)")
