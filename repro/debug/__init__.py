"""`repro debug CONFIG`: one batch through a config's model, loss and trainer, before anything long is started.

Overfit one batch first, and follow the gradient back to the inputs it depends on. Five checks, each a `Finding`:

    finite      is every tensor of a forward and a backward pass finite; if not, where is the first that is not
    gradients   does every parameter get a gradient
    leakage     does an item's output depend on another item of its batch
    targets     does the loss depend on the targets, and do these belong to their inputs
    overfit     can the config's own trainer learn this batch by heart, and what do the metrics say of it then

`checks` holds the five, `probes` what looks at tensors, `failed` the step at which a run met what is not finite. No
record is written, and no torch is loaded before a config is built.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repro.config import read
from repro.errors import BadInput, Finding, where
from repro.experiment import binding, streams
from repro.run import threads


@dataclass(frozen=True)
class Batch:
    """A config, built, and one batch of it: the items, and their inputs and targets collated."""

    built: Any
    items: Any
    inputs: Any
    target: Any

    def model(self) -> Any:
        """The model with its first weights, in training mode: another copy each time."""
        return copy.deepcopy(self.built.model).train()

    def loss(self, model: Any) -> Any:
        """The scalar loss of the batch: that of the trainer's own `step`, where it has one."""
        if hasattr(self.built.trainer, "step"):
            return self.built.trainer.step(model, self.built.loss, (self.inputs, self.target))
        return self.built.loss(model(self.inputs), self.target)


def debug(path: Path, overrides: tuple[str, ...] = ()) -> Iterator[Finding]:
    """Build the config at `path` and check it: one finding after the other; what is not finite ends it.

    Raises BadInput where the config is wrong, or is not about training by steps.
    """
    batch = prepare(path, overrides)
    from repro.debug import checks

    for check in (checks.finite, checks.gradients, checks.leakage, checks.targets, checks.overfit):
        found = check(batch)
        yield found
        if check is checks.finite and not found.ok:
            return


def failed_step(folder: Path) -> Iterator[Finding]:
    """The step at which the run in `folder` met a number that is not finite, once more; see `repro.debug.failed`."""
    from repro.debug import failed

    yield from failed.failed_step(folder)


def prepare(path: Path, overrides: tuple[str, ...] = ()) -> Batch:
    """Build a config as a run with seed 0 does, and draw one batch of its training set."""
    config, seeds = read(path, overrides), streams(0)
    binding.bind(config, whole=True)
    import torch
    from torch.utils.data import Subset, default_collate

    torch.set_num_threads(threads.choose(config).number)
    torch.manual_seed(seeds["model"])
    built = binding.build(config)
    if lacks := _lacks(built):
        raise BadInput(f"the config has {lacks}; expected one that trains by steps: nothing to debug", where(path))
    order = torch.randperm(len(built.train), generator=torch.Generator().manual_seed(seeds["order"]))
    items = Subset(built.train, order[: built.trainer.batch_size].tolist())
    inputs, target = default_collate([items[index] for index in range(len(items))])
    return Batch(built, items, inputs, target)


def _lacks(built: Any) -> str:
    """What a config would need to be trained by steps, in words; empty where it has all."""
    for part in ("trainer", "model", "loss", "train"):
        if getattr(built, part) is None:
            return f"no experiment.{part}"
    unlike = [name for name in ("steps", "batch_size") if getattr(built.trainer, name, 0) < 1]
    return f"a trainer, {type(built.trainer).__name__}, without {' and '.join(unlike)}" if unlike else ""
