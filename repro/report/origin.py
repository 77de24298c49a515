"""The section "Where the numbers come from": the records of each config, their metrics and their origin.

Facts that all seeds of a config share are shown once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from repro.record import Measurement, Record, determinism
from repro.record.determinism import Certificate
from repro.report import matrix, naming
from repro.report.html import files
from repro.report.html.markup import Markup, box, fold, join, link, row, tag
from repro.report.html.words import count, day, duration, machine, number, slug, typeset
from repro.report.page import Page

RUNS = ("Seed", "Record", "Time", "of which training", "Items per second", "Finished")
METRICS = ("Metric", "Seed", "Items", "Mean", "SD of the items", "Unit")


def origin(page: Page) -> Markup:
    """A fold per config with a one-line summary; the smoke config is last."""
    ranked = groupby([*sorted(page.records, key=page.rank), *page.smoke], key=lambda found: found.config)
    folds = [_config(page, config, list(records)) for config, records in ranked]
    many = f"{count(len(page.records), 'record')} of {count(len(folds), 'config')}"
    return fold(many, *folds) if folds else tag("p", "No records yet.", class_="repro-muted")


def _config(page: Page, config: str, records: list[Record]) -> Markup:
    stale = tag("span", "stale", class_="repro-chip stale") if any(found.stale for found in records) else ""
    took = duration(sum(_seconds(found) for found in records))
    days = dict.fromkeys(day(found.finished) for found in sorted(records, key=lambda found: found.finished))
    about = f"{count(len(records), 'record')}, {took}, {' to '.join(list(days)[:1] + list(days)[1:][-1:])}"
    if records[0] in page.smoke:
        about += ": tier 1, no claim depends on it"
    if any(found.renewed for found in records):
        about += ", made by older code whose results are bit-identical"
    if any(found.source.get("dirty") for found in records):
        about += ", with uncommitted changes"
    texts = _shared(records, lambda found: found.text)
    return fold(
        join([tag("strong", naming.config(page.paper, config)), tag("span", about, class_="repro-muted"), stale], " "),
        box(_table("repro-runs", RUNS, [_run(page, found) for found in records]), label=f"Runs of {config}"),
        box(_table("repro-metrics", METRICS, _metrics(records)), label=f"Metrics of {config}"),
        _pairs(records, lambda found: _facts(page, found)),
        *(
            fold(f"Config with all includes inserted{of}", tag("pre", tag("code", text), tabindex="0"))
            for text, of in texts
        ),
        fold(
            "Code and packages",
            _pairs(records, lambda found: found.code),
            _pairs(records, lambda found: found.environment.get("packages", {})),
        ),
        tag("p", link(f"{config}.gin", files.shown(page.file("configs", f"{config}.gin"))), class_="repro-muted"),
        id=slug("records", config),
        class_="repro-record",
    )


def _seconds(found: Record, name: str = "seconds") -> float:
    return float(found.cost.get(name, 0.0))


def _table(kind: str, heads: tuple[str, ...], rows: Iterable[Markup]) -> Markup:
    head = tag("thead", tag("tr", *(tag("th", name, scope="col") for name in heads)))
    return tag("table", head, tag("tbody", *rows), class_=kind)


def _run(page: Page, found: Record) -> Markup:
    """The row of one run: its seed, record, times and date."""
    speed = found.cost.get("items_per_second")
    cells = (
        link(f"{found.stem}.json", page.file("records", f"{found.stem}.json"), download=True),
        duration(_seconds(found)),
        duration(_seconds(found, "training_seconds")),
        f"{speed:,.0f}" if isinstance(speed, (int, float)) and speed >= 10 else str(speed or "–"),
        found.finished[:16].replace("T", " "),
    )
    seed = tag("th", str(found.seed), scope="row")
    return row(*cells, first=seed, id=slug("record", found.stem))


def _metrics(records: list[Record]) -> Iterator[Markup]:
    """A row per seed of each metric on each test set; below them, the identity of the metric."""
    found: dict[tuple[str, str, str], list[tuple[int, Measurement]]] = {}
    for one in records:
        for measured in one.measurements:
            found.setdefault((measured.test, measured.metric, _identity(measured)), []).append((one.seed, measured))
    for (test, metric, identity), rows in found.items():
        name = tag("th", metric, tag("span", test, class_="repro-muted"), scope="rowgroup", rowspan=len(rows))
        for place, (seed, measured) in enumerate(rows):
            yield row(*_values(seed, measured), first=name if place == 0 else None)
        yield tag("tr", tag("td", identity, colspan=len(METRICS), class_="repro-muted"), class_="more")


def _identity(measured: Measurement) -> str:
    rest = {key: value for key, value in measured.identity.items() if key != "unit" and value is not None}
    return "; ".join(f"{key} {value}" for key, value in rest.items())


def _values(seed: int, measured: Measurement) -> list[str]:
    many, mean = len(measured.values), measured.mean
    if matrix.is_cell(measured):
        return [str(seed), f"{many:,}", "see Confusion matrix", "–", ""]
    deviation = math.sqrt(sum((value - mean) ** 2 for value in measured.values) / max(many - 1, 1))
    half = 2 * deviation / many**0.5
    numbers = (str(seed), f"{many:,}", number(mean, half), number(deviation, half) if many > 1 else "–")
    return [*numbers, measured.identity.get("unit", "")]


def _facts(page: Page, found: Record) -> dict[str, str]:
    """The facts that the seeds of one config usually share."""
    environment = found.environment
    return {
        "changed since the record": found.stale or found.renewed or "nothing",
        "digest of the config": found.digest,
        "commit": commit(found),
        **{f"data, {role}": found.fingerprint(role) for role in found.data},
        "machine": machine(environment),
        "system": str(environment.get("system", "")),
        "python": str(environment.get("python", "")),
        "threads": str(environment.get("threads", "")),
        "steps": str(found.cost.get("steps", "none")),
        "determinism": _determinism(found, page.certificates.get(found.config, [])),
    }


def _determinism(found: Record, certificates: list[Certificate]) -> str:
    """Whether the numbers of a record repeat, if that was measured: on its own machine, or on other machines."""
    mine = determinism.of(found, certificates)
    if not certificates:
        return "not measured"
    told = [typeset(str(one)) for one in ([mine] if mine else certificates)]
    return "; ".join(told) + ("" if mine else ": measured on another machine, or with other code, than the record")


def commit(found: Record) -> str:
    """The commit that a record was made from, and whether there were uncommitted changes."""
    if not found.source.get("commit"):
        return "none: the run was outside git"
    changed = f", with uncommitted changes (digest {found.source.get('diff')})" if found.source.get("dirty") else ""
    return f"{found.source['commit']}{changed}"


def _shared(records: list[Record], look: Any) -> list[tuple[str, str]]:
    """Each value with its seeds as text. If all seeds have the same value, the text is empty."""
    seeds: dict[str, list[str]] = {}
    for found in records:
        seeds.setdefault(look(found), []).append(str(found.seed))
    if len(seeds) == 1:
        return [(next(iter(seeds)), "")]
    return [(value, f" (seed {', '.join(whose)})") for value, whose in seeds.items() if value]


def _pairs(records: list[Record], look: Any) -> Markup:
    """The facts of all records as a list of names and values; each value appears once."""
    looked = [(found, look(found)) for found in records]
    if all(facts == looked[0][1] for _, facts in looked):
        looked = looked[:1]
    names = dict.fromkeys(name for _, facts in looked for name in facts)
    told = {id(found): facts for found, facts in looked}
    rows = []
    for name in names:
        values = _shared([found for found, _ in looked], lambda found, name=name: told[id(found)].get(name, ""))
        said = "; ".join(f"{value}{of}" for value, of in values if value)
        rows += [tag("div", tag("dt", name), tag("dd", said))] if said else []
    return tag("dl", *rows, class_="repro-pairs")
