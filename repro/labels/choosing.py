"""Items to annotate next, from a finished run: those whose labels would teach its model most (active learning).

Letters: T samples of the network's weights, N items, K classes.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from repro import config as configs
from repro.datasets import label_table
from repro.errors import BadInput
from repro.experiment import Experiment
from repro.labels import acquisition, finding
from repro.labels.finding import Suspects
from repro.models import dropout_samples
from repro.run import finished

PASSES = 20
SIZE = 10  # items, as in the paper


def choose(
    path: Path,
    seed: int = 0,
    test: str = "",
    by: acquisition.By = "bald",
    size: int = SIZE,
    passes: int = PASSES,
    names: tuple[str, ...] = (),
) -> Suspects:
    """The `size` items of a test set that should get a label next, by the finished run of the config `path`.

    by: the acquisition function, see `repro.labels.acquisition`. passes: masks of Monte Carlo dropout; one for a model
    without dropout. Items that already have an answer in a table of labels of the paper are left out. The other
    arguments, and what is raised, are as in `repro.labels.finding.find`. Raises BadInput too if there are not `size`
    items left, and if `by` measures how far the masks differ and the model has no dropout.
    """
    acquisition.refuse_name(by)
    built = finished.restored(path, seed)
    name = finding.named(built, test)
    dataset = built.test[name]
    finding.refuse_seen(built, name)
    finding.refuse_number(names, built, dataset)
    config, items = configs.read(path), label_table.ids(dataset)
    waiting = _open(config.folder, items)
    if size > len(waiting):
        raise BadInput(
            f"{len(waiting)} of {len(items)} items have no answer yet", expected=f"at least {size}, or --size"
        )
    samples = _samples(built, dataset, by, passes, seed)
    scores: npt.NDArray[np.float64] = samples.mean(axis=0)
    given = label_table.labels(dataset)
    classes = list(names) or label_table.classes(dataset, [scores.shape[1] - 1])
    finding.refuse_classes(classes, scores.shape[1], max(given))
    chosen = acquisition.chosen(samples[:, waiting], by, size, np.random.default_rng(seed))
    rows = [finding.suspect(rank, waiting[one], items, given, scores, classes) for rank, one in enumerate(chosen, 1)]
    return Suspects(config.paper, config.name, seed, name, classes, rows, len(waiting), dataset, scores, by)


def _open(folder: Path, items: list[str]) -> list[int]:
    """The indices of the items that no table of the paper in `folder` has."""
    tables = sorted((folder / label_table.FOLDER).glob("*.csv"))
    known = {answer.item for table in tables for answer in label_table.read(table)}
    return [index for index, item in enumerate(items) if item not in known]


def _samples(built: Experiment, dataset: Any, by: str, passes: int, seed: int) -> npt.NDArray[np.float64]:
    """The probabilities of all items (T, N, K), with T masks of dropout if the model has any."""
    random = built.model is not None and dropout_samples.has_dropout(built.model)
    if not random and by in acquisition.SPREAD:
        known = ", ".join(one for one in ("random", *acquisition.FUNCTIONS) if one not in acquisition.SPREAD)
        raise BadInput(f"'{by}' needs a model with dropout, and this one has none", expected=f"one of {known}")
    if not random:
        return finding.all_probabilities(built, dataset)[None]
    found = np.concatenate(list(_batches(built, dataset, passes, seed)), axis=1)
    if found.ndim != 3 or found.shape[2] < 2 or not np.isfinite(found).all():
        raise BadInput(f"the model's outputs have the shape {found.shape[1:]}", expected="one score per class (K,)")
    return found


def _batches(built: Experiment, dataset: Any, passes: int, seed: int) -> Iterator[npt.NDArray[np.float64]]:
    from torch.utils.data import default_collate

    from repro.training import device

    waiting = iter(finding.progressing(range(len(dataset)), "items"))
    built.model.eval()
    while chosen := list(itertools.islice(waiting, built.batch)):
        inputs = device.moved(default_collate([dataset[index][0] for index in chosen]), device.here())
        yield dropout_samples.samples(built.model, inputs, passes, seed).cpu().numpy().astype(float)
