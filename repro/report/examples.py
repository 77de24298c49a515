"""The section "Look and listen": panels of test items, made by a dataset's `illustrate`.

A panel has these keys, all optional:

    label     what it shows, for example `mixture`
    image     file name of a picture, in the folder of the record; next to a `sound` it is the spectrogram
    sound     file name of a sound, in the folder of the record
    text      a text, shown unchanged
    truth     the true class
    answer    the class that the model predicted
    scores    pairs `[class, score]` for all classes or the highest ones; the score is None if it is not a number
    signal    file name of a stretch of a signal, in the folder of the record; it needs the four keys below
    start     where the stretch starts, in seconds from the start of its recording; `stop` is where it ends
    true      the true marks: `[seconds, kind, hit]`; `hit` is 1 if the mark is found, else 0
    found     the found marks: `[seconds, hit]`; `hit` is 0 if the mark is extra
    over      file name of the picture below; `image` is then drawn over it, or `boxes` are
    colours   what the colours of `image` mean: `[name, "#rrggbb", share of the pixels]`
    heat      the colours of a map from its lowest to its highest value
    boxes     `[x0, y0, x1, y1, name, score, hit]`; the score may be None; `hit` is 0 if a true box is missed, or if
              a found box is extra
    size      width and height of the image in the unit of `boxes`

If a record has a `signal`, all its stretches are one strip (`repro.report.strip`), and its other keys are not shown.
`repro.data.sound_panels` makes the panels of sounds, `repro.data.panels` those of classified images and texts,
`repro.data.signal_panels` those of signals, `repro.data.mask_panels` those of masks, boxes and explanations.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from repro.record import Record
from repro.report import item_scores, pictures, training_pictures
from repro.report.example_files import address, path
from repro.report.html.axis import Axis
from repro.report.html.markup import Markup, fold, join, link, tag
from repro.report.html.words import count, typeset
from repro.report.page import Page
from repro.report.strip import strip

NOTES = (
    (
        {"image", "sound"},
        "In a spectrogram, the brightest colour is the loudest point of the mixture, and black is 70 dB below it or "
        "less. All spectrograms of one item use the same colours.",
    ),
    ({"truth"}, "✓ marks the true class, ✗ a wrong answer."),
    (
        {"over", "colours"},
        "The colours show the mask over the image, with their share of all pixels. Missed: background in the answer; "
        "extra: background in the truth.",
    ),
    (
        {"over", "boxes"},
        "A found box is right if its intersection with a true box is at least half of their union, one to one. Found "
        "boxes with a low score are not drawn.",
    ),
    ({"over", "heat"}, "Each map is drawn from 0 to its own highest value. The white line is the outline of the mask."),
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
    rest = [fold(f"The same for {page.paper.label(found.config)}", _record(page, found)) for found in others]
    if len(rest) > OPEN:
        rest = [fold(f"The same for {count(len(rest), 'other config')}", *rest)]
    return join([_record(page, first), *rest])


def _record(page: Page, found: Record) -> Markup:
    """A section per item. Items that have one panel each are side by side."""
    panels = [panel for example in found.examples for panel in example.get("panels", ())]
    notes = [words for keys, words in NOTES if any(keys <= panel.keys() for panel in panels)]
    run = link(f"{page.paper.label(found.config)}, seed {found.seed}", page.origin(found))
    lead = ["Test items with the output of ", run, ". ", item_scores.summary(page, found), " "]
    if any("signal" in panel for panel in panels):
        return join([tag("p", *lead), strip(page, found)])
    named, scale = item_scores.chosen(page, found), _scale(panels)
    items = [training_pictures.without(example) for example in found.examples]
    drawn = [_item(page, found, item, scale, named.get(n, "")) for n, item in enumerate(items)]
    if len(panels) == len(found.examples):
        return join([tag("p", *lead, " ".join(notes)), tag("div", *drawn, class_="repro-gallery")])
    first, *rest = _folded(drawn, named) if named else drawn
    intro = tag("p", *lead, item_scores.order(page, found, named), " ".join(notes))
    return join([intro, first, *training_pictures.series(page, found), *rest])


def _folded(drawn: Sequence[Markup], named: Mapping[int, str]) -> list[Markup]:
    """The first of the items in `named`; each other one of them in a fold of its own, and all others in one fold."""
    typical, *ends = named
    rest = [one for n, one in enumerate(drawn) if n not in named]
    folds = [fold(named[n][:1].upper() + named[n][1:], drawn[n]) for n in ends]
    return [drawn[typical], *folds, *([fold(count(len(rest), "more item"), *rest)] if rest else [])]


def _item(page: Page, found: Record, example: Panel, scale: Axis, chosen: str = "") -> Markup:
    test, item = str(example.get("test", "test")), int(example.get("item", 0))
    name = f"{test.replace('_', ' ')}, item {item}"
    title, panels = name[:1].upper() + name[1:], example.get("panels", [])
    scores = _scored(page, found, test, item)
    if len(panels) == 1:
        return _panel(page, found, {"label": title, **panels[0]}, name, scale, scores)
    head = tag("h3", f"{title}: {chosen}" if chosen else title)
    plain = all(panel.keys() <= {"label", "image"} for panel in panels)  # such as pictures of samples
    if plain or any("over" in panel for panel in panels):
        given = [_given(panel, scale) for panel in panels if "truth" in panel]
        drawn = [pictures.figure(page, found, panel, name) for panel in panels]
        grid = tag("div", *drawn, class_="repro-pictures")
        return tag("section", head, scores, *given, *([] if plain else [pictures.slider(panels, name)]), grid)
    drawn = [_panel(page, found, panel, name, scale) for panel in panels]
    grid = tag("div", *drawn, class_="repro-listen", style=_columns([panel.get("label", "") for panel in panels]))
    return tag("section", head, scores, grid)


def _given(panel: Panel, scale: Axis) -> Markup:
    """The answer and the scores of an item that has several pictures."""
    scores = [_scores(panel, scale)] if panel.get("scores") else []
    return tag("div", tag("p", "Answer: ", _answer(panel)), *scores, class_="repro-given")


def _scored(page: Page, found: Record, test: str, item: int) -> Markup:
    """The scores of the item, and where it is among all items."""
    scores = item_scores.scores(page, found, test, item)
    if not scores:
        return Markup("")
    place = item_scores.standing(page, found, test, item)
    first = [tag("strong", scores[0]), f" ({place})" if place else ""]
    return tag("p", *first, *(f"; {one}" for one in scores[1:]), class_="repro-scored")


def _columns(labels: list[str]) -> str:
    """The CSS grid for panels with these labels, for example `mixture, estimate 1, estimate 2, reference 1, ...`.

    The first panel has the whole width. Each other kind has a row, and source 1 is always in the same column.
    """
    kinds = Counter(label.split(" ")[0] for label in labels[1:])
    return f"--columns: {max(kinds.values(), default=1)}"


def _panel(page: Page, found: Record, panel: Panel, item: str, scale: Axis, scores: str = "") -> Markup:
    label, sound = panel.get("label", ""), panel.get("sound")
    long = _length(page, found, sound) if sound and not panel.get("image") else ""
    parts = [tag("figcaption", label, long, _answer(panel)), scores]
    if name := panel.get("image"):
        image = tag("img", src=address(page, found, name), loading="lazy", alt=_seen(panel, label, item))
        parts.append(_axes(image, path(page, found, sound)) if sound else image)
    if sound:
        source = address(page, found, sound)
        parts.append(tag("audio", src=source, controls=True, preload="none", aria_label=f"{label}, {item}"))
    if text := panel.get("text"):
        parts.append(tag("blockquote", text))
    if panel.get("scores"):
        parts.append(_scores(panel, scale))
    return tag("figure", *parts, class_="repro-sound")


def _length(page: Page, found: Record, sound: str) -> Markup:
    """The length of a sound. Its file is not loaded before a reader plays it, so the player does not show it."""
    known = flac(path(page, found, sound))
    return tag("span", f" {known[1] / known[0]:.3g} s", class_="repro-muted") if known else Markup("")


def _axes(image: Markup, sound: Path) -> Markup:
    """A spectrogram with the ends of its axes: 0 to half the sample rate, and 0 to the length of the sound."""
    found = flac(sound)
    if found is None:
        return image
    high, long = f"{found[0] / 2000:g} kHz", f"{found[1] / found[0]:.3g} s"
    ends = [tag("span", text, class_=where) for text, where in ((high, "top"), ("0", "bottom"), ("0", "start"))]
    return tag("div", *ends, image, tag("span", long, class_="end"), class_="repro-spectrum")


def flac(sound: Path) -> tuple[int, int] | None:
    """The sample rate and the number of samples in the header of a FLAC file; None if it has none.

    No sound library: these files come from strangers, and a library would decode them.
    """
    if not sound.is_file():
        return None
    with sound.open("rb") as file:
        head = file.read(26)
    numbers = int.from_bytes(head[18:26], "big")  # 20 bits rate, 3 channels, 5 bits per sample, 36 samples
    rate, samples = numbers >> 44, numbers & (1 << 36) - 1
    return (rate, samples) if head[:4] == b"fLaC" and rate and samples else None


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
