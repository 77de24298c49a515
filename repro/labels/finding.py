"""Suspects of a finished run: the test items whose labels look wrong, with what the model answers.

The probabilities must be out of sample: the model must not have been trained on the items. Those of a test set are. For
the labels of a training set, use `trainers.CrossValidated` and make the training set the test set too.

Letters: N items, K classes.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
import numpy.typing as npt

from repro import config as configs
from repro import progress, untrusted
from repro.datasets import label_table
from repro.errors import BadInput
from repro.experiment import Experiment
from repro.labels import confident
from repro.models.out_of_sample import OutOfSample
from repro.run import finished

MOST = 100  # suspects: an hour of one annotator
TOLERANCE = 0.01  # by how much the scores of an item may miss the sum 1 and still be probabilities


@dataclass(frozen=True)
class Suspect:
    """One item whose label looks wrong. rank: from 1, the most suspicious. probability: of the answer."""

    rank: int
    index: int
    item: str
    label: str
    answer: str
    probability: float


@dataclass(frozen=True)
class Suspects:
    """The suspects of one test set of a run, most suspicious first, and how many there are without a limit.

    dataset: the test set. scores: the probabilities of all its items (N, K). classes: the names of the classes.
    chosen_by: the acquisition function if these are items to label next (`repro.labels.choosing`); `total` is then the
    number of items without an answer.
    """

    paper: str
    config: str
    seed: int
    test: str
    classes: list[str]
    rows: list[Suspect]
    total: int
    dataset: Any
    scores: npt.NDArray[np.float64]
    chosen_by: str = ""

    @property
    def name(self) -> str:
        """The name of its files: `<config>-seed<N>-<test set>`, and `-<acquisition function>`."""
        return "-".join(filter(None, [self.config, f"seed{self.seed}", self.test, self.chosen_by]))


def find(
    path: Path, seed: int = 0, test: str = "", by: str = "noise rate", most: int = MOST, names: tuple[str, ...] = ()
) -> Suspects:
    """The suspects in a test set of the finished run of the config `path` with `seed`.

    test: the name of the test set; it may be left out if there is only one. by: the method, see
    `repro.labels.confident.suspects`. most: how many suspects at most. names: the names of the classes, for people;
    without them, the dataset's `class_names`, else their numbers.
    Raises BadInput if there is no such run, if the model was trained on the test set, if a target is not a class, or
    if the model does not give one score per class.
    """
    _refuse_method(by)
    _refuse_twice(names)
    built = finished.restored(path, seed)
    name = named(built, test)
    dataset = built.test[name]
    refuse_seen(built, name)
    refuse_number(names, built, dataset)
    given = label_table.labels(dataset)
    scores = probabilities(built, name)
    classes = list(names) or label_table.classes(dataset, [scores.shape[1] - 1])
    refuse_classes(classes, scores.shape[1], max(given))
    found = confident.suspects(given, scores, by)  # type: ignore[arg-type]  # checked above
    items = label_table.ids(dataset)
    rows = [suspect(rank, int(index), items, given, scores, classes) for rank, index in enumerate(found[:most], 1)]
    config = configs.read(path)
    return Suspects(config.paper, config.name, seed, name, classes, rows, len(found), dataset, scores)


def probabilities(built: Experiment, test: str) -> npt.NDArray[np.float64]:
    """The probability of each class for each item of a test set (N, K).

    The outputs of the model are probabilities if they are between 0 and 1 and each row has the sum 1. Otherwise they
    are logits: the softmax is taken. Raises BadInput if an output does not have the shape (K,), or is not finite.
    """
    return all_probabilities(built, built.test[test], test)


def all_probabilities(built: Experiment, dataset: Any, name: str = "items") -> npt.NDArray[np.float64]:
    """The same for the items of a dataset. name: for the progress bar."""
    found: list[Any] = []
    waiting = iter(progressing(range(len(dataset)), name))
    while chosen := list(itertools.islice(waiting, built.batch)):
        found += [np.asarray(one) for one in built.estimates([dataset[index][0] for index in chosen])]
    shapes = {one.shape for one in found}
    if len(shapes) > 1 or len(shape := min(shapes)) != 1 or shape[0] < 2:
        raise BadInput(f"the model's output has the shape {min(shapes)}", expected="one score per class (K,)")
    scores = np.stack(found).astype(float)
    if not np.isfinite(scores).all():
        raise BadInput("a score of the model is not finite", expected="a number for each class")
    return scores if _are_probabilities(scores) else _softmax(scores)


def progressing(indices: Iterable[int], name: str) -> Iterable[int]:
    """The same indices, with a progress bar."""
    return progress.bar(f"answer {name}", iterable=indices, unit="item")


def _are_probabilities(scores: npt.NDArray[np.float64]) -> bool:
    return bool(scores.min() >= 0 and np.abs(scores.sum(axis=1) - 1).max() <= TOLERANCE)


def _softmax(scores: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    grown: npt.NDArray[np.float64] = np.exp(scores - scores.max(axis=1, keepdims=True))
    return grown / grown.sum(axis=1, keepdims=True)


def suspect(
    rank: int, index: int, items: list[str], given: list[int], scores: npt.NDArray[np.float64], classes: list[str]
) -> Suspect:
    """The row of an item, with its name, its label and the most probable class."""
    answer = int(scores[index].argmax())
    probability = float(f"{scores[index, answer]:.4g}")
    return Suspect(rank, index, items[index], classes[given[index]], classes[answer], probability)


def _refuse_method(by: str) -> None:
    if by not in get_args(confident.By):
        raise BadInput(f"no method '{by}'", given=by, known=get_args(confident.By))


def named(built: Experiment, test: str) -> str:
    """The name of the test set. Raises BadInput if there is none with this name, or if several could be meant."""
    if test not in built.test and (test or len(built.test) > 1):
        what = f"no test set '{test}'" if test else f"{len(built.test)} test sets, and no --test"
        raise BadInput(what, given=test, known=built.test)
    return test or next(iter(built.test))


def refuse_seen(built: Experiment, test: str) -> None:
    """Raise BadInput if the model was trained on the items of the test set, with any labels, and not out of sample."""
    if built.train is None or isinstance(built.model, OutOfSample):
        return
    seen = {one.fingerprint() for one in label_table.origins(built.train)}
    if seen & {one.fingerprint() for one in label_table.origins(built.test[test])}:
        what = f"the model was trained on the items of '{test}', so it repeats their labels"
        raise BadInput(what, expected="trainers.CrossValidated, or a test set that the model has not seen")


def _refuse_twice(names: tuple[str, ...]) -> None:
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise BadInput(f"the class '{twice[0]:.80}' is named twice", expected="one name per class")


def refuse_number(names: tuple[str, ...], built: Experiment, dataset: Any) -> None:
    """Raise BadInput if there are names, but not as many as the model has scores: before all items are answered."""
    if names and len(shape := np.asarray(next(iter(built.estimates([dataset[0][0]])))).shape) == 1:
        refuse_classes(list(names), shape[0], 0)


def refuse_classes(classes: list[str], outputs: int, highest: int) -> None:
    """Raise BadInput unless there is one visible name for each of `outputs` scores, and every label has a score."""
    untrusted.refuse_unseen(classes, "the names of the classes")
    if len(classes) != outputs or len(set(classes)) != outputs:
        raise BadInput(f"{len(set(classes))} different names for {outputs} classes", expected="one name per class")
    if highest >= outputs:
        raise BadInput(f"a label is {highest}, but the model has {outputs} scores", expected="one score per class")
