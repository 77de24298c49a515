"""The section "Look and listen": panels of test items, made by a dataset's `illustrate`.

A panel has these keys, all optional:

    label     what it shows, for example `mixture`
    image     file name of a picture, in the folder of the record; next to a `sound` it is the spectrogram
    sound     file name of a sound, in the folder of the record
    text      a text, shown unchanged
    truth     the true class
    answer    the class that the model predicted
    scores    pairs `[class, score]` for all classes or the highest ones; the score is None if it is not a number

`repro.data.sound_panels` makes the panels of sounds, `repro.data.panels` those of classified images and texts.
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
        "In a spectrogram, the horizontal axis is time and the vertical axis is frequency. All spectrograms of one "
        "item use the same colour scale.",
    ),
    ({"truth"}, "✓ marks the true class, ✗ a wrong answer."),
    ({"scores"}, "Each bar is the score of a class. It starts at zero. All items have the same scale."),
)
"""The sentence above the panels, if a panel has these keys."""

OPEN = 4  # up to this many other configs have a fold each; more share one fold

Panel = dict[str, Any]


def examples(page: Page) -> Markup:
    """The examples of the first record in the order of `Page.rank`; those of the other configs are folded, one seed
    each.
    """
    shown: dict[str, Record] = {}
    for found in sorted(page.records, key=page.rank):
        if found.examples:
            shown.setdefault(found.config, found)
    if not shown:
        return tag("p", "No record of this paper has examples.", class_="repro-muted")
    first, *others = shown.values()
    rest = [fold(f"The same for {found.stem}", _record(page, found)) for found in others]
    if len(rest) > OPEN:
        rest = [fold(f"The same for {count(len(rest), 'other config')}", *rest)]
    return join([_record(page, first), *rest])


def _record(page: Page, found: Record) -> Markup:
    """A section per item. Items that have one panel each are side by side."""
    panels = [panel for example in found.examples for panel in example.get("panels", ())]
    notes = [words for keys, words in NOTES if any(keys <= panel.keys() for panel in panels)]
    lead = ["Test items with the output of the run ", link(found.stem, page.origin(found)), ". "]
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
    """The CSS grid for panels with these labels, for example `mixture, estimate 1, estimate 2, reference 1, ...`.

    The first panel has its own column. Each other kind has a row, and source 1 is always in the same column.
    """
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
    """The address of a file in the folder of a record. Raises BadInput if the name contains a path."""
    if not re.fullmatch(r"\w[\w.+ -]*", str(name)):
        raise BadInput(f"the example {name!r} of {found.stem} is not the name of a file next to the record")
    return page.file("records", found.stem, name)


def _seen(panel: Panel, label: str, item: str) -> str:
    """The alternative text of a picture."""
    if "sound" in panel:
        return f"Spectrogram of the {label}, {item}"
    return f"{item}, class {panel['truth']}" if "truth" in panel else f"{label}, {item}"


def _answer(panel: Panel) -> Markup:
    """The predicted class: `✓ 7`, or `✗ 2, true class 7`."""
    if "truth" not in panel:
        return Markup("")
    truth, answer = str(panel["truth"]), str(panel.get("answer"))
    sign, words = ("✓", answer) if answer == truth else ("✗", f"{answer}, true class {truth}")
    return tag("span", tag("span", sign, class_="sign"), words, class_="right" if answer == truth else "wrong")


def _scale(panels: Sequence[Panel]) -> Axis:
    """The axis of the scores: from the lowest score (or zero) to the highest (or zero)."""
    found = [score for panel in panels for _, score in panel.get("scores", ()) if score is not None]
    low, high = min([0.0, *found]), max([0.0, *found])
    return Axis(low, high if high > low else low + 1, 1.0)


def _scores(panel: Panel, scale: Axis) -> Markup:
    """A bar per class. A sign and a colour mark the true class and a wrong answer."""
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
