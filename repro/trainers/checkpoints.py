"""Write checkpoints during training, and resume from them.

    checkpoints = Checkpoints(folder, {"model": model, "optimizer": optimizer, ...}, check)   # each with a state_dict
    checkpoints.restore()                # loads the newest undamaged checkpoint, if there is one
    with interruption.deferred():        # a signal takes effect at the end of a step
        for number, batch in ...:
            ...
            checkpoints.after(number)    # writes a checkpoint if it is due, or if a signal asks for it

A resumed training is bit-identical to one that was never interrupted, because a checkpoint contains everything that the
training depends on. A checkpoint is written every `REPRO_CHECKPOINT_SECONDS` seconds. The default is 60 seconds, but
at least 100 times the time that one takes to write.
"""

from __future__ import annotations

import logging
import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from repro import disk, interruption
from repro.errors import BadInput
from repro.trainers import state

COST = 0.01  # largest fraction of the training time spent on checkpoints
KEPT = 2  # number of newest checkpoints that stay on disk

log = logging.getLogger("repro")


class Checkpoints:
    """The checkpoints `step-<n>-<digest>.safetensors` in `folder`: the state of every part and the random state.

    parts: objects with `state_dict` and `load_state_dict`, by name; None is ignored. check: `check(number)` raises if
    the state after step `number` should not be saved, for example because of NaN. active: if False (several
    processes), nothing is written or restored. Raises BadInput if a part lacks one of the two methods.

    Example:

        >>> model = torch.nn.Linear(1, 1)
        >>> checkpoints = Checkpoints(Path("checkpoints"), {"model": model}, check=lambda number: None)
        >>> checkpoints.save(120)
        >>> Checkpoints(Path("checkpoints"), {"model": model}, check=lambda number: None).restore()
        120
    """

    def __init__(self, folder: Path, parts: dict[str, Any], check: Callable[[int], None], active: bool = True) -> None:
        self.folder, self.check, self.active = folder, check, active
        self.parts = {name: part for name, part in parts.items() if part is not None} | {"chance": Chance()}
        self.every, self.pause = interruption.seconds_between(), 0.0
        self.last, self.step = time.monotonic(), -1
        for name, part in self.parts.items():
            if lacks := [needed for needed in ("state_dict", "load_state_dict") if not hasattr(part, needed)]:
                raise BadInput(f"the {name} ({type(part).__name__}) has no {lacks[0]}(): no run could go on with it")
        folder.mkdir(parents=True, exist_ok=True)
        disk.sweep(folder)

    def restore(self) -> int:
        """Load the newest undamaged checkpoint into the parts; returns its step, or 0 if there is none."""
        for path in self._written()[::-1] if self.active else []:
            try:
                found = state.read(path)
            except BadInput as error:
                path.rename(path.with_name(f"{path.name}.damaged"))  # so that it is not counted as a checkpoint
                before = "the checkpoint before it is used" if self._written() else "no other is left: it begins anew"
                log.warning("%s; %s", error, before)
                continue
            self._load(found, path)
            self.step = state.step_of(path)
            said = {"event": "resumed", "step": self.step}
            log.info("going on after step %d, from %s", self.step, path.name, extra=said)
            return self.step
        return 0

    def _load(self, found: dict[str, Any], path: Path) -> None:
        if found.keys() != self.parts.keys():
            raise BadInput(f"holds {', '.join(found)}; expected {', '.join(self.parts)}", str(path))
        for name, part in self.parts.items():
            try:
                part.load_state_dict(found[name])
            except (RuntimeError, ValueError, KeyError, TypeError, AttributeError) as error:
                raise BadInput(f"its {name} is another: {error}", str(path)) from None

    def after(self, number: int) -> None:
        """Call this after step `number`. It writes a checkpoint if one is due.

        If a signal has asked the run to stop, it writes a checkpoint and raises Interrupted.
        """
        if interruption.asked():
            self.asked(number)
        if self.active and time.monotonic() - self.last >= max(self.every, self.pause):
            self.save(number)

    def asked(self, number: int) -> None:
        """If a signal has asked the run to stop, save the state after step `number` and raise Interrupted."""
        if name := interruption.asked():
            self.save(number)
            raise interruption.Interrupted(f"{name}: stopped after step {number}")

    def save(self, number: int) -> None:
        """Write the state after step `number`, then delete old checkpoints. If it raises DiskFull, it deletes none."""
        self.check(number)
        if not self.active or number == self.step:
            return
        began = time.monotonic()
        state.write(self.folder, "step", number, {name: part.state_dict() for name, part in self.parts.items()})
        for path in self._written()[:-KEPT]:
            path.unlink()
        self.step, self.last = number, time.monotonic()
        if interruption.EVERY not in os.environ:
            self.pause = (self.last - began) / COST
        log.debug("checkpoint after step %d", number, extra={"event": "checkpoint", "step": number})

    def _written(self) -> list[Path]:
        """The checkpoints in the folder, oldest first."""
        return sorted(self.folder.glob("step-*.safetensors"), key=state.step_of)


class Chance:
    """The global random states that a step may use: of torch, CUDA, Python and numpy. Dropout uses torch's."""

    def state_dict(self) -> dict[str, Any]:
        name, keys, *rest = np.random.get_state()  # noqa: NPY002  # the `step` of a paper may use it
        return {
            "torch": torch.get_rng_state(),
            "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
            "python": random.getstate(),
            "numpy": [name, torch.from_numpy(np.asarray(keys).astype(np.int64)), *rest],
        }

    def load_state_dict(self, found: dict[str, Any]) -> None:
        torch.set_rng_state(found["torch"])
        if found["cuda"] and torch.cuda.is_available():
            torch.cuda.set_rng_state_all(found["cuda"])
        random.setstate(found["python"])
        name, keys, *rest = found["numpy"]
        np.random.set_state((name, keys.numpy().astype(np.uint32), *rest))  # noqa: NPY002
