"""The figures of an article, drawn from records: a row for each claim, and the learning curves. They are vectors."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from repro.export import needed
from repro.record import Record
from repro.report import chosen, groups
from repro.report.curves import NAMES
from repro.report.groups import Group
from repro.report.page import Page
from repro.verdict import Evidence, Verdict, upward

WIDTH = 6.4  # inches
ROWS = 22  # of a figure of claims: more would not fit on a page
LABEL = 52  # characters of a line of a label
PANELS = 15  # of learning curves in a figure
ACROSS = 3  # panels next to each other
PAPER, OURS, PROXY = "#0b6e99", "#111111", "#8a4fb0"
CARETS = {False: 8, True: 9}  # matplotlib's triangles to the left and to the right of a point
STYLE = {
    "font.size": 7,
    "svg.hashsalt": "repro",
    "axes.linewidth": 0.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.major.width": 0.5,
    "ytick.major.width": 0.5,
}
UNDATED: dict[str, dict[str, None]] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}


def claims(page: Page, folder: Path, form: str) -> Iterator[tuple[Path, str]]:
    """Draw the claims with records, a figure for each metric: (file in `folder`, caption). `form` is svg or pdf."""
    shown = [one for one in page.verdicts if one.claim.transcribed and one.claim.kind != "printed" and one.evidence]
    legend = _legend(shown)
    for number, group in enumerate(groups.grouped(page, shown), 1):
        parts = [group.verdicts[first : first + ROWS] for first in range(0, len(group.verdicts), ROWS)]
        for place, part in enumerate(parts, 1):
            path = folder / f"claims-{number}{f'-{place}' if len(parts) > 1 else ''}.{form}"
            _save(_claims(group, part), path)
            yield path, f"{group.name}{group.scale}.{legend}"
            legend = ""  # only below the first figure


def _legend(verdicts: Sequence[Verdict]) -> str:
    found = [one for verdict in verdicts for one in verdict.evidence]
    said = " Line: the paper's number; band: the range that we accept. Triangle: the side that the paper claims."
    said += " Filled: our mean with its 95 % interval." if any(not one.proxy for one in found) else ""
    return said + (" Hollow: a proxy, which can only show a trend." if any(one.proxy for one in found) else "")


def _claims(group: Group, verdicts: Sequence[Verdict]) -> Any:
    lanes = [max(len(one.evidence), 1) for one in verdicts]
    labels = ["\n".join(textwrap.wrap(one.claim.says, LABEL)) for one in verdicts]
    sizes = [max(0.17 * lane, 0.125 * (label.count("\n") + 1)) + 0.1 for lane, label in zip(lanes, labels, strict=True)]
    made, axes = _figure(sum(sizes) + 0.35)
    axes.set_ylim(sum(sizes), 0)
    top, middles = 0.0, []
    for verdict, size in zip(verdicts, sizes, strict=True):
        middles.append(top + size / 2)
        _row(axes, verdict, top, size)
        top += size
    axes.set_yticks(middles, labels, parse_math=False)
    if group.log:
        axes.set_xscale("log")
    right = axes.secondary_yaxis("right")
    right.set_yticks(middles, [chosen.outcome(one) for one in verdicts])
    for side in (axes, right):
        side.tick_params("y", length=0)
    right.spines["right"].set_visible(False)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x", linewidth=0.3, color="#cccccc")
    return made


def _row(axes: Any, verdict: Verdict, top: float, size: float) -> None:
    """The paper's number and the accepted range of one claim, and our number of each config."""
    between, line = groups.target(verdict.claim), groups.edge(verdict.claim)
    inside = (top + 0.04, top + size - 0.04)
    if line is not None:
        side = upward(verdict.claim, verdict.evidence[0].identity)
        axes.plot(line, top + size / 2, marker=CARETS[side], ms=4, color=PAPER)
    if between is not None:
        axes.fill_betweenx(inside, *([limit] * 2 for limit in between), color=PAPER, alpha=0.18, linewidth=0)
        line = sum(between) / 2
    if line is not None:
        axes.plot([line, line], inside, color=PAPER, linewidth=1.1)
    for lane, found in enumerate(verdict.evidence):
        _ours(axes, found, top + size * (lane + 0.5) / len(verdict.evidence))


def _ours(axes: Any, found: Evidence, height: float) -> None:
    one, colour = found.interval, PROXY if found.proxy else OURS
    axes.plot([one.low, one.high], [height, height], color=colour, linewidth=0.9, solid_capstyle="butt")
    axes.plot(one.mean, height, "o", ms=3.2, mec=colour, mfc="white" if found.proxy else colour, mew=0.9)


def curves(page: Page, folder: Path, form: str) -> Iterator[tuple[Path, str]]:
    """Draw the learning curves, a panel for each config: (file in `folder`, caption)."""
    records = sorted(page.curved, key=page.rank)
    panels = [list(mine) for _, mine in groupby(records, key=lambda found: found.config)]
    parts = [panels[first : first + PANELS] for first in range(0, len(panels), PANELS)]
    names = [NAMES[name] for name in NAMES if any(name in found.curves for found in records)]
    for place, part in enumerate(parts, 1):
        path = folder / f"curves{f'-{place}' if len(parts) > 1 else ''}.{form}"
        _save(_curves(page, part), path)
        lines = " and ".join(f"{name} ({'dashed' if name == NAMES['valid'] else 'solid'})" for name in names)
        yield path, f"Learning curves: {lines} by step, one line for each seed."


def _curves(page: Page, panels: Sequence[Sequence[Record]]) -> Any:
    rows = -(-len(panels) // ACROSS)
    made, field = _figure(1.45 * rows + 0.1, rows, ACROSS)
    made.get_layout_engine().set(h_pad=0.06)
    for axes, mine in zip(field.flat, panels, strict=False):
        for found in mine:
            for name, points in ((name, found.curves[name]) for name in NAMES if name in found.curves):
                axes.plot(*zip(*points, strict=True), "-" if name == "train" else "--", color=OURS, linewidth=0.6)
        if _wide(mine):
            axes.set_yscale("log")
        axes.set_title(page.paper.label(mine[0].config), fontsize=7, parse_math=False)
    for axes in field.flat[len(panels) :]:
        axes.set_visible(False)
    return made


def _wide(records: Iterable[Record]) -> bool:
    """Whether the losses are positive and differ by more than a factor of 100."""
    values = [point[1] for found in records for name in NAMES for point in found.curves.get(name, ())]
    return bool(values) and min(values) > 0 and max(values) > 100 * min(values)


def _figure(height: float, rows: int = 1, columns: int = 1) -> tuple[Any, Any]:
    matplotlib = needed("matplotlib")
    matplotlib.rcParams.update(STYLE)
    made = needed("matplotlib.figure").Figure(figsize=(WIDTH, height), layout="constrained")
    return made, made.subplots(rows, columns, squeeze=rows == columns == 1)


def _save(made: Any, path: Path) -> None:
    """Write a figure without its date, so that the same records give the same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    made.savefig(path, metadata=UNDATED[path.suffix[1:]])
