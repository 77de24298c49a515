"""`repro replay`: a committed record is run again from its own text, by the code of this checkout, and compared.

What must be the same: the config, the data, what was measured; and of the numbers as much as the determinism class of
the config on this machine promises. The code that runs is the one under review, whatever commit the record names: a
number that only other code gives does not come out again. `--commit` runs the code of the record's own commit.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from repro import HOME, git, record
from repro import config as configs
from repro.claim import paper
from repro.errors import BadInput, DataMissing, Finding, where
from repro.git import GitError
from repro.record import Measurement, Record, determinism
from repro.record.determinism import BITWISE, STATISTICAL, Class
from repro.rerun import child

LONGEST = 120.0  # seconds that a record may have taken to be run again by `--since`

log = logging.getLogger("repro")


@dataclass(frozen=True)
class Replay:
    """A record and what its text gives now."""

    record: Record
    again: Record
    wanted: Class
    because: str
    same_code: bool = False  # whether it must be by the very code of the record

    @property
    def findings(self) -> list[Finding]:
        basis = _basis(self.record, self.again, self.same_code)
        return [*basis, *numbers(self.record, self.again, self.wanted), *_curves(self.record, self.again, self.wanted)]

    @property
    def agrees(self) -> bool:
        return all(finding.ok for finding in self.findings)


def replay(path: Path, own_commit: bool = False) -> Replay:
    """Run the record at `path` again, by the present code or by that of its own commit, and compare.

    Raises BadInput for a file that is no record, whose text is not that of its digest, or that names no commit of this
    repository; DataMissing where its data is not here; `child.Failed` where the run fails.
    """
    found = record.read(path)
    commit = commit_of(found, path)
    if not configs.belongs(found.digest, found.text):
        raise BadInput(f"its text is not that of its digest {found.digest[:16]}", where(path))
    with child.stoppable(), tempfile.TemporaryDirectory(prefix="repro-replay-") as folder:
        roots = [HOME.parent, *_root(found.paper)]
        if own_commit:
            git.write(git.top(path.parent), commit, Path(folder) / "checkout")
            roots.insert(0, Path(folder) / "checkout")
        try:
            again = run(found, Path(folder), roots)
        except DataMissing as error:
            raise DataMissing(str(error), where(path)) from None
        except BadInput as error:
            raise BadInput(str(error), where(path)) from None
    return compare(found, again, own_commit)


def compare(found: Record, again: Record, same_code: bool = False) -> Replay:
    """A record and that of the same run made again on this machine."""
    return Replay(found, again, *_class(found, again), same_code)


def smoke() -> Iterator[Path]:
    """The record of each paper's smoke config; a paper that has none is named."""
    for one in paper.every():
        path = one.folder / "records" / "smoke-seed0.json"
        if path.is_file():
            yield path
        else:
            log.info("%s: no record of its smoke config: skipped", one.name)


def since(branch: str) -> Iterator[Path]:
    """The records that are not as in `branch`, where a run takes at most `LONGEST` seconds; a longer one is named.

    That a run takes longer is not believed to the record: it is tried, once for each config. Raises BadInput where git
    does not know the branch.
    """
    tried: dict[Path, bool] = {}
    found = [path for folder in paper.folders().values() for path in _changed(folder, branch)]
    if not found:
        log.info("no record differs from %s", branch)
    for path in found:
        config = path.with_name(path.stem.rpartition("-seed")[0])
        long = record.read(path).cost.get("seconds", 0.0) > LONGEST
        if long and config not in tried:
            log.info("%s: it says that it took longer than %.0f s: tried for so long", where(path), LONGEST)
            tried[config] = _ends(path)
        if not long or tried[config]:
            yield path
        else:
            log.info("%s: not run again, it takes more than %.0f s; replay it by hand", where(path), LONGEST)


def _ends(path: Path) -> bool:
    """Whether a record comes to its end within `LONGEST` seconds; one that is refused or fails does."""
    found = record.read(path)
    with child.stoppable(), tempfile.TemporaryDirectory(prefix="repro-replay-") as folder:
        try:
            run(found, Path(folder), [HOME.parent, *_root(found.paper)], LONGEST)
        except child.Late:
            return False
        except (BadInput, child.Failed):
            return True  # its replay says why
    return True


def _changed(folder: Path, branch: str) -> list[Path]:
    """The records of a paper that are not as in `branch`. Raises BadInput for links among its records."""
    known = record.paths(folder)
    record.refuse_links(folder / "records", known)
    try:
        top = git.top(folder)
        names = git.changed(top, branch, f"{folder.resolve().relative_to(top).as_posix()}/records/")
    except GitError as error:
        raise BadInput(f"--since {branch}: {error}; expected a branch or a commit of this clone") from None
    return [path for path in known if path.resolve().relative_to(top).as_posix() in names]


def is_its_config(path: Path) -> bool:
    """Whether the text of a record is that of its paper's config: only then may missing data excuse it."""
    found = record.read(path)
    config = path.parents[1] / "configs" / f"{found.config}.gin"
    return config.is_file() and configs.same(found.digest, found.text, configs.read(config).text)


