"""Look and listen: the panels of test items, as `dataset.illustrate` has made them.

A panel holds what there is to see, each key where it applies:

    label     what it is, as `mixture`
    image     the name of a picture beside the record; beside a sound it is its spectrogram
    sound     the name of a sound beside the record
    text      words, shown as they are
    truth     the true class; with `answer`, the class that the model gave,
    scores    and `[class, score]` for each class, or for the highest; None for a score that is no number

`repro.audio.show` makes those of sounds, `repro.datasets.show` those of classified images and texts.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from repro.errors import BadInput
from repro.record import Record
from repro.report.html.axis import Axis
from repro.report.html.markup import Markup, fold, join, link, tag
from repro.report.html.words import count, typeset
from repro.report.page import Page

NOTES = (
    (
        {"image", "sound"},
        "In a picture time runs to the right and frequency upward; within an item equal colours are equal levels.",
    ),
    ({"truth"}, "✓ marks the true class, ✗ a wrong answer."),
    ({"scores"}, "A bar is the score of a class, from zero, on one scale for all items."),
)
"""What is said above panels that hold these keys."""

OPEN = 4  # configs whose examples have a fold each; more are folded together

Panel = dict[str, Any]


def examples(page: Page) -> Markup:
    """The examples of the record that weighs most; those of the other configs folded below, the first seed of each."""
    shown: dict[str, Record] = {}
    for found in sorted(page.records, key=page.rank):
        if found.examples:
            shown.setdefault(found.config, found)
    if not shown:
        return tag("p", "No record of this paper has examples.", class_="repro-muted")
    first, *others = shown.values()
    rest = [fold(f"The same of {found.stem}", _record(page, found)) for found in others]
    if len(rest) > OPEN:
        rest = [fold(f"The same of {count(len(rest), 'other config')}", *rest)]
    return join([_record(page, first), *rest])


def _record(page: Page, found: Record) -> Markup:
    """A section per item; items of one panel each stand side by side."""
    panels = [panel for example in found.examples for panel in example.get("panels", ())]
    notes = [words for keys, words in NOTES if any(keys <= panel.keys() for panel in panels)]
    lead = ["Test items as the run ", link(found.stem, page.origin(found)), " estimates them. "]
    drawn = [_item(page, found, example, _scale(panels)) for example in found.examples]
    if len(panels) == len(found.examples):
        drawn = [tag("div", *drawn, class_="repro-gallery")]
    return join([tag("p", *lead, " ".join(notes)), *drawn])


def _item(page: Page, found: Record, example: Panel, scale: Axis) -> Markup:
    name = f"{str(example.get('test', 'test')).replace('_', ' ')}, item {example.get('item', 0)}"
    title, panels = name[:1].upper() + name[1:], example.get("panels", [])
    if len(panels) == 1:
        return _panel(page, found, {"label": title, **panels[0]}, name, scale)
    drawn = [_panel(page, found, panel, name, scale) for panel in panels]
    grid = tag("div", *drawn, class_="repro-listen", style=_columns([panel.get("label", "") for panel in panels]))
    return tag("section", tag("h3", title), grid)


def _columns(labels: list[str]) -> str:
    """`mixture, estimate 1, estimate 2, reference 1, ...`: the first beside rows of a kind each, the same source below
    itself."""
    kinds = Counter(label.split(" ")[0] for label in labels[1:])
    return f"--columns: {max(kinds.values(), default=0) + 1}; --rows: {max(len(kinds), 1)}"


def _panel(page: Page, found: Record, panel: Panel, item: str, scale: Axis) -> Markup:
    label = panel.get("label", "")
    parts = [tag("figcaption", label, _answer(panel))]
    if name := panel.get("image"):
        source = _beside(page, found, name)
        parts.append(tag("img", src=source, loading="lazy", alt=_seen(panel, label, item)))
    if name := panel.get("sound"):
        source = _beside(page, found, name)
        parts.append(tag("audio", src=source, controls=True, preload="none", aria_label=f"{label}, {item}"))
    if text := panel.get("text"):
        parts.append(tag("blockquote", text))
    if panel.get("scores"):
        parts.append(_scores(panel, scale))
    return tag("figure", *parts, class_="repro-sound")


def _beside(page: Page, found: Record, name: str) -> str:
    """The address of a file beside a record. Raises BadInput for a name that leads elsewhere."""
    if not re.fullmatch(r"\w[\w.+ -]*", str(name)):
        raise BadInput(f"the example {name!r} of {found.stem} is no name of a file beside the record")
    return page.file("records", found.stem, name)


def _seen(panel: Panel, label: str, item: str) -> str:
    """A picture in words."""
    if "sound" in panel:
        return f"Spectrogram of the {label}, {item}"
    return f"{item}, of the class {panel['truth']}" if "truth" in panel else f"{label}, {item}"


def _answer(panel: Panel) -> Markup:
    """`✓ 7`, or `✗ 2, in truth 7`."""
    if "truth" not in panel:
        return Markup("")
    truth, answer = str(panel["truth"]), str(panel.get("answer"))
    sign, words = ("✓", answer) if answer == truth else ("✗", f"{answer}, in truth {truth}")
    return tag("span", tag("span", sign, class_="sign"), words, class_="right" if answer == truth else "wrong")


def _scale(panels: Sequence[Panel]) -> Axis:
    """From the lowest score, or zero, to the highest."""
    found = [score for panel in panels for _, score in panel.get("scores", ()) if score is not None]
    low, high = min([0.0, *found]), max([0.0, *found])
    return Axis(low, high if high > low else low + 1, 1.0)


def _scores(panel: Panel, scale: Axis) -> Markup:
    """A bar per class, the true one and a wrong answer told by sign and colour."""
    rows = []
    for name, score in panel["scores"]:
        right, given = name == panel.get("truth"), name == panel.get("answer")
        ends = sorted((scale.share(0.0), scale.share(score or 0.0)))
        bar = tag("span", class_="bar", style=f"--from: {ends[0]:.1%}; --wide: {ends[1] - ends[0]:.1%}")
        sign = tag("span", "✓" if right else "✗" if given else "", class_="mark")
        value = "–" if score is None else typeset(f"{score:.3g}")
        kind = "right" if right else "wrong" if given else None
        rows.append(tag("li", tag("span", str(name)), sign, bar, tag("span", value, class_="value"), class_=kind))
    return tag("ul", *rows, class_="repro-scores")
