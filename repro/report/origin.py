"""Where each record comes from, and every metric in it."""

from __future__ import annotations

import json
from statistics import stdev
from typing import Any

from repro.record import Measurement, Record
from repro.report import files
from repro.report.markup import Markup, box, fold, join, link, tag
from repro.report.page import Page
from repro.report.words import day, duration, machine, number, slug

HEADS = ("Test set", "Metric", "Items", "Mean", "SD", "Unit")


def origin(page: Page) -> Markup:
    """A fold per record; the first line of each says what it is."""
    if not page.records:
        return tag("p", "No records yet.", class_="repro-muted")
    return join(_record(page, found) for found in sorted(page.records, key=page.rank))


def _record(page: Page, found: Record) -> Markup:
    stale = tag("span", "stale", class_="repro-chip stale") if found.stale else ""
    about = f"seed {found.seed}, {duration(found.cost.get('seconds', 0.0))}, {day(found.finished)}"
    summary = join([tag("strong", found.stem), tag("span", about, class_="repro-muted"), stale], " ")
    return fold(
        summary,
        box(_metrics(found), label=f"Metrics of {found.stem}"),
        _facts(page, found),
        fold("Config, includes written out", tag("pre", tag("code", found.text), tabindex="0")),
        fold("Code and packages", _pairs(found.code), _pairs(found.environment.get("packages", {}))),
        id=slug("record", found.stem),
        class_="repro-record",
    )


def _facts(page: Page, found: Record) -> Markup:
    cost, environment = found.cost, found.environment
    raw = link(f"{found.stem}.json", page.file("records", f"{found.stem}.json"))
    config = link(f"{found.config}.gin", files.shown(page.file("configs", f"{found.config}.gin")))
    return _pairs(
        {
            "record": raw,
            "config": config,
            "seed": str(found.seed),
            "changed since": found.stale or "nothing",
            "digest of the config": found.digest,
            "commit": _commit(found.source),
            **{f"data, {role}": _fingerprint(value) for role, value in found.data.items()},
            "machine": machine(environment),
            "system": str(environment.get("system", "")),
            "python": str(environment.get("python", "")),
            "threads": str(environment.get("threads", "")),
            "time": f"{duration(cost.get('seconds', 0.0))}, of which training "
            f"{duration(cost.get('training_seconds', 0.0))}",
            "steps": str(cost.get("steps", "none")),
            "items per second": str(cost.get("items_per_second", "none")),
            "finished": found.finished,
        }
    )


def _commit(source: dict[str, Any]) -> str:
    if not source.get("commit"):
        return "none: the run was made outside git"
    changed = f", with changes not committed (digest {source.get('diff')})" if source.get("dirty") else ""
    return f"{source['commit']}{changed}"


def _fingerprint(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _pairs(pairs: dict[str, str]) -> Markup:
    rows = [tag("div", tag("dt", name), tag("dd", value)) for name, value in pairs.items() if value]
    return tag("dl", *rows, class_="repro-pairs")


def _metrics(found: Record) -> Markup:
    head = tag("tr", *(tag("th", name, scope="col") for name in HEADS))
    rows = [_metric(measured) for measured in found.measurements]
    return tag("table", tag("thead", head), tag("tbody", *rows), class_="repro-metrics")


def _metric(measured: Measurement) -> Markup:
    many = len(measured.values)
    deviation = stdev(measured.values) if many > 1 else 0.0
    half = 2 * deviation / many**0.5
    rest = {key: value for key, value in measured.identity.items() if key != "unit" and value is not None}
    identity = "; ".join(f"{key} {value}" for key, value in rest.items())
    numbers = [f"{many:,}", number(measured.mean, half), number(deviation, half) if many > 1 else "–"]
    row = tag(
        "tr",
        tag("td", measured.test),
        tag("th", measured.metric, scope="row"),
        *(tag("td", text, class_="number") for text in numbers),
        tag("td", measured.identity.get("unit", "")),
    )
    about = tag("td", identity, colspan=len(HEADS), class_="repro-muted")
    return join([row, tag("tr", about, class_="more")])
