"""Listening: the score of each item and where it is among all items, the axes of spectrograms, the players."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from repro.claim.paper import WRITTEN
from repro.record import Measurement, Record
from repro.report import examples, item_scores
from tests.report.read_once import read_once

pytestmark = pytest.mark.xdist_group("site")  # one process reads the pages for all
separation, imdb = partial(read_once, "deep_clustering"), partial(read_once, "imdb_ladder")


def with_examples() -> Record:
    """The first record of the page that has examples."""
    return next(record for record in sorted(separation().records, key=separation().rank) if record.examples)


def plain(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split()).replace("−", "-")


def sdr(record: Record) -> Measurement:
    (one,) = [one for one in record.measurements if (one.test, one.metric) == ("unseen", "SDRImprovement")]
    return one


def test_each_item_has_its_scores_the_claimed_metric_first() -> None:
    for example in with_examples().examples:
        said = item_scores.scores(separation(), with_examples(), "unseen", example["item"])
        assert len(said) == len([one for one in with_examples().measurements if one.test == "unseen"])
        name, value = re.fullmatch(r"(.*) ([\d.]+) dB", said[0]).groups()
        assert name == "SDR improvement"
        assert float(value) == pytest.approx(sdr(with_examples()).values[example["item"]], rel=0.01)
        assert said[0] in plain(examples.examples(separation()))


def test_the_range_of_all_items_is_said() -> None:
    values, said = sdr(with_examples()).values, item_scores.summary(separation(), with_examples())
    told = re.search(r"worst (\S+) dB, median (\S+) dB, best (\S+) dB", said.replace("−", "-"))
    wanted = [min(values), median(values), max(values)]
    assert [float(text) for text in told.groups()] == pytest.approx(wanted, rel=0.01)
    assert f"the first {len(with_examples().examples)} of {len(values)} test items" in said


@given(st.lists(st.integers(-20, 20).map(float), min_size=4, max_size=30), st.data())
def test_typical_is_the_middle_half(values: list[float], data: Any) -> None:
    item = data.draw(st.integers(0, len(values) - 1))
    said, mirrored = (item_scores.place(given, item, higher) for given, higher in (
        (values, True), ([-value for value in values], False)))  # fmt: skip
    assert said == mirrored
    worse, better = (sum(sign * (values[item] - value) > 0 for value in values) for sign in (1, -1))
    assert said.startswith("typical") == ((worse and better and min(worse, better) >= len(values) / 4) or False)
    assert said.startswith("the worst") == bool(better and not worse)
    assert said.startswith("the best") == bool(worse and not better)


def test_the_typical_item_comes_first_and_the_best_and_the_worst_have_folds_of_their_own() -> None:
    measured = [one for one in separation().records if any(found.test == "unseen" for found in one.measurements)]
    for record in (one for one in measured if one.examples):
        items = [example["item"] for example in record.examples]
        values = {n: sdr(record).values[item] for n, item in enumerate(items)}
        middle = median(sdr(record).values)
        nearest = min(values, key=lambda n: abs(values[n] - middle))
        wanted = list(dict.fromkeys([nearest, max(values, key=values.get), min(values, key=values.get)]))
        named = item_scores.chosen(separation(), record)
        assert list(named) == wanted and "median" in named[nearest]
        html = str(examples.examples(replace(separation(), records=[record])))
        open_, *folds = html.split("<details")
        heads = [int(item) for item in re.findall(r"<h3>Unseen, item (\d+): ", html)]
        assert heads == [items[n] for n in wanted]
        assert [part.count("<h3") for part in (open_, *folds[: len(wanted) - 1])] == [1] * len(wanted)
        assert html.count("<h3") == len(items)


def test_a_spectrogram_has_ends_and_a_sound_is_loaded_when_it_is_played(elements: Callable[..., Any]) -> None:
    html = str(examples.examples(replace(separation(), records=[with_examples()])))
    names = [panel["sound"] for example in with_examples().examples for panel in example["panels"]]
    first = soundfile.info(separation().paper.folder / WRITTEN / with_examples().stem / names[0])
    assert html.count(f">{first.samplerate / 2000:g} kHz<") == len(names)
    assert html.count(f">{first.duration:.3g} s<") == len(names)
    found = elements(html)
    assert sorted(found.values("src", "audio")) == sorted(
        separation().file(WRITTEN, with_examples().stem, name) for name in names
    )
    assert set(found.values("preload", "audio")) == {"none"}
    assert found.values("alt", "img")[0].startswith("Spectrogram of the mixture, ") and "black is" in found.text


@pytest.mark.parametrize(("rate", "samples"), [(8000, 1), (44100, 70000), (96000, 1234567)])
def test_the_header_of_a_sound_is_read_as_the_library_reads_it(rate: int, samples: int, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.flac", np.zeros(samples), rate)
    found = soundfile.info(tmp_path / "a.flac")
    assert examples.flac(tmp_path / "a.flac") == (found.samplerate, found.frames) == (rate, samples)
    (tmp_path / "b.flac").write_bytes((tmp_path / "a.flac").read_bytes()[:10])
    os.mkfifo(tmp_path / "pipe.flac")
    assert {examples.flac(tmp_path / name) for name in ("b.flac", "pipe.flac", "none.flac")} == {None}


def test_a_sound_that_cannot_be_read_has_no_axes(tmp_path: Path) -> None:
    shown = replace(separation(), paper=replace(separation().paper, folder=tmp_path), records=[with_examples()])
    html = str(examples.examples(shown))
    assert "repro-spectrum" not in html and html.count("<img") == html.count("<audio") > 0


def test_right_answers_only_are_not_passed_over_in_silence() -> None:
    record = next(one for one in imdb().records if one.config == "cnn")
    (measured,) = [one for one in record.measurements if one.test == "test"]
    wrong = 100 * measured.values.count(0.0) / len(measured.values)
    said = item_scores.summary(imdb(), record)
    assert float(re.search(r"([\d.]+) % have a wrong answer", said)[1]) == pytest.approx(wrong, rel=0.01)
    assert "no wrong answer was recorded" in said and item_scores.scores(imdb(), record, "test", 0) == []
    panel = record.examples[0]["panels"][0] | {"answer": "positive"}
    mistaken = replace(record, examples=[{**record.examples[0], "panels": [panel]}])
    assert "no wrong answer" not in item_scores.summary(imdb(), mistaken)