def commit_of(found: Record, path: Path) -> str:
    """The commit that a record was made from. Raises BadInput where there is none in this repository."""
    commit = found.source.get("commit")
    if not commit:
        raise BadInput("made outside git: there is no commit that its code is of", where(path))
    if path.parent.name == "records" and found.paper != path.resolve().parents[1].name:
        raise BadInput(f"it is of the paper '{found.paper}'; expected a record of the paper it lies in", where(path))
    if not git.is_commit(commit):
        raise BadInput(f"its commit is {commit!r}; expected 40 hexadecimal digits", where(path))
    if found.source.get("dirty") is not False:
        raise BadInput(f"made from {commit} with changes that were never committed", where(path))
    try:
        git.call(path.resolve().parent, "cat-file", "-e", f"{commit}^{{commit}}")
    except GitError:
        hint = "git fetch --unshallow, or fetch the branch that it is on"
        raise BadInput(f"its commit {commit} is not in this clone; try {hint}", where(path)) from None
    return str(commit)


@contextmanager
def checkout(path: Path, commit: str) -> Iterator[Path]:
    """The files of a commit of the clone that `path` is in, in a temporary folder that is deleted at the end."""
    with tempfile.TemporaryDirectory(prefix="repro-replay-") as folder:
        try:
            git.write(git.top(path.resolve().parent), commit, Path(folder))
        except GitError as error:
            raise BadInput(str(error), where(path)) from None
        yield Path(folder)


def _root(name: str) -> list[Path]:
    """Where the paper called `name` can be imported from, if it is here."""
    home = paper.folders().get(name)
    return [home.parents[1]] if home else []


def run(found: Record, folder: Path, roots: list[Path], limit: float = 0.0) -> Record:
    """The record of the text of `found`, run below `folder` as a run's own copy of its config is.

    Raises `child.Late` where that takes more than `limit` seconds (0: there is no limit).
    """
    copy = folder / f"{found.config}.gin"
    copy.write_text(f"# a run of papers/{found.paper}/configs/{copy.name}: it runs by itself\n{found.text}")
    threads = str(found.environment.get("threads", 1))
    command = ["repro", "run", str(copy), "--seed", str(found.seed)]
    printed = child.run(command, folder, roots, limit=limit, variables={"OMP_NUM_THREADS": threads})
    return record.read(folder / printed.strip())


def _class(found: Record, again: Record) -> tuple[Class, str]:
    """What two runs must agree within, and why."""
    if unlike := determinism.differences(found.environment, again.environment):
        return STATISTICAL, f"the record was made elsewhere: {', '.join(unlike)}"
    home = paper.folders().get(found.paper)
    certificates = determinism.read(found.config, home) if home else []
    if mine := determinism.of(found, certificates):
        concerned = ("seed twice", *(["resume"] if found.cost.get("sessions", 1) > 1 else []))
        return mine.class_of(concerned), f"the certificate says so of {' and '.join(concerned)}: {mine}"
    other = "that of its code and this machine is not measured" if certificates else "no certificate"
    return BITWISE, f"{other}; machine, packages and threads are those of the record"


def _basis(found: Record, again: Record, same_code: bool) -> Iterator[Finding]:
    """What the numbers depend on: where it is not the same, they are not the same numbers."""
    same = configs.same(found.digest, found.text, again.text)
    yield Finding("config", same, "the same" if same else _another(found))
    unlike = _unlike(found.code, again.code)
    yield Finding("code", not (unlike and same_code), f"changed since in {unlike}" if unlike else "the same")
    unlike = _unlike(found.data, again.data)
    yield Finding("data", not unlike, f"differs in {unlike}" if unlike else "the same")
    if found.items != again.items:
        yield Finding("items", False, "their names differ")


def _unlike(one: dict[str, str], other: dict[str, str]) -> str:
    return ", ".join(sorted(name for name in {*one, *other} if one.get(name) != other.get(name)))


def _another(found: Record) -> str:
    """Why the config of a record is not that of the run made again."""
    if configs.belongs(found.digest, found.text):
        return "another config was run"
    return f"the text of the record is not that of its digest {found.digest[:16]}"


def numbers(found: Record, again: Record, wanted: Class) -> Iterator[Finding]:
    """Measurement by measurement, in the order of the record; then those that the record does not have."""
    for one in found.measurements:
        other = again.measured(one.test, one.metric)
        yield _number(one, other, wanted) if other else Finding(_name(one), False, "not measured now")
    for other in again.measurements:
        if not found.measured(other.test, other.metric):
            yield Finding(_name(other), False, "not in the record")


def _curves(found: Record, again: Record, wanted: Class) -> Iterator[Finding]:
    """The curves of the training, where they must be the same."""
    if wanted == BITWISE and found.curves != again.curves:
        yield Finding("curves", False, "differ")


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
    agrees = determinism.agree(wanted, other.values, one.values)
    largest = max(abs(a - b) for a, b in zip(one.values, other.values, strict=True))
    means = f"mean {other.mean:.9g} {unit}".rstrip() + f", in the record {one.mean:.9g}"
    return Finding(_name(one), agrees, f"{'agrees' if agrees else 'differs'}: {means}; an item by up to {largest:.3g}")
