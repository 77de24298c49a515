"""k-fold cross-validation: one network for each fold, which another trainer trains on the items of the other folds."""

from __future__ import annotations

import copy
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from torch.utils.data import ConcatDataset, Subset

from repro.errors import BadInput
from repro.models.out_of_sample import OutOfSample
from repro.registry import DATASETS, TRAINERS, name_of
from repro.training import checkpoint_file, processes

log = logging.getLogger("repro")


@TRAINERS.register
class CrossValidated:
    """Train each network of a `models.OutOfSample` with `trainer`, on the training items that are not in its fold.

    The result answers every training item out of sample. So the training set can also be the test set.
    `beside`: items that every network is trained on too, such as a training set if the folds are those of a test set.
    Items of `beside` that also occur in a fold are left out for that fold. Every fold starts from the same loss and the
    same settings of `trainer`; the order of its batches has a seed of its own.

    Fold n has the folder `fold-n` of the run. A fold that is finished is not trained again if the run is resumed; the
    one that was stopped resumes if `trainer` can. The curves of the history are those of the folds, one after the
    other.

    Raises BadInput if the model is not a `models.OutOfSample`, if a fold has no items or all of them, or if the run has
    several processes.

    Example: two folds of eight numbers. Each network learns from the numbers of the other fold.

        >>> import torch
        >>> from repro.trainers.fit_once import FitOnce
        >>> class Mean(torch.nn.Module):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.register_buffer("mean", torch.zeros(()))
        ...     def fit(self, inputs, target):
        ...         self.mean.copy_(inputs.mean())
        ...     def forward(self, inputs):
        ...         return self.mean.expand(len(inputs), 1)
        >>> _ = torch.manual_seed(1)
        >>> data, model = [(torch.tensor([float(x)]), x) for x in range(8)], OutOfSample(Mean(), folds=2)
        >>> history = CrossValidated(FitOnce()).fit(model, None, data, None, Path("."), order_seed=0)
        >>> first = [x for inputs, x in data if model.fold(inputs) == 0]
        >>> history["steps"], float(model.networks[1].mean) == sum(first) / len(first)
        (2, True)
    """

    def __init__(self, trainer: Annotated[Any, TRAINERS], beside: Annotated[Any, DATASETS] = None) -> None:
        self.trainer, self.beside = trainer, beside

    def fit(
        self, model: OutOfSample, loss: Any, train: Any, valid: Any, folder: Path, order_seed: int
    ) -> dict[str, Any]:
        """Train `model` in place. `repro.trainers` describes the arguments and the result."""
        if not isinstance(model, OutOfSample):
            raise BadInput(f"{name_of(self)} got a model {name_of(model)}", expected="models.OutOfSample")
        if processes.count() > 1:
            raise BadInput(f"{name_of(self)} was started in {processes.count()} processes", expected="one process")
        folds = _Folds(model, train, self.beside)
        done = _Done()
        for fold, network in enumerate(model.networks):
            place = folder / f"fold-{fold + 1}"
            found = _read(place, network)
            if found is None:
                trainer, own = copy.deepcopy(self.trainer), copy.deepcopy(loss)
                items = folds.others(fold)
                log.info("fold %d of %d: %d items", fold + 1, len(model.networks), len(items))
                found = _trained(trainer, network, own, items, valid, place, order_seed + fold)
            done.add(found)
        return done.history()


class _Folds:
    """The training items of each fold."""

    def __init__(self, model: OutOfSample, train: Any, beside: Any) -> None:
        self.train, self.beside, self.count = train, beside, len(model.networks)
        self.keys = [model.key(train[index][0]) for index in range(len(train))]
        more = range(len(beside)) if beside is not None else ()
        self.keys_beside = [model.key(beside[index][0]) for index in more]
        for fold in range(self.count):
            if not 0 < sum(key % self.count == fold for key in self.keys) < len(self.keys):
                said = f"fold {fold + 1} of {self.count} has none or all of the {len(self.keys)} training items"
                raise BadInput(said, expected="more items, or fewer folds")

    def others(self, fold: int) -> Any:
        """The items that the network of `fold` is trained on."""
        part = Subset(self.train, [at for at, key in enumerate(self.keys) if key % self.count != fold])
        if self.beside is None:
            return part
        held = {key for key in self.keys if key % self.count == fold}
        more = [at for at, key in enumerate(self.keys_beside) if key not in held]
        return ConcatDataset([part, Subset(self.beside, more)])


@dataclass
class _Done:
    """The sum of the histories of the folds."""

    steps: int = 0
    items: float = 0.0
    seconds: float = 0.0
    earlier: float = 0.0
    batch: dict[str, int] = field(default_factory=dict)
    curves: dict[str, list[Sequence[float]]] = field(default_factory=dict)

    def add(self, found: dict[str, Any]) -> None:
        for name, points in found["curves"].items():
            self.curves.setdefault(name, []).extend([self.steps + step, value] for step, value in points)
        self.steps += found["steps"]
        self.seconds += found["seconds"]
        self.earlier += found["earlier_seconds"]
        self.items += found["items_per_second"] * found["seconds"]
        self.batch = {key: found[key] for key in ("batch_size",) if key in found}

    def history(self) -> dict[str, Any]:
        rate = round(self.items / self.seconds, 1) if self.seconds else 0.0
        return {
            "steps": self.steps,
            "items_per_second": rate,
            "earlier_seconds": round(self.earlier, 1),
            "curves": self.curves,
            **self.batch,
        }


def _trained(
    trainer: Any, network: Any, loss: Any, items: Any, valid: Any, place: Path, order_seed: int
) -> dict[str, Any]:
    """Train one network, and write its weights and its history to `place`."""
    began = time.perf_counter()
    place.mkdir(parents=True, exist_ok=True)
    found = dict(trainer.fit(network, loss, items, valid, place, order_seed))
    earlier = found.get("earlier_seconds", 0.0)
    found |= {"earlier_seconds": earlier, "seconds": time.perf_counter() - began + earlier}
    checkpoint_file.write(place, "finished", found["steps"], {"network": network.state_dict(), "history": found})
    return found


def _read(place: Path, network: Any) -> dict[str, Any] | None:
    """The history of a fold that an earlier process finished, whose weights are loaded; None if there is none."""
    for path in sorted(place.glob("finished-*.safetensors")):
        try:
            state = checkpoint_file.read(path)
        except BadInput as error:
            path.rename(path.with_name(f"{path.name}.damaged"))
            log.warning("%s; the fold is trained again", error)
            continue
        network.load_state_dict(state["network"])
        found: dict[str, Any] = state["history"]
        return found | {"earlier_seconds": found["seconds"]}
    return None
