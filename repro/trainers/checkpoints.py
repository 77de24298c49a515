"""Checkpoints of a training: written while it lasts, and what the same command goes on from.

    checkpoints = Checkpoints(folder, {"model": model, "optimizer": optimizer, ...}, check)   # each with a state_dict
    checkpoints.restore()                # the newest that is whole, if there is one
    with interruption.deferred():        # a signal waits for the end of a step
        for number, batch in ...:
            ...
            checkpoints.after(number)    # writes one when it is time, or when a signal asks for it

A training that goes on from a checkpoint has the same bits as one that was never interrupted: the parts hold all that
moves it. Written every `REPRO_CHECKPOINT_SECONDS` (default: 60 seconds, and 100 times as long as one takes to write).
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

COST = 0.01  # of the time of a training, at most, goes into its checkpoints
KEPT = 2  # the newest ones

log = logging.getLogger("repro")


class Checkpoints:
    """The checkpoints `step-<n>-<digest>.safetensors` in `folder`: the state of every part and of chance.

    `check(number)` raises for a state after step `number` that is not worth keeping. Where they are not `active` (one
    of several processes) none is written or restored.
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
        """Put the newest checkpoint that is whole into the parts; its step, or 0 where there is none."""
        for path in self._written()[::-1] if self.active else []:
            try:
                found = state.read(path)
            except BadInput as error:
                path.rename(path.with_name(f"{path.name}.damaged"))  # out of the way of the rotation
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
        """After step `number`: write one if it is time. Raises Interrupted, with one written, where that was asked."""
        if interruption.asked():
            self.asked(number)
        if self.active and time.monotonic() - self.last >= max(self.every, self.pause):
            self.save(number)

    def asked(self, number: int) -> None:
        """Stop, if a signal asked for it, in the state after step `number`."""
        if name := interruption.asked():
            self.save(number)
            raise interruption.Interrupted(f"{name}: stopped after step {number}")

    def save(self, number: int) -> None:
        """Write the state after step `number`, then delete older ones. Raises DiskFull, with the older ones kept."""
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
        """Those in the folder, the oldest first."""
        return sorted(self.folder.glob("step-*.safetensors"), key=state.step_of)


class Chance:
    """Every stream of random numbers that a step may draw from without naming it: dropout's, above all."""

    def state_dict(self) -> dict[str, Any]:
        name, keys, *rest = np.random.get_state()  # noqa: NPY002  # a paper's step may use it
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
