"""Checks of a paper that need no run: configs, claims, causes, records and tips.

Each check takes the paper and yields one line for each error that it finds. `repro.testing.check_paper` calls them all.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from repro import config, record, verdict
from repro.claim import NUMBER, Claim, old_places, paper
from repro.claim.paper import Paper
from repro.errors import BadInput, nearest, not_utf8, where
from repro.experiment import answerable, binding
from repro.record import determinism
from repro.report import tips
from repro.verdict import suspected_causes

DECIMALS = re.compile(r"\d+\.\d+(?:e[-+]?\d+)?|\d+(?= ?%)")
LARGE = 100_000  # bytes of a record

Check = Callable[[Paper], Iterator[str]]


def faults(folder: Path) -> list[str]:
    """Run all checks on the paper in `folder`. Returns one line for each error, with file and line. Trains nothing."""
    try:
        one = paper.read(folder)
    except BadInput as error:
        return [str(error)]
    return list(dict.fromkeys(line for check in CHECKS for line in _run(check, one)))


def _run(check: Check, one: Paper) -> Iterator[str]:
    try:
        yield from check(one)
    except BadInput as error:
        yield str(error)


def configs(one: Paper) -> Iterator[str]:
    """Every config can be bound in gin. `smoke.gin` and the configs of claims and causes must also be complete."""
    needed = {f"configs/{path.name}" for path in one.configs if path.name == "smoke.gin"}
    needed |= {name for _, name, _ in one.runs}
    for path in one.configs:
        try:
            binding.bind(config.read(path), whole=f"configs/{path.name}" in needed)
        except BadInput as error:
            yield str(error)


def causes(one: Paper) -> Iterator[str]:
    """The config of a cause differs in exactly one setting from the config that it changes."""
    for claim in one.claims:
        for cause in one.causes_of(claim):
            sides = [(cause.over or claim.config, cause.config), (claim.over, cause.over_config)]
            for before, after in [pair for pair in sides if pair[1] and pair[0] != pair[1]]:
                changed = config.differences(config.read(one.folder / before), config.read(one.folder / after))
                if len(changed) != 1:
                    names = ", ".join(name for name, _, _ in changed) or "nothing"
                    place = f"{where(one.folder)}/paper.toml:{cause.line}"
                    yield f"{place}: {after} changes {names} of {before}; expected one setting"


def headers(one: Paper) -> Iterator[str]:
    """A number in the header of a config is the number of a claim about this config.

    Only decimal numbers and percentages count. A config that no claim with a number names may state any number.
    """
    for path in one.configs:
        claims = [claim for claim in one.claims if claim.config == f"configs/{path.name}"]
        stated = {number for claim in claims if (number := _number(claim)) is not None}
        header = itertools.takewhile(lambda line: line.startswith("#"), path.read_text("utf-8").splitlines())
        given = DECIMALS.findall("\n".join(line for line in header if " repro " not in line))
        same = [any(math.isclose(float(text), n * unit) for n in stated for unit in (1, 100)) for text in given]
        if stated and given and not any(same):
            expected = f"{', '.join(f'{number:g}' for number in sorted(stated)[:3])} of its claims, or no number"
            yield f"{where(path)}:1: the header has {', '.join(given)}; expected {expected}"


def _number(claim: Claim) -> float | None:
    """The number that the paper states; None for a comparison."""
    found = NUMBER.search(claim.printed)
    return float(found[0].rstrip(" %")) if found else claim.value


def sizes(one: Paper) -> Iterator[str]:
    """A large record has no metric that no claim and no page uses: its values would be most of the file."""
    texts = "".join(path.read_text("utf-8") for path in one.folder.glob("*.md"))
    used = {claim.metric for claim in one.claims}
    for path in record.paths(one.folder):
        if path.stat().st_size <= LARGE:
            continue
        for found in record.read(path).measurements:
            if found.metric not in used and found.metric not in texts:
                size = f"{path.stat().st_size:,} bytes, with {len(found.values):,} values of {found.metric}"
                expected = f"at most {LARGE:,}: remove the metric from the config and run again"
                yield f"{where(path)}: {size}, which no claim uses; expected {expected}"


def records(one: Paper) -> Iterator[str]:
    """Records and certificates belong to existing configs; no record comes from `--set` or uncommitted code."""
    stems = {path.stem for path in one.configs}
    for found in record.of_paper(one.folder):
        place = f"{where(one.folder)}/records/{found.stem}.json"
        if found.config not in stems:
            yield f"{place}: no config '{found.config}'{nearest(found.config, stems)}"
        if found.overrides:
            yield f"{place}: made with --set {' '.join(found.overrides)}; expected a run of the unchanged config"
        if found.source.get("dirty"):
            yield f"{place}: made from uncommitted changes; commit them, then run it again"
    for name in sorted(set(determinism.every(one.folder)) - stems):
        yield f"{where(one.folder)}/{determinism.FOLDER}: no config '{name}'{nearest(name, stems)}"


def places(one: Paper) -> Iterator[str]:
    """No file that a command wrote is in an old place, where it is ignored."""
    yield from old_places.lines(one.folder)


def tolerances(one: Paper) -> Iterator[str]:
    """No claim accepts every result: for each claim, some result would be a failure."""
    for found in verdict.judge_all(one.claims, record.of_paper(one.folder)):
        if found.too_wide:
            place = f"{where(one.folder)}/paper.toml:{found.claim.line}"
            yield f"{place}: claim '{found.claim.id}' accepts too much: {found.too_wide}"


def explained(one: Paper) -> Iterator[str]:
    """A claim that failed or was exceeded has a cause in `paper.toml`, or its id is in `report.md`."""
    try:
        text = (one.folder / "report.md").read_text(encoding="utf-8")
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}", f"{where(one.folder)}/report.md") from None
    except UnicodeDecodeError as error:
        raise not_utf8(one.folder / "report.md", error) from None
    for claim in suspected_causes.unexplained(one, verdict.judge_all(one.claims, record.of_paper(one.folder))):
        if claim.id not in text:
            place = f"{where(one.folder)}/paper.toml:{claim.line}"
            yield f"{place}: claim '{claim.id}' has no [[cause]], and report.md does not name it"


def advice(one: Paper) -> Iterator[str]:
    """Every tip names a test that exists, or `none` with a reason."""
    for tip in tips.read(one.folder / "tips.md"):
        last = tip.text.partition("- **Test** ")[2]
        named = [found.partition("::") for found in re.findall(r"`([\w/]+\.py(?:::\w+)?)`", last)]
        place = f"{where(one.folder)}/tips.md"
        if not named and not last.startswith("none"):
            yield f"{place}: tip '{tip.symptom}' names no test; expected a test in backticks, or none with a reason"
        for file, _, test in named:
            path = one.folder.parents[1] / file
            if not path.is_file() or f"def {test}" not in path.read_text(encoding="utf-8"):
                yield f"{place}: tip '{tip.symptom}' names {file}::{test}, which does not exist"


def names(one: Paper) -> Iterator[str]:
    """The config of every claim has the metric and the test set that the claim names. Builds the metrics."""
    yield from answerable.faults(one, [], binding.metrics)


CHECKS: tuple[Check, ...] = (configs, headers, names, causes, records, sizes, places, tolerances, explained, advice)
"""To add a check, write a function like these and add its name here."""
