"""Requests become the inputs of the model by the code of the data set: texts, sounds, images, numbers."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from PIL import Image

from repro import config as configs
from repro.data import cache, store
from repro.datasets.augmented import Augmented, Crop
from repro.datasets.cells import Cells
from repro.datasets.digits import Digits
from repro.datasets.flipped import FlippedLabels
from repro.datasets.pairs import BeforeAndAfter, Pairs
from repro.datasets.perturb_images import Shift
from repro.datasets.voices import SyntheticVoices
from repro.errors import BadInput
from repro.experiment import binding
from repro.serve import decoding
from repro.serve.inputs import Reader
from tests.serve.clients import png

ROOT = Path(__file__).parents[2]


@pytest.fixture
def reviews(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The test set of a config on texts: word numbers, made from generated reviews, with a vocabulary of other ones."""
    monkeypatch.setenv(store.DATA, str(tmp_path))
    found = configs.read(next((ROOT / "papers").glob("*ladder/configs/smoke.gin")))
    return binding.build(found).test["test"]


def test_a_text_becomes_what_the_data_set_makes_of_it(reviews: Any) -> None:
    reader = Reader(reviews)
    assert reader.kinds == ["text", "numbers"] and reader.depth == 1
    for index in range(len(reviews)):
        raw, ids = reader.read("text", reviews.source[index][0].encode())
        assert raw == reviews.source[index][0] and torch.equal(ids, reviews[index][0])
    assert reader.vocabulary == frozenset(reviews.known)


