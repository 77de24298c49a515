"""Confident learning: which labels look wrong, from probabilities of models that have not seen the items.

`suspects` is the entry point. The other functions are its steps. Source: Northcutt, Jiang and Chuang, "Confident
Learning: Estimating Uncertainty in Dataset Labels", JAIR 70, 2021 (arXiv 1911.00068).

Letters: N items, K classes. `labels` (N,) are the given labels, integers in [0, K). `probabilities` (N, K) are those of
the classes, in [0, 1], each row with the sum 1. They must be *out of sample*: a network that was trained on an item
repeats its label. Each function raises BadInput if the two do not fit together.
"""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from repro.errors import BadInput

By = Literal["noise rate", "class", "both", "confident joint", "margin"]
Score = Literal["margin", "self-confidence"]
Numbers = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

SLACK = 1e-6
"""By how much a probability may be below its threshold, or below another one, and still count as equal."""
ROUNDED = 0.01
"""By how much the sum of a row may differ from 1, because probabilities are stored with few digits."""
UNREACHABLE = 2.0  # the threshold of a class that no item has


def suspects(
    labels: npt.ArrayLike,
    probabilities: npt.ArrayLike,
    by: By = "noise rate",
    *,
    calibrate: bool = True,
    order: Score = "margin",
) -> Counts:
    """The indices of the items whose labels look wrong, most suspicious first.

    The confident joint says how many labels are wrong (`confident_joint`). `by` says which ones these are:

    - "noise rate": for each pair of classes, the items with the largest difference between the two probabilities.
    - "class": for each class, the items with the lowest probability of their label.
    - "both": the items that both of these find.
    - "confident joint": the items that are counted as wrong in the confident joint.
    - "margin": the items with the lowest margins of all classes together.

    Except with "margin", an item whose label has the highest probability is never a suspect. calibrate: whether the
    joint is scaled to the number of items of each label first (`calibrated`). order: the score that the items are
    sorted by (`scores`). Raises BadInput.

    Example: the third item has the label 0, but the class 1 is far more probable.

        >>> suspects([0, 0, 0, 1, 1], [[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.2, 0.8], [0.1, 0.9]]).tolist()
        [2]
    """
    given, p = _checked(labels, probabilities)
    if by not in get_args(By):
        raise BadInput(f"no way '{by}' to find suspects", given=str(by), known=get_args(By))
    joint = _joint(given, p)
    joint = calibrated(joint, given) if calibrate else joint
    if by == "margin":
        return _lowest(_scores(given, p, "margin"), estimated_errors(joint, len(given)), _scores(given, p, order))
    found = _by(by, given, p, joint) & ~_most_probable(given, p)
    return _sorted(np.flatnonzero(found), _scores(given, p, order))


def ranked(labels: npt.ArrayLike, probabilities: npt.ArrayLike, order: Score = "margin") -> Counts:
    """The indices (N,) of all items, most suspicious first. Items with equal scores are in their order.

    >>> ranked([0, 0, 1], [[0.9, 0.1], [0.2, 0.8], [0.4, 0.6]]).tolist()
    [1, 2, 0]
    """
    given, p = _checked(labels, probabilities)
    return _sorted(np.arange(len(given)), _scores(given, p, order))


def scores(labels: npt.ArrayLike, probabilities: npt.ArrayLike, order: Score = "margin") -> Numbers:
    """How well each label fits (N,); low: suspicious.

    "margin", in [-1, 1]: the probability of the label minus the highest one of the other classes (the paper's
    *normalized margin*). "self-confidence", in [0, 1]: the probability of the label.

        >>> scores([1, 0], [[0.75, 0.25], [0.75, 0.25]]).tolist()
        [-0.5, 0.5]
    """
    return _scores(*_checked(labels, probabilities), order)


