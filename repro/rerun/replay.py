"""`repro replay`: run a committed record again and compare the numbers.

The new run uses the config text in the record and the code of this checkout, which is the code under review. `--commit`
uses the code of the record's commit instead. Config, data and measured items must be the same. How closely the numbers
must agree depends on the determinism class of the config on this machine (`repro certify`).
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from repro import HOME, record
from repro import config as configs
from repro.claim import paper
from repro.errors import BadInput, DataMissing, Finding, where
from repro.record import Record, determinism, git
from repro.record.determinism import BITWISE, STATISTICAL, Certificate, Class
from repro.record.git import GitError
from repro.rerun import child
from repro.rerun.pairs import Pair, pairs

LONGEST = 120.0  # seconds; `--since` does not replay a record that takes longer

log = logging.getLogger("repro")


@dataclass(frozen=True)
class Replay:
    """A record, the record of the new run, and how closely they must agree (`wanted`, with the reason `because`)."""

    record: Record
    again: Record
    wanted: Class
    because: str
    same_code: bool = False  # whether different code counts as a difference

    @property
    def findings(self) -> list[Finding]:
        """The results of all comparisons: config, code, data, items, measurements and curves."""
        basis = _basis(self.record, self.again, self.same_code)
        return [*basis, *numbers(self.record, self.again, self.wanted), *_curves(self.record, self.again, self.wanted)]

    @property
    def agrees(self) -> bool:
        """Whether no comparison found a fault."""
        return all(finding.ok for finding in self.findings)


def replay(path: Path, own_commit: bool = False) -> Replay:
    """Run the record at `path` again and compare; `own_commit`: with the code of the record's commit.

    Raises BadInput if the file is not a record, if its text does not match its digest, or if its commit is not in this
    repository. Raises DataMissing if its data is not on this machine, and `child.Failed` if the run fails.
    """
    found = record.read(path)
    commit = commit_of(found, path)
    if not configs.belongs(found.digest, found.text):
        raise BadInput(f"its text does not match its digest {found.digest[:16]}", where(path))
    stored = certificates(found)  # before the run, because their file may be broken
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
    return compare(found, again, stored, own_commit)


def compare(
    found: Record, again: Record, stored: Sequence[Certificate] | None = None, same_code: bool = False
) -> Replay:
    """Compare a record with the record of the new run.

    stored: the certificates of its config (None: they are read). same_code: different code counts as a difference.
    """
    return Replay(found, again, *_class(found, again, certificates(found) if stored is None else stored), same_code)


def smoke() -> Iterator[Path]:
    """The record of each paper's smoke config; logs the papers that have none."""
    for folder in paper.own_folders():
        path = folder / "records" / "smoke-seed0.json"
        if path.is_file():
            yield path
        else:
            log.info("%s: no record of its smoke config: skipped", folder.name)


def since(branch: str) -> Iterator[Path]:
    """The records that differ from `branch` and whose run takes at most `LONGEST` seconds; logs the longer ones.

    If a record says that it took longer, one record of its config is run for `LONGEST` seconds to check this. Raises
    BadInput if git does not know the branch.
    """
    tried: dict[Path, bool] = {}
    found = [path for folder in paper.own_folders() for path in _changed(folder, branch)]
    if not found:
        log.info("no record differs from %s", branch)
    for path in found:
        config = path.with_name(path.stem.rpartition("-seed")[0])
        long = record.read(path).cost.get("seconds", 0.0) > LONGEST
        if long and config not in tried:
            log.info("%s: the record says that it took more than %.0f s; trying it for that time", where(path), LONGEST)
            tried[config] = _ends(path)
        if not long or tried[config]:
            yield path
        else:
            log.info("%s: skipped, because it takes more than %.0f s; replay it by hand", where(path), LONGEST)


def _ends(path: Path) -> bool:
    """Whether the run of a record ends within `LONGEST` seconds; a refused or failed run counts as ended."""
    found = record.read(path)
    with child.stoppable(), tempfile.TemporaryDirectory(prefix="repro-replay-") as folder:
        try:
            run(found, Path(folder), [HOME.parent, *_root(found.paper)], LONGEST)
        except child.Late:
            return False
        except (BadInput, child.Failed):
            return True  # the replay that follows reports why
    return True


def _changed(folder: Path, branch: str) -> list[Path]:
    """The records of a paper that differ from `branch`. Raises BadInput if a record is a link."""
    known = record.paths(folder)
    record.refuse_links(folder / "records", known)
    try:
        top = git.top(folder)
        names = git.changed(top, branch, f"{folder.resolve().relative_to(top).as_posix()}/records/")
    except GitError as error:
        raise BadInput(f"--since {branch}: {error}", expected="a branch or a commit of this clone") from None
    return [path for path in known if path.resolve().relative_to(top).as_posix() in names]


def is_its_config(path: Path) -> bool:
    """Whether a record was made from its paper's present config. Only then is it skipped if its data is missing."""
    found = record.read(path)
    config = path.parents[1] / "configs" / f"{found.config}.gin"
    return config.is_file() and configs.same(found.digest, found.text, configs.read(config).text)


