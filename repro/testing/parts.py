"""Checks for each kind of part. The tests of a paper import them from `repro.testing`; CI runs these tests.

Each check raises AssertionError, with one line that says what is wrong with the part.
"""

from __future__ import annotations

import copy
import math
import pickle  # nosec B403  # see `_pickled`
import tempfile
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Subset, default_collate

from repro.metrics import Identity


def needs(*names: str) -> Any:
    """A pytest mark that skips a test if one of these data sets is not on this machine.

        @needs("mnist/test")
        def test_the_real_digits() -> None: ...

    `pytest -rs` prints what is missing and how to get it. Nothing is downloaded. Raises BadInput if a data set has no
    such variant.
    """
    import pytest

    from repro.data import store

    reason = "; ".join(filter(None, map(store.missing, names)))
    return pytest.mark.skipif(bool(reason), reason=reason or "the data is here")


def check_paper(folder: Path) -> None:
    """Check the files of a paper without running anything.

    It checks that:

    - every config binds, and its metrics and test sets are those that the claims name;
    - a number in the header of a config is the number of its claim;
    - every cause changes one setting;
    - no large record has a metric that nothing uses;
    - no file is where an earlier version wrote it, because it is ignored there;
    - every record and certificate belongs to a config;
    - some result could fail each claim;
    - every claim that was not reproduced is explained;
    - every tip names a test that exists.

    Raises AssertionError with one line for each fault. In a test of the paper, `folder` is `Path(__file__).parents[1]`.

    >>> from repro.claim import paper
    >>> check_paper(paper.find("template").folder)
    """
    from repro.testing import consistency

    found = consistency.faults(folder)
    assert not found, "\n".join(found)


def check_smoke(folder: Path) -> None:
    """Build the paper's `configs/smoke.gin`, and run the check of its kind on each part.

    Datasets, metrics, model and loss are checked, with items of that config. Raises AssertionError if a check fails,
    and DataMissing if the data is not on this machine.

    >>> from repro.claim import paper
    >>> check_smoke(paper.find("template").folder)
    """
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
        from repro.testing.adversarial import check_training

        check_training(built.model, built.loss, *default_collate([built.train[index] for index in range(3)]))


def check_dataset(dataset: Any, items: int = 4) -> None:
    """Check that a dataset always gives the same items, and that it can be pickled.

    An item must be a pair (inputs, target). It must be the same for every order of reading, in every worker process and
    after pickling. If there is a `set_epoch`, the items of an epoch must not depend on other epochs. `items`: how many
    items are read at most.

    >>> from repro.datasets.digits import Digits
    >>> check_dataset(Digits("test"))
    """
    count = min(items, len(dataset))
    assert count > 0, "the dataset is empty"
    if hasattr(dataset, "names"):
        assert len(set(dataset.names)) == len(dataset), "the names of the items are not unique"
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
        assert same(first, [dataset[index] for index in range(count)]), "epoch 0 differs after epoch 1"
        dataset.set_epoch(1)
        assert same(other, [dataset[index] for index in range(count)]), "epoch 1 differs between two reads"
        dataset.set_epoch(0)


def check_model(model: nn.Module, inputs: Any) -> None:
    """Check that a model treats the items of a batch independently, and that every parameter gets a gradient.

    The output for zeros must be finite, and a pickled copy must give the same output. `inputs`: a tensor (B, ...), or a
    dict of such tensors, with at least two items (B >= 2). So is the output.

    >>> check_model(nn.Linear(4, 2), inputs=torch.rand(3, 4))
    >>> check_model(nn.BatchNorm1d(4), inputs=torch.rand(3, 4))
    Traceback (most recent call last):
    AssertionError: an item's output depends on its batch
    """
    model.train()
    output = seeded(model, inputs)
    assert _length(output) == _length(inputs) >= 2, (
        "the output does not have one row per item of a batch of at least two"
    )
    for kept in (0, -1):  # all other items become copies of this one
        alone = apply(inputs, lambda x, kept=kept: x[kept].expand_as(x).clone())
        pairs = zip(_tensors(seeded(model, alone)), _tensors(output), strict=True)
        near = [torch.allclose(seen[kept], whole[kept], atol=1e-5) for seen, whole in pairs]
        assert all(near), "an item's output depends on its batch"
    random = torch.Generator().manual_seed(0)
    model.zero_grad()
    sums = [(one * torch.randn(one.shape, generator=random)).sum() for one in _tensors(output)]
    torch.stack(sums).sum().backward()
    for name, why in dead_parameters(model).items():
        raise AssertionError(f"parameter {name} gets no gradient ({why})")
    zeros = seeded(model, apply(inputs, torch.zeros_like))
    assert all(bool(one.isfinite().all()) for one in _tensors(zeros)), "the output for zeros is not finite"
    model.eval()
    with torch.no_grad():
        assert same(_pickled(model)(inputs), model(inputs)), "the pickled model gives another output"


