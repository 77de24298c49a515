"""The commands that train nothing: list, show, diff, todo, verdict, data, report and new."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repro.errors import BadInput, where

if TYPE_CHECKING:
    from repro.claim.paper import Paper
    from repro.launch import Job
    from repro.record import Record


def listed(given: argparse.Namespace) -> int:
    """`repro list`: print the papers, or the parts of a kind."""
    from repro.cli import listing

    rows, faults = listing.rows(given.kind)
    if given.json:
        print(json.dumps(rows, indent=1))
    elif rows:
        print(listing.table(rows))
    else:
        print(f"no {given.kind} yet", file=sys.stderr)
    for fault in faults:
        print(f"repro: {fault}", file=sys.stderr)
    return 2 if faults else 0


def show(given: argparse.Namespace) -> None:
    """`repro show`: print one paper, claim, config or part."""
    from repro.cli import listing

    print(listing.show(given.name))


def diff(given: argparse.Namespace) -> int:
    from repro.cli import diff as shown
    from repro.rerun import diff

    found = diff.diff(given.one, given.other)
    print(shown.as_json(found) if given.json else shown.text(found))
    return int(not found.same)


def todo(given: argparse.Namespace) -> int:
    """`repro todo`: print the commands of the runs that claims still need."""
    found = jobs([given.paper] if given.paper else [])
    for job in found or ():
        print(job.command)
    return 2 if found is None else 0


def jobs(papers: Sequence[str]) -> list[Job] | None:
    """The missing runs of the papers with these names, or of all papers; None if a claim asks for what is not there.

    All runs or none, because a shell or a worker would run an incomplete list.
    """
    from repro import launch, record
    from repro.launch import sweeps

    held = readable(papers)
    if held is None:
        return None
    found = {job.command: job for one, records in held for job in launch.todo(one, records)}
    for one, records in held:
        found |= {job.command: job for job in sweeps.todo(one, [*records, *record.of_points(one.folder)])}
    if not found:
        print("repro: nothing to do, every run that a claim or a sweep needs has a record", file=sys.stderr)
    return list(found.values())


def readable(papers: Sequence[str]) -> list[tuple[Paper, list[Record]]] | None:
    """The papers with these names, or all, each with its records; None if a claim names what its config lacks."""
    from repro import record
    from repro.claim import paper
    from repro.experiment import answerable

    found = map(paper.find, dict.fromkeys(papers)) if papers else paper.every()
    held = [(one, record.of_paper(one.folder)) for one in found]
    for one, records in held:
        _say_ignored(one, records)
    faults = (fault for one, records in held for fault in answerable.faults(one, records))
    return None if _faulty(faults) else held


def _say_ignored(one: Paper, records: Iterable[Record]) -> None:
    """Print one line for each record that no claim can use, whatever its code."""
    from repro.record import stale

    for found in records:
        if fault := stale.unusable(found, one.name):
            print(f"repro: {where(one.folder)}/records/{found.stem}.json is ignored: {fault}", file=sys.stderr)


def _faulty(faults: Iterable[str]) -> bool:
    """Print one line for each fault; returns whether there is one."""
    lines = list(faults)
    for line in lines:
        print(f"repro: {line}", file=sys.stderr)
    return bool(lines)


def verdict(given: argparse.Namespace) -> int:
    """`repro verdict`: print, check (`--check`) or write (`--write`) the verdicts of a paper."""
    from repro import record, verdict
    from repro.claim import old_places, paper
    from repro.cli import listing
    from repro.experiment import answerable
    from repro.record import audit
    from repro.verdict import behaviours, suspected_causes, verdicts_json

    one = paper.find(given.paper)
    if _faulty(old_places.lines(one.folder)) and given.check:
        return 2  # what is in these files would not be checked
    unread: dict[str, list[str]] = {}
    records = record.of_paper(one.folder, _data(unread) if given.data else None)
    judged = verdict.judge_all(one.claims, records)
    behaved = behaviours.judge_all(one.behaviours, records)
    for reason, configs in unread.items():
        print(f"repro: the data of {', '.join(configs)} could not be read again: {reason}", file=sys.stderr)
    wrong = 2 if _faulty(answerable.faults(one, records)) else 0
    late = audit.late(one)
    for name, changed in (late or {}).items():
        print(f"repro: {name} was changed after its record: {verdicts_json.shown(changed)}", file=sys.stderr)
    _say_ignored(one, records)
    if given.check:
        before = verdicts_json.read(one.folder)
        if reason := audit.unknown(one.folder):
            print(f"repro: the git history was not checked: {reason}", file=sys.stderr)
        faults = [(True, f"worse: {fault}") for fault in audit.faults(one, records)]
        found = [*faults, *verdicts_json.changes(before, [*judged, *behaved], late)]
        return _check(found) or wrong or int(bool(unread))
    if given.write:
        print(where(verdicts_json.write(one.folder, [*judged, *behaved], late)))
    elif given.json:
        print(verdicts_json.as_json(one, judged, suspected_causes.ledger(one, judged, records), behaved))
    else:
        print(listing.verdicts(judged, suspected_causes.ledger(one, judged, records), behaved))
    return wrong


def _data(unread: dict[str, list[str]]) -> Callable[[Path], dict[str, Any] | None]:
    """A function that reads the data of a config again; a failure is added to `unread`: the reason, and the config."""
    from repro.experiment import binding

    def look(path: Path) -> dict[str, Any] | None:
        try:
            return binding.fingerprints(path)
        except BadInput as error:
            unread.setdefault(str(error), []).append(path.stem)
            return None

    return look


def data_options(commands: Any, add: Any) -> None:
    """Add the commands about data sets to the parser. add: adds one command."""
    about = "list, find, download and verify data sets"
    inner = commands.add_parser("data", help=about, description=about).add_subparsers(required=True, metavar="COMMAND")
    command = add(inner, "list", data_list, "list the data sets and where they are")
    command.add_argument("--json", action="store_true", help="print everything as JSON")
    name = {"metavar": "NAME", "help": "a name of `repro data list`; NAME/VARIANT for one variant"}
    add(inner, "where", data_where, "print the folder of a data set").add_argument("name", **name)
    add(inner, "get", data_get, "download a data set unless it is on this machine").add_argument("name", **name)
    command = add(
        inner, "verify", data_verify, "read a data set and compare it with the catalogue; exit 1 if they differ"
    )
    command.add_argument("name", **name)
    command.add_argument("variant", nargs="?", default="", help="name of one variant (default: all that are here)")


def data_list(given: argparse.Namespace) -> int:
    """`repro data list`: print all data sets and where they are."""
    from repro.cli import data, listing

    rows, faults = data.rows()
    print(json.dumps(rows, indent=1) if given.json else listing.table([data.shown(row) for row in rows]))
    for fault in faults:
        print(f"repro: {fault}", file=sys.stderr)
    return 2 if faults else 0


def data_where(given: argparse.Namespace) -> None:
    """`repro data where`: print the folder of a data set."""
    from repro.cli import data

    print(data.where(given.name))


def data_get(given: argparse.Namespace) -> None:
    """`repro data get`: download a data set if it is not on this machine."""
    from repro.data import catalogue, store

    catalogue.find(given.name.partition("/")[0])
    print(store.folder(given.name))


def data_verify(given: argparse.Namespace) -> int:
    """`repro data verify`: read a data set and compare it with the catalogue."""
    from repro.cli import data

    found = []
    for one in data.verify(given.name, given.variant):
        print(f"{one.name} {one.says}", flush=True)
        found.append(one)
    return int(any(one.ok is False for one in found))


def _check(changes: Sequence[tuple[bool, str]]) -> int:
    for _, line in changes:
        print(line)
    if not changes:
        print("repro: every verdict is the same as the committed one", file=sys.stderr)
    return int(any(worse for worse, _ in changes))


def report(given: argparse.Namespace) -> None:
    """`repro report`: build the site and print where it is."""
    from repro.report.sphinx import site

    print(site.build())


def new(given: argparse.Namespace) -> None:
    """`repro new`: copy a template to a new paper, or to a repository of its own."""
    from repro.cli import arxiv, new_paper, standalone

    new_paper.refuse_name(given.name)  # before arXiv is asked
    facts = arxiv.facts(given.arxiv) if given.arxiv else {}
    facts |= {"group": given.group} if given.group else {}
    call = standalone.new if given.standalone else new_paper.new
    print(call(given.name, given.kind, given.on, facts))
