"""For a trainer that trains several networks one after the other: each finished one is stored, and not trained again.

The files of a round are in a folder of its own. A round that was stopped resumes if its trainer can.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import nn

from repro.errors import BadInput
from repro.training import checkpoint_file

log = logging.getLogger("repro")


@dataclass
class Rounds:
    """The sum of the histories of the rounds. Their curves follow one another.

    Example:

        >>> done = Rounds()
        >>> for _ in range(2):
        ...     done.add({"steps": 5, "items_per_second": 8.0, "seconds": 1.0, "curves": {"train": [[5, 0.25]]}})
        >>> done.history()["steps"], done.history()["curves"]
        (10, {'train': [[5, 0.25], [10, 0.25]]})
    """

    steps: int = 0
    items: float = 0.0
    seconds: float = 0.0
    earlier: float = 0.0
    batch: dict[str, int] = field(default_factory=dict)
    curves: dict[str, list[Sequence[float]]] = field(default_factory=dict)

    def add(self, found: dict[str, Any]) -> None:
        """Add the history of a round, with its `seconds`."""
        for name, points in found["curves"].items():
            self.curves.setdefault(name, []).extend([self.steps + step, value] for step, value in points)
        self.steps += found["steps"]
        self.seconds += found["seconds"]
        self.earlier += found.get("earlier_seconds", 0.0)
        self.items += found["items_per_second"] * found["seconds"]
        self.batch = {key: found[key] for key in ("batch_size",) if key in found}

    def history(self) -> dict[str, Any]:
        """What `fit` returns (see `repro.trainers`)."""
        return {
            "steps": self.steps,
            "items_per_second": round(self.items / self.seconds, 1) if self.seconds else 0.0,
            "earlier_seconds": round(self.earlier, 1),
            "curves": self.curves,
            **self.batch,
        }


def trained(trainer: Any, network: Any, loss: Any, items: Any, valid: Any, place: Path, seed: int) -> dict[str, Any]:
    """Train a network in the folder `place`; the history of the round, with its `seconds`."""
    began = time.perf_counter()
    place.mkdir(parents=True, exist_ok=True)
    found = dict(trainer.fit(network, loss, items, valid, place, seed))
    earlier = found.get("earlier_seconds", 0.0)
    return found | {"earlier_seconds": earlier, "seconds": time.perf_counter() - began + earlier}


def write(place: Path, network: nn.Module, history: dict[str, Any], **more: Any) -> None:
    """Write the end of a round to `place`: weights, history and `more` plain values. Its checkpoints are deleted."""
    state = {"network": network.state_dict(), "history": history, **more}
    checkpoint_file.write(place, "finished", history["steps"], state)
    shutil.rmtree(place / "checkpoints", ignore_errors=True)


def read(place: Path, network: nn.Module) -> dict[str, Any] | None:
    """The end of a round that an earlier process finished; its weights are loaded. None if there is none."""
    for path in sorted(place.glob("finished-*.safetensors")):
        try:
            state = checkpoint_file.read(path)
        except BadInput as error:
            path.rename(path.with_name(f"{path.name}.damaged"))
            log.warning("%s; the round is trained again", error)
            continue
        network.load_state_dict(state["network"])
        seconds = state["history"]["seconds"]
        return {**state, "history": {**state["history"], "earlier_seconds": seconds}}
    return None
