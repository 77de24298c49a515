"""The strip: a signal with its true marks above and its found marks below, for examples whose panels have `signal`.

The page shows the counts, one stretch as a figure, and all errors. Where scripts run, `strip.js` replaces the figure by
a viewer of all stretches. It draws in the same places, and loads the signal of a stretch when it shows it.
"""

from __future__ import annotations

import itertools
import json
import math
from collections import Counter
from collections.abc import Sequence

from repro.claim.paper import WRITTEN
from repro.record import Record
from repro.report import stretches
from repro.report.html import panel
from repro.report.html.axis import Axis, around
from repro.report.html.markup import Markup, box, fold, join, picture, row, tag
from repro.report.html.words import count, duration
from repro.report.page import Page
from repro.report.stretches import Error, Signal, Stretch

LEFT, WIDE = 11.0, 87.0  # percent of the width: where the signal begins, and how wide it is
TOP, HIGH, WHOLE = 34, 130, 212  # pixels: where the signal begins, its height, and that of the whole figure
EDGE = 0.96  # of the width: a number further to the right would be cut off if it were centred
LANES = {"kind": 13, "true": 24, "missed": 24, "found": TOP + HIGH + 12, "extra": TOP + HIGH + 12}
SIGNS = {"true": "M-4-4H4L0 4Z", "missed": "M-4-4 4 4M4-4-4 4", "found": "M0-4 4 4H-4Z", "extra": "M0-5 5 0 0 5-5 0Z"}
OPEN = 10  # with more errors, they are in a fold
MOST = 200  # rows of the table of errors
LETTERS = 3  # of a kind in the figure


def strip(page: Page, found: Record) -> Markup:
    """All that the page shows of the signals of one record. Raises BadInput if a panel or a file is not right."""
    shown = stretches.of_record(page, found)
    errors = stretches.errors(shown)
    first = errors[0].place if errors else 0
    kinds = usual_first(shown)
    drawn = figure(shown[first], stretches.signal(page, found, shown[first]), kinds[0])
    what = "the first stretch with an error" if errors else "the first stretch"
    caption = tag("figcaption", f"{_span(shown[first])}, {what}")
    viewer = tag("div", class_="repro-viewer", **viewed(page, found, shown, kinds), data_first=first)
    parts = [tag("figure", caption, drawn), viewer, _legend(kinds), _table(shown, errors)]
    return tag("div", tag("p", _counts(shown, kinds)), *parts, class_="repro-signals")


def usual_first(shown: Sequence[Stretch]) -> list[str]:
    """The kinds of the true marks, the most frequent one first; one empty kind if there are no marks."""
    kinds = Counter(kind for one in shown for _, kind, _ in one.true)
    return [kind for kind, _ in kinds.most_common()] or [""]


def viewed(page: Page, found: Record, shown: Sequence[Stretch], kinds: Sequence[str]) -> dict[str, str]:
    """What `strip.js` reads, as attributes. Times are milliseconds from the start of the recording, or of a stretch.

    `data_stretches` is a list `[file, start, stop, [[time, kind, hit], ...], [[time, hit], ...]]` for each stretch; a
    kind is its number in `data_kinds`.
    """
    number = {kind: n for n, kind in enumerate(kinds)}
    rows = [
        [
            one.signal,
            _ms(one.start),
            _ms(one.stop),
            [[_ms(at) - _ms(one.start), number[kind], hit] for at, kind, hit in one.true],
            [[_ms(at) - _ms(one.start), hit] for at, hit in one.found],
        ]
        for one in shown
    ]
    texts = {"data_stretches": rows, "data_kinds": kinds}
    written = {key: json.dumps(value, separators=(",", ":"), ensure_ascii=False) for key, value in texts.items()}
    return {"data_folder": page.file(WRITTEN, found.stem, ""), **written}


