"""Pictures over the training: in a row, the first, the middle and the last; the others are in a fold."""

from __future__ import annotations

from dataclasses import replace

import pytest

from repro.record import Record
from repro.report import examples, training_pictures
from tests.report.read_once import read_once

PAPERS = {"goodfellow2014": "adversarial_long", "isola2017": "cgan"}


def made(paper: str) -> Record:
    return next(one for one in read_once(paper).records if one.config == PAPERS[paper] and one.examples)


@pytest.mark.parametrize("paper", PAPERS)
def test_every_picture_of_a_record_is_on_the_page(paper: str) -> None:
    found = made(paper)
    html = str(examples.examples(replace(read_once(paper), records=[found])))
    names = [panel["image"] for example in found.examples for panel in example["panels"]]
    assert all(f'/{name}"' in html for name in names)
    assert all(html.count(f'/{name}"') == 1 for name in names if "slices" in name or "samples" in name)


@pytest.mark.parametrize("paper", PAPERS)
def test_a_row_begins_with_the_first_and_ends_with_the_last_step(paper: str) -> None:
    found = made(paper)
    html = "".join(training_pictures.series(read_once(paper), found))
    for what in ("samples", "walk") if paper == "goodfellow2014" else ("slices",):
        labels = [
            panel["label"] for one in found.examples for panel in one["panels"] if panel["label"].startswith(what)
        ]
        open_ = html.partition(labels[1])[0]
        places = [html.index(f">{label}<") for label in (labels[0], labels[len(labels) // 2], labels[-1])]
        assert places == sorted(places) and len(labels) > 3
        assert labels[-1] in open_ and html.count("between them") == (2 if paper == "goodfellow2014" else 1)


@pytest.mark.parametrize("many", range(5))
def test_an_item_keeps_its_other_pictures(many: int) -> None:
    own = [{"label": "real", "image": "a.png"}, {"label": "samples after dinner", "image": "b.png"}]
    over = [{"label": f"samples after {step} steps", "image": f"{step}.png"} for step in range(many)]
    assert training_pictures.without({"item": 3, "panels": [*over, *own]}) == {"item": 3, "panels": own}
