"""`codecheck.yml` after the CODECHECK specification 1.0: what a codechecker reads, and who has run records again.

The checked paper is the report of the group, because the code is the group's. The reproduced paper is in `source`.
Only another group than the authors' can be a codechecker: its counter-records name it (`repro replay --as`). What
nobody has written down yet begins with FIXME, as in the tools of CODECHECK.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from repro.claim.paper import WRITTEN
from repro.export import article, directives, needed, nodes, write_once
from repro.export.home import FIXME, repository
from repro.record import Record
from repro.report.html.words import count
from repro.report.page import Page
from repro.rerun.counter_record import CounterRecord

VERSION = "https://codecheck.org.uk/spec/config/1.0/"
NAME = "codecheck.yml"
HEAD = """\
# Written by `repro export {name} --as codecheck`. The paths are those of the repository.
# The codechecker completes the values that begin with FIXME, and adds the ORCID of each person.
"""


def write(page: Page, folder: Path) -> Path:
    """Write `folder`/codecheck.yml."""
    text = needed("yaml").safe_dump(content(page), sort_keys=False, allow_unicode=True, width=100)
    write_once(folder / NAME, HEAD.format(name=page.name) + text)
    return folder / NAME


def content(page: Page) -> dict[str, Any]:
    """The content of the file."""
    address = repository(page.paper.folder)
    made = {
        "version": VERSION,
        "paper": {
            "title": article.title(page),
            "authors": [{"name": page.paper.group or f"{FIXME}the group, in paper.toml"}],
            "reference": f"{FIXME}the address of the published report",
        },
        "source": f"The code reproduces: {nodes.said(directives.citation(page))}",
        "manifest": list(_manifest(page)),
        "codechecker": [{"name": name} for name in people(page)],
        "summary": summary(page),
        "repository": address or f"{FIXME}the address of the repository",
        "report": f"{FIXME}the address of the certificate, which the codechecker publishes",
    }
    times = [one.again.finished for one in _valid(page)]
    return made | ({"check_time": _time(max(times))} if times else {})


def _manifest(page: Page) -> Iterator[dict[str, str]]:
    """The output files: each record, with the claims that it decides."""
    home = f"papers/{page.name}/{WRITTEN}"
    for found in (*sorted(page.records, key=page.rank), *page.smoke):
        yield {"file": f"{home}/{found.stem}.json", "comment": _comment(page, found)}
    if (page.paper.folder / WRITTEN / "verdicts.json").is_file():
        yield {"file": f"{home}/verdicts.json", "comment": "the verdict on each claim, computed from the records"}


def _comment(page: Page, found: Record) -> str:
    used = [one.claim for one in page.verdicts for side in one.evidence if found in (*side.records, *side.over)]
    claims = "; ".join(dict.fromkeys(f"{claim.where} ({claim.id})" for claim in used))
    return f"the numbers of config {found.config}, seed {found.seed}: {claims or 'no claim depends on it'}"


def _valid(page: Page) -> list[CounterRecord]:
    return [one for one in page.replays if not one.fault]


def people(page: Page) -> list[str]:
    """Who has run a record again, with the group; empty if no other group has."""
    return list(dict.fromkeys(f"{one.who} ({one.group})" for one in _valid(page)))


def summary(page: Page) -> str:
    """The outcome, and how many records another group has run again."""
    found = _valid(page)
    if not found:
        return f"{directives.outcome(page)} Not checked yet: no other group has run a record again."
    agree = sum(one.agrees for one in found)
    return (
        f"{directives.outcome(page)} Another group has run {count(len(found), 'record')} again: "
        f"the numbers of {agree} agree, those of {len(found) - agree} differ."
    )


def _time(moment: str) -> str:
    """An ISO 8601 time in the form of the specification: `2026-11-27 06:40:00`."""
    return moment[:19].replace("T", " ")