def _counts(shown: Sequence[Stretch], kinds: Sequence[str]) -> Markup:
    """How many marks are found, missed and extra, and how many of each kind are found."""
    true, hits = (Counter(kind for one in shown for _, kind, hit in one.true if hit >= least) for least in (0, 1))
    extra = sum(not hit for one in shown for _, hit in one.found)
    seconds = sum(one.stop - one.start for one in shown)
    many = f"{len(shown):,} stretch{'' if len(shown) == 1 else 'es'} of the signal, {duration(seconds)} together"
    said = [
        f"Of {count(true.total(), 'true mark')} in {many}, ",
        tag("strong", f"{hits.total():,} are found and {true.total() - hits.total():,} missed"),
        "; ",
        tag("strong", f"{extra:,} found marks are extra"),
        f". A true mark is found if a found mark is at most {1000 * stretches.tolerance():.0f} ms away; "
        "each found mark counts once.",
    ]
    each = [f"{kind} {hits[kind]:,} of {true[kind]:,}" for kind in kinds[:OPEN]]
    more = f"; and {count(len(kinds) - OPEN, 'other kind')}" if len(kinds) > OPEN else ""
    return join([*said, f" By kind, found: {'; '.join(each)}{more}." if len(kinds) > 1 else ""])


def figure(shown: Stretch, signal: Signal, usual: str) -> Markup:
    """One stretch: the signal, its axes, and the marks. Positions are percentages, so that text stays readable."""
    across = around([shown.start, shown.stop], ticks=5, margin=0.0)
    upward = around(signal.numbers, ticks=3)
    line = tag(
        "svg",
        tag("path", d=_path(signal, upward), class_="line"),
        viewBox=f"0 0 {len(signal.values)} 1000",
        preserveAspectRatio="none",
        x=f"{LEFT}%",
        y=TOP,
        width=f"{WIDE}%",
        height=HIGH,
    )
    missed, extra = sum(not hit for *_, hit in shown.true), sum(not hit for _, hit in shown.found)
    true, found = count(len(shown.true), "true mark"), count(len(shown.found), "found mark")
    return picture(
        f"Signal with marks, {_span(shown)}",
        f"{true}, {missed} missed; {found}, {extra} extra.",
        *_axes(across, upward, signal.unit),
        *_marks(shown, across, usual),
        line,
        width="100%",
        height=WHOLE,
        class_="repro-signal",
    )


def _axes(across: Axis, upward: Axis, unit: str) -> list[Markup]:
    """Lines with their numbers: minutes and seconds below, the unit and its numbers on the left."""
    parts = [tag("text", unit, x=0, y=LANES["kind"], class_="name")]
    for tick in upward.ticks:
        y = f"{TOP + HIGH * (1 - upward.share(tick)):.1f}"
        parts += [
            tag("line", x1=f"{LEFT}%", x2=f"{LEFT + WIDE}%", y1=y, y2=y, class_="grid"),
            tag("text", panel.label(tick), x=f"{LEFT - 1}%", y=y, dy=4, text_anchor="end"),
        ]
    for tick in across.ticks:
        x, anchor = _x(across, tick), "middle" if across.share(tick) < EDGE else "end"
        parts += [
            tag("line", x1=x, x2=x, y1=TOP, y2=TOP + HIGH, class_="grid"),
            tag("text", clock(tick), x=x, y=WHOLE - 8, text_anchor=anchor),
        ]
    return parts


def _marks(shown: Stretch, across: Axis, usual: str) -> list[Markup]:
    """The signs of all marks, the kinds that are not the usual one, and a line through the signal at each error."""
    parts = []
    named = [(at, hit, ("missed", "true")[hit], kind) for at, kind, hit in shown.true]
    for at, hit, what, kind in [*named, *((at, hit, ("extra", "found")[hit], "") for at, hit in shown.found)]:
        x = _x(across, min(max(at, shown.start), shown.stop))
        if not hit:
            parts.append(tag("line", x1=x, x2=x, y1=TOP, y2=TOP + HIGH, class_="wrong"))
        if kind and kind != usual:
            parts.append(tag("text", kind[:LETTERS], x=x, y=LANES["kind"], text_anchor="middle", class_="kind"))
        title = tag("title", " ".join(filter(None, (what, kind, clock(at, 3)))))
        parts.append(tag("svg", title, _sign(what), x=x, y=LANES[what], overflow="visible"))
    return parts


