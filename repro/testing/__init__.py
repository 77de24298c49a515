"""The battery of checks for each kind of part. A paper's tests call them on its parts; CI calls them on every part.

    from repro.testing import check_model
    def test_model():
        check_model(EmbeddingNetwork(...), inputs=torch.rand(3, 20, 129))

Each check raises AssertionError with one line that says what is wrong with the part.
"""

from __future__ import annotations

import copy
import math
import pickle  # nosec B403  # see `_pickled`
import tempfile
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader, Subset, default_collate

IDENTITY = {"name", "version", "unit", "better", "aggregation", "reference", "sample_rate", "permutation"}


def needs(*names: str) -> Any:
    """A mark for a test that needs data: it skips the test where one of these data sets is not on this machine.

        @needs("mnist/test")
        def test_the_real_digits() -> None: ...

    The reason says what is missing and how to get it (`pytest -rs` prints it). Nothing is downloaded. Raises BadInput
    for a variant that the data set does not have.
    """
    import pytest

    from repro.datasets import store

    reason = "; ".join(filter(None, map(store.missing, names)))
    return pytest.mark.skipif(bool(reason), reason=reason or "the data is here")


def check_paper(folder: Path) -> None:
    """All that can be known of a paper without a run: `check_paper(Path(__file__).parents[1])` in one of its tests.

    Every config binds, every cause changes one setting, records and certificates are of configs, tips name tests that
    exist, what was not reproduced is explained, some result could fail each claim. Raises AssertionError with a line
    for each fault.
    """
    from repro.testing import consistency

    found = consistency.faults(folder)
    assert not found, "\n".join(found)


def check_smoke(folder: Path) -> None:
    """The parts of the paper's `configs/smoke.gin` pass the checks of their kinds, on that config's own data."""
    from repro import config
    from repro.experiment import binding

    built = binding.build(config.read(folder / "configs" / "smoke.gin"))
    for dataset in built.datasets().values():
        check_dataset(dataset)
    for dataset in built.test.values():
        inputs, target = dataset[0]
        estimate = built.estimate(inputs)
        for metric in built.metrics:
            check_metric(metric, estimate, target, inputs)
    if built.trainer is not None:
        inputs, target = default_collate([built.train[index] for index in range(3)])
        check_model(built.model, inputs)
        with torch.no_grad():
            output = built.model(inputs)
        check_loss(built.loss, output, target)


def check_dataset(dataset: Any, items: int = 4) -> None:
    """An item is a pair, the same whoever reads it, when and in whichever order; the dataset pickles."""
    count = min(items, len(dataset))
    assert count > 0, "the dataset is empty"
    if hasattr(dataset, "names"):
        assert len(set(dataset.names)) == len(dataset), "the names of the items are not one of its own for each"
    first = [dataset[index] for index in range(count)]
    assert all(isinstance(item, tuple) and len(item) == 2 for item in first), "an item is not (inputs, target)"
    again = [dataset[index] for index in reversed(range(count))][::-1]
    assert same(first, again), "an item differs between two reads"
    copied = _pickled(dataset)
    assert same(first, [copied[index] for index in range(count)]), "an item of the pickled dataset differs"
    loader = DataLoader(Subset(dataset, range(count)), batch_size=None, num_workers=2)
    assert same(first, [tuple(item) for item in loader]), "an item differs between two workers"
    assert dataset.fingerprint() == copied.fingerprint(), "the fingerprint differs for the same content"
    if hasattr(dataset, "set_epoch"):
        dataset.set_epoch(1)
        other = [dataset[index] for index in range(count)]
        dataset.set_epoch(0)
        assert same(first, [dataset[index] for index in range(count)]), "pass 0 differs after pass 1"
        dataset.set_epoch(1)
        assert same(other, [dataset[index] for index in range(count)]), "pass 1 differs between two reads"
        dataset.set_epoch(0)


def check_model(model: nn.Module, inputs: Any) -> None:
    """No item of a batch touches another, every parameter gets a gradient, zeros give finite output, it pickles.

    `inputs`: a batch of at least two items.
    """
    model.train()
    output = seeded(model, inputs)
    assert len(output) == _length(inputs) >= 2, "the output does not have one row per item of a batch of at least two"
    for kept in (0, -1):  # the others become copies of this one
        alone = apply(inputs, lambda x, kept=kept: x[kept].expand_as(x).clone())
        seen = seeded(model, alone)[kept]
        assert torch.allclose(seen, output[kept], atol=1e-5), "an item's output depends on its batch"
    weights = torch.randn(output.shape, generator=torch.Generator().manual_seed(0))
    model.zero_grad()
    (output * weights).sum().backward()
    for name, why in dead_parameters(model).items():
        raise AssertionError(f"parameter {name} gets no gradient ({why})")
    zeros = seeded(model, apply(inputs, torch.zeros_like))
    assert bool(zeros.isfinite().all()), "the output for zeros is not finite"
    model.eval()
    with torch.no_grad():
        assert torch.equal(_pickled(model)(inputs), model(inputs)), "the pickled model answers otherwise"