def thresholds(labels: npt.ArrayLike, probabilities: npt.ArrayLike) -> Numbers:
    """The threshold of each class (K,): the mean probability of class k among the items with the label k (Eq. 2).

    A class that no item has gets 2, which no probability reaches.

        >>> thresholds([0, 0, 1], [[1.0, 0.0], [0.5, 0.5], [0.25, 0.75]]).tolist()
        [0.75, 0.75]
    """
    return _thresholds(*_checked(labels, probabilities))


def confident_joint(labels: npt.ArrayLike, probabilities: npt.ArrayLike) -> Counts:
    """The confident joint (K, K): how many items with the label i are confidently of class j (Eq. 1).

    An item is confidently of a class if its probability reaches the threshold of the class. If it reaches several, the
    most probable class counts; an item that reaches none is not counted. Each number on the diagonal is at least 1.

        >>> confident_joint([0, 0, 1], [[0.9, 0.1], [0.1, 0.9], [0.2, 0.8]]).tolist()
        [[1, 1], [0, 1]]
    """
    return _joint(*_checked(labels, probabilities))


def calibrated(joint: Counts, labels: npt.ArrayLike) -> Counts:
    """The joint (K, K), scaled so that row i has the sum of the items with the label i (Eq. 3), in whole numbers.

    The fractions are floating-point numbers, computed in the order of the authors' library: two fractions that are
    equal on paper are rounded as there.

        >>> calibrated(np.array([[2, 1], [0, 3]]), [0] * 6 + [1] * 4).tolist()
        [[4, 2], [0, 4]]
    """
    counts = np.bincount(np.asarray(labels), minlength=len(joint))
    columns = np.ascontiguousarray(joint.T) / np.maximum(joint.sum(axis=1), 1) * counts
    columns = columns / columns.sum() * counts.sum()
    return np.array([_rounded(row, int(total)) for row, total in zip(columns.T, counts, strict=True)], dtype=np.int64)


def estimated_errors(joint: Counts, items: int) -> int:
    """How many of `items` labels the joint estimates to be wrong: its share off the diagonal, rounded down.

    >>> estimated_errors(np.array([[3, 1], [0, 4]]), 100)
    12
    """
    total = int(joint.sum())
    return (total - int(np.trace(joint))) * items // total


def _checked(labels: npt.ArrayLike, probabilities: npt.ArrayLike) -> tuple[Counts, Numbers]:
    given, p = np.asarray(labels), np.asarray(probabilities, dtype=np.float64)
    if p.ndim != 2 or p.shape[1] < 2 or given.shape != (len(p),) or not len(p):
        said = f"labels have the shape {given.shape}, and probabilities {p.shape}"
        raise BadInput(said, expected="(N,) and (N, K), with N from 1 and K from 2")
    if not np.issubdtype(given.dtype, np.integer):
        raise BadInput(f"labels are {given.dtype}", expected="whole numbers")
    _refuse(given, (given < 0) | (given >= p.shape[1]), "label", f"0 to {p.shape[1] - 1}")
    sums = p.sum(axis=1)
    _refuse(sums, ~(np.abs(sums - 1) <= ROUNDED), "sum of probabilities", "1")
    _refuse(p.min(axis=1), p.min(axis=1) < -SLACK, "lowest probability", "a number in [0, 1]")
    return given.astype(np.int64), p


def _refuse(values: npt.NDArray[Any], wrong: npt.NDArray[np.bool_], name: str, expected: str) -> None:
    if wrong.any():
        first = int(np.argmax(wrong))
        raise BadInput(f"item {first}: the {name} is {values[first]:g}", expected=expected)


def _thresholds(given: Counts, p: Numbers) -> Numbers:
    counts = np.bincount(given, minlength=p.shape[1])
    own = np.bincount(given, weights=_of(given, p), minlength=p.shape[1])
    return np.where(counts > 0, np.maximum(own / np.maximum(counts, 1), 2 * SLACK), UNREACHABLE)


def _confident(given: Counts, p: Numbers) -> Counts:
    """The class that each item is confidently of (N,), or -1."""
    reached = p >= _thresholds(given, p) - SLACK
    several = reached.sum(axis=1)
    return np.where(several > 1, p.argmax(axis=1), np.where(several == 1, reached.argmax(axis=1), -1))


