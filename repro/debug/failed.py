"""`repro debug --failed-step RUN`: repeat the step at which a run stopped because a number was not finite."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import Subset, default_collate

from repro.config import read
from repro.debug import Batch, attempt, probes
from repro.errors import BadInput, Finding
from repro.experiment import binding, streams
from repro.run import resume, threads
from repro.training import checkpoint_file
from repro.training.checkpoints import RngState
from repro.training.finite import KIND


def failed_step(folder: Path) -> Iterator[Finding]:
    """Find the first number that is not finite: in the items, in the weights, or in the step itself.

    folder: a run folder. Raises BadInput if it is not one, or if its run did not stop because of such a number.
    """
    kept = sorted(folder.glob(f"checkpoints/{KIND}-*.safetensors"), key=lambda path: path.stat().st_mtime)
    if not (folder / "config.gin").is_file() or not kept:
        expected = "the folder runs/PAPER/CONFIG/RUN of a run that stopped because a number was not finite"
        raise BadInput("no failed step is saved in it", str(folder), expected=expected)
    found = checkpoint_file.read(kept[-1])
    batch = attempt.batch(lambda: _batch(folder, found), "the batch of the step")
    if isinstance(batch, Finding):
        yield batch
        return
    yield attempt.attempt("items", lambda: _items(batch, found))
    yield _weights(batch)
    yield attempt.attempt("step", lambda: _step(batch, found))


def _batch(folder: Path, found: dict[str, Any]) -> Batch:
    """The config built as in the run, with the weights and the batch of the step."""
    config = read(folder / "config.gin")
    seed = re.search(r"-seed(\d+)", folder.resolve().name)
    begun = resume.read(folder)
    torch.set_num_threads(threads.choose(config, begun=begun.threads if begun else 0).number)
    torch.manual_seed(streams(int(seed[1]) if seed else 0)["model"])
    built = binding.build(config)
    built.model.load_state_dict(found["model"])
    if isinstance(built.loss, torch.nn.Module):
        built.loss.load_state_dict(found["loss"])
    if hasattr(built.train, "set_epoch"):
        built.train.set_epoch(found["batch"]["epoch"])
    items = Subset(built.train, found["batch"]["items"])
    inputs, target = default_collate([items[index] for index in range(len(items))])
    return Batch(built, items, inputs, target)


def _items(batch: Batch, found: dict[str, Any]) -> Finding:
    numbers = found["batch"]["items"]
    bad = [number for index, number in enumerate(numbers) if not probes.finite(batch.items[index])]
    if bad:
        return Finding("items", False, f"these items of the training set are not finite: {', '.join(map(str, bad))}")
    return Finding("items", True, "all items of the batch are finite")


def _weights(batch: Batch) -> Finding:
    bad = [name for name, weight in batch.built.model.named_parameters() if not probes.finite(weight)]
    if bad:
        return Finding("weights", False, f"these weights are not finite: {', '.join(bad)}")
    largest = max((float(w.detach().abs().max()) for w in batch.built.model.parameters() if w.numel()), default=0.0)
    return Finding("weights", True, f"all weights are finite; the largest absolute value is {largest:.3g}")


def _step(batch: Batch, found: dict[str, Any]) -> Finding:
    said = f"step {found['step']}: {found['said']}"
    RngState().load_state_dict(found["rng"])  # the same dropout
    if place := probes.not_finite(batch.model(), batch.loss):
        return Finding("step", False, f"{said}; the first tensor that is not finite comes from {place}")
    return Finding(
        "step", None, f"{said}; the repeated step is finite, so it depends on more than its weights and its batch"
    )