def check_loss(loss: nn.Module, output: torch.Tensor, target: Any) -> None:
    """A finite scalar with finite gradients: on the batch, on one item, on zeros, on silence (a target of zeros)."""
    silence = apply(target, torch.zeros_like)
    cases = {
        "the batch": (output, target),
        "one item": (output[:1], apply(target, lambda x: x[:1])),
        "zeros": (torch.zeros_like(output), target),
        "silence": (output, silence),
        "zeros and silence": (torch.zeros_like(output), silence),
    }
    for name, (given, wanted) in cases.items():
        given = given.detach().requires_grad_()
        value = _pickled(loss)(given, wanted)
        assert value.shape == (), f"the loss of {name} is not a scalar"
        assert bool(value.isfinite()), f"the loss of {name} is {value.item()}"
        value.backward()
        assert given.grad is not None and bool(given.grad.isfinite().all()), f"the gradient for {name} is not finite"


def check_metric(metric: Any, estimate: Any, target: Any, inputs: Any) -> None:
    """A finite float, the same twice, that leaves its arguments alone; a full identity; it pickles."""
    missing = sorted(IDENTITY - set(metric.identity))
    assert not missing, f"the identity lacks {', '.join(missing)}"
    assert metric.identity["better"] in ("higher", "lower"), "identity['better'] is neither 'higher' nor 'lower'"
    before = copy.deepcopy((estimate, target, inputs))
    value = metric(estimate, target, inputs)
    assert isinstance(value, float) and math.isfinite(value), f"the value is {value!r}, not a finite float"
    assert same(before, (estimate, target, inputs)), "the metric changes its arguments"
    assert _pickled(metric)(estimate, target, inputs) == value, "the value differs between two calls"


def check_trainer(
    trainer: Any, model: nn.Module, loss: nn.Module, dataset: Any, steps: int = 100, ratio: float = 0.5
) -> None:
    """It overfits one batch: after `steps` steps on the same items the loss is below `ratio` times the first.

    `trainer.steps` is set to `steps` and its schedule is left out, in a copy.
    """
    batch = Subset(dataset, range(trainer.batch_size))
    with tempfile.TemporaryDirectory() as folder:
        history = shortened(trainer, steps, len(batch)).fit(model, loss, batch, None, Path(folder), order_seed=0)
        assert history["steps"] == steps, f"the trainer made {history['steps']} steps of {steps}"
        assert list(Path(folder, "checkpoints").glob("*.safetensors")), "the trainer left no checkpoint"
    curve = [value for _, value in history["curves"]["train"]]
    assert curve[-1] < ratio * curve[0], f"one batch is not overfitted: the loss went from {curve[0]} to {curve[-1]}"


def shortened(trainer: Any, steps: int, batch_size: int) -> Any:
    """A copy of `trainer` for `steps` steps, without a schedule and without validations."""
    trainer = copy.copy(_pickled(trainer))
    trainer.steps, trainer.batch_size, trainer.schedule, trainer.valid_every = steps, batch_size, None, 0
    return trainer


def dead_parameters(model: nn.Module) -> dict[str, str]:
    """After a backward pass: the parameters that got no gradient, by name, and why."""
    why = {}
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            why[name] = "frozen (requires_grad is False)"
        elif parameter.grad is None:
            why[name] = "no gradient: the loss does not depend on it"
        elif not parameter.grad.any():
            why[name] = "a gradient of zero"
    return why


def same(one: Any, other: Any) -> bool:
    """Are two nested structures of tensors and values equal, bit for bit?"""
    if isinstance(one, torch.Tensor):
        return isinstance(other, torch.Tensor) and one.dtype == other.dtype and torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    return bool(one == other)


def apply(values: Any, change: Any) -> Any:
    """`change` applied to every tensor of a tensor or dict of tensors."""
    if isinstance(values, dict):
        return {key: apply(value, change) for key, value in values.items()}
    return change(values) if isinstance(values, torch.Tensor) else values


def seeded(model: nn.Module, inputs: Any) -> torch.Tensor:
    """The output of `model`, with the same dropout each time."""
    torch.manual_seed(0)
    output: torch.Tensor = model(inputs)
    return output


def _length(inputs: Any) -> int:
    return len(next(iter(inputs.values()))) if isinstance(inputs, dict) else len(inputs)


def _pickled(part: Any) -> Any:
    try:
        return pickle.loads(pickle.dumps(part))  # nosec B301  # the bytes are its own, made in this line
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise AssertionError(f"{type(part).__name__} does not pickle: {error}") from error
