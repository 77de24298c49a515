"""What `repro certify` runs in processes of their own: a run that is killed, and one of several that train together.

python -m repro.certify_child killed STEP run CONFIG --seed 0 ...      # `repro run`, killed after that step
torchrun ... -m repro.certify_child rank CONFIG BINDING ...            # one process of several
"""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import time
from pathlib import Path

from repro import binding, cli, config, record
from repro.record import Record


def killed(step: int, arguments: list[str]) -> int:
    """`repro` with these arguments, killed at a random moment of the step after `step`, or once the last one is kept.

    It is killed from within, for it may be over before anyone outside sees its first checkpoint.
    """
    from repro.trainers.checkpoints import Checkpoints

    began, save = time.monotonic(), Checkpoints.save

    def saved(self: Checkpoints, number: int) -> None:
        again = number == self.step
        save(self, number)
        if again:  # the last step, which was kept already: the training is over
            _kill()
        elif number == step:
            a_step = (time.monotonic() - began) / step
            threading.Timer(random.uniform(0.0, a_step), _kill).start()

    Checkpoints.save = saved  # type: ignore[method-assign]
    return cli.main(arguments)


def _kill() -> None:
    """With all that serve this process."""
    os.killpg(os.getpgrp(), signal.SIGKILL)


def rank(path: Path, overrides: tuple[str, ...]) -> int:
    """Train as `repro run` does, as one of the processes that share every batch; the first one measures."""
    import torch

    from repro.experiment import streams

    given, seeds = config.read(path, overrides), streams(0)
    torch.manual_seed(seeds["model"])
    built = binding.build(given)
    torch.manual_seed(seeds["dropout"])
    built.fit(Path.cwd(), seeds["order"])
    if os.environ["RANK"] == "0":
        measurements = built.measure(lambda indices, name: indices)
        record.write(Record(given.paper, given.name, 0, given.digest, measurements), Path.cwd())
    return 0


if __name__ == "__main__":
    kind, first, *rest = sys.argv[1:]
    raise SystemExit(killed(int(first), rest) if kind == "killed" else rank(Path(first), tuple(rest)))