def _sign(what: str, **attributes: str) -> Markup:
    return tag("path", d=SIGNS[what], class_=what, **attributes)


def _path(signal: Signal, upward: Axis) -> str:
    """The line through the values, one unit apart, relative to the value before; a gap starts a new line."""
    text, before = "", None
    for place, value in enumerate(signal.values):
        y = None if value is None else round(1000 * (1 - upward.share(signal.offset + signal.scale * value)))
        if y is not None:
            text += f"M{place}.5 {y}" if before is None else f"l1 {y - before}"
        before = y
    return text.replace(" -", "-")


def _x(across: Axis, at: float) -> str:
    return f"{LEFT + WIDE * across.share(at):.3f}%"


def clock(seconds: float, digits: int = 0) -> str:
    """A time as minutes and seconds; fractions of a second are shown up to `digits`, or if there are any.

    >>> clock(125), clock(7.5), clock(3725.25, 3)
    ('2:05', '0:07.5', '1:02:05.250')
    """
    whole = round(seconds, 3)
    rest = f"{whole % 60:0{digits + 3}.{digits}f}" if digits else f"{whole % 60:06.3f}".rstrip("0").rstrip(".")
    minutes = math.floor(whole / 60)
    start = f"{minutes // 60}:{minutes % 60:02d}" if minutes >= 60 else f"{minutes}"
    return f"{start}:{rest}"


def _span(shown: Stretch) -> str:
    return f"{clock(shown.start)} to {clock(shown.stop)}"


def _ms(seconds: float) -> int:
    return round(1000 * seconds)


def _legend(kinds: Sequence[str]) -> Markup:
    """What each sign means."""
    other = f"; the letter above it is its kind, if that is not {kinds[0]}" if len(kinds) > 1 else ""
    words = {
        "true": f"true mark, found{other}",
        "missed": "true mark, missed",
        "found": "found mark",
        "extra": "found mark, extra",
    }
    rows = [
        tag("li", tag("svg", _sign(what, transform="translate(8 8)"), width=16, height=16, aria_hidden="true"), said)
        for what, said in words.items()
    ]
    return tag("ul", *rows, class_="repro-signal-legend")


def _table(shown: Sequence[Stretch], errors: Sequence[Error]) -> Markup:
    """All errors by time, in a fold if they are many. `data-at` is the place on the axis of `strip.js`, in ms."""
    if not errors:
        return Markup("")
    starts = [0, *itertools.accumulate(_ms(one.stop) - _ms(one.start) for one in shown)]
    rows = []
    for one in errors[:MOST]:
        at = starts[one.place] + _ms(one.time) - _ms(shown[one.place].start)
        other = "found mark" if one.missed else "true mark"
        near = f"no {other}" if one.apart is None else f"{other}: {_ms(one.apart):,} ms"
        name = tag("th", clock(one.time, 3), scope="row")
        rows.append(row("missed" if one.missed else "extra", one.kind, near, first=name, data_at=at))
    heads = [tag("th", name, scope="col") for name in ("Time", "Error", "Kind", "Nearest")]
    table = tag("table", tag("thead", tag("tr", *heads)), tag("tbody", *rows), class_="repro-signal-errors")
    words = count(len(errors), "error")
    rest = f" The table has the first {MOST}." if len(errors) > MOST else ""
    if len(errors) <= OPEN:
        return box(table, label=words)
    return fold(f"{words}, by time.{rest}", box(table, label=words))
