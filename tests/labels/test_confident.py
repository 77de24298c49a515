"""Confident learning: the reference library item by item, the definitions written as loops, and bad input."""

from __future__ import annotations

import functools
import json
import time
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from repro.data import store
from repro.errors import BadInput
from repro.labels import confident

RELEASED = {"mnist": 100, "imdb": 1310, "cifar10": 275, "20news": 93}
"""The sets with released probabilities, and how many items of each were shown to the crowd."""
NAMES = {
    "noise rate": "prune_by_noise_rate",
    "class": "prune_by_class",
    "both": "both",
    "confident joint": "confident_learning",
}


def noisy(items: int, classes: int, flipped: float, seed: int) -> tuple[Any, Any, Any]:
    """Labels of which a share is drawn again, probabilities that know the true ones, and the true ones."""
    chance = np.random.default_rng(seed)
    true = chance.integers(0, classes, items)
    logits = chance.normal(size=(items, classes))
    logits[np.arange(items), true] += 3
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return np.where(chance.random(items) < flipped, chance.integers(0, classes, items), true), p, true


DRAWN = [(items, classes, seed) for items in (60, 500, 3000) for classes in (2, 3, 10, 30) for seed in (0, 1, 2)]


def released(name: str) -> tuple[Any, Any]:
    if store.where("label_errors") is None:
        pytest.skip("the data set label_errors is not on this machine")
    folder = store.folder("label_errors")
    labels = np.load(folder / f"{name}_test_set_original_labels.npy", allow_pickle=False)
    p = np.load(folder / f"{name}_test_set_pyx.npy", allow_pickle=False)
    return labels.astype(int), p / p.sum(axis=1, keepdims=True)  # the reference accepts nothing above 1