def check_loss(loss: nn.Module, output: Any, target: Any) -> None:
    """Check that a loss is a finite scalar with finite gradients.

    It is called on the batch, on one item, on an output of zeros, and on silence (a target of zeros).

    output, target: a tensor (B, ...), or a dict of such tensors.

    >>> check_loss(nn.MSELoss(), output=torch.rand(3, 4), target=torch.rand(3, 4))
    >>> check_loss(nn.MSELoss(reduction="none"), output=torch.rand(3, 4), target=torch.rand(3, 4))
    Traceback (most recent call last):
    AssertionError: the loss of the batch is not a scalar
    """
    silence, zeros = apply(target, torch.zeros_like), apply(output, torch.zeros_like)
    cases = {
        "the batch": (output, target),
        "one item": (apply(output, lambda x: x[:1]), apply(target, lambda x: x[:1])),
        "zeros": (zeros, target),
        "silence": (output, silence),
        "zeros and silence": (zeros, silence),
    }
    for name, (given, wanted) in cases.items():
        given = apply(given, lambda x: x.detach().requires_grad_())
        value = _pickled(loss)(given, wanted)
        assert value.shape == (), f"the loss of {name} is not a scalar"
        assert bool(value.isfinite()), f"the loss of {name} is {value.item()}"
        value.backward()
        grads = [one.grad for one in _tensors(given)]
        assert any(grad is not None for grad in grads), f"the output gets no gradient for {name}"
        finite = all(bool(grad.isfinite().all()) for grad in grads if grad is not None)
        assert finite, f"the gradient for {name} is not finite"


def check_metric(metric: Any, estimate: Any, target: Any, inputs: Any) -> None:
    """Check that a metric returns the same finite float twice, and that it has an `Identity`.

    It must not change its arguments, and it must be picklable. `estimate` is what the model gives for `inputs`, and
    `target` is the right result. All three are of one item.

    >>> from repro.metrics.classification import Accuracy
    >>> check_metric(Accuracy(), estimate=torch.tensor([0.1, 0.9]), target=1, inputs=None)
    """
    found = getattr(metric, "identity", None)
    assert isinstance(found, Identity), f"the identity is a {type(found).__name__}, not a repro.metrics.Identity"
    before = copy.deepcopy((estimate, target, inputs))
    value = metric(estimate, target, inputs)
    if not hasattr(metric, "contributions"):  # those of a test set may need more than one item
        assert isinstance(value, float) and math.isfinite(value), f"the value is {value!r}, not a finite float"
    assert same(before, (estimate, target, inputs)), "the metric changes its arguments"
    assert same(_pickled(metric)(estimate, target, inputs), value), "the value differs between two calls"


def check_trainer(
    trainer: Any, model: nn.Module, loss: nn.Module, dataset: Any, steps: int = 100, ratio: float = 0.5
) -> None:
    """Check that a trainer overfits one batch: after `steps` steps, the loss is below `ratio` times the first loss.

    A copy of the trainer is used, with `steps` steps and without schedule and validations. `model` is trained in place.

    >>> import functools
    >>> from repro.datasets.digits import Digits
    >>> from repro.trainers.supervised import Supervised
    >>> model = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    >>> optimizer = functools.partial(torch.optim.Adam, lr=0.1)
    >>> trainer = Supervised(steps=1000, batch_size=20, optimizer=optimizer)
    >>> check_trainer(trainer, model, nn.CrossEntropyLoss(), Digits("train"))
    """
    batch = Subset(dataset, range(trainer.batch_size))
    with tempfile.TemporaryDirectory() as folder:
        history = shortened(trainer, steps, len(batch)).fit(model, loss, batch, None, Path(folder), order_seed=0)
        assert history["steps"] == steps, f"the trainer made {history['steps']} steps of {steps}"
        assert list(Path(folder, "checkpoints").glob("*.safetensors")), "the trainer saved no checkpoint"
    curve = [value for _, value in history["curves"]["train"]]
    assert curve[-1] < ratio * curve[0], f"one batch is not overfitted: the loss went from {curve[0]} to {curve[-1]}"


def shortened(trainer: Any, steps: int, batch_size: int) -> Any:
    """A copy of `trainer` with `steps` steps, without schedule and validations."""
    trainer = copy.copy(_pickled(trainer))
    trainer.steps, trainer.batch_size, trainer.schedule, trainer.valid_every = steps, batch_size, None, 0
    return trainer


def dead_parameters(model: nn.Module) -> dict[str, str]:
    """The parameters without gradient after a backward pass: name and reason."""
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
    """Whether two nested structures of tensors, arrays, dataclasses and values are bit-identical."""
    if is_dataclass(one):
        return type(one) is type(other) and same(vars(one), vars(other))
    if isinstance(one, np.ndarray):
        return isinstance(other, np.ndarray) and one.dtype == other.dtype and np.array_equal(one, other)
    if isinstance(one, torch.Tensor):
        return isinstance(other, torch.Tensor) and one.dtype == other.dtype and torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    return bool(one == other)


def apply(values: Any, change: Any) -> Any:
    """Apply `change` to a tensor, or to every tensor of a dict, list or tuple."""
    if isinstance(values, dict):
        return {key: apply(value, change) for key, value in values.items()}
    if isinstance(values, list | tuple):
        return type(values)(apply(value, change) for value in values)
    return change(values) if isinstance(values, torch.Tensor) else values


def seeded(model: nn.Module, inputs: Any) -> Any:
    """The output of `model` with a fixed random seed, so that dropout is the same each time."""
    torch.manual_seed(0)
    return model(inputs)


def _tensors(values: Any) -> list[torch.Tensor]:
    return list(values.values()) if isinstance(values, dict) else [values]


def _length(inputs: Any) -> int:
    return len(next(iter(inputs.values()))) if isinstance(inputs, dict) else len(inputs)


def _pickled(part: Any) -> Any:
    try:
        return pickle.loads(pickle.dumps(part))  # nosec B301  # the bytes are its own, made in this line
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise AssertionError(f"{type(part).__name__} does not pickle: {error}") from error
