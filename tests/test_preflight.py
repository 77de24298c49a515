"""What a run refuses before it trains."""

from __future__ import annotations

from typing import Any

import pytest

from repro import run
from repro.errors import BadInput
from repro.experiment import Experiment
from repro.testing import check_dataset

METRIC = 'metric = "SquaredError"'
NAMED = "[str(index) for index in range(size)]"


@pytest.fixture
def untrained(paper: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The copied paper; a run that begins to train fails the test."""

    def fit(*_: Any) -> None:
        raise AssertionError("the run has begun to train")

    monkeypatch.setattr(Experiment, "fit", fit)
    return paper


def edited(paper: Any, file: str, *change: str) -> None:
    path = paper.folder / file
    text = path.read_text()
    assert change[0] in text
    path.write_text(text.replace(*change, 1))


@pytest.mark.parametrize(("file", "change", "words"), [
    ("dataset.py", ("def fingerprint", "def print_of"), "dataset 'train' (NoisyLine) has no fingerprint()"),
    ("dataset.py", ("self.x =", f"self.names = {NAMED[:-1]}][1:]\n        self.x ="), "499 names for 500 items"),
    ("dataset.py", ("self.x =", "self.names = ['a'] * size\n        self.x ="), "two items that are called 'a'"),
    ("dataset.py", ("def fingerprint", "def names(self) -> list[str]:\n        return []\n\n    def fingerprint"),
     "names that are no list (a method?)"),
    ("paper.toml", (METRIC, 'metric = "SquareError"'),
     "the metric 'SquareError', which its config does not have; did you mean 'SquaredError'"),
    ("paper.toml", (METRIC, f'{METRIC}\ntest = "tset"'),
     "the test set 'tset', which its config does not have; did you mean 'test'"),
    ("paper.toml", (METRIC, f'{METRIC}\nitem = "a"'), "the item 'a', which its config does not have"),
])  # fmt: skip
def test_what_would_be_found_after_hours_is_found_at_once(untrained: Any, file: str, change: Any, words: str) -> None:
    edited(untrained, file, *change)
    with pytest.raises(BadInput) as caught:
        run.run(untrained.folder / "configs" / "line.gin")
    assert words in str(caught.value)
    assert not list(untrained.records.glob("*"))


def test_the_other_side_of_a_comparison_is_asked_too(untrained: Any) -> None:
    text = (untrained.folder / "paper.toml").read_text()
    untrained.toml(text.replace('over = "configs/mean.gin"', 'over = "configs/mean.gin"\nover_test = "other"'))
    with pytest.raises(BadInput, match=r"paper\.toml:\d+: claim 'fit.beats-mean' asks for the test set 'other'"):
        run.run(untrained.folder / "configs" / "mean.gin")


def test_named_items_are_in_the_record(paper: Any) -> None:
    edited(paper, "dataset.py", "self.x =", f"self.names = {NAMED}\n        self.x =")
    found, _ = run.run(paper.folder / "configs" / "smoke.gin")
    assert found.items == {"test": [str(index) for index in range(500)]}


def test_the_battery_checks_names() -> None:
    class Two:
        names = ("a", "a")

        def __len__(self) -> int:
            return 2

        def __getitem__(self, index: int) -> tuple[int, int]:
            return index, index

    with pytest.raises(AssertionError, match="names"):
        check_dataset(Two())
