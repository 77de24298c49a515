"""The leaderboard: configs ranked by one metric on one test set, with intervals and a test of every difference."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain, pairwise

from repro.claim import units
from repro.claim.paper import Claim
from repro.interval import Interval
from repro.report import evidence, naming, percent, possible
from repro.report.entrants import Entrant, Field
from repro.report.figure import claimed
from repro.report.html import files, marks
from repro.report.html.axis import Axis, around, logarithmic, wide
from repro.report.html.markup import Markup, box, entry, fold, join, link, picture, tag, unbroken, worded
from repro.report.html.words import count, duration, number, spread, typeset
from repro.report.ranking import LEVEL, Pair, Ranking, ranking

PICTURE = "In the picture, the vertical line is the printed number and the dot is ours."
ROOM = 16  # digits that fit below the axis of a row, which is narrow
ROWS = 10  # visible configs; the others are in a fold


def leaderboard(field: Field) -> Markup:
    """The meaning of the ranks, and the table. A fold below has the notes, and which configs differ."""
    ranked, found, unit, higher = ranks(field)
    above, below = (tag("p", " ".join(said), class_="repro-muted") for said in _rules(field, ranked, higher, PICTURE))
    parts = [above, _table(field, ranked, found, unit), _compared(ranked, found, unit, below) if found.pairs else below]
    return tag("div", *parts, class_="repro-leaderboard")


def heads(field: Field) -> tuple[str, ...]:
    """The names of the columns."""
    printed = evidence.source(field.entrants[0].page)
    return "Rank and config", printed, "Ours, 95 % interval", "Interval", "Seeds × items", "Time"


def ranks(field: Field) -> tuple[list[Entrant], Ranking, str, bool]:
    """The configs that have run, the best first; their ranks; the metric's unit; and whether more is better."""
    ran = field.ran
    identity = ran[0].found[0].identity
    by, unit = percent.factor(ran[0].page.paper, field.metric, str(identity.get("unit", "")))
    higher = identity.get("better") != "lower"
    groups = [[[by * value for value in row] for row in one.rows] for one in ran]
    found = ranking(groups, higher)
    shown = [
        possible.within(one, {**identity, "unit": unit}, chain.from_iterable(groups[index]))
        for one, index in zip(found.intervals, found.order, strict=True)
    ]
    return [ran[index] for index in found.order], replace(found, intervals=shown), unit, higher


def _table(field: Field, ranked: Sequence[Entrant], found: Ranking, unit: str) -> Markup:
    """A row per config, the best first; then the configs that have not run."""
    numbers = [value for one in found.intervals for value in (one.low, one.high)]
    numbers += [value for one in field.entrants for value in _stated(field, one, unit)]
    axis = logarithmic(numbers) if wide(numbers) else around(numbers, ticks=3)
    rows = [
        _row(field, one, rank(*found.places(place)), _ours(one, found.intervals[place], unit), [
            _picture(field, one, axis, unit, found.intervals[place]),
            f"{found.intervals[place].seeds} × {found.intervals[place].items:,}",
            duration(sum(record.cost.get("seconds", 0.0) for record in one.records) / len(one.records)),
        ])
        for place, one in enumerate(ranked)
    ]  # fmt: skip
    waiting = [one for one in field.entrants if not one.found]
    rows += [_row(field, one, "–", "not run", [_picture(field, one, axis, unit), "–", "–"]) for one in waiting]
    name = " ".join(filter(None, (unit, "(log)" if axis.log else "")))
    scale = tag("td", tag("div", marks.scale(axis, room=ROOM)), data_label=name)
    ends = tag("tr", tag("td", name, colspan=3), scale, tag("td", colspan=2), aria_hidden="true", class_="scale")
    label = f"Leaderboard by {field.label} on {naming.test_set(field.test)}"
    shown = worded("repro-board", heads(field), [ends, *rows[:ROWS], ends], label=label)
    if not rows[ROWS:]:
        return shown
    rest = worded("repro-board", heads(field), [ends, *rows[ROWS:], ends], label=f"{label}, continued")
    return join([shown, fold(count(len(rows) - ROWS, "more config"), rest)])


