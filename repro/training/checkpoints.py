"""Checkpoints: save the state of a training regularly, and resume from the newest one.

    checkpoints = Checkpoints(folder, {"model": model, "optimizer": optimizer, ...}, check)   # each with a state_dict
    checkpoints.restore()                # the newest undamaged checkpoint, if there is one
    with interruption.deferred():        # a signal waits for the end of a step
        for number, batch in ...:
            ...
            checkpoints.after(number)    # writes a checkpoint if it is time, or if a signal asks for it

A resumed training is bit-identical to an uninterrupted one, because the parts contain everything that changes it. A
checkpoint is written every `REPRO_CHECKPOINT_SECONDS` seconds. The default is 60 s, or 100 times the time that writing
one takes, if that is longer.
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

from repro import interruption
from repro.errors import BadInput
from repro.files import disk
from repro.training import checkpoint_file, processes

COST = 0.01  # the largest fraction of a training's time that is spent on checkpoints
KEPT = 2  # how many of the newest checkpoints are not deleted

log = logging.getLogger("repro")


class Checkpoints:
    """The checkpoints `step-<n>-<digest>.safetensors` in `folder`: the state of every part and the random state.

    parts: name -> object with `state_dict()` and `load_state_dict()`; a part that is None is left out.
    check: `check(number)` raises if the state after step `number` is bad and must not be saved.
    If the run has several processes, process 0 writes and reads the checkpoints, and gives their content to the others.
    Raises BadInput if a part lacks one of the two methods.
    """

    def __init__(self, folder: Path, parts: dict[str, Any], check: Callable[[int], None]) -> None:
        self.folder, self.check = folder, check
        self.parts = {name: part for name, part in parts.items() if part is not None} | {"rng": RngState()}
        self.every, self.pause = interruption.seconds_between(), 0.0
        self.last, self.step = time.monotonic(), -1
        for name, part in self.parts.items():
            if lacks := [needed for needed in ("state_dict", "load_state_dict") if not hasattr(part, needed)]:
                raise BadInput(f"the {name} ({type(part).__name__}) has no {lacks[0]}(): no run could be resumed")
        folder.mkdir(parents=True, exist_ok=True)
        disk.sweep(folder)

    def restore(self) -> int:
        """Load the newest undamaged checkpoint into the parts; returns its step, or 0 if there is none.

        A damaged checkpoint is renamed to `<name>.damaged`, with a warning. Raises BadInput if a part cannot load its
        state.
        """
        newest = processes.from_first(self._newest)
        if newest is None:
            return 0
        found, path = newest
        self._load(found, path)
        self.step = checkpoint_file.step_of(path)
        log.info("resumes after step %d, from %s", self.step, path.name)
        return self.step

    def _newest(self) -> tuple[dict[str, Any], Path] | None:
        for path in self._written()[::-1]:
            try:
                return checkpoint_file.read(path), path
            except BadInput as error:
                path.rename(path.with_name(f"{path.name}.damaged"))  # so that it is not counted as one of the newest
                before = "the previous checkpoint is used" if self._written() else "there is no other: it restarts"
                log.warning("%s; %s", error, before)
        return None

    def _load(self, found: dict[str, Any], path: Path) -> None:
        if found.keys() != self.parts.keys():
            raise BadInput(f"contains {', '.join(found)}", str(path), expected=", ".join(self.parts))
        for name, part in self.parts.items():
            try:
                part.load_state_dict(found[name])
            except (RuntimeError, ValueError, KeyError, TypeError, AttributeError) as error:
                raise BadInput(f"its {name} cannot be loaded: {error}", str(path)) from None

    def after(self, number: int) -> None:
        """After step `number`: write a checkpoint if it is time. If a signal asked for it, also raise Interrupted."""
        if interruption.asked():
            self.asked(number)
        if processes.rank() == 0 and time.monotonic() - self.last >= max(self.every, self.pause):
            self.save(number)

    def asked(self, number: int) -> None:
        """If a signal asked for it, save the state after step `number` and raise Interrupted."""
        if name := interruption.asked():
            self.save(number)
            raise interruption.Interrupted(f"{name}: stopped after step {number}")

    def save(self, number: int) -> None:
        """Write the state after step `number`, then delete old checkpoints. After a DiskFull, nothing is deleted."""
        self.check(number)
        if processes.rank() > 0 or number == self.step:
            return
        began = time.monotonic()
        checkpoint_file.write(
            self.folder, "step", number, {name: part.state_dict() for name, part in self.parts.items()}
        )
        for path in self._written()[:-KEPT]:
            path.unlink()
        self.step, self.last = number, time.monotonic()
        if interruption.EVERY not in os.environ:
            self.pause = (self.last - began) / COST
        log.debug("checkpoint after step %d", number)

    def _written(self) -> list[Path]:
        """The checkpoints in the folder, the oldest first."""
        return sorted(self.folder.glob("step-*.safetensors"), key=checkpoint_file.step_of)


class RngState:
    """The random state: the state of every global random number generator, for example that of dropout."""

    def state_dict(self) -> dict[str, Any]:
        name, keys, *rest = np.random.get_state()  # noqa: NPY002  # the code of a paper may use it
        return {
            **self.of_torch(),
            "python": random.getstate(),
            "numpy": [name, torch.from_numpy(np.asarray(keys).astype(np.int64)), *rest],
        }

    @staticmethod
    def of_torch() -> dict[str, Any]:
        """The part of the state that belongs to torch."""
        on_gpu = torch.cuda.get_rng_state() if torch.cuda.is_available() else None
        return {"torch": torch.get_rng_state(), "cuda": on_gpu}

    def load_state_dict(self, found: dict[str, Any]) -> None:
        torch.set_rng_state(found["torch"])
        if isinstance(found["cuda"], torch.Tensor) and torch.cuda.is_available():
            torch.cuda.set_rng_state(found["cuda"])
        random.setstate(found["python"])
        name, keys, *rest = found["numpy"]
        np.random.set_state((name, keys.numpy().astype(np.uint32), *rest))  # noqa: NPY002
