"""Perturbations: each keeps what it claims to keep, and depends only on its generator."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.ndimage
import torch
from hypothesis import given
from hypothesis import strategies as st

from repro.datasets import perturb_images, perturb_sounds, perturb_texts
from repro.datasets.perturb_images import Brightness, Covered, ImageNoise, Rotation, Shift
from repro.datasets.perturb_sounds import Delay, Level, Resampled, SoundNoise
from repro.datasets.perturb_texts import NAMES, Added, Negation, OtherNames, Typos
from repro.errors import BadInput
from repro.registry import PERTURBATIONS

IMAGES = [ImageNoise(0.2), Rotation(20), Shift(2), Brightness(0.6), Brightness(1.5), Covered(0.3)]
SOUNDS = [Level(6.0), Delay(30), Resampled(8000, 6000), SoundNoise(10.0)]
TEXTS = [Typos(2), OtherNames(), Negation(), Added("It rained.", "end")]
SEEDS = range(20)
WORDS = st.sampled_from(
    ["The", "film", "is", "was", "are", "awful", "Mary", "John", "James,", "WONDERFUL", "not", "it's", "3"]
)
REVIEWS = st.lists(WORDS, min_size=1, max_size=12).map(" ".join)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def named(one: Any) -> str:
    return type(one).__name__


def image() -> torch.Tensor:
    """An image with ink everywhere but in a border of four pixels."""
    inner = torch.from_numpy(rng(1).random((1, 12, 12), np.float32))
    return torch.nn.functional.pad(inner, (4, 4, 4, 4))


def sound() -> torch.Tensor:
    return torch.from_numpy(rng(2).standard_normal((2, 1001), np.float32))


def test_every_perturbation_of_the_core_is_tested_here() -> None:
    modules = {one.__name__ for one in (perturb_images, perturb_sounds, perturb_texts)}
    core = {name for name, part in PERTURBATIONS.parts.items() if part.__module__ in modules}
    assert core == {named(one) for one in (*IMAGES, *SOUNDS, *TEXTS)}


@pytest.mark.parametrize("change", IMAGES, ids=named)
def test_an_image_keeps_its_shape_its_type_and_its_range(change: Callable[..., torch.Tensor]) -> None:
    before = image()
    for seed in SEEDS:
        after = change(before, rng(seed))
        assert after.shape == before.shape and after.dtype == before.dtype
        assert float(after.min()) >= 0 and float(after.max()) <= 1
        assert not torch.equal(after, before) and torch.equal(after, change(before, rng(seed)))
    assert torch.equal(before, image())  # it is not changed in place


@pytest.mark.parametrize("change", SOUNDS, ids=named)
def test_a_sound_keeps_its_length_and_silence(change: Callable[..., torch.Tensor]) -> None:
    before = sound()
    after = change(before, rng())
    assert after.shape == before.shape and after.dtype == before.dtype
    assert not torch.equal(after, before) and torch.equal(after, change(before, rng()))
    assert torch.equal(before, sound())
    if change.linear:  # type: ignore[attr-defined]
        assert not change(torch.zeros(2, 100), rng()).any()


@pytest.mark.parametrize("change", [one for one in SOUNDS if one.linear], ids=named)
def test_a_linear_change_of_a_sum_is_the_sum_of_the_changes(change: Callable[..., torch.Tensor]) -> None:
    for seed in SEEDS:
        one, other = sound()
        separate = change(torch.stack([one, other]), rng(seed)).sum(0)
        assert torch.allclose(change(one + other, rng(seed)), separate, atol=1e-5)


def test_noise_has_the_standard_deviation() -> None:
    grey = torch.full((1, 200, 200), 0.5)
    noise = ImageNoise(0.05)(grey, rng()) - grey
    assert float(noise.std()) == pytest.approx(0.05, rel=0.02) and abs(float(noise.mean())) < 1e-3


@pytest.mark.parametrize("degrees", [5.0, 30.0, 90.0])
@pytest.mark.parametrize("shape", [(21, 21), (20, 31)])
def test_a_rotation_is_that_of_scipy_to_one_of_the_two_sides(degrees: float, shape: tuple[int, int]) -> None:
    """Far from the border; it keeps the ink of a blot there."""
    blot = np.zeros(shape, np.float32)
    blot[8:13, 9:12] = scipy.ndimage.gaussian_filter(rng(3).random((5, 3)), 0.8).astype(np.float32)
    sides = [scipy.ndimage.rotate(blot, side * degrees, reshape=False, order=1) for side in (1, -1)]
    found = set()
    for seed in SEEDS:
        after = Rotation(degrees)(torch.from_numpy(blot)[None], rng(seed))[0].numpy()
        near = [bool(np.allclose(after, one, atol=1e-4)) for one in sides]
        assert any(near)
        found.add(near.index(True))
        assert after.sum() == pytest.approx(blot.sum(), rel=0.05)
    assert found == {0, 1}


def test_a_shift_within_the_border_moves_all_ink_and_every_step_occurs() -> None:
    steps = set()
    for seed in range(200):
        after = Shift(1)(image(), rng(seed))
        moved = [
            step for step in np.ndindex(3, 3) if torch.equal(after, image().roll((step[0] - 1, step[1] - 1), (1, 2)))
        ]
        assert len(moved) == 1
        steps.add(moved[0])
    assert steps == set(np.ndindex(3, 3)) - {(1, 1)}


@pytest.mark.parametrize("pixels", [1, 3, 50])
def test_a_shift_loses_only_what_leaves_the_image(pixels: int) -> None:
    full = torch.ones(1, 6, 9)
    for seed in SEEDS:
        after = Shift(pixels)(full, rng(seed))
        assert set(after.unique().tolist()) <= {0.0, 1.0}
        assert float(after.sum()) >= max(6 - pixels, 0) * max(9 - pixels, 0)


def test_brightness_keeps_the_order_of_the_pixels() -> None:
    before, after = image().flatten(), Brightness(0.5)(image(), rng()).flatten()
    assert torch.equal(before.argsort(stable=True), after.argsort(stable=True))
    assert torch.allclose(after, before / 2)


def test_only_the_lower_rows_are_covered() -> None:
    after = Covered(0.25)(torch.ones(1, 20, 3), rng())
    assert after[0, :15].all() and not after[0, 15:].any()


def test_a_level_is_changed_by_exactly_the_decibels_to_both_sides() -> None:
    changed = [
        float((Level(6.0)(sound(), rng(seed)).square().sum() / sound().square().sum()).log10() * 10) for seed in SEEDS
    ]
    assert sorted({round(db, 3) for db in changed}) == [-6.0, 6.0]


def test_a_delay_moves_the_samples() -> None:
    after = Delay(30)(sound(), rng())
    assert torch.equal(after[:, 30:], sound()[:, :-30]) and not after[:, :30].any()


@pytest.mark.parametrize(("hertz", "stays"), [(500, True), (1900, True), (3500, False), (3900, False)])
def test_a_lower_sample_rate_removes_only_what_is_above_half_of_it(hertz: int, stays: bool) -> None:
    tone = torch.sin(2 * torch.pi * hertz * torch.arange(8000) / 8000)
    after = Resampled(8000, 6000)(tone, rng())
    inner = slice(500, -500)  # away from the ends, where a filter has less to see
    error = (after - tone)[inner].norm() / tone[inner].norm()
    assert float(error) == pytest.approx(0.0 if stays else 1.0, abs=0.02)


@pytest.mark.parametrize("db", [-5.0, 0.0, 20.0])
def test_the_noise_of_a_sound_has_exactly_the_ratio(db: float) -> None:
    noise = SoundNoise(db)(sound(), rng()) - sound()
    ratio = 10 * (sound().square().sum(1) / noise.square().sum(1)).log10()
    assert ratio.tolist() == pytest.approx([db, db], abs=1e-3)
    assert abs(float(torch.corrcoef(torch.stack([sound()[0], noise[0]]))[0, 1])) < 0.15


@given(REVIEWS, st.integers(0, 99), st.integers(1, 4))
def test_typos_keep_the_letters_of_each_word_and_its_ends(text: str, seed: int, words: int) -> None:
    after = Typos(words)(text, rng(seed))
    pairs = list(zip(text.split(), after.split(), strict=True))
    changed = [(one, other) for one, other in pairs if one != other]
    able = [word for word in re.findall(r"[A-Za-z]+", text) if len(word) >= 4 and len(set(word[1:-1])) > 1]
    assert len(changed) == min(words, len(able))
    for one, other in changed:
        assert Counter(one) == Counter(other) and (one[0], one[-1]) == (other[0], other[-1])
        assert sum(a != b for a, b in zip(one, other, strict=True)) == 2


@given(REVIEWS, st.integers(0, 99))
def test_other_names_change_every_name_and_nothing_else(text: str, seed: int) -> None:
    after = OtherNames()(text, rng(seed))
    row = {name: number for number, names in enumerate(NAMES) for name in names}
    becomes: dict[str, str] = {}
    for one, other in zip(re.findall(r"\w+|\W+", text), re.findall(r"\w+|\W+", after), strict=True):
        if one in row:
            assert other != one and row[other] == row[one] and becomes.setdefault(one, other) == other
        else:
            assert other == one
    assert len(set(becomes.values())) == len(becomes)


@given(REVIEWS)
def test_negation_adds_only_the_word_not_once_after_each_verb(text: str) -> None:
    after = Negation()(text, rng())
    assert Negation()(after, rng()) == after
    assert [word for word in after.split() if word != "not"] == [word for word in text.split() if word != "not"]
    verbs = [place for place, word in enumerate(after.split()) if word in ("is", "was", "are", "were")]
    assert all(after.split()[place + 1] == "not" for place in verbs)


@given(REVIEWS)
def test_an_added_sentence_keeps_the_text(text: str) -> None:
    assert Added("It rained.", "start")(text, rng()) == f"It rained. {text}"
    assert Added("It rained.", "end")(text, rng()).removesuffix(" It rained.") == text


WRONG = [
    (ImageNoise, {"sd": 0.0}),
    (Rotation, {"degrees": 181.0}),
    (Shift, {"pixels": 0}),
    (Brightness, {"factor": 1.0}),
    (Covered, {"share": 1.0}),
    (Level, {"db": -1.0}),
    (Delay, {"samples": 0}),
    (Resampled, {"sample_rate": 8000, "through": 8000}),
    *((SoundNoise, {"snr_db": value}) for value in (float("inf"), float("nan"), -1e308)),
    (Typos, {"words": 0}),
    (Added, {"sentence": " "}),
]


@pytest.mark.parametrize(("part", "given"), WRONG, ids=lambda one: getattr(one, "__name__", ""))
def test_a_parameter_out_of_range_is_refused_by_its_name(part: type, given: dict[str, Any]) -> None:
    with pytest.raises(BadInput) as error:
        part(**given)
    assert f"perturbations.{part.__name__}.{[*given][-1]}" in str(error.value)


def test_a_delay_as_long_as_the_sound_is_refused() -> None:
    with pytest.raises(BadInput):
        Delay(1001)(sound(), rng())