def _row(field: Field, one: Entrant, rank: str, ours: str, rest: Sequence[str]) -> Markup:
    source = link(one.label, files.shown(one.page.file("configs", f"{one.config}.gin")))
    name = join([tag("span", rank, class_="rank"), source], " ")
    return entry(name, heads(field), (_paper(field, one), ours, *rest))


def rank(first: int, last: int) -> str:
    """A rank, or the range of ranks that a config shares with others: `2–3`."""
    return str(first) if first == last else f"{first}–{last}"


def _claims(field: Field, one: Entrant) -> Iterator[Claim]:
    """The claims of the paper about this config, metric and test set."""
    for claim in one.page.paper.claims:
        asked = (claim.config, claim.metric, claim.test) == (f"configs/{one.config}.gin", field.metric, field.test)
        if asked and not (claim.over or claim.item) and claim.transcribed:
            yield claim


def _paper(field: Field, one: Entrant) -> Markup:
    """The paper's numbers for this config, without repetitions."""
    said = stated(field, one)
    return join([link(text, place) for text, place in said.items()], ", ") if said else Markup("–")


def stated(field: Field, one: Entrant) -> dict[str, str]:
    """The paper's numbers for a config, as text, each with the address of its claim."""
    said: dict[str, str] = {}
    for claim in _claims(field, one):
        said.setdefault(claimed(one.page, claim), one.page.place(claim))
    return said


def _stated(field: Field, one: Entrant, unit: str) -> list[float]:
    """The paper's numbers that can be drawn next to ours, in `unit`."""
    rows = ((claim.value, units.factor(claim.stated_unit, unit)) for claim in _claims(field, one))
    return [value / by for value, by in rows if value is not None and by is not None]


def _ours(one: Entrant, found: Interval, unit: str) -> Markup:
    """Our number with its interval, as a link to the origin of its first record."""
    old = tag("span", "stale", class_="repro-chip stale") if one.stale else ""
    return join([link(unbroken(spread(found, unit)), one.page.origin(one.records[0])), old], " ")


def _picture(field: Field, one: Entrant, axis: Axis, unit: str, found: Interval | None = None) -> Markup:
    """A vertical line at the paper's number, and a dot with an interval at ours."""
    drawn = [marks.upright(axis, tick, "grid") for tick in axis.ticks]
    drawn += [marks.upright(axis, value, "paper") for value in _stated(field, one, unit)]
    words = spread(found, unit) if found else "not run"
    if found:
        drawn.append(marks.interval(axis, found, f"{one.label}: {words}", stale=bool(one.stale)))
    return picture(one.label, f"{words}.", *drawn, class_="repro-strip", width="100%", height=marks.LANE)


def rules(field: Field, ranked: Sequence[Entrant], higher: bool) -> str:
    """How the configs are ranked and compared, and notes on the data and the seeds."""
    return " ".join(sentence for said in _rules(field, ranked, higher) for sentence in said)


def _rules(field: Field, ranked: Sequence[Entrant], higher: bool, picture: str = "") -> tuple[list[str], list[str]]:
    """What a reader must know before the table, and the notes below it. `picture` explains a picture."""
    above = [f"Ranked by {field.label} on {naming.test_set(field.test)}, {'higher' if higher else 'lower'} is better."]
    pairs, items = len(ranked) * (len(ranked) - 1) // 2, len(ranked[0].rows[0])
    below = []
    if pairs:
        above.append(
            "Configs that cannot be distinguished share a range of ranks: 2–4 means that one config is better than "
            "this one, and that two others cannot be distinguished from it."
        )
        below.append(
            f"{count(pairs, 'pair')} of configs {'is' if pairs == 1 else 'are'} compared, on the same "
            f"{count(items, 'item')}. The variance between seeds is estimated from all configs together. "
            f"Two configs are distinguished if their p-value is at most {100 * LEVEL:g} % after Holm's correction for "
            "the number of pairs. If no two configs really differed, one such table in twenty would still "
            "distinguish some pair. The verdict on a claim is about one pair, without this correction, so it may "
            "distinguish two configs that share a rank here."
        )
    if picture and any(claim.value is not None for one in field.entrants for claim in _claims(field, one)):
        above.append(picture)
    if on_fixed_items(field):
        above.append(
            "The intervals here are for new test items of the same kind, so that the ranks are too, with the spread "
            "between seeds of all configs together. Those in the table of claims are for exactly the test items "
            "here, with the spread of one config's seeds. So they differ; with few seeds, either can be wider."
        )
    below.append("The time is the mean time of one run.")
    single = [one.label for one in ranked if len(one.found) == 1]
    if single:
        below.append(_single(single, len(ranked)))
    if len(field.sources) > 1:
        below.append(f"All configs use {next(iter(field.sources.values()))}, in {len(field.sources)} different forms.")
    return above, below


