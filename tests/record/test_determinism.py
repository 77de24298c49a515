"""The determinism certificate: the class that follows from what was measured, what agrees within it, the file."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.errors import BadInput
from repro.record import Record, determinism
from repro.record.determinism import BITWISE, COARSEST, STATISTICAL, Certificate, Class, Comparison, agree, moved

HERE = {"system": "Linux", "processor": "Abacus", "accelerator": "none", "threads": 1, "python": "3.11.7",
        "packages": {"torch": "2.13.0"}}  # fmt: skip
NOTHING = dict.fromkeys(determinism.COMPARISONS, Comparison())
SMALL = Certificate("d", {"papers.p.model": "m"}, HERE, NOTHING, 20, "2026-01-02T03:04:05+00:00")
VALUES = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20)


def measured(**found: Comparison) -> Certificate:
    """One with these comparisons; the other ones found nothing."""
    return replace(SMALL, comparisons=NOTHING | found)


@pytest.mark.parametrize(("found", "wanted"), [
    ({}, "bitwise"),
    ({"ranks": Comparison(why="the trainer takes no steps")}, "bitwise"),
    ({"ranks": Comparison(1e-8, 3e-5)}, "within 0.0001"),
    ({"ranks": Comparison(1e-8, 1e-4)}, "within 0.0001"),
    ({"ranks": Comparison(1e-8, 3e-5), "workers": Comparison(0.1, 2e-4)}, "within 0.001"),
    ({"resume": Comparison(1e-9, 0.0)}, "within 1e-06"),
    ({"seed twice": Comparison(1.0, 1e-3)}, "within 0.001"),
    ({"seed twice": Comparison(1.0, 1.1e-3)}, "statistical"),
    ({"seed twice": Comparison(1.0, 9.0, why="it does not apply, whatever stands here")}, "bitwise"),
])  # fmt: skip
def test_the_class_follows_from_the_largest_difference_that_applies(found: Any, wanted: str) -> None:
    assert str(measured(**found).determinism) == wanted


def test_within_e_is_of_the_largest_value_and_exact_at_its_border() -> None:
    assert moved([1000.0, 0.0], [1000.0, 0.5]) == 0.0005
    assert agree(Class("within", 0.0005), [1000.0, 0.0], [1000.0, 0.5])
    assert not agree(Class("within", 0.0005), [1000.0, 0.0], [1000.0, 0.500001])
    assert moved([0.0, -0.0], [0.0, 0.0]) == 0.0, "what is all zero moves by nothing"


def test_bitwise_asks_for_the_very_same_numbers() -> None:
    assert agree(BITWISE, [0.1, 0.2], [0.1, 0.2])
    assert not agree(BITWISE, [0.1, 0.2], [0.1, 0.2 + 1e-16])
    assert not agree(BITWISE, [0.1, 0.2], [0.2, 0.1]), "item by item"


def test_statistical_tells_other_means_apart_and_not_other_chance() -> None:
    """What is hard for one run is hard for the other; the rest is chance."""
    draw = random.Random(0)
    hard = [draw.gauss(5.0, 1.0) for _ in range(400)]
    ours, theirs = ([value + draw.gauss(0.0, 0.5) for value in hard] for _ in range(2))
    assert agree(STATISTICAL, ours, theirs) and not agree(Class("within", COARSEST), ours, theirs)
    assert not agree(STATISTICAL, ours, [value + 0.5 for value in theirs])
    assert not agree(STATISTICAL, [1.0], [1.01]), "of one item each nothing is known of the spread"


def test_invented_items_of_the_right_mean_do_not_agree() -> None:
    """As many errors as a run would make, but not on its items."""
    draw = random.Random(0)
    errors = [float(draw.random() < 0.05) for _ in range(2000)]
    again = [1.0 - error if draw.random() < 0.01 else error for error in errors]
    invented = [1.0] * int(sum(errors)) + [0.0] * (2000 - int(sum(errors)))
    assert agree(STATISTICAL, errors, again) and not agree(STATISTICAL, errors, invented)


@given(VALUES, st.floats(-1e-2, 1e-2), st.sampled_from([1e-6, 1e-5, 1e-4, 1e-3]))
def test_what_agrees_within_a_class_agrees_within_a_laxer_one(values: list[float], by: float, e: float) -> None:
    other = [value * (1 + by) for value in values]
    agreeing = [agree(one, values, other) for one in (BITWISE, Class("within", e), STATISTICAL)]
    assert agreeing == sorted(agreeing)
    assert [agree(one, other, values) for one in (BITWISE, Class("within", e), STATISTICAL)] == agreeing, "either way"


@pytest.mark.parametrize("wanted", [BITWISE, Class("within", COARSEST), STATISTICAL])
def test_another_number_of_items_never_agrees(wanted: Class) -> None:
    assert not agree(wanted, [1.0, 1.0], [1.0])


def test_what_is_stored_is_what_is_read_and_the_newer_of_a_machine_stays(tmp_path: Path) -> None:
    path = determinism.store(SMALL, "smoke", tmp_path)
    assert path == tmp_path / "records/certificates" / "smoke.json" and determinism.read("smoke", tmp_path) == [SMALL]
    newer = replace(measured(ranks=Comparison(1e-9, 1e-7)), machine=HERE | {"packages": {"torch": "2.14.0"}})
    other = replace(SMALL, machine=HERE | {"processor": "Brain"})
    for one in (other, newer):
        determinism.store(one, "smoke", tmp_path)
    assert determinism.read("smoke", tmp_path) == [newer, other]
    assert determinism.every(tmp_path) == {"smoke": [newer, other]} and determinism.read("other", tmp_path) == []
    assert [entry.name for entry in path.parent.iterdir()] == ["smoke.json"], "nothing half written lies about"


@pytest.mark.parametrize(("text", "words"), [
    ("{", "not a certificate"), ("[]", "expected an object"),
    ('{"format": 2, "config": "smoke", "machines": []}', "format 1"),
    ('{"format": 1, "config": "other", "machines": []}', "not a certificate of smoke"),
    ('{"format": 1, "config": "smoke", "machines": 3}', "'machines' is 3; expected a list"),
    ('{"format": 1, "config": "smoke", "machines": [{}]}', r"missing key 'machines\[0\].digest'"),
    ("\xff", "not a certificate"),
])  # fmt: skip
def test_a_file_that_is_no_certificate_is_one_line(tmp_path: Path, text: str, words: str) -> None:
    determinism.store(SMALL, "smoke", tmp_path).write_text(text, encoding="latin-1")
    with pytest.raises(BadInput, match=rf"records/certificates/smoke\.json(:1)?: .*{words}"):
        determinism.read("smoke", tmp_path)


@pytest.mark.parametrize(("old", "new", "words"), [
    ('"weights": 0.0', '"weights": NaN', "not a JSON number"),
    ('"weights": 0.0', '"weights": -1.0', "negative or not finite"),
    ('"metrics": 0.0', '"metrics": "much"', "metrics' is 'much'; expected a number"),
    ('"ranks"', '"rank"', "'rank' is missing or unknown"),
])  # fmt: skip
def test_one_edited_by_hand_is_refused(tmp_path: Path, old: str, new: str, words: str) -> None:
    path = determinism.store(SMALL, "smoke", tmp_path)
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(BadInput, match=words):
        determinism.read("smoke", tmp_path)


def test_a_certificate_speaks_of_its_own_config_code_and_machine_alone() -> None:
    found = Record("p", "smoke", 0, "d", [], code=SMALL.code, environment=HERE | {"cores": 8})
    assert determinism.of(found, [SMALL]) == SMALL
    assert determinism.of(replace(found, digest="other"), [SMALL]) is None
    assert determinism.of(replace(found, code={"papers.p.model": "n"}), [SMALL]) is None
    assert determinism.of(replace(found, environment=HERE | {"threads": 2}), [SMALL]) is None


def test_differences_of_machines_are_named() -> None:
    there = HERE | {"threads": 2, "packages": {"torch": "2.14.0", "more": "1"}}
    assert determinism.differences(HERE, there) == ["threads 1, here 2", "torch 2.13.0, here 2.14.0"]
    assert not determinism.differences(HERE, HERE | {"packages": {}}), "it is not required any more"
    gpu = HERE | {"gpu": {"cudnn": 91900, "driver": "580"}}
    assert determinism.differences(gpu, HERE | {"gpu": {"cudnn": 91900, "driver": "590"}}) == []
    assert determinism.differences(gpu, HERE) == ["cudnn 91900, here none"]
    assert determinism.differences(HERE, HERE | {"processes": [2]}) == ["processes none, here [2]"]
    kernels = HERE | {"variables": {"MKL_CBWR": "COMPATIBLE"}}
    assert determinism.differences(HERE, kernels) == ["MKL_CBWR none, here COMPATIBLE"]
    assert json.loads(json.dumps(determinism.machine(kernels | {"cores": 9, "more": "x"}))) == kernels
