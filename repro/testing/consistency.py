"""Checks of a paper that need no run: configs, claims, causes, records and tips.

Each check takes the paper and its records, and yields a BadInput for each error that it finds.
`repro.testing.check_paper` calls them all; `repro check` calls those that import no part (`contract`).
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from repro import config, record, verdict
from repro.claim import NUMBER, Claim, old_places, paper
from repro.claim.paper import Paper
from repro.errors import BadInput, where
from repro.experiment import answerable, binding
from repro.record import Record, determinism
from repro.report import prose, tips
from repro.testing import evidence
from repro.verdict import suspected_causes

Records = Iterable[Record]
Check = Callable[[Paper, Records], Iterator[BadInput]]
DECIMALS = re.compile(r"(?<![\w.])\d+\.\d+(?:e[-+]?\d+)?(?!\.?\d)|\d+(?= ?%)")
NAMED = r"§|\b(?:sec(?:tion|t)?|tab(?:le)?|fig(?:ure)?|eq(?:uation|n)?|ch(?:ap(?:ter)?)?|app(?:endix)?|arxiv|page)"
PLACE = re.compile(  # the numbers after a plural may be joined by `and`
    rf"(?i)(?:{NAMED})([s§])?(?![^\W\d_])\.?[\s:~(]*(?:[a-z]\.)?\d[\d.]*(?:[-–]\d[\d.]*)*"
    r"(?(1)(?:\)?\s(?:and|to|&)\s\(?\d[\d.]*)*)(?!\d|\s?%)"
)
"""A place in a paper, such as `Section 4.2`, `Tables 1 and 2` or `§ 3.1`: its numbers are no results."""
LARGE = 100_000  # bytes of a record


def faults(folder: Path) -> list[str]:
    """Run all checks on the paper in `folder`. Returns one line for each error, with file and line. Trains nothing."""
    try:
        one = paper.read(folder)
        records = record.of_paper(folder)
    except BadInput as error:
        return [str(error)]
    return list(dict.fromkeys(str(error) for check in CHECKS for error in run(check, one, records)))


def run(check: Check, one: Paper, records: Records) -> Iterator[BadInput]:
    """The errors that a check finds; an error that ends the check is the last one."""
    try:
        yield from check(one, records)
    except BadInput as error:
        yield error


def of_line(line: str) -> BadInput:
    """The error of a line `file:number: what is wrong`."""
    place, _, what = line.partition(": ")
    return BadInput(what, place)


def configs(one: Paper, records: Records) -> Iterator[BadInput]:
    """Yield an error for each config that gin cannot bind; `smoke.gin` and those of claims must also be complete."""
    needed = {f"configs/{path.name}" for path in one.configs if path.name == "smoke.gin"}
    needed |= {name for _, name, _ in one.runs}
    for path in one.configs:
        try:
            binding.bind(config.read(path), whole=f"configs/{path.name}" in needed)
        except BadInput as error:
            yield error


def causes(one: Paper, records: Records) -> Iterator[BadInput]:
    """The config of a cause differs in exactly one setting from the config that it changes."""
    for claim in one.claims:
        for cause in one.causes_of(claim):
            sides = [(cause.over or claim.config, cause.config), (claim.over, cause.over_config)]
            for before, after in [pair for pair in sides if pair[1] and pair[0] != pair[1]]:
                changed = config.differences(config.read(one.folder / before), config.read(one.folder / after))
                if len(changed) != 1:
                    names = ", ".join(name for name, _, _ in changed) or "nothing"
                    place = f"{where(one.folder)}/paper.toml:{cause.line}"
                    yield BadInput(f"{after} changes {names} of {before}", place, expected="one setting")


def headers(one: Paper, records: Records) -> Iterator[BadInput]:
    """A number in the header of a config is the number of a claim about this config.

    Only decimal numbers and percentages count, and not the number of a section or table. A config that no claim with a
    number names may state any number.
    """
    for path in one.configs:
        claims = [claim for claim in one.claims if claim.config == f"configs/{path.name}"]
        stated = {number for claim in claims if (number := _number(claim)) is not None}
        header = itertools.takewhile(lambda line: line.startswith("#"), prose.read(path))
        text = PLACE.sub(" ", "\n".join(line for line in header if " repro " not in line))
        given = DECIMALS.findall(text)
        same = [any(math.isclose(float(text), n * unit) for n in stated for unit in (1, 100)) for text in given]
        if stated and given and not any(same):
            expected = f"{', '.join(f'{number:g}' for number in sorted(stated)[:3])} of its claims, or no number"
            yield BadInput(f"the header has {', '.join(given)}", f"{where(path)}:1", expected=expected)


def _number(claim: Claim) -> float | None:
    """The number that the paper states; None for a comparison."""
    found = NUMBER.search(claim.printed)
    return float(found[0].rstrip(" %")) if found else claim.value


def sizes(one: Paper, records: Records) -> Iterator[BadInput]:
    """A large record has no metric that no claim and no page uses: its values would be most of the file."""
    texts = "\n".join(line for path in one.folder.glob("*.md") for line in prose.read(path))
    used = {claim.metric for _, claim in one.tested}
    for found in records:
        path = one.folder / "records" / f"{found.stem}.json"
        if (size := path.stat().st_size) <= LARGE:
            continue
        for measured in found.measurements:
            if measured.metric not in used and measured.metric not in texts:
                said = f"{size:,} bytes, with {len(measured.values):,} values of {measured.metric}, which no claim uses"
                expected = f"at most {LARGE:,}: remove the metric from the config and run again"
                yield BadInput(said, where(path), expected=expected)


def records(one: Paper, records: Records) -> Iterator[BadInput]:
    """Records and certificates belong to existing configs; no record comes from `--set` or uncommitted code."""
    stems = {path.stem for path in one.configs}
    for found in records:
        place = f"{where(one.folder)}/records/{found.stem}.json"
        if found.config not in stems:
            yield BadInput(f"no config '{found.config}'", place, given=found.config, known=stems)
        if found.overrides:
            yield BadInput(
                f"made with --set {' '.join(found.overrides)}", place, expected="a run of the unchanged config"
            )
        if found.source.get("dirty"):
            yield BadInput("made from uncommitted changes; commit them, then run it again", place)
    for name in sorted(set(determinism.every(one.folder)) - stems):
        yield BadInput(f"no config '{name}'", f"{where(one.folder)}/{determinism.FOLDER}", given=name, known=stems)


def places(one: Paper, records: Records) -> Iterator[BadInput]:
    """No file that a command wrote is in an old place, where it is ignored."""
    yield from (BadInput(line) for line in old_places.lines(one.folder))


def tolerances(one: Paper, records: Records) -> Iterator[BadInput]:
    """No claim accepts every result: for each claim, some result would be a failure."""
    for found in verdict.judge_all(one.claims, records):
        if found.too_wide:
            place = f"{where(one.folder)}/paper.toml:{found.claim.line}"
            yield BadInput(f"claim '{found.claim.id}' accepts too much: {found.too_wide}", place)


def explained(one: Paper, records: Records) -> Iterator[BadInput]:
    """A claim that failed or was exceeded has a cause in `paper.toml`, or its id is in `report.md`."""
    words = re.findall(r"[\w.+-]+", "\n".join(prose.read(one.folder / "report.md")))
    named = {name for word in words for name in (word, word.rstrip("."))}
    rest = [claim for claim in one.claims if claim.id not in named]
    for claim in suspected_causes.unexplained(one, verdict.judge_all(rest, records)):
        place = f"{where(one.folder)}/paper.toml:{claim.line}"
        what = f"claim '{claim.id}' was not reproduced, or exceeded, without an explanation"
        yield BadInput(what, place, expected="a [[cause]] for it, or a paragraph of report.md that names it")


def advice(one: Paper, records: Records) -> Iterator[BadInput]:
    """Every tip has its items, and names tests or two records that exist, or `none` with a reason.

    There is a tip as soon as there is a record: the page shows under *what was hard* what `tips.md` says.
    """
    found = tips.read(one.folder / tips.FILE)
    if not found and any(True for _ in records):
        expected = "what was hard, as a heading with symptom, cause, fix and test, as in papers/template"
        yield BadInput("there is no tip", f"{where(one.folder)}/{tips.FILE}:1", expected=expected)
    known = evidence.parts() if any(tip.parts for tip in found) else frozenset()
    for tip in found:
        for fault in evidence.faults(tip, one.folder.parents[1], known):
            yield BadInput(f"tip '{tip.symptom}' {fault}", f"{where(one.folder)}/{tips.FILE}:{tip.first}")


def names(one: Paper, records: Records) -> Iterator[BadInput]:
    """The config of every claim has the metric and the test set that the claim names. Builds the metrics."""
    yield from map(of_line, answerable.faults(one, [], binding.metrics))


CHECKS: tuple[Check, ...] = (configs, headers, names, causes, records, sizes, places, tolerances, explained, advice)
"""To add a check, write a function like these and add its name here."""