def commit_of(found: Record, path: Path) -> str:
    """The commit that a record was made from. Raises BadInput if there is none, or if this clone does not have it."""
    commit = found.source.get("commit")
    if not commit:
        raise BadInput("it was made outside git, so the commit of its code is unknown", where(path))
    if path.parent.name == "records" and found.paper != path.resolve().parents[1].name:
        raise BadInput(f"its paper is '{found.paper}'", where(path), expected="the paper whose folder contains it")
    if not git.is_commit(commit):
        raise BadInput(f"its commit is {commit!r}", where(path), expected="40 hexadecimal digits")
    if found.source.get("dirty") is not False:
        raise BadInput(f"it was made from {commit} with changes that were not committed", where(path))
    try:
        git.top(path.resolve().parent)
        git.call(path.resolve().parent, "cat-file", "-e", f"{commit}^{{commit}}")
    except GitError as error:
        if "cat-file" not in str(error):
            raise BadInput(str(error), where(path), expected="git, and a clone of the repository") from None
        raise BadInput(
            f"its commit {commit} is not in this clone",
            where(path),
            expected="a clone that has it: try git fetch --unshallow, or fetch its branch",
        ) from None
    return str(commit)


@contextmanager
def checkout(path: Path, commit: str) -> Iterator[Path]:
    """The files of `commit`, of the clone that contains `path`, in a temporary folder that is deleted at the end."""
    with tempfile.TemporaryDirectory(prefix="repro-replay-") as folder:
        try:
            git.write(git.top(path.resolve().parent), commit, Path(folder))
        except GitError as error:
            raise BadInput(str(error), where(path)) from None
        yield Path(folder)


def _root(name: str) -> list[Path]:
    """The folder from which the paper `name` can be imported; empty if the paper is not on this machine."""
    home = paper.folders().get(name)
    return [home.parents[1]] if home else []


def run(found: Record, folder: Path, roots: list[Path], limit: float = 0.0) -> Record:
    """Run the config text of `found` in `folder`, with its seed and number of threads; returns the new record.

    Raises `child.Late` if that takes more than `limit` seconds (0: no limit), BadInput if the text is refused, and
    `child.Failed` if the run fails.
    """
    copy = folder / f"{found.config}.gin"
    copy.write_text(f"# a run of papers/{found.paper}/configs/{copy.name}: it runs by itself\n{found.text}")
    threads = str(found.environment.get("threads", 1))
    command = ["repro", "run", str(copy), "--seed", str(found.seed)]
    printed = child.run(command, folder, roots, limit=limit, variables={"OMP_NUM_THREADS": threads})
    return record.read(folder / printed.strip())


def certificates(found: Record) -> list[Certificate]:
    """The certificates of a record's config. Raises BadInput if their file is not valid."""
    home = paper.folders().get(found.paper)
    return determinism.read(found.config, home) if home else []


def _class(found: Record, again: Record, stored: Sequence[Certificate]) -> tuple[Class, str]:
    """The class within which the two records must agree, and the reason."""
    if unlike := determinism.differences(found.environment, again.environment):
        return STATISTICAL, f"the record was made in another environment: {', '.join(unlike)}"
    if mine := determinism.of(found, stored):
        concerned = ("seed twice", *(["resume"] if found.cost.get("sessions", 1) > 1 else []))
        return mine.class_of(concerned), f"from the certificate ({' and '.join(concerned)}): {mine}"
    other = "no certificate for its code and this machine" if stored else "no certificate"
    return BITWISE, f"{other}; machine, packages and threads are as in the record"


def _basis(found: Record, again: Record, same_code: bool) -> Iterator[Finding]:
    """Compare what the numbers depend on: config, code, data and items."""
    same = configs.same(found.digest, found.text, again.text)
    yield Finding("config", same, "the same" if same else _another(found))
    unlike = _unlike(found.code, again.code)
    yield Finding(
        "code", not (unlike and same_code), f"has changed since the record: {unlike}" if unlike else "the same"
    )
    unlike = _unlike(found.data, again.data)
    yield Finding("data", not unlike, f"has changed since the record: {unlike}" if unlike else "the same")
    if found.items != again.items:
        yield Finding("items", False, "their names have changed since the record")


def _unlike(one: dict[str, str], other: dict[str, str]) -> str:
    return ", ".join(sorted(name for name in {*one, *other} if one.get(name) != other.get(name)))


def _another(found: Record) -> str:
    """Why the configs of the record and of the new run differ."""
    if configs.belongs(found.digest, found.text):
        return "has changed since the record"
    return f"the text of the record does not match its digest {found.digest[:16]}"


def numbers(found: Record, again: Record, wanted: Class) -> Iterator[Finding]:
    """Compare the measurements of a record with those of the new run `again`: one finding per measurement.

    wanted: how closely the values must agree. A measurement that only one of the two runs has is a fault.
    """
    for pair in pairs(found, again):
        yield Finding(pair.name, *_number(pair, wanted))


def _curves(found: Record, again: Record, wanted: Class) -> Iterator[Finding]:
    """A finding if the curves of the training differ but must be the same (class bitwise)."""
    if wanted == BITWISE and found.curves != again.curves:
        yield Finding("curves", False, "they differ from those in the record")


def _number(pair: Pair, wanted: Class) -> tuple[bool, str]:
    """Whether the two measurements of a pair agree, and a sentence."""
    one, other, unit = pair.one, pair.other, pair.unit
    if one is None or other is None:
        return False, f"the {'record' if one is None else 'new run'} has no such measurement"
    if pair.unlike:
        return False, f"the metric has another {', '.join(pair.unlike)}"
    if pair.moved is None:
        return False, f"{len(other.values)} items; the record has {len(one.values)}"
    if pair.identical:
        return True, f"bit-identical, mean {one.mean:.6g} {unit}".rstrip()
    agrees = determinism.agree(wanted, other.values, one.values)
    means = f"mean {other.mean:.9g} {unit}".rstrip() + f"; in the record {one.mean:.9g}"
    largest = f"largest difference of an item: {max(pair.moved):.3g}"
    return agrees, f"{'agrees' if agrees else 'differs'}: {means}; {largest}"
