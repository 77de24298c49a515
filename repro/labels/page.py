"""The page of the suspects: one HTML file with pictures, players and texts, which needs no server and no script."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from repro.labels.finding import Suspect, Suspects
from repro.labels.shown import Shown, visible
from repro.labels.tasks import embedded
from repro.report.html import alone
from repro.report.html.markup import Markup, join, tag

STYLE = """
figcaption, blockquote { overflow-wrap: anywhere }
main { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(15rem, 100%), 1fr)); gap: 1.5rem }
figure { margin: 0; min-width: 0 } figure.text { grid-column: 1 / -1 }
img { width: 100%; max-width: 14rem; image-rendering: pixelated } audio { width: 100% }
blockquote { margin: .5rem 0; max-height: 12rem; overflow: auto; white-space: pre-wrap }
"""
MEDIA = "img-src data: 'self'; media-src 'self';"


def write(found: Suspects, items: Sequence[Shown], folder: Path) -> Path:
    """Write `<name>.html` into `folder`, where the files of the items are. items: what to show of each suspect."""
    what = "Items to label" if found.chosen_by else "Suspects"
    title = f"{what} of {found.paper}/{found.config}, seed {found.seed}, test set {found.test}"
    figures = [_figure(row, item, folder) for row, item in zip(found.rows, items, strict=True)]
    body = [tag("p", _summary(found)), tag("main", *figures)]
    return alone.write(folder / f"{found.name}.html", title, body, STYLE, MEDIA)


def _summary(found: Suspects) -> str:
    if found.chosen_by:
        left = f"{len(found.rows)} of {found.total} items without an answer are chosen by '{found.chosen_by}'."
        return f"{left} The first one has the highest score. The label is that of the data; it may be anything."
    shown = "" if len(found.rows) == found.total else f" The first {len(found.rows)} are shown."
    return (
        f"{found.total} of {len(found.scores)} labels look wrong.{shown} The most suspicious one is first. A suspect is"
        " not an error: look at the item before you change its label."
    )


def _figure(row: Suspect, item: Shown, folder: Path) -> Markup:
    label, answer = visible(row.label), visible(row.answer)
    words = [f"{row.rank}. ", tag("code", visible(row.item)), tag("br")]
    words += [f"label {label}, answer {answer} ({row.probability:.4g})"]
    return tag("figure", tag("figcaption", *words), _seen(item, row, folder), class_="text" if item.text else None)


def _seen(item: Shown, row: Suspect, folder: Path) -> Markup:
    parts = []
    if item.image:
        parts.append(tag("img", src=embedded(item.image), alt=f"Item {row.rank}", loading="lazy"))
    if item.sound:
        source = quote(item.sound.relative_to(folder).as_posix())
        parts.append(tag("audio", src=source, controls=True, preload="none", aria_label=f"Item {row.rank}"))
    if item.text:
        parts.append(tag("blockquote", item.text))
    return join(parts)
