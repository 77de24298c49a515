"""The contract of a paper: what must be true of its folder before a pull request is merged. `repro check` checks it.

Nothing is run, and no part and no torch is imported. What needs them is in `repro.testing.check_paper` (the parts) and
`repro verdict --check` (verdicts, stale records).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from repro import record
from repro.claim import paper, paper_toml
from repro.claim.paper import Paper
from repro.data import catalogue
from repro.errors import BadInput, where
from repro.experiment import answerable
from repro.files import regular, strict_json
from repro.files.toml_lines import blocks
from repro.record import Record, audit, stale
from repro.testing import (
    config_text,
    consistency,
    contents,
    own_tests,
    part_names,
    placeholders,
    report_text,
    review_files,
)
from repro.testing.consistency import Check, Records
from repro.verdict import verdicts_json


@dataclass(frozen=True)
class Fault:
    """One violation of the contract: which check found it, the file, the line (0: the whole file), what to do."""

    paper: str
    check: str
    file: str
    line: int
    says: str


def faults(folder: Path) -> Iterator[Fault]:
    """All violations of the contract by the paper in `folder`, in the order of the checks.

    If several checks find the same violation, such as a text that cannot be read, the first one reports it.
    """
    try:
        one = paper.read(folder)
    except BadInput as error:
        yield _fault(folder, "claims", error)
        return
    records, broken = _records(one)
    found = [("records", error) for error in broken]
    found += [(name, error) for name, check in CHECKS.items() for error in consistency.run(check, one, records)]
    rows: dict[tuple[str, int, str], Fault] = {}
    for fault in (_fault(folder, name, error) for name, error in found):
        rows.setdefault((fault.file, fault.line, fault.says), fault)
    yield from rows.values()


def _fault(folder: Path, check: str, error: BadInput) -> Fault:
    file, _, line = error.where.rpartition(":")
    place = (file, int(line)) if file and line.isdecimal() else (error.where or where(folder), 0)
    return Fault(folder.name, check, *place, str(error).removeprefix(f"{error.where}: "))


def _records(one: Paper) -> tuple[list[Record], list[BadInput]]:
    """The records that can be read, not marked as stale, and the errors of the others."""
    found: list[Record] = []
    broken: list[BadInput] = []
    try:
        paths = record.paths(one.folder)
    except BadInput as error:  # a folder or a pipe in the place of a record: no record can be trusted
        return found, [error]
    with strict_json.many():
        for path in paths:
            try:
                found.append(record.read(path))
            except BadInput as error:
                broken.append(error)
    return found, broken


def unknown(folder: Path) -> str:
    """Why the history of the paper in `folder` cannot be checked; empty if it can."""
    return audit.unknown(folder)


def sourced(one: Paper, records: Records) -> Iterator[BadInput]:
    """Every claim says what the paper claims, and where; every behaviour says what the model must do."""
    for word, claim in one.tested:
        for key in ("says", "where"):
            if not getattr(claim, key).strip():
                place = f"{where(one.folder)}/paper.toml:{claim.line}"
                yield BadInput(f"'{key}' of {word} '{claim.id}' is empty", place, expected="words from the paper")


def basis(one: Paper, records: Records) -> Iterator[BadInput]:
    """A paper with records says what came out, which text was read, and on which set choices were made.

    The roles of `outcome` name its claims.
    """
    path = one.folder / "paper.toml"
    (head, *_) = blocks(paper_toml.load(path)[0], where(path))["paper"]
    for key, expected in BASIS.items() if any(True for _ in records) else ():
        if not getattr(one, key).strip():
            yield BadInput(f"'{key}' is empty", head.place(key), expected=expected)
    if not one.authors:
        yield BadInput("'authors' is empty", head.place("authors"), expected="its authors, each as 'First Last'")
    yield from review_files.authors(one, records)
    known = [claim.id for claim in one.claims]
    for name in (
        name.removeprefix(f"{one.name}/") for name in re.findall(r"\{(?:claim|stated|verdict)\}`([^`]*)`", one.outcome)
    ):
        if name not in known:
            yield BadInput(f"'outcome' names the claim '{name}'", head.place("outcome"), given=name, known=known)


def names(one: Paper, records: Records) -> Iterator[BadInput]:
    """The config of every claim has the metric and the test set that the claim names, as far as its text says."""
    yield from map(consistency.of_line, answerable.faults(one, []))


def tolerances(one: Paper, records: Records) -> Iterator[BadInput]:
    """No claim was changed after its first record, except for changes that a reviewer accepted in verdicts.json."""
    accepted = verdicts_json.read(one.folder) if regular.present(one.folder / verdicts_json.FILE) else {}
    known = {claim.id: (word, claim.line) for word, claim in one.tested}
    for name, changed in (audit.late(one) or {}).items():
        word, line = known[name]
        if accepted.get(name, "").partition(verdicts_json.LATE)[2] != changed:
            yield BadInput(
                f"{word} '{name}' was changed after its first record: {verdicts_json.shown(changed)}",
                f"{where(one.folder)}/paper.toml:{line}",
                expected=f"no change; or `repro verdict {one.name} --write`, which marks it for the reviewer",
            )


def explained(one: Paper, records: Records) -> Iterator[BadInput]:
    """A claim that a record decides and that was not reproduced has a cause, or `report.md` names it."""
    usable = [found for found in records if not stale.unusable(found, one.name)]
    yield from consistency.explained(one, usable)


def smoke(one: Paper, records: Records) -> Iterator[BadInput]:
    """There is a `smoke.gin`, and it has a record as soon as the paper has any record."""
    if not any(path.name == "smoke.gin" for path in one.configs):
        yield BadInput("no smoke.gin", f"{where(one.folder)}/configs", expected="a config that runs in seconds")
    elif records and not any((found.config, found.seed) == ("smoke", 0) for found in records):
        place = f"{where(one.folder)}/configs/smoke.gin:1"
        yield BadInput("it has no record", place, expected=f"records/smoke-seed0.json, by: repro run {one.name}/smoke")


def data(one: Paper, records: Records) -> Iterator[BadInput]:
    """Each data set of the paper has a licence and a citation, and the configs name variants that exist."""
    if not regular.present(one.folder / catalogue.FILE):
        return
    for found in catalogue.read(one.folder / catalogue.FILE):
        for key in ("licence", "citation", "homepage"):
            if not getattr(found, key).strip():
                place = f"{where(one.folder)}/{catalogue.FILE}"
                yield BadInput(f"'{key}' of {found.name} is empty", place, expected="what its makers state")


BASIS = {
    "outcome": "what came out, in two sentences",
    "text_read": "'full paper', 'parts', 'abstract' or 'quoted elsewhere'",
    "tuned_on": "'nothing', 'validation' or 'test'",
}
"""The keys of `[paper]` on which a reader's trust depends, and what they say."""
CHECKS: dict[str, Check] = {
    "claims": sourced,
    "basis": basis,
    "placeholders": placeholders.left,
    "names": names,
    "tolerances": tolerances,
    "parts": part_names.twins,
    "configs": config_text.configs,
    "headers": consistency.headers,
    "causes": consistency.causes,
    "smoke": smoke,
    "records": consistency.records,
    "sizes": consistency.sizes,
    "places": consistency.places,
    "tests": own_tests.tests,
    "report": report_text.sections,
    "explained": explained,
    "departures": report_text.reasons,
    "numbers": report_text.typed,
    "roles": report_text.roles,
    "tips": consistency.advice,
    "data": data,
    "files": contents.files,
    "reviews": review_files.forms,
    "replays": review_files.replays,
}
"""The checks by their names. To add one, write a function like these and add it here."""
