"""Active learning: train, choose the items to label next, train again with these too.

Letters: A acquisitions, K classes.
"""

from __future__ import annotations

import copy
import logging
from pathlib import Path
from typing import Annotated, Any, get_args

import numpy as np
import torch
from torch.utils.data import DataLoader, Subset

from repro import progress
from repro.datasets import label_table
from repro.errors import BadInput
from repro.labels import acquisition
from repro.models.active_learner import ActiveLearner
from repro.models.dropout_samples import samples
from repro.registry import TRAINERS, name_of, wrong_value
from repro.trainers import rounds
from repro.training import checkpoint_file, device, processes

BATCH = 500  # items whose scores are computed at once
INITIAL, TRAIN, CANDIDATES, MASKS = range(4)  # each has a random sequence of its own

log = logging.getLogger("repro")


@TRAINERS.register
class Active:
    """Train the networks of a `models.ActiveLearner` with `trainer`, each on the labels of the one before and more.

    The training set is the *pool*. At first `start` of its labels are used, as many of each class. After each training
    `size` further items get their labels: those with the highest scores of the acquisition function `by`, with
    `passes` masks of Monte Carlo dropout (`repro.labels.acquisition`). Every network starts from its initial weights.

    - `by`: "random", "entropy", "variation", "std" or "bald".
    - `candidates`: the items are chosen from so many items of the pool, drawn anew each time; 0: from all.

    Round n has the folder `round-n` of the run. If the run is resumed, a finished round is neither trained again nor
    are its items chosen again. The result is bit-identical to that of an uninterrupted run. The curves of the history
    are those of the rounds, one after the other. `repro.trainers.rounds` stores the indices of the chosen items.

    Raises BadInput for a wrong value. `fit` raises BadInput if the model is not a `models.ActiveLearner`, if the pool
    is too small, if `start` is not a multiple of K, or if the run has several processes.

    Example: two labels, then two acquisitions of one label each.

        >>> import functools
        >>> from torch import nn
        >>> from repro.trainers.supervised import Supervised
        >>> pool = [(torch.tensor([float(x)]), x % 2) for x in range(8)]
        >>> model = ActiveLearner(nn.Sequential(nn.Dropout(0.5), nn.Linear(1, 2)), acquisitions=2)
        >>> inner = Supervised(5, 2, functools.partial(torch.optim.SGD, lr=0.1))
        >>> trainer = Active(inner, by="bald", start=2, size=1)
        >>> trainer.fit(model, nn.CrossEntropyLoss(), pool, None, Path("."), order_seed=0)["steps"]
        15
        >>> [len(items) for items in chosen_in(Path("."))]
        [2, 1, 1]
    """

    def __init__(
        self,
        trainer: Annotated[Any, TRAINERS],
        by: acquisition.By,
        start: int = 20,
        size: int = 10,
        candidates: int = 0,
        passes: int = 20,
    ) -> None:
        self.trainer, self.by = trainer, by
        self.start, self.size, self.candidates, self.passes = start, size, candidates, passes
        if by not in get_args(acquisition.By):
            raise wrong_value(self, "by", by, f"one of {', '.join(get_args(acquisition.By))}")
        for name, least in (("start", 2), ("size", 1), ("candidates", 0), ("passes", 1)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise wrong_value(self, name, value, f"a whole number from {least}")
        if 0 < candidates < size:
            raise wrong_value(self, "candidates", candidates, f"0, or a whole number from {size}, which is the size")

    def fit(
        self, model: ActiveLearner, loss: Any, train: Any, valid: Any, folder: Path, order_seed: int
    ) -> dict[str, Any]:
        """Train `model` in place. `repro.trainers` describes the arguments and the result."""
        if not isinstance(model, ActiveLearner):
            raise BadInput(f"{name_of(self)} got a model {name_of(model)}", expected="models.ActiveLearner")
        if processes.count() > 1:
            raise BadInput(f"{name_of(self)} was started in {processes.count()} processes", expected="one process")
        last = len(model.networks) - 1
        if len(train) < (needed := self.start + last * self.size):
            raise BadInput(
                f"{name_of(self)} uses {needed} labels", expected=f"at most {len(train)}, the items of train"
            )
        labelled, done = self._first(label_table.labels(train), order_seed), rounds.Rounds()
        for number, network in enumerate(model.networks):
            place = folder / f"round-{number}"
            state = rounds.read(place, network)
            if state is None:
                state = self._round(network, loss, train, valid, place, labelled, _seed(order_seed, TRAIN, number))
                state["next"] = self._next(network, train, labelled, order_seed, number) if number < last else []
                rounds.write(place, network, state["history"], used=state["used"], next=state["next"])
            labelled = [*labelled, *state["next"]]
            done.add(state["history"])
        return done.history()

    def _round(
        self, network: Any, loss: Any, train: Any, valid: Any, place: Path, labelled: list[int], seed: int
    ) -> dict[str, Any]:
        """Train one network. The random state of torch is set, so that a resumed run repeats the dropout masks."""
        log.info("round %s: %d labels", place.name.rpartition("-")[2], len(labelled))
        torch.manual_seed(seed)
        trainer, own = copy.deepcopy(self.trainer), copy.deepcopy(loss)
        found = rounds.trained(trainer, network, own, Subset(train, labelled), valid, place, seed)
        return {"history": found, "used": labelled}

    def _first(self, labels: list[int], order_seed: int) -> list[int]:
        """`start` items, as many of each class, in a random order."""
        classes = sorted(set(labels))
        each, rest = divmod(self.start, len(classes))
        if rest:
            raise wrong_value(self, "start", self.start, f"a multiple of {len(classes)}, the number of classes")
        order = np.random.default_rng(_seed(order_seed, INITIAL, 0)).permutation(len(labels))
        found = [[int(at) for at in order if labels[at] == one][:each] for one in classes]
        if few := [one for one, items in zip(classes, found, strict=True) if len(items) < each]:
            raise BadInput(f"class {few[0]} has fewer than {each} items in train", expected="a smaller start")
        return [at for items in found for at in items]

    def _next(self, network: Any, train: Any, labelled: list[int], order_seed: int, number: int) -> list[int]:
        """The items whose labels the next network gets too."""
        random = np.random.default_rng(_seed(order_seed, CANDIDATES, number))
        known = set(labelled)
        pool = np.array([at for at in range(len(train)) if at not in known])
        if self.candidates and self.candidates < len(pool):
            pool = random.choice(pool, self.candidates, replace=False)
        if self.by == "random":  # no score is needed
            return [int(one) for one in random.permutation(pool)[: self.size]]
        found = self._samples(network, Subset(train, pool.tolist()), _seed(order_seed, MASKS, number))
        return [int(pool[one]) for one in acquisition.chosen(found, self.by, self.size, random)]

    def _samples(self, network: Any, items: Any, seed: int) -> Any:
        """The probabilities of all items (passes, items, K)."""
        here = device.here()
        batches = DataLoader(items, BATCH, generator=torch.Generator())
        bar = progress.bar("score the pool", iterable=batches, unit="batch")
        found = [samples(network, device.moved(inputs, here), self.passes, seed).cpu() for inputs, _ in bar]
        return torch.cat(found, dim=1).numpy()


def chosen_in(folder: Path) -> list[list[int]]:
    """The indices of the items that each round added, of a finished run in `folder`: the first labels, then each size.

    Returns an empty list if there is no finished round.
    """
    found: list[list[int]] = []
    while path := next(iter(folder.glob(f"round-{len(found)}/finished-*.safetensors")), None):
        used = checkpoint_file.read(path)["used"]
        found.append(used[sum(map(len, found)) :])
    return found


def _seed(order_seed: int, which: int, number: int) -> int:
    return int(np.random.SeedSequence([order_seed, which, number]).generate_state(1)[0])
