"""Recordings with marks: stretches, windows, another rate, a disturbance, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import Dataset

from repro.datasets.digits import Digits
from repro.datasets.marked_signals import Found, OneRecording, Pulses, Recording, recording_of, whole
from repro.datasets.perturb_sounds import SoundNoise
from repro.datasets.stretches import AtRate, Disturbed, Stretches, Windows
from repro.errors import BadInput
from repro.testing import check_dataset, same

NO_MARKS = torch.zeros(0, dtype=torch.int64)


def recording(**changed: Any) -> Recording:
    whole: dict[str, Any] = {"signal": torch.zeros(100), "sample_rate": 10.0, "marks": torch.tensor([3, 50, 99])}
    whole |= {"kinds": ["N", "V", "N"], **changed}
    return Recording(**whole)


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"marks": torch.tensor([50, 3, 99])}, "mark 2"),
        ({"marks": torch.tensor([3, 3, 99])}, "mark 2"),
        ({"marks": torch.tensor([3, 50, 100])}, "sample 100"),
        ({"marks": torch.tensor([-1, 50, 99])}, "sample -1"),
        ({"kinds": ["N"]}, "1 kinds for 3 marks"),
        ({"signal": torch.zeros(2, 100)}, "(2, 100)"),
        ({"signal": torch.zeros(0)}, "(0,)"),
        ({"sample_rate": 0.0}, "0.0"),
        ({"signal": torch.where(torch.arange(100) == 42, torch.nan, 0.0)}, "4.200 s"),
        ({"signal": torch.where(torch.arange(100) > 97, torch.inf, 0.0)}, "2 samples"),
        ({"signal": np.zeros(100, np.float32)}, "ndarray"),
        ({"signal": [0.0] * 100}, "list"),
        ({"signal": torch.zeros(100, dtype=torch.float64)}, "float64"),
        ({"signal": torch.zeros(100, requires_grad=True)}, "gradient"),
        ({"signal": torch.zeros(100, device="meta")}, "meta"),
        ({"marks": np.array([3, 50, 99])}, "ndarray"),
        ({"marks": torch.tensor([3.0, 50.5, 99.0])}, "float32"),
        ({"marks": torch.tensor([[3, 50, 99]])}, "(1, 3)"),
        ({"kinds": np.array(["N", "V", "N"])}, "kinds"),
        ({"kinds": [1, 2, 3]}, "kinds"),
        ({"kinds": "NVN"}, "kinds"),
        ({"sample_rate": float("inf")}, "inf"),
        ({"sample_rate": float("nan")}, "nan"),
        ({"sample_rate": "10"}, "10"),
    ],
)
def test_recording_refuses_what_would_give_a_wrong_number(changed: dict[str, Any], word: str) -> None:
    with pytest.raises(BadInput) as refused:
        recording(**changed, name="a/file")
    assert word in str(refused.value) and refused.value.where == "a/file"


@pytest.mark.parametrize(
    ("marks", "known"),
    [
        (np.array([1, 2]), None),
        (torch.tensor([1.0, 2.0]), None),
        (torch.tensor([2, 1]), None),
        (torch.tensor([1, 2]), torch.tensor([1])),
        (torch.tensor([1, 2]), torch.tensor([1.0, 2.0])),
    ],
)
def test_found_marks_that_would_be_matched_wrongly_are_refused(marks: Any, known: Any) -> None:
    with pytest.raises(BadInput):
        Found(marks, known)


@given(st.integers(0, 99), st.integers(1, 100))
def test_a_cut_keeps_the_marks_of_its_samples(start: int, stop: int) -> None:
    whole = recording(signal=torch.arange(100.0))
    if start >= stop:
        return
    part = whole.cut(start, stop)
    assert part.signal.tolist() == list(range(start, stop))
    assert (part.marks + start).tolist() == [mark for mark in (3, 50, 99) if start <= mark < stop]


@given(st.floats(0.3, 30), st.integers(0, 20))
@settings(max_examples=30)
def test_stretches_cover_the_recording_once(seconds: float, seed: int) -> None:
    source = Pulses(seconds=30, seed=seed)
    cut = Stretches(source, seconds)
    ends = [(stretch.start, stretch.stop) for stretch, _ in (cut[n] for n in range(len(cut)))]
    assert [0, *(stop for _, stop in ends)] == [*(start for start, _ in ends), 3000]
    marks = torch.cat([marks for _, marks in (cut[n] for n in range(len(cut)))])
    assert marks.tolist() == source[0][1].tolist()


@given(st.floats(0.5, 5), st.floats(0.1, 5))
@settings(max_examples=30)
def test_windows_have_the_samples_and_marks_of_their_place(seconds: float, step: float) -> None:
    whole = Pulses(seconds=12)[0][0].recording
    windows = Windows(Pulses(seconds=12), seconds, step)
    length, hop = max(1, round(seconds * 100)), max(1, round(step * 100))
    assert len(windows) == (1200 - length) // hop + 1
    for number in (0, len(windows) - 1):
        signal, marked = windows[number]
        part = whole.cut(number * hop, number * hop + length)
        assert torch.equal(signal, part.signal)
        assert torch.nonzero(marked).flatten().tolist() == part.marks.tolist()


@pytest.mark.parametrize("rate", [50, 125, 360, 1000])
def test_another_rate_keeps_the_times_of_marks_and_the_slow_parts_of_the_signal(rate: int) -> None:
    before, after = (recording_of(one) for one in (Pulses(30, noise=0.0), AtRate(Pulses(30, noise=0.0), rate)))
    assert after.sample_rate == rate and abs(after.seconds - before.seconds) <= 1 / rate
    assert bool(((after.marks.double() / rate - before.marks.double() / 100).abs() <= 0.5 / rate + 1e-9).all())
    expected = np.interp(np.arange(len(after.signal)) / rate, np.arange(3000) / 100, before.signal.numpy())
    assert np.abs(after.signal.numpy() - expected)[rate:-rate].max() < (0.35 if rate == 50 else 0.12)


def test_marks_that_meet_at_a_low_rate_are_refused() -> None:
    class Close(OneRecording):
        def __init__(self) -> None:
            self.recording = recording(marks=torch.tensor([3, 4, 99]))

    with pytest.raises(BadInput) as refused:
        AtRate(Close(), 2)[0]
    assert refused.value.parameter == "sample_rate" and "0.1 s" in refused.value.expected


def test_noise_has_the_ratio_that_is_asked_for_without_the_mean() -> None:
    quiet = recording_of(Pulses(60, noise=0.0))
    noisy = recording_of(Disturbed(Pulses(60, noise=0.0), SoundNoise(snr_db=6)))
    noise = noisy.signal - quiet.signal
    ratio = quiet.signal.var(correction=0) / noise.square().mean()
    assert 10 * float(torch.log10(ratio)) == pytest.approx(6, abs=0.05)
    assert torch.equal(noisy.marks, quiet.marks)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Pulses(20),
        lambda: Stretches(Pulses(20), 5),
        lambda: Windows(Pulses(20), 1.0),
        lambda: AtRate(Pulses(20), 50),
        lambda: Disturbed(Pulses(20), SoundNoise(3)),
    ],
)
def test_contract_of_a_dataset(make: Callable[[], Any]) -> None:
    check_dataset(make())


def test_fingerprints_tell_contents_apart() -> None:
    made = [Pulses(20), Pulses(20, seed=1), Stretches(Pulses(20), 5), Stretches(Pulses(20), 4), AtRate(Pulses(20), 50)]
    made += [Windows(Pulses(20), 1.0), Windows(Pulses(20), 1.0, 0.5), Disturbed(Pulses(20), SoundNoise(3))]
    assert len({one.fingerprint() for one in made}) == len(made)
    assert Pulses(20).fingerprint() == Pulses(20).fingerprint()
    assert same(Windows(Pulses(20), 1.0)[2], Windows(Pulses(20), 1.0)[2])


BELOW = (0, -1.0, float("inf"), float("nan"))
NO_NUMBER = (-1.0, float("inf"), float("nan"))
NO_SEED = (-1, 0.5)


@pytest.mark.parametrize(
    ("name", "values", "make"),
    [
        ("seconds", (1, *BELOW), Pulses),
        ("sample_rate", (10, 100.0), lambda rate: Pulses(10, sample_rate=rate)),
        ("noise", NO_NUMBER, lambda noise: Pulses(10, noise=noise)),
        ("seed", NO_SEED, lambda seed: Pulses(10, seed=seed)),
        ("seconds", BELOW, lambda seconds: Stretches(Pulses(10), seconds)),
        ("seconds", (11, 0.001), lambda seconds: len(Stretches(Pulses(10), seconds))),
        ("seconds", BELOW, lambda seconds: Windows(Pulses(10), seconds)),
        ("step", NO_NUMBER, lambda step: Windows(Pulses(10), 1, step)),
        ("seconds", (11, 0.001), lambda seconds: len(Windows(Pulses(10), seconds))),
        ("step", (0.001,), lambda step: len(Windows(Pulses(10), 1, step))),
        ("sample_rate", (0, -1, 50.0), lambda rate: AtRate(Pulses(10), rate)),
        ("sample_rate", (1,), lambda rate: AtRate(Pulses(10), rate)[0]),
        ("perturbation", (None,), lambda changed: Disturbed(Pulses(10), changed)),
        ("seed", NO_SEED, lambda seed: Disturbed(Pulses(10), SoundNoise(3), seed)),
    ],
)
def test_impossible_settings_are_refused_by_name(name: str, values: tuple[Any, ...], make: Any) -> None:
    for value in values:
        with pytest.raises(BadInput) as refused:
            make(value)
        assert refused.value.parameter == name, value


class Several(Dataset[Any]):
    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> Any:
        return whole(recording())


class NoDigest:
    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> Any:
        return whole([recording()][index])


@pytest.mark.parametrize("source", [None, 3, Digits("test"), [1, 2], Several(), Stretches(Pulses(10), 5)])
def test_a_source_that_is_not_one_recording_is_refused(source: Any) -> None:
    for make in (Stretches, lambda one: Windows(one, 1.0), lambda one: AtRate(one, 50)):
        with pytest.raises(BadInput):
            make(source)[0]


@pytest.mark.parametrize("source", [None, NoDigest()])
def test_a_source_without_a_digest_is_refused_by_name(source: Any) -> None:
    for made in (Stretches(source), Windows(source, 1.0), AtRate(source, 50)):
        with pytest.raises(BadInput) as refused:
            made.fingerprint()
        assert refused.value.what.startswith(f"datasets.{type(made).__name__}.source ")


class Steady(OneRecording):
    def __init__(self) -> None:
        self.recording = recording(signal=torch.full((100,), 0.25), name="steady.npz")


@pytest.mark.parametrize(
    ("source", "perturbation"),
    [
        (Steady(), SoundNoise(3)),
        (Pulses(10), lambda sound, random: sound.clone()),
        (Pulses(10), lambda sound, random: sound[1:]),
        (Pulses(10), lambda sound, random: sound.double() + 1),
    ],
)
def test_a_disturbance_without_a_change_or_with_another_form_is_refused(source: Any, perturbation: Any) -> None:
    with pytest.raises(BadInput) as refused:
        Disturbed(source, perturbation)[0]
    assert refused.value.where.startswith(recording_of(source).name)
