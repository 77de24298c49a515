"""`repro renew`: check whether the present code gives the numbers of records that were made by older code.

If only comments, annotations or error messages have changed, nothing is run: the syntax trees are compared
(`repro.record.same_code`). Otherwise, a record that took at most `WHOLE` seconds is run again completely, and its
numbers are compared. For a longer record, only the first and the last steps of the training are compared, between the
code of the record's commit and the present code. All numbers must be bit-identical. Existing rows of `renewals.json`
are measured again. They are removed if they differ.
"""

from __future__ import annotations

import datetime
import random
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from repro import HOME, interruption, record
from repro import config as configs
from repro.claim import paper
from repro.config import Config
from repro.errors import BadInput, Finding
from repro.experiment import binding
from repro.files import disk
from repro.record import Record, audit, code_digest, determinism, git, renewal
from repro.record.determinism import BITWISE
from repro.record.renewal import Renewal
from repro.rerun import both_ends, certify, child, replay
from repro.rerun.certify import Training

WHOLE = 60.0  # seconds; a record that took longer is not run again completely


class Differs(Exception):
    """The old and the new code give different numbers; `str(error)` says where."""


def tried(name: str, steps: int = certify.STEPS) -> Iterator[Finding]:
    """Run again the records of the paper `name` that are stale only because code changed.

    Those with the same numbers get a row in `renewals.json`; those with other numbers lose theirs, and those that could
    not be run keep it. If the syntax trees of old and present code are the same, nothing is run. steps: how many first
    and last steps of a long training are compared.

    Yields one finding per config and version of the code. Raises BadInput if the paper or a record cannot be read.
    """
    one = paper.find(name)
    disk.refuse_unwritable(one.folder / paper.WRITTEN, Path(renewal.FILE).name)
    with interruption.listening():
        rows = list(_outdated(one.folder))
        kept = [old for old in renewal.read(one.folder) if any(_covers(old, *row) for row in rows)]
        for found, changed in rows:
            others = [old for old in kept if not _covers(old, found, changed)]
            try:
                made = measured(found, changed, one.folder, steps)
            except (BadInput, child.Failed, Differs) as error:
                kept = others if isinstance(error, Differs) else kept
                renewal.store(kept, one.folder)
                yield Finding(_name(found), False, str(error))
                continue
            kept = [*others, made]
            renewal.store(kept, one.folder)
            yield Finding(_name(found), True, str(made))


def _covers(old: Renewal, found: Record, changed: renewal.Changed) -> bool:
    """Whether a renewal is of this config, these `--set` bindings and these changes."""
    return renewal.find([old], found.config, changed, found.overrides) is not None


def _name(found: Record) -> str:
    """The name of a record; that of a point of a sweep with its bindings."""
    return " ".join([found.stem, *(f"({one})" for one in found.overrides)])


def sample() -> Iterator[Finding]:
    """Measure one stored renewal of each paper again; stores nothing. The commit decides which one is chosen.

    Raises BadInput if a paper or a record cannot be read.
    """
    with interruption.listening():
        for folder in paper.own_folders():
            known = renewal.read(folder)
            rows = [row for row in _outdated(folder) if renewal.find(known, row[0].config, row[1], row[0].overrides)]
            short = [row for row in rows if row[0].cost.get("seconds", 0.0) <= replay.LONGEST] or rows
            if not short:
                continue
            found, changed = random.Random(git.head(folder)).choice(short)
            try:
                yield Finding(_name(found), True, str(measured(found, changed, folder, certify.STEPS)))
            except (BadInput, child.Failed, Differs) as error:
                yield Finding(_name(found), False, str(error))


def _outdated(folder: Path) -> Iterator[tuple[Record, renewal.Changed]]:
    """One record per config and version of the code that is stale only because of code, and the changed modules.

    A point of a sweep counts as a config.
    """
    seen = set()
    for path in (*record.paths(folder), *record.paths(folder, swept=True)):
        found = record.read(path)
        place = folder / "configs" / f"{found.config}.gin"
        config = configs.read(place, tuple(found.overrides)) if place.is_file() else None
        if config is None or not configs.same(found.digest, found.text, config.text):
            continue
        changed = renewal.difference(found.code, code_digest.code(config))
        key = (found.config, *found.overrides, str(changed))
        if changed and key not in seen:
            seen.add(key)
            yield found, changed


