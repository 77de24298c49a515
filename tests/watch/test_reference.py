"""A record as the reference: the answers of its run to its first test set."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from repro.datasets.digits import Digits
from repro.errors import BadInput
from repro.labels import finding
from repro.run import finished
from repro.watch import log, reference, watching
from repro.watch.checks import expected_accuracy
from tests.labels import study as digits
from tests.watch.logs import header, written


@pytest.fixture
def ran(paper: Any, repro: Callable[..., tuple[int, str, str]]) -> Path:
    """The config of a finished run on digits."""
    path = digits.digits(paper)
    assert repro("run", path)[0] == 0
    return path


def test_a_record_is_the_reference(ran: Path, tmp_path: Path, repro: Any) -> None:
    built = finished.restored(ran)
    right = finding.probabilities(built, "right")
    classes = [str(number) for number in range(10)]
    first = header(config=ran.as_posix(), classes=classes)
    record = ran.parent.parent / "records" / "digits-seed0.json"
    written(tmp_path / "same", right[:100], [{}] * 100, first=first)
    one = right[right.argmax(1) == 1]
    written(tmp_path / "ones", np.repeat(one, 100 // len(one) + 1, 0)[:100], [{}] * 100, first=first)
    assert repro("watch", tmp_path / "same", "--reference", record, "--window", 50)[0] == 0
    code, out, _ = repro("watch", tmp_path / "ones", "--reference", record, "--window", 50)
    assert code == 1
    assert "accuracy" in out
    found = reference.of(str(record), first)
    assert len(found) == len(Digits("test"))
    assert found.labels is not None
    expected = np.mean(found.answers.argmax(1) == found.labels)
    assert expected_accuracy(found, found.answers.max(1)) == pytest.approx(expected)
    written(tmp_path / "other", right[:100], [{}] * 100, first=header(config="papers/mine/configs/cnn.gin"))
    with pytest.raises(BadInput):
        watching.watch(tmp_path / "other", reference=str(record), window=50)


def test_a_record_can_be_named(ran: Path) -> None:
    paper = ran.parent.parent.name
    record = f"{paper}/digits-seed0"
    first = header(
        config=ran.as_posix(), record=f"papers/{paper}/records/digits-seed0.json", classes=list("0123456789")
    )
    assert len(reference.of(record, first)) == len(Digits("test"))


def test_the_record_of_another_seed_is_refused(ran: Path) -> None:
    paper = ran.parent.parent.name
    first = header(
        config=ran.as_posix(), record=f"papers/{paper}/records/digits-seed1.json", classes=list("0123456789")
    )
    with pytest.raises(BadInput) as caught:
        reference.of(f"papers/{paper}/records/digits-seed0.json", first)
    assert caught.value.expected == first.record


def test_a_record_without_its_run_is_refused(ran: Path, tmp_path: Path) -> None:
    first = header(config=ran.as_posix(), classes=[str(number) for number in range(10)])
    with pytest.raises(BadInput):
        reference.of(str(ran.parent.parent / "records" / "digits-seed7.json"), first)


def test_a_sample_has_each_input_once_and_only_finite_answers() -> None:
    def request(item: str, answer: list[float | None]) -> log.Request:
        return log.Request(log.now(), item, {"mean": 0.5}, answer, 0.1)

    found = reference.sample([request("a", [0.5]), request("a", [0.5]), request("b", [None]), request("c", [0.25])])
    assert found.answers.ravel().tolist() == [0.5, 0.25]
    assert found.broken == 1
    assert len(reference.sample([request("b", [None])])) == 0
