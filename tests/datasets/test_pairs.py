"""Items before and after a change, and chosen items."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch
from torch.utils.data import Dataset

from repro.claim import paper as papers
from repro.datasets.chosen import Chosen, Missed
from repro.datasets.digits import Digits
from repro.datasets.mixtures import SpeechMixtures
from repro.datasets.pairs import BeforeAndAfter, Pairs
from repro.datasets.perturb_images import ImageNoise, Rotation
from repro.datasets.perturb_sounds import Delay, Level, SoundNoise
from repro.datasets.perturb_texts import Negation, OtherNames
from repro.datasets.voices import SyntheticVoices
from repro.errors import BadInput
from repro.testing import check_dataset


class Texts(Dataset[tuple[str, int]]):
    """Four texts, two of them with a name."""

    texts = ("John sings.", "A dull film.", "Mary is funny.", "It was long.")
    labels = (1, 0, 1, 0)

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, index: int) -> tuple[str, int]:
        if not 0 <= index < len(self.texts):
            raise IndexError(index)
        return self.texts[index], self.labels[index]

    def fingerprint(self) -> str:
        return "texts"


def mixtures() -> SpeechMixtures:
    return SpeechMixtures(SyntheticVoices("test", speakers=3, utterances=1, seconds=0.5), size=4, seconds=0.25)


DATASETS = [
    BeforeAndAfter(Digits("test", size=8), ImageNoise(0.1)),
    BeforeAndAfter(Texts(), OtherNames()),
    BeforeAndAfter(mixtures(), Level(6.0)),
    BeforeAndAfter(mixtures(), SoundNoise(20.0)),
    Pairs(BeforeAndAfter(Digits("test", size=8), Rotation(10)), "lower", score=3),
    Pairs(BeforeAndAfter(mixtures(), Delay(10))),
    Chosen(Digits("test", size=8), [5, 2, 290]),
]


@pytest.mark.parametrize("dataset", DATASETS, ids=lambda one: type(one).__name__)
def test_it_is_a_dataset(dataset: Any) -> None:
    check_dataset(dataset)


def test_the_items_that_do_not_change_are_left_out() -> None:
    both = BeforeAndAfter(Texts(), OtherNames())
    assert both.rows == [0, 2] and both.texts[:2] == ["John sings.", "Mary is funny."] and both.labels == [1, 1, 1, 1]
    assert all(before != after for before, after in zip(both.texts[:2], both.texts[2:], strict=True))
    with pytest.raises(BadInput):
        len(BeforeAndAfter(Chosen(Texts(), [0, 1]), Negation()))


def test_the_change_of_an_item_depends_on_its_number_and_the_seed_alone() -> None:
    digits = Digits("test", size=8)
    whole, part = (BeforeAndAfter(one, ImageNoise(0.1)) for one in (digits, Chosen(digits, [0, 1, 2])))
    assert torch.equal(whole[297 + 2][0], part[3 + 2][0])
    other = BeforeAndAfter(digits, ImageNoise(0.1), seed=1)
    assert not torch.equal(whole[297][0], other[297][0]) and torch.equal(whole[0][0], other[0][0])


def test_the_fingerprint_changes_with_the_parameters() -> None:
    digits = Digits("test", size=8)
    sources = [BeforeAndAfter(digits, one, seed) for one in (ImageNoise(0.1), ImageNoise(0.2)) for seed in (0, 1)]
    pairs = [Pairs(sources[0], *given) for given in ((), ("lower",), ("lower", 1))]
    assert len({one.fingerprint() for one in (*sources, *pairs)}) == 7


@pytest.mark.parametrize("change", [Level(6.0), Delay(10), SoundNoise(20.0)], ids=lambda one: type(one).__name__)
def test_a_mixture_stays_a_mixture(change: Any) -> None:
    both = BeforeAndAfter(mixtures(), change)
    for index in range(4):
        (before, sources), (after, changed) = both[index], both[4 + index]
        assert after["num_sources"] == before["num_sources"] and changed.shape == sources.shape
        assert torch.equal(after["mixture"], changed.sum(0)) == change.linear
        assert torch.equal(changed, sources) != change.linear
        assert not torch.equal(after["mixture"], before["mixture"])


def test_a_pair_has_both_inputs_and_what_must_hold() -> None:
    both = BeforeAndAfter(Digits("test", size=8), ImageNoise(0.1))
    (before, after), target = Pairs(both, "higher")[7]
    assert torch.equal(before, both[7][0]) and torch.equal(after, both[297 + 7][0])
    assert target == {"before": both[7][1], "after": both[7][1], "expect": "higher", "score": both[7][1]}
    assert Pairs(both, "higher", score=0)[7][1]["score"] == 0
    with pytest.raises(BadInput):
        len(Pairs(Chosen(both, [1, 2, 3])))


@pytest.mark.parametrize("items", [[], [1, 1], [-1], [297]])
def test_a_list_with_a_wrong_number_is_refused(items: list[int]) -> None:
    with pytest.raises(BadInput):
        len(Chosen(Digits("test", size=8), items))


@pytest.fixture
def missed(paper: Any) -> Any:
    """A paper with one record of four texts, the second and the last of them wrong; what a change of it gives."""
    path = paper.folder / "records" / "line-seed0.json"
    row = json.loads((papers.find("template").folder / "records" / path.name).read_text()) | {"paper": paper.name}

    def write(values: list[float], print_: str = "texts", better: str = "higher") -> Missed:
        row["measurements"] = [{"test": "test", "metric": "Accuracy", "identity": {"better": better}, "values": values}]
        row["data"], row["items"], row["examples"] = {"test": print_}, {}, []
        path.write_text(json.dumps(row))
        return Missed(Texts(), f"{paper.name}/line-seed0")

    return write


def test_the_items_that_an_earlier_model_got_wrong(missed: Any) -> None:
    found = missed([1.0, 0.0, 1.0, 0.0])
    assert found.rows == [1, 3] and [found[index] for index in range(2)] == [Texts()[1], Texts()[3]]
    assert found.fingerprint() != missed([0.0, 1.0, 1.0, 0.0]).fingerprint()


@pytest.mark.parametrize(
    "given",
    [([1.0, 1.0, 1.0, 1.0],), ([1.0, 0.0, 0.5, 1.0],), ([1.0, 0.0, 1.0, 0.0], "other")],
    ids=["none is wrong", "no share", "other data"],
)
def test_a_record_that_cannot_say_what_was_wrong_is_refused(missed: Any, given: Any) -> None:
    with pytest.raises(BadInput):
        len(missed(*given))


@pytest.mark.parametrize("name", ["template/lines-seed0", "templat/line-seed0", "template"])
def test_a_record_that_does_not_exist_is_refused_with_the_nearest_name(name: str) -> None:
    with pytest.raises(BadInput) as error:
        len(Missed(Texts(), name))
    assert error.value.known
