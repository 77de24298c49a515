"""Look at what was measured: images and texts with their class, the answer and the scores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from repro.data.panels import LONGEST, SHOWN, shortened, show_image, show_text
from repro.record import Record
from repro.report import examples
from tests.report.read_once import read_once

HOSTILE = "<img src=x onerror=alert(1)> & <br />"
SCORES = torch.tensor([0.25, -3.0, 1.5])


def shown(image: Any, stem: Path) -> Any:
    """The pixels of the picture that `show_image` writes of `image`."""
    (panel,) = show_image(image, 0, SCORES, stem)
    return np.asarray(Image.open(stem.with_name(panel["image"])).convert("RGB"))


def test_the_picture_is_the_image(tmp_path: Path) -> None:
    """As it is in [0, 1]; of a flat or normalised image the same but for the scale."""
    image = torch.randint(0, 256, (1, 28, 28), generator=torch.Generator().manual_seed(0)) / 255
    image[0, 0, :2] = torch.tensor([0.0, 1.0])
    wanted = (image[0] * 255).round().numpy()
    for same in (image, image[0], image.flatten(), image.numpy(), 1.275 * image - 0.1):
        assert np.array_equal(shown(same, tmp_path / "test-0"), np.stack([wanted] * 3, -1))
    colours = torch.zeros(3, 4, 6)
    colours[0, 0], colours[2, 3] = 1.0, 1.0
    found = shown(colours, tmp_path / "test-1")
    assert found.shape == (4, 6, 3) and found[0, 0].tolist() == [255, 0, 0] and found[3, 5].tolist() == [0, 0, 255]


@pytest.mark.parametrize("shape", [(1, 28, 28), (1, 300, 400), (3, 32, 32), (3, 500, 200)])
def test_a_picture_is_small(shape: tuple[int, ...], tmp_path: Path) -> None:
    """Of noise, which compresses least; its shape is that of the image, but for a pixel."""
    noise = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    height, width, _ = shown(noise, tmp_path / "test-0").shape
    assert max(height, width) == min(max(shape), LONGEST)
    assert height / width == pytest.approx(shape[1] / shape[2], rel=0.02)
    assert (tmp_path / "test-0.png").stat().st_size < 10_000


@pytest.mark.parametrize("shape", [(10,), (2, 4, 4), (1, 1, 4, 4)])
def test_what_is_no_image_is_refused(shape: tuple[int, ...], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"an image has the shape \("):
        show_image(torch.zeros(shape), 0, SCORES, tmp_path / "test-0")


def test_a_panel_says_class_answer_and_scores(tmp_path: Path) -> None:
    (panel,) = show_image(torch.zeros(2, 2), torch.tensor(1), SCORES, tmp_path / "test-0", classes=("a", "b", "c"))
    scores = [["a", 0.25], ["b", -3.0], ["c", 1.5]]
    assert panel == {"image": "test-0.png", "truth": "b", "answer": "c", "scores": scores}
    (panel,) = show_text("a text", 0, [float("nan"), float("-inf"), 1 / 3], tmp_path / "test-0")
    assert (panel["text"], panel["truth"]) == ("a text", "0")
    assert panel["scores"] == [["0", None], ["1", None], ["2", 0.3333]]


def test_of_many_classes_the_highest_and_the_true_one_are_kept(tmp_path: Path) -> None:
    scores = np.random.default_rng(0).permutation(1000).astype(float)
    truth = int(scores.argmin())
    (panel,) = show_text("a text", truth, scores, tmp_path / "test-0")
    best = set(np.flatnonzero(scores >= 1000 - SHOWN)) | {truth}
    assert [int(name) for name, _ in panel["scores"]] == sorted(best)
    assert all(value == scores[int(name)] for name, value in panel["scores"])


@given(st.text(max_size=300), st.integers(1, 40), st.integers(1, 40))
def test_a_shortened_text_begins_and_ends_as_the_text_does(text: str, head: int, tail: int) -> None:
    words, short = " ".join(text.split()), shortened(text, head, tail)
    if len(words) <= head + tail:
        assert short == words
        return
    assert len(short) <= head + tail + 3
    begin, _, end = short.partition(" … ")
    assert words.startswith(begin) and words.endswith(short[len(begin) + 3 :]) and end


@pytest.mark.parametrize(("inputs", "estimate", "said"), [
    (torch.zeros(3), SCORES, "show_text was given a Tensor"), ("a", torch.zeros(1, 3), "the shape (1, 3)"),
])  # fmt: skip
def test_what_cannot_be_shown_is_refused(inputs: Any, estimate: Any, said: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError) as error:
        show_text(inputs, 0, estimate, tmp_path / "test-0")
    assert said in str(error.value)


TEMPLATE = read_once("template")


def classified(many: int, config: str = "line", seed: int = 0, **more: Any) -> Record:
    """A record whose items are classified texts, the second wrongly."""
    panels = [
        show_text(f"{HOSTILE} {item}", item != 1, [-1.0, 3.0], Path("test-0"), ("no", "yes"))[0] for item in range(many)
    ]
    rows = [{"test": "test_set", "item": item, "panels": [panel | more]} for item, panel in enumerate(panels)]
    return replace(TEMPLATE.records[0], config=config, seed=seed, examples=rows)


def test_texts_are_shown_as_text_with_answer_and_scores(elements: Callable[..., Any]) -> None:
    html = str(examples.examples(replace(TEMPLATE, records=[classified(3)])))
    found = elements(html)
    assert HOSTILE in found.text and not found.values("onerror") and "<br" not in html
    assert "Test set, item 0✓yes" in found.text and "Test set, item 1✗yes, true class no" in found.text
    assert found.text.count("no✓−1") == 1 and found.text.count("yes✗3") == 1 and found.text.count("yes✓3") == 2
    assert html.count('style="--from: 0.0%; --wide: 25.0%"') == html.count('style="--from: 25.0%; --wide: 75.0%"') == 3
    assert "✓ marks the true class" in found.text and "spectrogram" not in found.text
    assert html.count("repro-gallery") == 1 and "<h3" not in html, "items of one panel stand side by side"


def test_pictures_have_words_and_lead_to_the_file(elements: Callable[..., Any]) -> None:
    record = classified(2, image="test-0.png")
    found = elements(str(examples.examples(replace(TEMPLATE, records=[record]))))
    assert found.values("src", "img") == [TEMPLATE.file("records", record.stem, "test-0.png")] * 2
    assert found.values("alt", "img") == ["test set, item 0, class yes", "test set, item 1, class no"]


def test_a_score_that_is_no_number_is_a_dash(elements: Callable[..., Any]) -> None:
    found = elements(str(examples.examples(replace(TEMPLATE, records=[classified(1, scores=[["no", None]])]))))
    assert "no–" in found.text.replace(" ", "")


def test_other_configs_are_folded_with_one_seed_each() -> None:
    records = [classified(1, name, seed) for name in ("a", "b", "c") for seed in (0, 1)]
    html = examples.examples(replace(TEMPLATE, records=records))
    assert html.count("<details") == 2 and html.count("<figure") == 3 and "The same for b<" in html
    many = [classified(1, f"config{number}") for number in range(9)]
    assert "The same for 8 other configs" in examples.examples(replace(TEMPLATE, records=many))


def test_the_section_is_called_by_what_is_in_it() -> None:
    assert replace(TEMPLATE, records=[classified(1)]).looked == "Look"
    assert replace(TEMPLATE, records=[classified(1, sound="x.flac")]).looked == "Look and listen"
    assert read_once("deep_clustering").looked == "Look and listen" and replace(TEMPLATE, records=[]).looked == ""
