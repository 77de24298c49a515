"""`repro renew`: are the records of a paper, whose code has changed since, what the present code would give?

Each config is run twice with the seed of such a record, its first steps only: by the code of the record's commit, in a
clean checkout, and by the present code. Weights and values must agree bit for bit.
"""

from __future__ import annotations

import datetime
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from repro import binding, certify, child, interruption, paper, provenance, record, renewal, replay
from repro import config as configs
from repro.certificate import Comparison
from repro.certify import Outcome
from repro.errors import BadInput
from repro.record import Record
from repro.renewal import Renewal


@dataclass(frozen=True)
class Tried:
    """A record whose code has changed, and whether the present code gives the same; `said` is for a person."""

    record: Record
    agrees: bool
    said: str

    def __str__(self) -> str:
        return f"{self.record.stem}: {self.said}"


def tried(name: str, steps: int = certify.STEPS) -> Iterator[Tried]:
    """A line per config and code of the paper's records that have become stale by code alone; what agrees is stored.

    Raises BadInput as `repro replay` does.
    """
    one = paper.find(name)
    with interruption.listening():
        for found, changed in _outdated(one.folder):
            try:
                apart, taken, processor = _compare(found, one.folder, steps)
            except (BadInput, child.Failed) as error:
                yield Tried(found, False, str(error))
                continue
            if apart.weights or apart.metrics:
                most = f"in a weight by up to {apart.weights:.3g}, in a value by {apart.metrics:.3g} of the largest"
                yield Tried(found, False, f"differs, {most}")
                continue
            now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
            made = Renewal(found.config, changed, str(found.source["commit"]), taken, processor, now)
            renewal.store([made], one.folder)
            yield Tried(found, True, str(made))


def _outdated(folder: Path) -> Iterator[tuple[Record, renewal.Changed]]:
    """One record of each config and code that is stale by its code alone, and what has changed in that."""
    known, seen = renewal.read(folder), set()
    for path in sorted((folder / "records").glob("*.json")):
        found = record.read(path)
        place = folder / "configs" / f"{found.config}.gin"
        config = configs.read(place) if place.is_file() else None
        if config is None or not configs.same(found.digest, found.text, config.text):
            continue
        changed = renewal.difference(found.code, provenance.code(config))
        key = (found.config, str(changed))
        if changed and key not in seen and not renewal.find(known, found.config, changed):
            seen.add(key)
            yield found, changed


def _compare(found: Record, folder: Path, steps: int) -> tuple[Comparison, int, str]:
    """How a run by the code of a record's commit and one by the present code differ; their steps, the processor."""
    path = folder / "configs" / f"{found.config}.gin"
    config = configs.read(path)
    binding.bind(config, whole=True)
    training = certify.training_of(config)
    taken = min(steps, training.steps) if training else 0
    sets = ["experiment.examples = 0"]
    if training:
        sets.append(f"{training.trainer}.steps = {taken}")
        if f"{training.trainer}.valid_every" in configs.values(config.text):
            sets.append(f"{training.trainer}.valid_every = {max(taken // 2, 1)}")
    commit = replay.commit_of(found, path)
    with replay.checkout(path, commit) as before, tempfile.TemporaryDirectory(prefix="repro-renew-") as home:
        old = _run(before / "papers" / folder.name / "configs" / path.name, [before], before, found, sets)
        new = _run(path.resolve(), [Path(__file__).parents[1], folder.parents[1]], Path(home), found, sets)
        return certify.compared(old, new), taken, str(new.record.environment.get("processor"))


def _run(path: Path, roots: list[Path], folder: Path, found: Record, sets: list[str]) -> Outcome:
    words = [word for one in sets for word in ("--set", one)]
    threads = str(found.environment.get("threads", 1))
    command = ["repro", "run", str(path), "--seed", str(found.seed), *words]
    return certify.outcome(folder / child.run(command, folder, roots, quiet=True, OMP_NUM_THREADS=threads).strip())
