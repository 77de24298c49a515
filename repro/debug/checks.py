"""The five checks of `repro debug`. Each takes a `Batch` and returns a `Finding`."""

from __future__ import annotations

import dataclasses
import math
import numbers
import reprlib
from collections.abc import Iterator
from statistics import fmean, stdev
from typing import Any

import torch
from torch.utils.data import Subset, default_collate

from repro import testing
from repro.debug import Batch, probes
from repro.debug.training import train_briefly
from repro.errors import Finding
from repro.training.device import moved

STEPS = (100, 1000)  # training steps; the second number is tried if the first is not enough
RATIO = 0.5  # a batch is overfitted if its loss falls below this part of the loss of the first steps
NEIGHBOURS = 8  # items of the batch that are checked for leakage
HELD_OUT = 100  # training items that `targets` holds out; at most a quarter of the training set
FEWEST = 20  # with fewer held-out items, `targets` cannot decide
SURE = 3.0  # standard errors by which the loss with the own target must be lower than with another target
LINES = 10  # that a finding lists at most


def finite(batch: Batch) -> Finding:
    """Check that a forward and a backward pass are finite; report the initial loss and the loss for zeros."""
    if not probes.finite([batch.inputs, batch.target]):
        return Finding("finite", False, "the items of the batch contain numbers that are not finite")
    torch.manual_seed(0)
    if place := probes.not_finite(batch.model(), batch.loss):
        return Finding("finite", False, f"the first tensor that is not finite comes from {place}")
    with torch.no_grad():
        torch.manual_seed(0)
        model = batch.model()
        zeros = testing.apply(model(batch.inputs), torch.zeros_like)
        costs = f"the loss is {batch.loss(model):.4g} with the initial weights"
        if not batch.adversarial:
            costs += f" (for an output of zeros: {batch.built.loss(zeros, batch.target):.4g})"
    return Finding("finite", True, f"forward and backward; {costs}")


def gradients(batch: Batch) -> Finding:
    """Check that every parameter gets a gradient from the loss of the batch; names those that do not."""
    model = batch.model()
    torch.manual_seed(0)
    value = batch.loss(model)
    if value.requires_grad:
        value.backward()
    dead, count = testing.dead_parameters(model), len(list(model.parameters()))
    if not dead:
        return Finding("gradients", True, f"{_all(count, 'parameter')} a gradient")
    return Finding(
        "gradients", False, _listed(f"{len(dead)} of {_count(count, 'parameter')} without a gradient", dead.items())
    )


def leakage(batch: Batch) -> Finding:
    """Check that no item's output depends on another item's input, in training and in evaluation mode."""
    count = min(NEIGHBOURS, len(batch.items))
    if count < 2:
        return Finding("leakage", None, "not checked: the batch has only one item")
    inputs, _ = default_collate([batch.items[index] for index in range(count)])
    probe = probes.by_gradient if probes.floating(inputs) else probes.by_exchange
    training, evaluation = probe(batch.model(), inputs), probe(batch.model().eval(), inputs)
    modes = {"training": _pairs(training), "evaluation": _pairs(evaluation)}
    leaking = [mode for mode, pairs in modes.items() if pairs]
    if not leaking:
        numbers = sum(tensor[0].numel() for tensor in probes.leaves(inputs))
        own = f"\nthe output of item 0 depends on {int(training[0, 0])} of the {_count(numbers, 'number')} of its input"
        told = f"no output of {count} items depends on another item, in training and in evaluation mode"
        return Finding("leakage", True, told + (own if probe is probes.by_gradient else ""))
    told = f"outputs depend on other items of the batch, in {' and '.join(leaking)} mode"
    hint = "" if len(leaking) == 2 or leaking == ["evaluation"] else " only (batch normalisation does this)"
    rows = [(f"item {one}", f"on item {other}") for one, other in modes[leaking[0]]]
    return Finding("leakage", False, _listed(told + hint, rows))


def _pairs(depends: torch.Tensor) -> list[tuple[int, int]]:
    """The off-diagonal positions in `depends (B, B)` that are not zero."""
    return [(one, other) for one, other in depends.nonzero().tolist() if one != other]


def targets(batch: Batch) -> Finding:
    """Check that the loss depends on the targets, and that the targets belong to their inputs."""
    others = _turned(batch.target)
    if testing.same(batch.target, others):
        return Finding("targets", None, "not checked: all targets of the batch are equal")
    with torch.no_grad():  # a random output, because the initial weights may give the same output for all inputs
        output = testing.apply(testing.seeded(batch.model(), batch.inputs), torch.rand_like)
        values = [float(batch.built.loss(output, given)) for given in (batch.target, others)]
    if math.isclose(*values, rel_tol=1e-6):
        told = f"the loss does not depend on them: it is {values[0]:.4g} with the right and with wrong targets"
        return Finding("targets", False, told)
    return _belonging(batch)


