"""`repro replay`: a committed record is run again from its own text, by the code of its commit, and compared.

The commit is checked out into a temporary folder, of which nothing stays. What must be the same: the config, the code,
the data, what was measured; and of the numbers as much as the determinism class of the config on this machine promises.
"""

from __future__ import annotations

import logging
import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from repro import certificate, child, paper, record
from repro import config as configs
from repro.certificate import BITWISE, STATISTICAL, Class
from repro.errors import BadInput
from repro.paper import where
from repro.record import Measurement, Record

log = logging.getLogger("repro")

AWAY = re.compile(r" is not here \(|no data set '.*' in the catalogue.* \(.* has no ")
"""Of a data set in the catalogue, and of one of a paper's own."""


@dataclass(frozen=True)
class Finding:
    """One thing that was compared, and whether it agrees."""

    what: str
    agrees: bool
    said: str

    def __str__(self) -> str:
        return f"{self.what}: {self.said}"


@dataclass(frozen=True)
class Replay:
    """A record and what its text gives now."""

    record: Record
    again: Record
    wanted: Class
    because: str

    @property
    def findings(self) -> list[Finding]:
        return [*_basis(self.record, self.again), *_numbers(self.record, self.again, self.wanted)]

    @property
    def agrees(self) -> bool:
        return all(finding.agrees for finding in self.findings)


def replay(path: Path) -> Replay:
    """Run the record at `path` again and compare.

    Raises BadInput for a file that is no record, and for one that cannot be run again: made outside git or from changes
    that were never committed, of a commit that is not in this clone, or where its data is not here. Raises
    `child.Failed` where the run fails.
    """
    found = record.read(path)
    commit = commit_of(found, path)
    with child.stoppable(), checkout(path, commit) as folder:
        if not (folder / "papers" / found.paper / "paper.toml").is_file():
            raise BadInput(f"the commit {commit} has no paper '{found.paper}'", where(path))
        try:
            again = _run(found, folder)
        except BadInput as error:
            raise BadInput(str(error), where(path)) from None
    return compare(found, again)


def compare(found: Record, again: Record) -> Replay:
    """A record beside that of the same run made again on this machine."""
    return Replay(found, again, *_class(found, again))


def smoke() -> Iterator[Path]:
    """The record of each paper's smoke config; a paper that has none is named."""
    for one in paper.every():
        path = one.folder / "records" / "smoke-seed0.json"
        if path.is_file():
            yield path
        else:
            log.info("%s: no record of its smoke config: skipped", one.name)


def away(error: BadInput) -> bool:
    """Whether a run was refused for data that is not on this machine, as `repro.datasets.store` says it."""
    return AWAY.search(str(error)) is not None


def commit_of(found: Record, path: Path) -> str:
    """The commit that a record can be run again from. Raises BadInput where there is none."""
    commit = found.source.get("commit")
    if not commit:
        raise BadInput("made outside git: there is no commit to run it from", where(path))
    if not re.fullmatch(r"[0-9a-f]{40}([0-9a-f]{24})?", str(commit)):
        raise BadInput(f"its commit is {commit!r}; expected 40 hexadecimal digits", where(path))
    if found.source.get("dirty"):
        raise BadInput(f"made from {commit} with changes that were never committed: what ran is not there", where(path))
    return str(commit)


@contextmanager
def checkout(path: Path, commit: str) -> Iterator[Path]:
    """A clean checkout of a commit of the clone that `path` lies in; it is gone at the end."""
    here = path.resolve().parent
    top = _git(here, "rev-parse", "--show-toplevel").strip()
    try:
        _git(here, "cat-file", "-e", f"{commit}^{{commit}}")
    except BadInput:
        hint = "git fetch --unshallow, or fetch the branch that it is on"
        raise BadInput(f"its commit {commit} is not in this clone; try {hint}", where(path)) from None
    with tempfile.TemporaryDirectory(prefix="repro-replay-") as folder:
        target = Path(folder) / "checkout"
        _git(here, "clone", "--quiet", "--shared", "--no-checkout", top, str(target))
        _git(target, "checkout", "--quiet", "--detach", commit)
        yield target