@pytest.fixture
def reference(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The authors' library. It sorts equal numbers in their order, as we do: by default this differs by processor."""
    library = pytest.importorskip("cleanlab.filter", reason="cleanlab is not installed (the extra `test`)")
    monkeypatch.setattr(np, "argsort", functools.partial(np.argsort, kind="stable"))
    return library


@pytest.mark.filterwarnings("ignore:May not flag all label issues", "ignore:The supplied `confident_joint`")
@pytest.mark.parametrize(("items", "classes", "seed"), DRAWN)
def test_suspects_are_those_of_the_reference(reference: Any, items: int, classes: int, seed: int) -> None:
    labels, p, _ = noisy(items, classes, 0.2, seed)
    for calibrate in (False, True):
        joint = of_reference(labels, p, calibrate)
        found = confident.confident_joint(labels, p)
        assert ((confident.calibrated(found, labels) if calibrate else found) == joint).all()
        for by, name in NAMES.items():
            expected = reference.find_label_issues(
                labels, p, filter_by=name, confident_joint=joint, n_jobs=1, return_indices_ranked_by="normalized_margin"
            )
            assert confident.suspects(labels, p, by, calibrate=calibrate).tolist() == expected.tolist(), by  # type: ignore[arg-type]


def of_reference(labels: Any, p: Any, calibrate: bool) -> Any:
    count = pytest.importorskip("cleanlab.count", reason="cleanlab is not installed (the extra `test`)")
    return count.compute_confident_joint(labels, p, calibrate=calibrate)


@pytest.mark.parametrize("name", RELEASED)
@pytest.mark.parametrize("by", NAMES)
@pytest.mark.parametrize("order", ["margin", "self-confidence"])
def test_suspects_of_real_data_are_those_of_the_reference(reference: Any, name: str, by: Any, order: Any) -> None:
    labels, p = released(name)
    ranked_by = {"margin": "normalized_margin", "self-confidence": "self_confidence"}[order]
    expected = reference.find_label_issues(labels, p, filter_by=NAMES[by], n_jobs=1, return_indices_ranked_by=ranked_by)
    assert confident.suspects(labels, p, by, order=order).tolist() == expected.tolist()


@pytest.mark.parametrize(("name", "shown"), RELEASED.items())
def test_the_crowd_was_shown_the_lowest_margins(name: str, shown: int) -> None:
    labels, p = released(name)
    crowd = json.loads((store.folder("label_errors") / f"{name}_mturk.json").read_text(encoding="utf-8"))
    ids = {str(entry["id"]) for entry in crowd}
    if name == "imdb":
        files = json.loads((store.folder("label_errors") / "imdb_test_set_index_to_filename.json").read_text())
        named = [f"test/{Path(file).with_suffix('')}" for file in files]
    else:
        named = [str(index) for index in range(len(labels))]
    assert len(crowd) == shown
    assert {named[index] for index in confident.ranked(labels, p)[:shown]} == ids


def test_thresholds_and_joint_follow_their_definitions() -> None:
    """Equations 1 and 2, as loops over the items."""
    labels, p, _ = noisy(300, 4, 0.3, seed=5)
    thresholds = [np.mean([row[k] for row, label in zip(p, labels, strict=True) if label == k]) for k in range(4)]
    joint = np.zeros((4, 4), dtype=int)
    for row, label in zip(p, labels, strict=True):
        reached = [k for k in range(4) if row[k] >= thresholds[k]]
        if reached:
            joint[label, max(reached, key=lambda k: row[k])] += 1
    assert confident.thresholds(labels, p) == pytest.approx(thresholds)
    assert confident.confident_joint(labels, p).tolist() == joint.tolist()


def test_flipped_labels_are_found() -> None:
    labels, p, true = noisy(2000, 5, 0.1, seed=1)
    wrong = set(np.flatnonzero(labels != true).tolist())
    found = set(confident.suspects(labels, p).tolist())
    assert len(found & wrong) > 0.8 * len(found) and len(found & wrong) > 0.5 * len(wrong)


@pytest.mark.parametrize("by", [*NAMES, "margin"])
def test_suspects_do_not_depend_on_the_order_of_items_or_classes(by: Any) -> None:
    """With the counts as they are: scaled ones are rounded, and of equal fractions one is chosen."""
    labels, p, _ = noisy(500, 4, 0.2, seed=2)
    items, classes = np.random.default_rng(0).permutation(500), np.array([2, 0, 3, 1])
    moved = confident.suspects(np.argsort(classes)[labels][items], p[items][:, classes], by, calibrate=False)
    assert sorted(items[moved].tolist()) == sorted(confident.suspects(labels, p, by, calibrate=False).tolist())


def test_perfect_probabilities_have_no_suspects() -> None:
    labels = np.arange(30) % 3
    for by in (*NAMES, "margin"):
        assert not len(confident.suspects(labels, np.eye(3)[labels], by))  # type: ignore[arg-type]


def test_a_class_without_items_and_one_with_a_single_item() -> None:
    p = np.array([[0.1, 0.8, 0.1, 0.0], [0.8, 0.1, 0.1, 0.0], [0.7, 0.1, 0.2, 0.0], [0.9, 0.05, 0.05, 0.0]])
    assert confident.thresholds([0, 0, 0, 1], p)[3] > 1
    assert 3 not in confident.suspects([0, 0, 0, 1], p, "class")  # the only item of its class stays


@pytest.mark.parametrize(
    ("labels", "p", "what"),
    [
        ([0, 1], [[0.5, 0.5]], "(2,)"),
        ([], np.zeros((0, 2)), "(0,)"),
        ([0], [[1.0]], "(1, 1)"),
        ([0, 2], [[0.5, 0.5], [0.5, 0.5]], "item 1"),
        ([0, -1], [[0.5, 0.5], [0.5, 0.5]], "item 1"),
        ([0.0, 1.0], [[0.5, 0.5], [0.5, 0.5]], "float"),
        ([0, 1], [[0.5, 0.5], [0.5, float("nan")]], "item 1"),
        ([0, 1], [[0.5, 0.5], [2.0, -1.0]], "item 1"),
        ([0, 1], [[0.5, 0.5], [3.0, 4.0]], "item 1"),
    ],
)
def test_bad_input_is_one_line(labels: Any, p: Any, what: str) -> None:
    with pytest.raises(BadInput) as caught:
        confident.suspects(labels, p)
    assert what in str(caught.value) and "\n" not in str(caught.value) and caught.value.expected


def test_a_wrong_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(BadInput) as caught:
        confident.suspects([0, 1], [[1.0, 0.0], [0.0, 1.0]], "noise_rate")  # type: ignore[arg-type]
    assert caught.value.nearest == "noise rate"
    with pytest.raises(BadInput):
        confident.ranked([0, 1], [[1.0, 0.0], [0.0, 1.0]], "entropy")  # type: ignore[arg-type]


@pytest.mark.slow
@pytest.mark.parametrize("by", [*NAMES, "margin"])
def test_a_hundred_thousand_items_take_at_most_5_s_and_1_gb(by: Any) -> None:
    labels, p, _ = noisy(100_000, 100, 0.1, seed=0)
    began = time.process_time()
    assert len(confident.suspects(labels, p, by))
    assert time.process_time() - began <= 5
    tracemalloc.start()
    confident.suspects(labels, p, by)
    assert tracemalloc.get_traced_memory()[1] + p.nbytes <= 1e9
    tracemalloc.stop()
