"""Stretches of a signal: the matching of marks, the reduced signal, and the size of its file."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from repro.data.signal_panels import LEVELS, TOLERANCE, illustrate, matched, packed, reduced
from repro.files import typed
from repro.record import EXAMPLES_LIMIT, Panel

MARKS = st.lists(st.integers(0, 60), max_size=4).map(sorted)


def recording(signal: Any, rate: float, marks: Any = (), kinds: Any = ()) -> Any:
    made = torch.as_tensor(signal, dtype=torch.float32)
    places = torch.tensor(list(marks), dtype=torch.int64)
    return SimpleNamespace(signal=made, sample_rate=rate, unit="mV", marks=places, kinds=list(kinds))


def shown(stretch: Any, true: Any, found: Any, folder: Path, name: str = "test-0") -> tuple[dict[str, Any], Any]:
    """The panel, and the content of its file."""
    marks = (torch.tensor(list(one), dtype=torch.int64) for one in (true, found))
    (panel,) = illustrate(stretch, *marks, folder / name)
    return panel, json.loads((folder / panel["signal"]).read_text())


def restored(row: Any) -> Any:
    values = [np.nan if value is None else value for value in row["values"]]
    return row["offset"] + row["scale"] * np.asarray(values, dtype=float)


def best(true: list[int], found: list[int], within: float) -> tuple[int, float]:
    """The number of pairs and the sum of their distances, of all ways to pair, tried one after the other."""
    few, many = sorted((true, found), key=len)
    ways = itertools.permutations([*many, *[None] * len(few)], len(few))
    tried = [[abs(a - b) for a, b in zip(few, way, strict=True) if b is not None] for way in set(ways)]
    return max((len(way), -sum(way)) for way in tried if not way or max(way) <= within)


@given(MARKS, MARKS, st.integers(0, 20))
def test_the_marks_are_paired_as_well_as_possible(true: list[int], found: list[int], within: int) -> None:
    hits, used = matched(np.array(true, dtype=np.int64), np.array(found, dtype=np.int64), within)
    many, negative = best(true, found, within)
    assert hits.sum() == used.sum() == many
    left, right = np.array(true)[hits], np.array(found)[used]  # pairs of the smallest sum do not cross
    assert np.abs(left - right).sum() == -negative and all(np.abs(left - right) <= within)


@pytest.mark.parametrize("rate", [100.0, 128.0, 250.0, 360.0, 500.0, 1000.0])
def test_the_tolerance_includes_its_end(rate: float) -> None:
    most = int(TOLERANCE * rate + 1e-9)
    one = np.array([1000])
    assert matched(one, one + most, TOLERANCE * rate)[0].tolist() == [True]
    assert matched(one, one - most - 1, TOLERANCE * rate)[0].tolist() == [False]


def test_a_panel_has_times_kinds_and_hits(tmp_path: Path) -> None:
    rate, marks = 360.0, [3600, 4000, 4400, 7199, 7300]
    one = recording(np.zeros(9000), rate, marks, "NAVNN")
    stretch = SimpleNamespace(recording=one, start=3600, stop=7200)
    found = [3590, 4025, 4401, 4402, 7210, 7300]  # the first and the last but one match marks at the edges
    panel, row = shown(stretch, marks[:4], found, tmp_path)
    wanted = [[3600, "N", 1], [4000, "A", 0], [4400, "V", 1], [7199, "N", 1]]
    assert panel["true"] == [[round(at / rate, 3), kind, hit] for at, kind, hit in wanted]
    found_ = [[3590, 1], [4025, 0], [4401, 1], [4402, 0], [7210, 1]]
    assert panel["found"] == [[round(at / rate, 3), hit] for at, hit in found_]
    assert (panel["start"], panel["stop"], panel["signal"]) == (10.0, 20.0, "test-0.json")
    assert (row["start"], row["unit"], row["rate"]) == (10.0, "mV", 120.0)
    assert typed.fits(json.loads(json.dumps(panel)), Panel)
    assert illustrate(stretch, [5000], [], tmp_path / "test-1")[0]["true"] == [[round(5000 / rate, 3), "?", 0]]


@given(st.integers(0, 2**32 - 1), st.sampled_from([125.0, 250.0, 360.0, 1000.0]), st.booleans())
def test_no_peak_is_lost_and_each_value_is_one_of_its_group(seed: int, rate: float, upward: bool) -> None:
    draw = np.random.default_rng(seed)
    samples = np.cumsum(draw.normal(0, 0.01, round(3 * rate)))
    peaks = draw.choice(len(samples) // 10, 5, replace=False) * 10
    samples[peaks] += 20 if upward else -20
    size = max(1, round(rate / 120))
    values = reduced(samples, size)
    assert {samples[peak] for peak in peaks} <= set(values.tolist())
    groups = [samples[n : n + size] for n in range(0, len(samples), size)]
    assert len(values) == len(groups) and all(value in group for value, group in zip(values, groups, strict=True))


@given(st.integers(0, 2**32 - 1), st.floats(1e-3, 1e4), st.floats(-1e4, 1e4))
def test_the_values_return_within_the_scale(seed: int, size: float, middle: float) -> None:
    samples = middle + size * np.random.default_rng(seed).normal(size=500)
    row = packed(samples, 120.0)
    assert len(row["values"]) == 500 and all(-1 <= value <= LEVELS + 1 for value in row["values"])
    assert np.abs(restored(row) - samples).max() <= 0.51 * row["scale"]


@pytest.mark.parametrize("value", [0.0, 2.5, -1e6])
def test_a_constant_signal_is_itself(value: float) -> None:
    assert restored(packed(np.full(30, value), 100.0)) == pytest.approx(np.full(30, value))


@pytest.mark.parametrize("gap", [np.nan, np.inf])
def test_a_gap_is_a_gap(gap: float) -> None:
    samples = np.sin(np.arange(3600) / 50)
    samples[300:601] = gap  # 100 whole groups of three, and one sample of the next
    found = restored(packed(samples, 360.0))
    assert np.flatnonzero(np.isnan(found)).tolist() == list(range(100, 200))
    assert packed(np.full(10, gap), 100.0)["values"] == [None] * 10


@pytest.mark.parametrize("rate", [100.0, 128.0, 179.0, 250.0, 360.0, 500.0, 1000.0])
def test_60_stretches_fit_into_a_record(rate: float, tmp_path: Path) -> None:
    """Of noise, which needs the most digits."""
    noise = np.random.default_rng(0).normal(size=round(10 * rate))
    stretch = SimpleNamespace(recording=recording(noise, rate), start=0, stop=len(noise))
    panel, row = shown(stretch, [], [], tmp_path)
    assert 60 * (tmp_path / panel["signal"]).stat().st_size < EXAMPLES_LIMIT
    assert 80 <= row["rate"] < 180 and len(row["values"]) == pytest.approx(10 * row["rate"], abs=1)
