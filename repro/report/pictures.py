"""Pictures of a test item next to each other: the image, and the same image under a mask, boxes or a map.

Where scripts run, one slider for each item fades what is drawn over the image (`repro.js`). Without scripts it is
hidden, and the pictures stay. The panels come from strangers, so each value is checked, and a wrong one is one line.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from repro.claim.paper import WRITTEN
from repro.errors import BadInput, where
from repro.files import typed
from repro.record import Record
from repro.report.example_files import address
from repro.report.html.markup import Markup, picture, tag
from repro.report.html.words import count, number
from repro.report.page import Page

LARGEST = 100_000  # pixels of a side of an image with boxes
MOST = 200  # boxes of a panel, and colours of one
LETTERS = 80  # of the name of a colour or of a box
COLOUR = re.compile(r"#[0-9a-f]{6}")
KINDS = {"truth": ("found", "missed"), "answer": ("right", "extra")}  # of a box with a hit, and of one without

Box = tuple[float, float, float, float, str, float | None, int]


@dataclass(frozen=True)
class Drawn:
    """A panel of a picture; `repro.report.examples` explains the keys."""

    label: str = ""
    image: str = ""
    over: str = ""
    colours: list[tuple[str, str, float]] = field(default_factory=list)
    heat: list[str] = field(default_factory=list)
    size: list[int] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)


KEYS = tuple(spec.name for spec in fields(Drawn))


def slider(panels: Sequence[dict[str, Any]], item: str) -> Markup:
    """The slider of an item. `repro.js` shows it and makes it work. Its value is the opacity, in percent."""
    what = (
        "map" if any("heat" in panel for panel in panels) else "boxes" if any("boxes" in p for p in panels) else "mask"
    )
    name = f"{item}: opacity of the {what} over the image"
    control = tag("input", type="range", min=0, max=100, step=5, value=100, aria_label=name)
    return tag("div", tag("span", "image"), control, tag("span", what), class_="repro-fade", hidden=True)


def figure(page: Page, found: Record, panel: dict[str, Any], item: str) -> Markup:
    """The picture of one panel, and what its colours mean. Raises BadInput if a value of the panel is not right."""
    one = checked(page, found, panel)
    return tag("figure", tag("figcaption", one.label), *_layers(page, found, one, item), class_="repro-picture")


def _layers(page: Page, found: Record, one: Drawn, item: str) -> list[Markup]:
    name = f"{one.label or 'image'}, {item}"
    if not one.over:
        return [tag("div", _image(page, found, one.image, name), class_="repro-layers")]
    above = _boxes(one, name) if one.size else _image(page, found, one.image, f"{name}: {_said(one)}")
    return [tag("div", _image(page, found, one.over, ""), above, class_="repro-layers"), _legend(one)]


def checked(page: Page, found: Record, panel: dict[str, Any]) -> Drawn:
    """The panel, if all its values are right. Raises BadInput with the record if one is not."""
    place = where(page.paper.folder / WRITTEN / f"{found.stem}.json")
    try:
        one: Drawn = typed.build({key: panel[key] for key in KEYS if key in panel}, Drawn)
    except BadInput as error:
        raise error.at(place, "the example of a picture") from None
    numbers = [value for box in one.boxes for value in (*box[:4], box[5] or 0.0)]
    names = [*(name for name, *_ in one.colours), *(box[4] for box in one.boxes)]
    wrong = {
        "a picture": not (one.image or (one.over and one.size)),
        "two sides from 1 in size": bool(one.size or one.boxes) and not _is_size(one.size),
        f"at most {MOST} boxes and colours": max(len(one.boxes), len(one.colours), len(one.heat)) > MOST,
        "colours such as #e69f00": not all(map(COLOUR.fullmatch, [*(c for _, c, _ in one.colours), *one.heat])),
        "shares from 0 to 1": not all(0 <= share <= 1 for *_, share in one.colours),
        f"names of at most {LETTERS} characters": any(len(name) > LETTERS for name in names),
        f"numbers up to {LARGEST:,}": any(abs(value) > LARGEST for value in numbers),
        "boxes with x0 < x1 and y0 < y1": any(box[2] <= box[0] or box[3] <= box[1] for box in one.boxes),
        "0 or 1 for each hit": not {box[6] for box in one.boxes} <= {0, 1},
    }
    for expected, broken in wrong.items():
        if broken:
            raise BadInput(f"the example {one.label!r:.80} is not right", place, expected=expected)
    return one


def _is_size(size: Sequence[int]) -> bool:
    return len(size) == 2 and all(1 <= side <= LARGEST for side in size)


def _image(page: Page, found: Record, name: str, alt: str) -> Markup:
    return tag("img", src=address(page, found, name), loading="lazy", alt=alt)


def _said(one: Drawn) -> str:
    """What is drawn over the image, in words."""
    if one.heat:
        return "the brightest colour is the highest value"
    return ", ".join(f"{name} {_percent(share)}" for name, _, share in one.colours) or "nothing"


def _percent(share: float) -> str:
    """A share in percent with up to two digits; a share above 0 is not rounded to 0.

    >>> _percent(0.2312), _percent(0.0042), _percent(0.00001)
    ('23 %', '0.4 %', '< 0.1 %')
    """
    if 0 < share < 0.0005:
        return "< 0.1 %"
    return f"{number(round(100 * share, 0 if share >= 0.0995 else 1))} %"


def _legend(one: Drawn) -> Markup:
    """The meaning of the colours, with the share of the pixels that has each; or how many boxes there are."""
    if one.heat:
        ramp = tag("span", class_="ramp", style=f"background: linear-gradient(90deg, {', '.join(one.heat)})")
        return tag("ul", tag("li", "low ", ramp, " high"), class_="repro-keys-of-picture")
    if one.size:
        right, wrong = KINDS.get(one.label, KINDS["answer"])
        hits = sum(box[6] for box in one.boxes)
        said = [f"{hits} {right} (solid)", f"{len(one.boxes) - hits} {wrong} (dashed)"]
        return tag("ul", *(tag("li", text) for text in said), class_="repro-keys-of-picture")
    keys = [
        tag("li", tag("span", class_="swatch", style=f"background: {colour}"), f"{name} {_percent(share)}")
        for name, colour, share in one.colours
    ]
    return tag("ul", *(keys or [tag("li", "nothing")]), class_="repro-keys-of-picture")


def _boxes(one: Drawn, name: str) -> Markup:
    """The boxes as lines over the image: solid for a hit, else dashed; with a dark edge, so that they are seen."""
    width, height = one.size
    drawn = [part for box in one.boxes for part in _box(box, one)]
    words = "; ".join(_box_said(box, one.label) for box in one.boxes)
    return picture(
        name,
        f"{count(len(one.boxes), 'box').replace('boxs', 'boxes')}{f': {words}' if words else ''}.",
        *drawn,
        viewBox=f"0 0 {width} {height}",
        class_=f"repro-found {one.label if one.label in KINDS else 'answer'}",
    )


def _box(box: Box, one: Drawn) -> list[Markup]:
    x0, y0, x1, y1, kind, score, hit = box
    size = math.hypot(*one.size) / 20  # of the letters
    place = {"x": x0, "y": y0, "width": x1 - x0, "height": y1 - y0}
    lines = [tag("rect", **place, class_="edge"), tag("rect", **place, class_="hit" if hit else "miss")]
    text = " ".join(filter(None, (kind, "" if score is None else f"{score:.2f}")))
    inside = {"x": f"{x0 + size / 4:.1f}", "y": f"{y0 + size:.1f}", "font_size": f"{size:.1f}"}
    return [*lines, *([tag("text", text, **inside)] if text else [])]


def _box_said(box: Box, label: str) -> str:
    *_, kind, score, hit = box
    word = KINDS.get(label, KINDS["answer"])[0 if hit else 1]
    return " ".join(filter(None, (kind, "" if score is None else f"score {score:.2f},", word)))