def _git(folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise BadInput("there is no git on this machine to check out the commit with") from None
    if done.returncode:
        raise BadInput(f"git {arguments[0]} failed: {done.stderr}", where(folder))
    return done.stdout


def _run(found: Record, folder: Path) -> Record:
    """The record of the text of `found`, run as a run's own copy of its config is: it stays in the run folder."""
    copy = folder.parent / f"{found.config}.gin"
    copy.write_text(f"# a run of papers/{found.paper}/configs/{copy.name}: it runs by itself\n{found.text}")
    threads = str(found.environment.get("threads", 1))
    command = ["repro", "run", str(copy), "--seed", str(found.seed)]
    roots = [folder, Path(__file__).parents[1]]  # ours is for papers that stand in a repository of their own
    printed = child.run(command, folder, roots, OMP_NUM_THREADS=threads)
    return record.read(folder / printed.strip())


def _class(found: Record, again: Record) -> tuple[Class, str]:
    """What two runs must agree within, and why."""
    if unlike := certificate.differences(found.environment, again.environment):
        return STATISTICAL, f"the record was made elsewhere: {', '.join(unlike)}"
    home = paper.folders().get(found.paper)
    certificates = certificate.read(found.config, home) if home else []
    if mine := certificate.of(found, certificates):
        return mine.determinism, f"the certificate says {mine}"
    other = "that of its code and this machine is not measured" if certificates else "no certificate"
    return BITWISE, f"{other}; machine, packages and threads are those of the record"


def _basis(found: Record, again: Record) -> Iterator[Finding]:
    """What the numbers rest on: where it is not the same, they are not the same numbers."""
    same = configs.same(found.digest, found.text, again.text)
    yield Finding("config", same, "the same" if same else _unlike(found))
    for kind, one, other in (("code", found.code, again.code), ("data", found.data, again.data)):
        unlike = sorted(name for name in {*one, *other} if one.get(name) != other.get(name))
        yield Finding(kind, not unlike, f"differs in {', '.join(unlike)}" if unlike else "the same")


def _unlike(found: Record) -> str:
    if configs.belongs(found.digest, found.text):
        return "another one was run"
    return f"the text of the record is not that of its digest {found.digest[:16]}"


def _numbers(found: Record, again: Record, wanted: Class) -> Iterator[Finding]:
    """Measurement by measurement, in the order of the record; then those that the record does not have."""
    for one in found.measurements:
        other = again.measured(one.test, one.metric)
        yield _number(one, other, wanted) if other else Finding(_name(one), False, "not measured now")
    for other in again.measurements:
        if not found.measured(other.test, other.metric):
            yield Finding(_name(other), False, "not in the record")


def _name(one: Measurement) -> str:
    return f"{one.test}, {one.metric}"


def _number(one: Measurement, other: Measurement, wanted: Class) -> Finding:
    if one.identity != other.identity:
        keys = sorted(
            key for key in {*one.identity, *other.identity} if one.identity.get(key) != other.identity.get(key)
        )
        return Finding(_name(one), False, f"not the same metric: its {', '.join(keys)}")
    if len(one.values) != len(other.values):
        return Finding(_name(one), False, f"{len(other.values)} items, in the record {len(one.values)}")
    unit = one.identity.get("unit", "")
    if one.values == other.values:
        return Finding(_name(one), True, f"agrees bit for bit, mean {one.mean:.6g} {unit}".rstrip())
    agrees = certificate.agree(wanted, other.values, one.values)
    largest = max(abs(a - b) for a, b in zip(one.values, other.values, strict=True))
    means = f"mean {other.mean:.9g} {unit}".rstrip() + f", in the record {one.mean:.9g}"
    return Finding(_name(one), agrees, f"{'agrees' if agrees else 'differs'}: {means}; an item by up to {largest:.3g}")
