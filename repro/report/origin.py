"""The section "Where the numbers come from": the records of each config, their metrics and their origin.

Facts that all seeds of a config share are shown once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
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
METRICS = ("Metric", "Test set", "Items")  # then a column per seed


def origin(page: Page) -> Markup:
    """A fold per config with a one-line summary; the smoke config is last."""
    ranked = groupby([*sorted(page.records, key=page.rank), *page.smoke], key=lambda found: found.config)
    folds = [_config(page, config, list(records)) for config, records in ranked]
    many = f"{count(len(page.records) + len(page.smoke), 'record')} of {count(len(folds), 'config')}"
    looks = (lambda found: found.code), (lambda found: found.environment.get("packages", {}))
    made = fold("Code and packages of all records", *(_values([*page.records, *page.smoke], look) for look in looks))
    return fold(many, *folds, made) if folds else tag("p", "No records yet.", class_="repro-muted")


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
        box(_metrics(records), label=f"Metrics of {config}"),
        _pairs(records, lambda found: _facts(page, found)),
        *(
            fold(f"Config with all includes inserted{of}", tag("pre", tag("code", text), tabindex="0"))
            for text, of in texts
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


def _metrics(records: list[Record]) -> Markup:
    """The table of the measurements: a row per metric and test set, and below each metric its identity."""
    heads = [f"Seed {found.seed}{'' if n else ', mean (SD of the items)'}" for n, found in enumerate(records)]
    found: dict[tuple[str, str], dict[str, dict[int, Measurement]]] = {}
    for n, one in enumerate(records):
        for measured in one.measurements:
            tests = found.setdefault((measured.metric, _identity(measured)), {})
            tests.setdefault(measured.test, {})[n] = measured
    rows = [
        line for (metric, identity), tests in found.items() for line in _metric(metric, identity, tests, len(heads))
    ]
    return _table("repro-metrics", (*METRICS, *heads), rows)


def _metric(
    metric: str, identity: str, tests: Mapping[str, Mapping[int, Measurement]], columns: int
) -> Iterator[Markup]:
    """The rows of one metric, one per test set, then its identity. `columns`: the number of records."""
    unit = next(iter(next(iter(tests.values())).values())).identity.get("unit", "")
    name = tag("th", metric, tag("span", unit, class_="repro-muted"), scope="rowgroup", rowspan=len(tests))
    for place, (test, measured) in enumerate(tests.items()):
        items = " or ".join(dict.fromkeys(f"{len(one.values):,}" for one in measured.values()))
        means = [_mean(measured[n]) if n in measured else "" for n in range(columns)]
        yield row(naming.test_set(test), items, *means, first=name if place == 0 else None)
    about = tag("td", tag("div", identity), colspan=len(METRICS) + columns, class_="repro-muted")
    yield tag("tr", about, class_="more")


def _identity(measured: Measurement) -> str:
    rest = {key: value for key, value in measured.identity.items() if key != "unit" and value is not None}
    return "; ".join(f"{key} {value}" for key, value in rest.items())


def _mean(measured: Measurement) -> str:
    """The mean of the items, and their standard deviation if there are several."""
    many, mean = len(measured.values), measured.mean
    if matrix.is_cell(measured):
        return "see Confusion matrix"
    deviation = math.sqrt(sum((value - mean) ** 2 for value in measured.values) / max(many - 1, 1))
    half = 2 * deviation / many**0.5
    return f"{number(mean, half)} ({number(deviation, half)})" if many > 1 else number(mean, half)


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


def _values(records: list[Record], look: Callable[[Record], Mapping[str, str]]) -> Markup:
    """Facts of all records of a page: each name with its value. If there are several values, each with its configs."""
    found: dict[str, dict[str, dict[str, None]]] = {}
    for one in records:
        for name, value in look(one).items():
            found.setdefault(name, {}).setdefault(value, {})[one.config] = None
    rows = []
    for name, values in sorted(found.items()):
        said = [value if len(values) == 1 else f"{value} ({', '.join(configs)})" for value, configs in values.items()]
        rows.append(tag("div", tag("dt", name), tag("dd", "; ".join(said))))
    return tag("dl", *rows, class_="repro-pairs")