def _belonging(batch: Batch) -> Finding:
    """Train briefly; then compare the loss of held-out items with their own targets and with exchanged targets."""
    train = batch.built.train
    order = torch.randperm(len(train), generator=torch.Generator().manual_seed(0)).tolist()
    count = min(HELD_OUT, len(train) // 4)
    if count < FEWEST:
        told = f"the loss depends on them; {len(train)} training items are too few to check that they are right"
        return Finding("targets", None, told)
    kept, rest = [train[index] for index in order[:count]], Subset(train, order[count:])
    for steps in STEPS:
        model = batch.model()
        try:
            train_briefly(batch, model, rest, min(batch.built.trainer.batch_size, len(rest)), steps)
        except FloatingPointError as error:
            return Finding("targets", False, f"training on {_count(len(rest), 'item')} fails: {error}")
        own, others = zip(*_losses(batch, model, kept), strict=True)
        gains = [other - one for one, other in zip(own, others, strict=True)]
        told = f"after {steps} steps, the loss of {count} other items is {fmean(own):.4g} with their own targets"
        told += f", {fmean(others):.4g} with those of others"
        if fmean(gains) > SURE * stdev(gains) / math.sqrt(count):
            return Finding("targets", True, told)
    return Finding("targets", False, f"{told}:\neither the targets belong to other inputs, or they cannot be learned")


def _losses(batch: Batch, model: Any, items: list[Any]) -> Iterator[tuple[float, float]]:
    """The loss of each item with its own target and with the next item's target, in evaluation mode."""
    model.eval()
    device = next((parameter.device for parameter in model.parameters()), None)
    batches = [moved(default_collate([item]), device) for item in items]
    with torch.no_grad():
        for (inputs, target), (_, other) in zip(batches, batches[1:] + batches[:1], strict=True):
            output = model(inputs)
            yield float(batch.built.loss(output, target)), float(batch.built.loss(output, other))


def overfit(batch: Batch) -> Finding:
    """Check that the config's trainer overfits this batch; report the metrics of the batch before and after."""
    if odd := _odd_metric(batch):
        return Finding("overfit", False, odd)
    size, before = len(batch.items), _measured(batch, batch.model())
    for steps in STEPS:
        model = batch.model()
        try:
            curve = train_briefly(batch, model, batch.items, size, steps)
        except FloatingPointError as error:
            return Finding("overfit", False, f"training on one batch of {_count(size, 'item')} fails: {error}")
        learnt = curve[-1] < curve[0] - (1 - RATIO) * abs(curve[0])
        if learnt:
            break
    after = _measured(batch, model)
    told = f"{_count(size, 'item')}, {steps} steps: the loss went from {curve[0]:.4g} to {curve[-1]:.4g}"
    rows = [f"{name}: {before[name]:.4g} before, {after[name]:.4g} after" for name in before]
    return Finding(
        "overfit",
        learnt,
        "\n".join([told, *(rows or ["no metric: training items and test items have different forms"])]),
    )


def _measured(batch: Batch, model: Any) -> dict[str, float]:
    """The mean of each metric over the batch; empty if training items and test items have different forms."""
    if not _testable(batch):
        return {}
    alone = dataclasses.replace(batch.built, model=model, test={"batch": batch.items}, data={})
    return {found.metric: found.mean for found in alone.measure(lambda indices, name: indices)}


def _testable(batch: Batch) -> bool:
    """Whether the items of the batch have the form of test items."""
    return _form(batch.items[0]) in {_form(dataset[0]) for dataset in batch.built.test.values()}


def _odd_metric(batch: Batch) -> str:
    """The first metric whose value for an item is not a number, in words; empty if there is none."""
    inputs, target = batch.items[0]
    if _testable(batch):
        estimate = dataclasses.replace(batch.built, model=batch.model(), data={}).estimate(inputs)
        for metric in batch.built.metrics:
            value = metric(estimate, target, inputs)
            if not _is_number(value) and not hasattr(metric, "contributions"):
                return f"the metric '{metric.identity.name}' returns {_named(value)} for an item; expected a number"
    return ""


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def _named(value: Any) -> str:
    shape = getattr(value, "shape", None)
    kind = type(value).__name__
    return f"a {kind} of shape {tuple(shape)}" if shape is not None else reprlib.repr(value)


def _form(item: Any) -> Any:
    """The form of an item: its types, its keys, and the number of dimensions of its tensors."""
    if isinstance(item, dict):
        return tuple((key, _form(value)) for key, value in sorted(item.items()))
    if isinstance(item, list | tuple):
        return tuple(_form(value) for value in item)
    return (item.dtype, item.ndim) if isinstance(item, torch.Tensor) else type(item)


def _turned(values: Any) -> Any:
    """The targets of a batch, shifted by one item."""
    if isinstance(values, dict):
        return {key: _turned(value) for key, value in values.items()}
    return values.roll(1, 0) if isinstance(values, torch.Tensor) else [*values[-1:], *values[:-1]]


def _count(many: int, noun: str) -> str:
    return f"{many} {noun}" if many == 1 else f"{many} {noun}s"


def _all(many: int, noun: str) -> str:
    """The beginning of a sentence about all parameters, with its verb."""
    return f"the only {noun} gets" if many == 1 else f"all {many} {noun}s get"


def _listed(told: str, rows: Any) -> str:
    """`told`, and one line for each of the first `LINES` rows."""
    lines = [f"{name}: {what}" for name, what in rows]
    more = [f"and {len(lines) - LINES} more"] if len(lines) > LINES else []
    return "\n".join([told, *lines[:LINES], *more])