def on_fixed_items(field: Field) -> bool:
    """Whether a claim about one of the configs has an interval for exactly the paper's test items."""
    named = {claim.id for one in field.entrants for claim in _claims(field, one)}
    judged = [verdict for one in field.entrants for verdict in one.page.verdicts if verdict.claim.id in named]
    return any(verdict.judged.interval.fixed for verdict in judged if verdict.judged)


def _single(names: Sequence[str], many: int) -> str:
    """A note on the configs that have only one seed."""
    if len(names) == many:
        return (
            "Each config has one seed. The intervals include only the test items; the spread between seeds is unknown."
        )
    which = f"The interval of a config with one seed ({'; '.join(names)}) includes only the test items."
    return f"{which} When configs are compared, it is assumed to vary between seeds as much as the others."


def _compared(ranked: Sequence[Entrant], found: Ranking, unit: str, notes: Markup) -> Markup:
    """A fold: how the configs are compared, the neighbours, every pair. Its summary counts the pairs that differ."""
    apart = sum(pair.apart for pair in found.pairs.values())
    whole = count(len(found.pairs), "pair")
    title = f"How they are compared: {apart} of {whole} can be distinguished, corrected for their number"
    return fold(title, notes, _neighbours(ranked, found, unit), _every_pair(ranked, found, unit))


def _neighbours(ranked: Sequence[Entrant], found: Ranking, unit: str) -> Markup:
    """A line per pair of neighbours: whether they are distinguished, the difference, and its p-value."""
    lines = [
        _line(above.label, below.label, found.pairs[place, place + 1], unit)
        for place, (above, below) in enumerate(pairwise(ranked))
    ]
    return tag("ul", *lines)


def _line(above: str, below: str, pair: Pair, unit: str) -> Markup:
    verb = ("is better than", "") if pair.apart else ("and", " are not distinguished")
    told = f"{verb[1]}: {spread(pair.difference, unit)}, {_chance(pair.p)}."
    return tag("li", tag("strong", above), f" {verb[0]} ", tag("strong", below), told)


def _chance(p: float) -> str:
    return "p < 0.0001" if p < 1e-4 else f"p = {typeset(f'{p:.2g}')}"


def _every_pair(ranked: Sequence[Entrant], found: Ranking, unit: str) -> Markup:
    """A triangle of differences, row minus column. Distinguished pairs are marked."""
    heads = [tag("th", one.label, scope="col") for one in ranked[1:]]
    rows = []
    for place, one in enumerate(ranked[:-1]):
        cells = [tag("td")] * place + [_cell(found.pairs[place, other]) for other in range(place + 1, len(ranked))]
        rows.append(tag("tr", tag("th", one.label, scope="row"), *cells))
    head = tag("thead", tag("tr", tag("td"), *heads))
    told = f"Row minus column{f', in {unit}' if unit else ''}; ✓ if the two are distinguished."
    table = box(tag("table", head, tag("tbody", *rows), class_="repro-pairwise"), label="Every pair")
    return join([tag("p", tag("strong", f"Every pair ({len(found.pairs)})"), ". ", told, class_="repro-muted"), table])


def _cell(pair: Pair) -> Markup:
    half = (pair.difference.high - pair.difference.low) / 2
    sign = tag("strong", "✓ ") if pair.apart else ""
    return tag("td", sign, number(pair.difference.mean, half), title=_chance(pair.p))