def _joint(given: Counts, p: Numbers) -> Counts:
    classes, guess = p.shape[1], _confident(given, p)
    pairs = (given * classes + guess)[guess >= 0]
    joint = np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)
    np.fill_diagonal(joint, np.maximum(np.diagonal(joint), 1))
    return joint


def _rounded(row: Numbers, total: int) -> Counts:
    """The row in whole numbers with the sum `total`: those that rounding changed most are rounded the other way."""
    whole = np.round(row).astype(np.int64)
    missing = total - int(whole.sum())
    order = np.argsort(row - whole, kind="stable")
    whole[order[::-1][:missing] if missing > 0 else order[:-missing]] += np.sign(missing)
    return whole


def _by(by: By, given: Counts, p: Numbers, joint: Counts) -> npt.NDArray[np.bool_]:
    if by == "confident joint":
        guess = _confident(given, p)
        return (guess >= 0) & (guess != given)
    joint = _one_stays(joint)
    found = np.ones(len(given), dtype=bool)
    if by in ("class", "both"):
        found &= _by_class(given, p, joint)
    if by in ("noise rate", "both"):
        found &= _by_noise_rate(given, p, joint)
    return found


def _one_stays(joint: Counts) -> Counts:
    """The joint with at least 1 on the diagonal, so that no class loses all items. What is added is taken evenly."""
    lacks = np.maximum(1 - np.diagonal(joint), 0)
    others = np.maximum(np.count_nonzero(joint, axis=1) - 1, 1)
    fewer = np.maximum(joint - (lacks / others)[:, None], 0).astype(np.int64)
    np.fill_diagonal(fewer, np.maximum(np.diagonal(joint), 1))
    return fewer


def _by_class(given: Counts, p: Numbers, joint: Counts) -> npt.NDArray[np.bool_]:
    """For each class, as many of its items as the joint has off the diagonal: those with the lowest probability."""
    found = np.zeros(len(given), dtype=bool)
    for k in range(p.shape[1]):
        items = np.flatnonzero(given == k)
        wrong = max(len(items) - int(joint[k, k]), 0) if len(items) > 1 else 0
        found[items[np.argsort(p[items, k], kind="stable")[:wrong]]] = True
    return found


def _by_noise_rate(given: Counts, p: Numbers, joint: Counts) -> npt.NDArray[np.bool_]:
    """For each label k and other class j, as many items as the joint has there: those with the largest p_j - p_k."""
    found = np.zeros(len(given), dtype=bool)
    for k in range(p.shape[1]):
        items = np.flatnonzero(given == k)
        if len(items) > 1:
            differences = p[items] - p[items, k][:, None]
            for j in np.flatnonzero(joint[k] * (np.arange(p.shape[1]) != k)):
                found[items[np.argsort(-differences[:, j], kind="stable")[: joint[k, j]]]] = True
    return found


def _most_probable(given: Counts, p: Numbers) -> npt.NDArray[np.bool_]:
    """Whether no other class is more probable than the label, except by a rounding error."""
    return _others(given, p) <= _of(given, p) + SLACK


def _scores(given: Counts, p: Numbers, order: Score) -> Numbers:
    if order not in get_args(Score):
        raise BadInput(f"no score '{order}'", given=str(order), known=get_args(Score))
    own = _of(given, p)
    return own if order == "self-confidence" else own - _others(given, p)


def _of(given: Counts, p: Numbers) -> Numbers:
    return p[np.arange(len(given)), given]


def _others(given: Counts, p: Numbers) -> Numbers:
    """The highest probability of another class than the label (N,)."""
    others = p.copy()
    others[np.arange(len(given)), given] = -np.inf
    return others.max(axis=1)


def _sorted(indices: Counts, values: Numbers) -> Counts:
    return indices[np.argsort(values[indices], kind="stable")]


def _lowest(values: Numbers, count: int, order: Numbers) -> Counts:
    return _sorted(np.sort(np.argsort(values, kind="stable")[:count]), order)