def test_the_vocabulary_is_built_once(reviews: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not depend on the request; and the data set itself stays as it is."""
    reader, before = Reader(reviews), reviews.ids.clone()
    monkeypatch.setattr(type(reviews.vocabulary), "texts", property(lambda self: pytest.fail("read again")))
    _, ids = reader.read("text", b"A lovely, unheard-of film.")
    assert ids.shape == reviews[0][0].shape and (ids == 1).any() and torch.equal(reviews.ids, before)


def test_nothing_of_a_request_is_saved(reviews: Any, tmp_path: Path) -> None:
    reader = Reader(reviews)
    saving, before = cache.arrays, sorted(tmp_path.rglob("*"))
    reader.read("text", b"My secret opinion.")
    assert sorted(tmp_path.rglob("*")) == before and cache.arrays is saving


def test_a_sound_is_resampled_to_the_rate_of_the_data() -> None:
    voices = SyntheticVoices("test", 2, 2)
    reader, (samples, _) = Reader(voices), voices[1]
    assert reader.kinds == ["sound", "numbers"]
    file = io.BytesIO()
    soundfile.write(file, samples.numpy(), voices.sample_rate, format="WAV", subtype="FLOAT")
    assert torch.equal(reader.read("sound", file.getvalue())[1], samples)
    time = np.arange(44_100) / 44_100
    file = io.BytesIO()
    soundfile.write(file, np.sin(2 * np.pi * 440 * time), 44_100, format="WAV")
    tone = reader.read("sound", file.getvalue())[1].numpy()
    assert len(tone) == voices.sample_rate
    assert np.argmax(np.abs(np.fft.rfft(tone))) == pytest.approx(440, abs=1)  # bins of 1 Hz


@pytest.mark.parametrize("dataset", [Digits("test", size=8), FlippedLabels(Digits("test", size=8), classes=10)])
def test_an_image_is_that_of_the_file(dataset: Any) -> None:
    reader = Reader(dataset)
    assert reader.kinds == ["image", "numbers"] and reader.shape == (1, 8, 8)
    assert torch.equal(reader.read("image", png(dataset[5][0]))[1], dataset[5][0])
    assert torch.equal(reader.read("numbers", dataset[5][0].tolist())[1], dataset[5][0])


def test_a_change_that_depends_on_the_item_is_not_guessed() -> None:
    """A crop at a random place of each item cannot be repeated for a request, so a request sends what is cropped."""
    reader = Reader(Augmented(Digits("test", size=8), [Crop(4)]))
    assert reader.depth == 0 and reader.kinds == ["image", "numbers"] and reader.shape == (1, 4, 4)


def test_an_image_that_no_file_of_bytes_has_is_sent_as_numbers() -> None:
    reader = Reader(Cells(3, size=16))
    assert reader.kinds == ["numbers"]
    with pytest.raises(BadInput) as caught:
        reader.read("image", png(torch.rand(1, 16, 16)))
    assert caught.value.expected == "numbers"


def test_pairs_are_refused() -> None:
    pairs = Pairs(BeforeAndAfter(Digits("test", size=8), Shift(1)), expect="same")
    with pytest.raises(BadInput):
        Reader(pairs)


@pytest.mark.parametrize("content", [b"", b"   ", b"...", b"\xff\xfea", b"\x00\x01"])
def test_a_text_without_words_is_refused(content: bytes) -> None:
    with pytest.raises(BadInput):
        decoding.text(content)


def sound(samples: Any, rate: int = 8000, kind: str = "WAV") -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=kind)
    return file.getvalue()


def loud() -> bytes:
    """Samples of whole numbers, written as floats."""
    file = io.BytesIO()
    soundfile.write(file, np.full(9, 32_767.0), 8000, format="WAV", subtype="FLOAT")
    return file.getvalue()


@pytest.mark.parametrize("content", [
    b"", b"RIFF", bytes(100), sound(np.zeros((100, 2))), sound(np.zeros(0)), sound(np.zeros(8000))[:-100],
    sound(np.zeros(8000 * 61)), sound(np.zeros(44_100 * 61), 44_100, "FLAC"), loud(),
    b"a text, and no sound",
], ids=["nothing", "head", "zeros", "stereo", "empty", "cut", "long", "packed", "loud", "text"])  # fmt: skip
def test_a_wrong_sound_is_refused(content: bytes) -> None:
    with pytest.raises(BadInput) as caught:
        decoding.sound(content, 8000)
    assert "\n" not in str(caught.value) and "object" not in str(caught.value)


def altered(**options: Any) -> bytes:
    file = io.BytesIO()
    Image.new("L", (8, 8), 50).save(file, **options)
    return file.getvalue()


TURNED = Image.Exif()
TURNED[decoding.ORIENTATION] = 6


@pytest.mark.parametrize("content", [
    altered(format="PNG", save_all=True, append_images=[Image.new("L", (8, 8), 90)]),
    altered(format="JPEG", exif=TURNED), altered(format="PNG", transparency=50),
], ids=["film", "turned", "transparent"])  # fmt: skip
def test_an_image_that_others_see_differently_is_refused(content: bytes) -> None:
    with pytest.raises(BadInput):
        decoding.image(content, (1, 8, 8))
    assert decoding.image(altered(format="PNG"), (1, 8, 8)).mean() == pytest.approx(50 / 255)


@pytest.mark.parametrize("content", [
    [1.0], [[1.0, 2.0]], [], [[]], "a", None, {"a": 1}, [["a"]], [[1.0, float("inf")], [0, 0]], [[1e40, 0], [0, 0]],
    [[1, 2], [3]], [[10**400, 1], [1, 1]],
])  # fmt: skip
def test_wrong_numbers_are_refused(content: Any) -> None:
    with pytest.raises(BadInput):
        decoding.numbers(content, torch.float32, (2, 2), exactly=True)


@pytest.mark.parametrize("content", [[1.5, 2], [2**40, 1], [-(2**31) - 1, 0]])
def test_whole_numbers_are_not_rounded(content: Any) -> None:
    assert decoding.numbers([1, 2], torch.int32, (2,), exactly=True).tolist() == [1, 2]
    with pytest.raises(BadInput):
        decoding.numbers(content, torch.int32, (2,), exactly=True)
