"""`repro debug CONFIG`: check a config's model, loss and trainer on one batch, before a long training.

Each of the five checks gives a `Finding`:

    finite      Is every tensor of a forward and a backward pass finite? If not, which is the first one?
    gradients   Does every parameter get a gradient?
    leakage     Does an item's output depend on another item of its batch?
    targets     Does the loss depend on the targets, and do the targets belong to their inputs?
    overfit     Can the config's trainer overfit this batch, and do the metrics improve?

An adversarial training has the first three alone: its targets belong to no input, and its loss need not fall.

`checks` contains the five checks, and `probes` the functions that examine tensors. `failed` repeats the step at which a
run met NaN or infinity. No record is written.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repro.config import read
from repro.debug import attempt
from repro.errors import BadInput, Finding, where
from repro.experiment import binding, streams
from repro.run import threads


@dataclass(frozen=True)
class Batch:
    """A built config and one batch of its training set: the items, and their collated inputs and targets."""

    built: Any
    items: Any
    inputs: Any
    target: Any

    def model(self) -> Any:
        """A new copy of the model with its initial weights, in training mode."""
        return copy.deepcopy(self.built.model).train()

    @property
    def adversarial(self) -> bool:
        """Whether two networks train each other, as with `trainers.Adversarial`."""
        return hasattr(self.built.model, "judge") and hasattr(self.built.loss, "discriminator")

    def loss(self, model: Any) -> Any:
        """The scalar loss of the batch, from the trainer's `step` if it has one."""
        if hasattr(self.built.trainer, "step"):
            return self.built.trainer.step(model, self.built.loss, (self.inputs, self.target))
        return self.built.loss(model(self.inputs), self.target)


def debug(path: Path, overrides: tuple[str, ...] = ()) -> Iterator[Finding]:
    """Build the config at `path` and yield the finding of each check; stops after a tensor that is not finite.

    If the code of a part raises an exception, the finding says so. Raises BadInput if the config is wrong, or if it
    does not train by steps.
    """
    batch = attempt.batch(lambda: prepare(path, overrides), "the first batch")
    if isinstance(batch, Finding):
        yield batch
        return
    from repro.debug import checks

    every = checks.finite, checks.gradients, checks.leakage, checks.targets, checks.overfit
    for check in every[: 3 if batch.adversarial else None]:
        found = attempt.attempt(check.__name__, functools.partial(check, batch))
        yield found
        if check is checks.finite and not found.ok:
            return


def failed_step(folder: Path) -> Iterator[Finding]:
    """Repeat the step at which the run in `folder` met NaN or infinity. Raises BadInput if it saved no such step."""
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
    built.trainer = getattr(built.trainer, "trainer", built.trainer)  # of one that contains another, the inner one
    if lacks := _lacks(built):
        raise BadInput(f"the config has {lacks}", where(path), expected="a config that trains by steps")
    order = torch.randperm(len(built.train), generator=torch.Generator().manual_seed(seeds["order"]))
    items = Subset(built.train, order[: built.trainer.batch_size].tolist())
    inputs, target = default_collate([items[index] for index in range(len(items))])
    return Batch(built, items, inputs, target)


def _lacks(built: Any) -> str:
    """What a config lacks for a training by steps, in words; empty if it lacks nothing."""
    for part in ("trainer", "model", "loss", "train"):
        if getattr(built, part) is None:
            return f"no experiment.{part}"
    unlike = [name for name in ("steps", "batch_size") if getattr(built.trainer, name, 0) < 1]
    return f"a trainer, {type(built.trainer).__name__}, without {' and '.join(unlike)}" if unlike else ""