def measured(found: Record, changed: renewal.Changed, folder: Path, steps: int = certify.STEPS) -> Renewal:
    """Measure the renewal of one record of the paper in `folder`.

    Raises Differs if the present code gives different numbers, BadInput if the record cannot be run again, and
    `child.Failed` if a run fails.
    """
    config = configs.read(folder / "configs" / f"{found.config}.gin", tuple(found.overrides))
    binding.bind(config, whole=True)
    training = certify.training_of(config)
    home = folder / "records" / record.SWEPT if found.overrides else folder / "records"
    commit = replay.commit_of(found, home / f"{found.stem}.json")
    if unlike := audit.of_record(found, folder):
        raise Differs(unlike[0])
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    if changed and audit.same_code(found, changed, folder):
        return Renewal(found.config, changed, commit, 0, "", now, same_code=True, overrides=found.overrides)
    if training is None or certify.steps_of(config, training) <= 2 * steps or found.cost.get("seconds", 0.0) <= WHOLE:
        first, last, processor = 0, 0, _whole(found, folder, commit)
    else:
        first, last, processor = _ends(found, config, training, commit, steps)
    return Renewal(found.config, changed, commit, first, processor, now, last, overrides=found.overrides)


def _whole(found: Record, folder: Path, commit: str) -> str:
    """Run a record again completely with the present code; if its numbers differ, also with the old code.

    Returns the name of the processor. Raises Differs if old and present code do not give bit-identical numbers. On the
    record's kind of processor, the old code must also give the numbers of the record.
    """
    roots, stored = [HOME.parent, folder.parents[1]], replay.certificates(found)
    with tempfile.TemporaryDirectory(prefix="repro-renew-") as home:
        again = replay.run(found, Path(home), roots)
    if _unlike(found, again):
        with replay.checkout(folder / "paper.toml", commit) as before:
            old = replay.run(found, before, [before])
        if unlike := _unlike(old, again):
            raise Differs(unlike)
        alike = old.environment.get("processor") == found.environment.get("processor")
        if alike and not replay.compare(found, replace(old, environment=again.environment), stored).agrees:
            raise Differs("the code of its commit does not give the numbers of the record either")
    return str(again.environment.get("processor"))


def _unlike(one: Record, other: Record) -> str:
    """The first number or curve of two runs that is not bit-identical; empty if all are."""
    apart = [str(found) for found in replay.numbers(one, other, BITWISE) if not found.ok]
    return apart[0] if apart else "" if one.curves == other.curves else "a curve of the training differs"


def _ends(found: Record, config: Config, training: Training, commit: str, steps: int) -> tuple[int, int, str]:
    """Compare the first and the last steps.

    Returns how many first steps and how many last steps were compared, and the name of the processor.
    """
    sets = ["experiment.examples = 0", *found.overrides]
    path = config.path.resolve()
    present = [HOME.parent, config.folder.parents[1]]
    with replay.checkout(path, commit) as before, tempfile.TemporaryDirectory(prefix="repro-renew-") as home:
        old = both_ends.Side(before / "papers" / config.paper / "configs" / path.name, [before], before, found)
        new = both_ends.Side(path, present, Path(home), found)
        total = certify.steps_of(config, training)
        _refuse_apart(both_ends.first(old, new, sets, steps, total), f"the first {steps} steps")
        both_ends.to_the_end(old, new, steps, total)
        _refuse_apart(certify.compared(old.run(sets), new.run(sets)), f"the last {steps} steps")
        return steps, steps, new.processor


def _refuse_apart(apart: determinism.Comparison, where: str) -> None:
    if apart.weights or apart.metrics:
        most = f"a weight by up to {apart.weights:.3g}, a value by up to {apart.metrics:.3g} of the largest value"
        raise Differs(f"{where} differ: {most}")
