"""The tables of an article: claims and verdicts, suspected causes, a leaderboard, and the computing time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from repro import config
from repro.export import nodes
from repro.export.nodes import Node, Nodes
from repro.record import Record
from repro.report import cells, chosen, leaderboard, metric_curve, suspected_causes
from repro.report.entrants import Entrant, Field
from repro.report.evidence import shown
from repro.report.figure import claimed, tables
from repro.report.html.words import count, duration, machine, spread, typeset
from repro.report.metric_curve import Curve
from repro.report.outcome import MEANINGS, OWN_MEANINGS, transcribed
from repro.report.page import Page
from repro.report.ranking import Ranking
from repro.verdict import Evidence, Verdict, untranscribed
from repro.verdict.suspected_causes import Entry, ledger, unexplained

CLAIMS = ("Claim", "The paper", "Ours, 95 % interval", "Seeds × items", "Verdict")
CAUSES = ("Suspected cause", "What was changed", "Ours with it", "Effect", "Verdict with it")
BOARD = ("Rank", "Config", "The paper", "Ours, 95 % interval", "Seeds × items", "Time of a run")
COST = ("Config", "Runs", "Time of a run", "Steps of a run")


def claims(page: Page, verdicts: Sequence[Verdict]) -> Nodes:
    """A table for the claims of each table of the paper, and one for all others."""
    judged = transcribed(verdicts)
    groups = list(tables(judged).values())
    made = [
        nodes.table(CLAIMS, [_claim(page, one) for one in group], _caption(page, group, groups)) for group in groups
    ]
    later = untranscribed(verdicts)
    return [*made, *([nodes.para(*nodes.text(later))] if later else [])]


def _caption(page: Page, group: Sequence[Verdict], groups: Sequence[Sequence[Verdict]]) -> Nodes:
    place = f" Place in the paper: {cells.title(page, group)}." if len(groups) > 1 else ""
    return nodes.text(f"Claims and verdicts.{place}")


def _claim(page: Page, verdict: Verdict) -> Sequence[Nodes]:
    claim = verdict.claim
    place: Nodes = [{"t": "LineBreak"}, {"t": "Emph", "c": nodes.text(f"{claim.where} · {claim.id}")}]
    sizes = [nodes.text(f"{one.interval.seeds} × {one.interval.items:,}") for one in verdict.evidence]
    return (
        [*nodes.text(claim.says), *place],
        nodes.text(claimed(page, claim)),
        _lines([nodes.text(_ours(verdict, one)) for one in verdict.evidence]),
        _lines(sizes),
        nodes.text(chosen.outcome(verdict)),
    )


def _ours(verdict: Verdict, found: Evidence) -> str:
    name = found.config.removeprefix("configs/").removesuffix(".gin")
    lead = f"proxy {name}: " if found.proxy else ""
    return f"{lead}{shown(verdict.claim, found)}{' (stale)' if found.stale else ''}"


def _lines(rows: Sequence[Nodes]) -> Nodes:
    joined = [piece for row in rows for piece in [*row, {"t": "LineBreak"}]][:-1]
    return joined or nodes.text("–")


def meanings(verdicts: Sequence[Verdict]) -> Node:
    """What each outcome means that a claim has."""
    known = {**MEANINGS, **OWN_MEANINGS}
    names = {chosen.outcome(verdict) for verdict in transcribed(verdicts)}
    told = [(name, meaning) for name, meaning in known.items() if name in names]
    return nodes.bullets(
        [nodes.para(nodes.strong(nodes.text(name)), *nodes.text(f": {meaning}"))] for name, meaning in told
    )


def causes(page: Page) -> Nodes:
    """A table for each claim that has suspected causes; then the failed claims that have none."""
    made: Nodes = []
    for _, rows in groupby(ledger(page.paper, page.verdicts, page.records), key=lambda one: one.claim.id):
        entries = list(rows)
        claim, before = entries[0].claim, entries[0].before
        said = nodes.text(f": {typeset(before.why)}. Verdict: {chosen.outcome(before)}.")
        lead = [nodes.strong(nodes.text(claim.says)), *said]
        made.append(nodes.table(CAUSES, [_cause(page, one) for one in entries], lead))
    alone = [claim.id for claim in unexplained(page.paper, page.verdicts)]
    words = f"No config tests a suspected cause of these claims: {', '.join(alone)}."
    return [*made, *([nodes.para(*nodes.text(words))] if alone else [])]


def _cause(page: Page, one: Entry) -> Sequence[Nodes]:
    found = one.after.evidence
    ours = shown(one.after.claim, found[0]) if found else one.after.why
    changed = _lines([line for before, after in one.changes for line in _changed(page, before, after)])
    words = (typeset(ours), suspected_causes.effect(page, one), chosen.outcome(one.after))
    return (nodes.text(one.cause.says), changed, *map(nodes.text, words))


def _changed(page: Page, before: str, after: str) -> Iterator[Nodes]:
    """The settings in which two configs differ."""
    base, changed = (config.read(page.paper.folder / name) for name in (before, after))
    for name, was, now in config.differences(base, changed):
        short = ".".join(name.split(".")[-2:])
        yield [nodes.code(f"{short} = {now or 'nothing'}"), *nodes.text(f" was {was or 'not set'}")]


def board(field: Field) -> Nodes:
    """A leaderboard: a row for each config, the best first, then those that have not run."""
    ranked, found, unit, higher = leaderboard.ranks(field)
    rows = [_entrant(field, one, found, place, unit) for place, one in enumerate(ranked)]
    rows += [
        [nodes.text(cell) for cell in ("–", one.label, _stated(field, one), "not run", "–", "–")]
        for one in field.entrants
        if not one.found
    ]
    return [nodes.table(BOARD, rows), nodes.para(*nodes.text(leaderboard.rules(field, ranked, higher)))]


def curve(shown: Curve) -> Nodes:
    """A metric over a number in its name: a row for each config, a column for each number."""
    head = [shown.across, *(f"{at:g}" for at in shown.places)]
    rows = [[nodes.text(cell) for cell in (one.entrant.label, *metric_curve.texts(shown, one))] for one in shown.lines]
    said = f"{shown.upward}: mean and 95 % interval, on {shown.sample}."
    return [nodes.table(head, rows), nodes.para(*nodes.text(said))]


def _entrant(field: Field, one: Entrant, found: Ranking, place: int, unit: str) -> Sequence[Nodes]:
    ours = found.intervals[place]
    took = sum(record.cost.get("seconds", 0.0) for record in one.records) / len(one.records)
    words = (
        leaderboard.rank(*found.places(place)),
        one.label,
        _stated(field, one),
        f"{spread(ours, unit)}{' (stale)' if one.stale else ''}",
        f"{ours.seeds} × {ours.items:,}",
        duration(took),
    )
    return [nodes.text(cell) for cell in words]


def _stated(field: Field, one: Entrant) -> str:
    return ", ".join(leaderboard.stated(field, one)) or "–"


def cost(page: Page) -> Nodes:
    """The computing time of each config, and its machine."""
    if not page.records:
        return [nodes.para(*nodes.text("No run has written a record yet."))]
    configs = [list(mine) for _, mine in groupby(sorted(page.records, key=page.rank), key=lambda found: found.config)]
    machines = dict.fromkeys(machine(found.environment) for found in page.records)
    said = f"{count(len(page.records), 'run')} took {duration(page.seconds)} together, on {'; '.join(machines)}."
    return [nodes.para(*nodes.text(said)), nodes.table(COST, map(_cost, configs))]


def _cost(records: Sequence[Record]) -> Sequence[Nodes]:
    took, steps = (sum(found.cost.get(key, 0.0) for found in records) / len(records) for key in ("seconds", "steps"))
    words = (records[0].config, str(len(records)), duration(took), f"{steps:,.0f}" if steps else "–")
    return [nodes.text(cell) for cell in words]
