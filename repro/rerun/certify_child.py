"""The child processes of `repro certify`: a run that kills itself, and one of several processes that train together.

    python -m repro.rerun.certify_child killed STEP LAST run CONFIG --seed 0 ...
    torchrun ... -m repro.rerun.certify_child rank CONFIG BINDING ...

`repro certify` starts both; you do not need to.
"""

from __future__ import annotations

import os
import random
import runpy
import signal
import sys
import threading
import time
from pathlib import Path

from repro import config, record
from repro.experiment import binding
from repro.record import Record
from repro.run import threads


def killed(step: int, last: int, arguments: list[str]) -> None:
    """Run `repro` with these arguments, and kill it at a random moment after `step` and before the last checkpoint.

    The process kills itself, because a short run may end before another process sees its first checkpoint.
    """
    from repro.training.checkpoints import Checkpoints

    save, times = Checkpoints.save, [time.monotonic()]

    def saved(self: Checkpoints, number: int) -> None:
        if number in (last, self.step):  # the second: the training stopped early
            _kill()
        save(self, number)
        times.append(time.monotonic())
        if number == step:
            threading.Timer(random.uniform(0.0, times[-1] - times[-2]), _kill).start()

    Checkpoints.save = saved  # type: ignore[method-assign]
    sys.argv = ["repro", *arguments]
    runpy.run_module("repro", run_name="__main__")


def _kill() -> None:
    """Kill this process and its data workers."""
    os.killpg(os.getpgrp(), signal.SIGKILL)


def rank(path: Path, overrides: tuple[str, ...]) -> None:
    """Train as `repro run` does, as one of several processes that share every batch; the first one measures."""
    import torch

    from repro.experiment import streams

    given, seeds = config.read(path, overrides), streams(0)
    torch.set_num_threads(threads.choose(given).number)
    torch.manual_seed(seeds["model"])
    built = binding.build(given)
    torch.manual_seed(seeds["dropout"])
    built.fit(Path.cwd(), seeds["order"])
    if os.environ["RANK"] == "0":
        measurements = built.measure(lambda indices, name: indices)
        record.write(Record(given.paper, given.name, 0, given.digest, measurements), Path.cwd())


if __name__ == "__main__":
    kind, first, *rest = sys.argv[1:]
    if kind == "killed":
        killed(int(first), int(rest[0]), rest[1:])
    else:
        rank(Path(first), tuple(rest))
