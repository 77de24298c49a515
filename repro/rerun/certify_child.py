"""The child process of `repro certify`: a run that kills itself.

    python -m repro.rerun.certify_child killed STEP LAST run CONFIG --seed 0 ...

`repro certify` starts it; you do not need to.
"""

from __future__ import annotations

import os
import random
import runpy
import signal
import sys
import threading
import time


def killed(step: int, last: int, arguments: list[str]) -> None:
    """Run `repro` with these arguments, and kill it at a random moment after `step` and before the last checkpoint.

    The process kills itself, because a short run may end before another process sees its first checkpoint.
    """
    from repro.training.checkpoints import Checkpoints

    save, times = Checkpoints.save, [time.monotonic()]

    def saved(self: Checkpoints, number: int) -> None:
        if number in (last, self.step) or number > step:  # stopped early, or a checkpoint that replaces the one of step
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


if __name__ == "__main__":
    _, step, last, *rest = sys.argv[1:]  # the first word is "killed", as in earlier commits
    killed(int(step), int(last), rest)
