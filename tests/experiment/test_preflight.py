"""What a run refuses before it trains."""

from __future__ import annotations

from typing import Any

import pytest

from repro import run
from repro.data import catalogue
from repro.errors import BadInput
from repro.experiment import Experiment, preflight
from repro.metrics import Identity
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
     "has 'names' that is not a list (a method?)"),
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
    assert not list(untrained.records.glob("*-seed*"))


@pytest.mark.parametrize(("part", "starts"), [
    ("model", ("experiment.model =",)), ("train", ("experiment.train =", "train/datasets.NoisyLine.size")),
])  # fmt: skip
def test_a_trainer_needs_a_model_and_data(untrained: Any, part: str, starts: tuple[str, ...]) -> None:
    lines = (untrained.folder / "configs" / "base.gin").read_text().splitlines(keepends=True)
    path = untrained.config("bare", "".join(line for line in lines if not line.startswith(starts)), base="")
    with pytest.raises(BadInput) as caught:
        run.run(path)
    number = 1 + path.read_text().splitlines().index("experiment.trainer = @trainers.Supervised()")
    assert caught.value.where == f"{path}:{number}" and f"experiment.{part}" in caught.value.what


def test_a_run_asks_the_model_about_each_dataset(untrained: Any) -> None:
    check = "\n    def check_data(self, dataset):\n        raise BadInput(f'{len(dataset)} points')\n\n    def forward("
    edited(untrained, "model.py", "\n    def forward(", check)
    edited(untrained, "model.py", "import torch\n", "import torch\nfrom repro.errors import BadInput\n")
    with pytest.raises(BadInput, match="200 points"):
        run.run(untrained.folder / "configs" / "line.gin")


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


def test_a_config_may_require_its_data(paper: Any) -> None:
    """By fingerprint; other data is refused before training, and said."""
    found, _ = run.run(paper.folder / "configs" / "smoke.gin")
    right = paper.config("right", f"experiment.data = {{'test': '{found.data['test']}'}}")
    assert run.run(right)[0].data == found.data
    wrong = paper.config("wrong", f"experiment.data = {{'train': '{found.data['test']}'}}")
    with pytest.raises(BadInput, match=f"asks for {found.data['test']} as 'train'; found {found.data['train']}"):
        run.run(wrong)


@pytest.mark.parametrize(("wanted", "words"), [
    ("{'tset': 'mnist/test'}", "a role 'tset'; did you mean 'test'?"),
    ("{'test': 'mnist/test'}", r"for mnist/test as 'test' \(26120b4578752d7d\); found \w+ \(not in the catalogue\)"),
    ("{'test': 'mnst/test'}", "no data set 'mnst' in the catalogue; did you mean 'mnist'?"),
    ("{'test': 'mnist'}", "asks for 'mnist' as 'test'; expected NAME/VARIANT, or a fingerprint"),
    ("{'test': 'mnist/tst'}", "mnist has no variant 'tst'; did you mean 'test'?"),
])  # fmt: skip
def test_other_data_than_required_is_refused(untrained: Any, wanted: str, words: str) -> None:
    with pytest.raises(BadInput, match=words.replace("?", r"\?")):
        run.run(untrained.config("picky", f"experiment.data = {wanted}"))


def test_what_a_dataset_is_made_from_may_meet_the_requirement() -> None:
    """A view of MNIST satisfies `mnist/test`, MNIST's training set in its place is named as what it is."""

    class Held:
        def __init__(self, fingerprint: str, source: Any = None) -> None:
            self.source, self.fingerprint = source, lambda: fingerprint

        def __len__(self) -> int:
            return 1

    known = {split: catalogue.fingerprint(f"mnist/{split}") for split in ("train", "test")}
    metric = type("Any", (), {"identity": Identity("Any", better="lower")})()
    view = Experiment({"test": Held("view", Held(known["test"]))}, [metric], data={"test": "mnist/test"})
    assert preflight.data(view) == {"test": "view"}
    other = Experiment({"test": Held("view", Held(known["train"]))}, [metric], data={"test": "mnist/test"})
    with pytest.raises(BadInput, match=r"found view \(not in the catalogue\) made from \w+ \(mnist/train\)"):
        preflight.data(other)
