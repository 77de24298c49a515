"""The result of watching a log as one HTML file, which needs no server and no script."""

from __future__ import annotations

import math
from pathlib import Path

from repro.errors import BadInput, where
from repro.files import disk
from repro.report.html import alone
from repro.report.html.markup import Markup, join, tag
from repro.watch.checks import said
from repro.watch.watching import Watched, Window

STYLE = """
:root { --bad: #b3261e; --line: #3b6ea5 }
@media (prefers-color-scheme: dark) { :root { --bad: #ff8a80; --line: #8ab8e8 } }
td { overflow-wrap: anywhere } svg { width: 100%; max-width: 50rem; display: block }
table { border-collapse: collapse; width: 100% } .wide { overflow-x: auto }
th, td { text-align: left; padding: .2rem .6rem; border-bottom: 1px solid #8886; vertical-align: top }
.alarm { color: var(--bad); font-weight: 600 }
"""
ENDINGS = (".html", ".htm")
WIDTH, HEIGHT, TOP = 600, 90, 12.0  # of a chart; TOP: the largest power of ten that it shows


def refuse(path: Path, *read: Path) -> None:
    """Raise BadInput if the page cannot be written to `path`, or would replace a file that is `read`."""
    if path.suffix not in ENDINGS:
        raise BadInput("is not a name for a page", where(path), expected=f"a name that ends with {ENDINGS[0]}")
    if path.exists() and any(one.exists() and path.samefile(one) for one in read):
        raise BadInput("the page would replace the log", where(path), expected="another name for the page")
    disk.refuse_unwritable(path.absolute().parent, path.name)


def write(found: Watched, path: Path) -> Path:
    """Write the page to `path`, a file. Returns the path."""
    disk.refuse_unwritable(path.absolute().parent, path.name)
    title = f"Drift in {where(found.path)}"
    body = [tag("p", found.verdict(), class_="alarm" if found.first_alarm else None)]
    body += [tag("p", line) for line in _about(found)]
    body += [section for name in found.tests for section in _section(found, name)]
    body += [tag("h2", "All windows"), tag("div", _table(found), class_="wide")]
    path.parent.mkdir(parents=True, exist_ok=True)
    return alone.write(path, title, [tag("main", *body)], STYLE)


def _about(found: Watched) -> list[str]:
    header, sample = found.header, found.reference.sample
    lines = [
        f"Model: {header.record or header.config}, checkpoint {header.checkpoint}.",
        f"Reference: {len(sample)} answers, {sample.says}.",
        f"A p value below {found.threshold:.2g} raises an alarm: {found.level:g} divided by the number of tests.",
    ]
    return lines + [f"The last {found.left} answers do not fill a window and are left out."] * (found.left > 0)


def _section(found: Watched, name: str) -> list[Markup]:
    rows = [(one, check) for one in found.windows for check in one.checks if check.test == name]
    if not rows:
        return []
    worst = min(rows, key=lambda row: row[1].p)
    words = f"Smallest p value {said(worst[1].p)}, in window {worst[0].number}: {worst[1].says}."
    return [tag("h2", name.capitalize()), tag("p", words), _chart(found, name, [(w.number, c.p) for w, c in rows])]


def _chart(found: Watched, name: str, rows: list[tuple[int, float]]) -> Markup:
    """The p value of each window, as a power of ten; the threshold is a line. An alarm is a filled dot."""
    step = WIDTH / max(len(found.windows), 1)
    line = _height(found.threshold)
    title = f"{name}: the p values of {len(rows)} windows, smaller ones are higher"
    dots = [_dot((number - 0.5) * step, p, found.threshold, number) for number, p in rows]
    parts = [tag("title", title), tag("line", x1=0, x2=WIDTH, y1=line, y2=line, stroke="currentColor", opacity=0.5)]
    box = f"0 -5 {WIDTH} {HEIGHT + 10}"
    return tag("svg", *parts, *dots, viewBox=box, role="img", aria_label=title)


def _height(p: float) -> float:
    return round(HEIGHT * (1 - min(-math.log10(max(p, 10**-TOP)), TOP) / TOP), 1)


def _dot(x: float, p: float, threshold: float, number: int) -> Markup:
    color = "var(--bad)" if p < threshold else "none"
    edge = "var(--bad)" if p < threshold else "var(--line)"
    label = tag("title", f"window {number}: p {said(p)}")
    return tag("circle", label, cx=round(x, 1), cy=_height(p), r=4, fill=color, stroke=edge)


def _table(found: Watched) -> Markup:
    head = tag("tr", *(tag("th", name, scope="col") for name in ("window", "answers", "began", *found.tests)))
    return tag("table", tag("thead", head), tag("tbody", join([_row(found, one) for one in found.windows])))


def _row(found: Watched, window: Window) -> Markup:
    cells = [tag("td", str(window.number)), tag("td", f"{window.first} to {window.last}"), tag("td", window.began)]
    p = {check.test: check.p for check in window.checks}
    for name in found.tests:
        value = p.get(name)
        alarm = value is not None and value < found.threshold
        text = "too few inputs" if value is None else f"{said(value)}{' alarm' if alarm else ''}"
        cells.append(tag("td", text, class_="alarm" if alarm else None))
    return tag("tr", *cells)
