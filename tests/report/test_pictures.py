"""Pictures on the page: the layers, what their colours mean, the order of the items, and panels that are not right."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from repro.data.mask_panels import show_boxes, show_maps, show_mask
from repro.datasets.latent import Latent
from repro.datasets.sample_pictures import picture
from repro.errors import BadInput
from repro.metrics.boxes import AveragePrecision
from repro.record import Measurement, Record
from repro.report import examples, item_scores, pictures
from tests.report.read_once import read_once

TEMPLATE = read_once("template")
IMAGE, MASK = np.full((3, 20, 30), 0.5), np.zeros((20, 30), int)
MASK[5:15, 10:20] = 1
SCORES = np.eye(2)[np.roll(MASK, 2, axis=1)].transpose(2, 0, 1)
DICE = {"name": "Dice", "better": "higher"}
AREA = asdict(AveragePrecision(0.5).identity)  # it has no value for an image
PANELS = {
    "mask": lambda stem: show_mask(IMAGE, MASK, SCORES, stem, ("ground", "pet")),
    "boxes": lambda stem: show_boxes(
        IMAGE, [[10, 5, 20, 15], [0, 0, 4, 4]], {"boxes": [[10, 5, 20, 14]], "scores": [0.9]}, stem
    ),
    "map": lambda stem: show_maps(
        IMAGE, {"class": 1, "mask": MASK}, {"scores": [2.0, 1.0], "maps": {"GradCAM": MASK * 1.0}}, stem, ("a", "<b>")
    ),
}


def with_pictures(folder: Path, kind: str, values: list[float], many: int = 5) -> Record:
    rows = [{"test": "test", "item": n, "panels": PANELS[kind](folder / f"test-{n}")} for n in range(many)]
    measured = [Measurement("test", "AP50", AREA, values[::-1]), Measurement("test", "Dice", DICE, values)]
    return replace(TEMPLATE.records[0], examples=rows, measurements=measured)


def shown(record: Record) -> str:
    return str(examples.examples(replace(TEMPLATE, records=[record])))


@pytest.mark.parametrize(("kind", "layered"), [("mask", 3), ("boxes", 2), ("map", 1)])
def test_every_picture_is_over_the_image_and_has_words(
    kind: str, layered: int, tmp_path: Path, elements: Callable[..., Any]
) -> None:
    record = with_pictures(tmp_path, kind, [0.5], many=1)
    html = shown(record)
    found, photo = elements(html), TEMPLATE.file("records", record.stem, "test-0.jpg")
    sources = found.values("src", "img")
    assert sources.count(photo) == layered + 1
    assert len(sources) == 1 + layered * (1 if kind == "boxes" else 2)
    alts = found.values("alt", "img")
    assert alts.count("") == layered, "the image below says nothing a second time"
    assert html.count("<h3") == 1 and not found.values("onerror") and "<b>" not in html
    assert "image, test, item 0" in alts


def test_the_colours_of_a_mask_have_names_and_shares(tmp_path: Path) -> None:
    html = shown(with_pictures(tmp_path, "mask", [0.5], many=1))
    share = f"{100 * MASK.mean():.0f} %"
    assert html.count(f"pet {share}</li>") == 2 and "missed 3.3 %</li>" in html and "extra 3.3 %</li>" in html
    assert f'alt="truth, test, item 0: pet {share}"' in html


def test_boxes_are_drawn_at_their_places(tmp_path: Path) -> None:
    html = shown(with_pictures(tmp_path, "boxes", [0.5], many=1))
    assert html.count('viewBox="0 0 30 20"') == 2
    assert html.count('x="10" y="5" width="10" height="10" class="hit"') == 1
    assert html.count('x="0" y="0" width="4" height="4" class="miss"') == 1
    assert html.count('x="10" y="5" width="10" height="9" class="hit"') == 1
    assert re.search(r"<desc>2 boxes: found; missed\.</desc>", html) and ">0.90</text>" in html
    assert "1 found (solid)" in html and "1 missed (dashed)" in html and "0 extra (dashed)" in html


def test_the_answer_and_the_scores_are_above_the_maps(tmp_path: Path) -> None:
    html = shown(with_pictures(tmp_path, "map", [0.5], many=1))
    given, _, rest = html.partition("repro-pictures")
    assert "a, true class &lt;b&gt;" in given and given.count("<li") == 2 and "GradCAM" in rest
    assert "linear-gradient(90deg, #1b0c41, " in rest


def test_a_slider_for_each_item_is_hidden_without_scripts_and_has_a_name(
    tmp_path: Path, elements: Callable[..., Any]
) -> None:
    html = shown(with_pictures(tmp_path, "mask", [0.1, 0.5, 0.9, 0.4, 0.6]))
    assert html.count("<input") == html.count('class="repro-fade" hidden') == 5
    names = elements(html).values("aria-label", "input")
    assert len(set(names)) == 5 and "test, item 0: opacity of the mask over the image" in names


def test_the_items_nearest_to_the_median_best_and_worst_are_first(tmp_path: Path) -> None:
    """Not by AP50, whose values are not scores of items."""
    record = with_pictures(tmp_path, "mask", [0.5, 0.9, 0.1, 0.6, 0.4, 0.52, 0.51])
    html = shown(record)
    assert re.findall(r"<h3>Test, item (\d)", html) == ["0", "1", "2", "3", "4"]
    assert "The best of these 5" in html.partition("<details")[2]
    assert re.findall(r"<h3>Test, item \d: ([\w ]+)", html) == [
        "nearest to the median",
        "the best of these 5",
        "the worst of these 5",
    ]
    assert "First, by Dice: " in html and "AP50" not in html
    lower = [replace(one, identity={**one.identity, "better": "lower"}) for one in record.measurements]
    named = item_scores.chosen(TEMPLATE, replace(record, measurements=lower))
    assert list(named) == [0, 2, 1]


def test_items_without_scores_keep_their_order(tmp_path: Path) -> None:
    record = with_pictures(tmp_path, "boxes", [1.0, 0.0, 1.0, 0.0, 1.0])
    html = shown(record)
    assert re.findall(r"<h3>Test, item (\d)<", html) == ["0", "1", "2", "3", "4"]
    assert "<details" not in html and "First, by" not in html


WRONG: dict[str, Any] = {
    "image": ["../../etc/passwd", 3, None, "a/b.png"],
    "over": ["../x.jpg", ["a"], {}],
    "colours": [[["pet", "red;}", 0.5]], [["pet", "#e69f00", 7.0]], [["pet", "#e69f00"]], [["p" * 99, "#e69f00", 0.1]]],
    "heat": [["url(x)"], ["#12"], "#ffffff", ["#ffffff"] * 999],
    "size": [[0, 20], [30], [30, 20, 1], ["30", 20], [10**9, 5]],
    "boxes": [
        [[0, 0, 4, 4, "", None]],
        [[4, 0, 0, 4, "", None, 1]],
        [[0, 0, 4, 4, "", None, 7]],
        [[0, 0, 4, 4, 3, None, 1]],
        [[0, 0, 1e9, 4, "", None, 1]],
    ],
    "label": [3, ["a"]],
}


@pytest.mark.parametrize(("key", "value"), [(key, value) for key, values in WRONG.items() for value in values])
def test_a_panel_that_is_not_right_is_refused_in_one_line(key: str, value: Any, tmp_path: Path) -> None:
    kind = "boxes" if key in ("size", "boxes") else "map" if key == "heat" else "mask"
    record = with_pictures(tmp_path, kind, [0.5], many=1)
    panels = record.examples[0]["panels"]
    broken = [*panels[:-1], {**panels[-1], key: value}]
    with pytest.raises(BadInput) as error:
        shown(replace(record, examples=[{**record.examples[0], "panels": broken}]))
    assert len(str(error.value).splitlines()) == 1 and record.stem in str(error.value)


def test_a_panel_without_picture_is_refused(tmp_path: Path) -> None:
    record = with_pictures(tmp_path, "mask", [0.5], many=1)
    panels = [record.examples[0]["panels"][0], {"label": "truth", "over": "test-0.jpg"}]
    with pytest.raises(BadInput, match="a picture"):
        shown(replace(record, examples=[{"test": "test", "item": 0, "panels": panels}]))


@pytest.mark.parametrize(("share", "said"), [(0.0, "0 %"), (1.0, "100 %"), (0.0996, "10 %"), (0.0994, "9.9 %"),
                                             (1e-9, "< 0.1 %")])  # fmt: skip
def test_a_share_above_0_is_not_said_to_be_0(share: float, said: str) -> None:
    assert pictures._percent(share) == said


def test_plain_pictures_keep_their_shape_and_have_no_slider(tmp_path: Path, elements: Callable[..., Any]) -> None:
    for name in ("samples-20.png", "walk-20.png"):
        (tmp_path / "samples").mkdir(exist_ok=True)
        (tmp_path / "samples" / name).write_bytes(picture(torch.rand(3, 1, 4, 4)))
    (tmp_path / "examples").mkdir()
    panels = Latent.illustrate(torch.rand(2), *torch.rand(2, 1, 4, 4), tmp_path / "examples" / "test-0")
    html = shown(replace(TEMPLATE.records[0], examples=[{"test": "test", "item": 0, "panels": panels}]))
    assert len(elements(html).values("src", "img")) == 4 and html.count('class="repro-layers"') == 4
    assert "repro-fade" not in html and "repro-listen" not in html
