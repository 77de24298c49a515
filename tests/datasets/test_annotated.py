"""Images from the log of a service, and a training set with the items that people gave a label."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from repro.datasets import label_table
from repro.datasets.annotated import WithAnnotated
from repro.datasets.digits import Digits
from repro.datasets.label_table import Answer
from repro.datasets.logged_images import LoggedImages
from repro.errors import BadInput
from repro.testing import check_dataset

DIGITS = Digits("test", size=8)
WHEN = "2026-01-02T03:04:05+00:00"


def sent(image: torch.Tensor, kind: str = "PNG") -> str:
    """An image as a log has it."""
    file = io.BytesIO()
    pixels = (image * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
    Image.fromarray(pixels.squeeze()).save(file, format=kind)
    return base64.b64encode(file.getvalue()).decode()


def answered(label: int) -> list[float]:
    return [0.82 if one == label else 0.02 for one in range(10)]


Rows = list[dict[str, Any]]


@pytest.fixture
def logged(paper: Any) -> Callable[..., LoggedImages]:
    """`logged(rows, head)`: a log of the paper with these lines."""

    def call(rows: Rows | None = None, head: Any = None, end: str = "\n") -> LoggedImages:
        made = [{"input": sent(DIGITS[at][0]), "answer": answered((at + at % 2) % 10)} for at in range(6)]
        first = {"repro_log": 1, "classes": [f"digit {n}" for n in range(10)]} if head is None else head
        path = paper.folder / "logs" / "incoming.jsonl"
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join(json.dumps(row) for row in [first, *(made if rows is None else rows)]) + end)
        return LoggedImages(f"papers/{paper.name}/logs/incoming.jsonl")

    return call


def test_the_images_are_those_that_were_sent_and_the_classes_those_that_were_answered(logged: Any) -> None:
    images = logged()
    check_dataset(images)
    assert [images[at][1] for at in range(len(images))] == [0, 2, 2, 4, 4, 6]
    assert all(torch.equal(images[at][0], DIGITS[at][0]) for at in range(6))
    assert images.class_names[3] == "digit 3" and label_table.classes(images, [9])[3] == "digit 3"
    assert [at for at, _ in enumerate(images)] == list(range(6)) and torch.equal(images[-1][0], images[5][0])


def test_an_image_in_colour_keeps_its_channels(logged: Any) -> None:
    image = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (3, 5, 4)) / 255).float()
    images = logged([{"input": sent(image), "answer": answered(1)}] * 2)
    assert torch.equal(images[0][0], image)


def test_the_fingerprint_is_that_of_the_content(logged: Any) -> None:
    first = logged().fingerprint()
    rows = [
        {"input": sent(DIGITS[at][0], "BMP"), "answer": answered((at + at % 2) % 10), "time": "x"} for at in range(6)
    ]
    assert logged(rows).fingerprint() == first, "another file format, the same pixels"
    rows[0]["answer"] = answered(9)
    assert logged(rows).fingerprint() != first


def test_a_last_line_that_is_cut_is_left_out(logged: Any) -> None:
    assert len(logged(end='\n{"input": "iVBO')) == 6


@pytest.mark.parametrize(
    "row",
    [
        *({"answer": answered(1)}, {"input": "", "answer": answered(1)}, {"input": "!!", "answer": answered(1)}),
        *({"input": base64.b64encode(b"no image").decode(), "answer": answered(1)}, {"input": sent(DIGITS[0][0])}),
        *({"input": sent(DIGITS[0][0]), "answer": [None, 0.5]}, {"input": sent(DIGITS[0][0]), "answer": [0.5]}),
        *({"input": sent(DIGITS[0][0]), "answer": [7.0, -1.0]}, {"input": 3, "answer": answered(1)}),
    ],
)
def test_a_line_without_an_image_or_an_answer_is_named(row: dict[str, Any], logged: Any) -> None:
    with pytest.raises(BadInput, match=r"incoming\.jsonl:3"):
        logged([{"input": sent(DIGITS[0][0]), "answer": answered(1)}, row])[1]


@pytest.mark.parametrize("head", [[], {"repro_log": 2}, {"classes": []}, "text"])
def test_another_file_is_refused(head: Any, logged: Any) -> None:
    with pytest.raises(BadInput, match="log"):
        len(logged(head=head))


@pytest.mark.parametrize(
    "path", ["incoming.jsonl", "papers/x/../logs/a.jsonl", "papers/x/logs/../a.jsonl", "/etc/passwd"]
)
def test_another_path_is_refused(path: str) -> None:
    with pytest.raises(BadInput):
        LoggedImages(path)


def table(paper: Any, *answers: Answer) -> str:
    folder = paper.folder / "labels"
    folder.mkdir(exist_ok=True)
    label_table.write(folder / "incoming.csv", answers)
    return f"papers/{paper.name}/labels/incoming.csv"


def answer(images: Any, at: int, new: int, who: str = "ann") -> Answer:
    return Answer(label_table.ids(images)[at], images[at][1], new, who, WHEN)


def test_only_the_items_with_an_answer_are_added(paper: Any, logged: Any) -> None:
    images = logged()
    answers = [answer(images, 4, 9), answer(images, 1, 2), answer(images, 2, 5), answer(images, 2, 6, "ben")]
    both = WithAnnotated(DIGITS, images, table(paper, *answers))
    check_dataset(both)
    assert both.given == {1: 2, 4: 9}, "an item whose answers are tied is left out"
    assert len(both) == len(DIGITS) + 2
    assert all(torch.equal(both[at][0], DIGITS[at][0]) and both[at][1] == DIGITS[at][1] for at in (0, 5, 296))
    assert [both[at][1] for at in (297, 298)] == [2, 9] == [both[at][1] for at in (-2, -1)]
    assert torch.equal(both[298][0], images[4][0])
    with pytest.raises(IndexError):
        both[299]


def test_added_items_can_come_several_times(paper: Any, logged: Any) -> None:
    images = logged()
    path = table(paper, answer(images, 1, 2), answer(images, 4, 9))
    once, thrice = WithAnnotated(DIGITS, images, path), WithAnnotated(DIGITS, images, path, times=3)
    assert [thrice[at][1] for at in range(297, len(thrice))] == [2, 9] * 3
    assert once.fingerprint() != thrice.fingerprint()


def test_the_fingerprint_has_the_labels(paper: Any, logged: Any) -> None:
    images = logged()
    found = {WithAnnotated(DIGITS, images, table(paper, answer(images, 1, new))).fingerprint() for new in (2, 3, 2)}
    assert len(found) == 2


@pytest.mark.parametrize("times", [0, -1, 1.5, float("nan"), True])
def test_other_numbers_of_times_are_refused(times: Any, logged: Any, paper: Any) -> None:
    with pytest.raises(BadInput, match="times"):
        WithAnnotated(DIGITS, logged(), f"papers/{paper.name}/labels/incoming.csv", times)


def test_a_table_without_a_decided_item_and_one_of_other_data_are_refused(paper: Any, logged: Any) -> None:
    images = logged()
    tied = table(paper, answer(images, 2, 5), answer(images, 2, 6, "ben"))
    with pytest.raises(BadInput, match="annotators"):
        len(WithAnnotated(DIGITS, images, tied))
    with pytest.raises(BadInput, match="no item"):
        len(WithAnnotated(images, DIGITS, table(paper, answer(images, 1, 2))))
