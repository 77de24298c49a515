"""Checks of records and renewals against the commits that they name, for `repro verdict --check`.

A record contains the digests of its code, and its commit: the commit must contain code with these digests. A tolerance
must have been committed before the first record that it judges.
"""

from __future__ import annotations

import contextlib
import functools
import json
import tempfile
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repro import config, record
from repro.claim import Claim, units
from repro.claim.paper import Paper
from repro.claim.table import cells
from repro.config import imported
from repro.errors import BadInput
from repro.record import Record, code_digest, cores, git, renewal
from repro.record.git import GitError
from repro.record.same_code import unchanged

Rows = dict[str, dict[str, Any]]
"""The claims and behaviours of a `paper.toml`, unchecked, by their id."""

REPLAYS = "replays"
"""The folder in `records/` with the records of replays by other groups: `repro.rerun.counter_record`."""

JUDGED = (
    *(
        "value",
        "tolerance",
        "above",
        "below",
        "share",
        "printed",
        "over",
        "over_test",
        "seeds",
        "config",
        "metric",
        "test",
        "item",
    ),
    *("proxy", "proxy_over", "identity", "data", "unit"),
    *("items", "deterministic", "value_spread", "value_seeds"),
)
"""The keys of a claim or behaviour that its verdict depends on."""


@dataclass(frozen=True)
class Committed:
    """The code in the commits of one repository. Each commit is written once into a temporary folder."""

    top: Path
    paper: str  # the paper's folder, relative to `top`
    home: Path

    @functools.cache  # noqa: B019  # the cache lives as long as the temporary folder
    def code(self, commit: str, modules: tuple[str, ...]) -> dict[str, str]:
        """The digests of the code of a config that imports `modules`."""
        root = self.folder(commit)
        return code_digest.of_modules(modules, root / Path(self.paper).parent, root / "repro")

    def same_code(self, commit: str, changed: renewal.Changed, modules: tuple[str, ...]) -> bool:
        """Whether the present code differs from that of the commit only in what changes no number."""
        root, papers = self.folder(commit), (self.top / self.paper).parent
        before = code_digest.paths(modules, root / Path(self.paper).parent, root / "repro")
        return unchanged(changed, before, code_digest.paths(modules, papers))

    @functools.cache  # noqa: B019
    def core(self, commit: str) -> str:
        """The digest of the core; empty if the repository contains only papers."""
        root = self.folder(commit) / "repro"
        return code_digest.core(root) if root.is_dir() else ""

    @functools.cache  # noqa: B019
    def folder(self, commit: str) -> Path:
        """The folder with the code of `repro` and of the paper at a commit. Raises GitError if it cannot be read."""
        target = self.home / commit
        git.write(self.top, commit, target, ["repro", self.paper], ".py")
        return target


def faults(one: Paper, records: Sequence[Record]) -> Iterator[str]:
    """One line for each record, renewal and core that does not match its commit."""
    with tempfile.TemporaryDirectory(prefix="repro-audit-") as home:
        known = _known(one.folder, Path(home))
        if known is None:
            return
        for found in records:
            yield from _of_record(found, known)
        yield from _of_renewals(one, records, known)
    with contextlib.suppress(GitError):
        yield from _of_cores(git.top(code_digest.REPRO))


def unknown(folder: Path) -> str:
    """Why the commits of the paper in `folder` cannot be checked; empty if they can."""
    try:
        top = git.top(folder)
        git.head(top)  # raises if there is no commit yet
        return "the clone is shallow" if git.shallow(top) else ""
    except GitError as error:
        return str(error)


def of_record(found: Record, folder: Path) -> list[str]:
    """One line for each way in which a record of the paper in `folder` does not match its commit."""
    with tempfile.TemporaryDirectory(prefix="repro-audit-") as home:
        known = _known(folder, Path(home))
        return [] if known is None else list(_of_record(found, known))


def same_code(found: Record, changed: renewal.Changed, folder: Path) -> bool:
    """Whether a record's code differs from the present one only in what changes no number; False if not known."""
    with tempfile.TemporaryDirectory(prefix="repro-audit-") as home:
        known = _known(folder, Path(home))
        commit, modules = str(found.source.get("commit")), tuple(imported(found.text))
        return known is not None and known.same_code(commit, changed, modules)


def _known(folder: Path, home: Path) -> Committed | None:
    """The commits of a paper's repository; None without git, or in a shallow clone."""
    try:
        top = git.top(folder)
        if git.shallow(top):
            return None
        return Committed(top, folder.resolve().relative_to(top).as_posix(), home)
    except GitError:
        return None


def _of_record(found: Record, known: Committed) -> Iterator[str]:
    commit, place = str(found.source.get("commit")), f"records/{found.stem}.json"
    if not git.is_commit(commit):
        yield f"{place}: its commit is {commit!r:.80}; expected 40 hexadecimal digits"
        return
    try:
        code, core = known.code(commit, tuple(imported(found.text))), known.core(commit)
    except (GitError, BadInput, OSError) as error:
        yield f"{place}: its commit {commit[:12]} cannot be compared: {error}"
        return
    if unlike := sorted(name for name, digest in found.code.items() if name in code and code[name] != digest):
        yield f"{place}: its code differs from its commit {commit[:12]}: {', '.join(unlike)}"
    if core and found.core and core != found.core:
        yield f"{place}: its core is {found.core}, but the core of its commit {commit[:12]} is {core}"


def _of_renewals(one: Paper, records: Sequence[Record], known: Committed) -> Iterator[str]:
    rows = renewal.read(one.folder)
    points = record.of_points(one.folder) if any(row.overrides for row in rows) else []
    texts = {(found.config, *found.overrides): found.text for found in (*records, *points)}
    for row in rows:
        text = texts.get((row.config, *row.overrides))
        place = f"{renewal.FILE}: the row of {row.config}"
        if not git.is_commit(row.commit):
            yield f"{place}: its commit is {row.commit!r:.80}; expected 40 hexadecimal digits"
            continue
        try:
            code = known.code(row.commit, tuple(imported(text or "")))
        except (GitError, BadInput, OSError) as error:
            yield f"{place}: its commit {row.commit[:12]} cannot be read: {error}"
            continue
        if text is None:
            yield f"{place}: there is no record of that config"
        elif unlike := sorted(name for name, (old, _) in row.changed.items() if name in code and code[name] != old):
            yield f"{place}: its commit {row.commit[:12]} has other code: {', '.join(unlike)}"
        elif row.same_code and not known.same_code(row.commit, row.changed, tuple(imported(text))):
            yield f"{place}: its commit {row.commit[:12]} has other syntax trees, but the row says the same"


def _of_cores(top: Path) -> Iterator[str]:
    """One line for each row of `cores.json` without a run, or whose commit does not have that core."""
    with tempfile.TemporaryDirectory(prefix="repro-audit-") as home:
        known = Committed(top, "repro", Path(home))
        for row in cores.rows():
            if not row.records or not git.is_commit(row.commit):
                yield f"{cores.FILE.name}: {row.core}: it names no record, or no valid commit"
                continue
            try:
                core = known.core(row.commit)
            except GitError as error:
                yield f"{cores.FILE.name}: {row.core}: its commit {row.commit[:12]} cannot be read: {error}"
                continue
            if core != row.core:
                yield f"{cores.FILE.name}: {row.core}: its commit {row.commit[:12]} has the core {core}"


def late(one: Paper) -> dict[str, str] | None:
    """The changes of claims and behaviours after their first record, by id, for example `tolerance 0.3 -> 6`.

    None if they are not known: without git, or in a shallow clone.
    """
    try:
        top = git.top(one.folder)
        if git.shallow(top):
            return None
        first = _first_commits(top, one.folder.resolve().relative_to(top).as_posix())
    except GitError:
        return None
    found, now = {}, _rows((one.folder / "paper.toml").read_text(encoding="utf-8-sig"))
    twins = _twins(one)
    for _, claim in one.tested:
        stems = {stem for config in claim.configs for stem in twins.get(Path(config).stem, ())}
        commits = [first[stem] for stem in stems if stem in first]
        if commits and (changed := _changed(claim, one.folder, now, _claims(top, one.folder, min(commits)[1]))):
            found[claim.id] = changed
    return found


def _twins(one: Paper) -> dict[str, set[str]]:
    """For each config, the configs with the same bindings, so that a copy under another name cannot hide a record."""
    by_digest: dict[str, set[str]] = defaultdict(set)
    for path in one.configs:
        with contextlib.suppress(BadInput):
            by_digest[config.digest(config.read(path).text)].add(path.stem)
    return {stem: stems for stems in by_digest.values() for stem in stems}


def _first_commits(top: Path, paper: str) -> dict[str, tuple[int, str]]:
    """The commit that the first record of each config was made from: its position in the history, and its id."""
    listed = git.call(top, "rev-list", "--reverse", "--topo-order", "HEAD", "--", f"{paper}/records").decode().split()
    added = git.call(
        top, "diff-tree", "--stdin", "-r", "-m", "--root", "--diff-filter=A", "--name-only", "-z",
        given="".join(f"{commit}\n" for commit in listed).encode(),
    )  # fmt: skip
    found: dict[str, tuple[int, str, str]] = {}
    commit, number = "", 0
    for name in added.decode(errors="replace").replace("\n", "\0").split("\0"):
        if len(name) in (40, 64) and name in listed:
            commit, number = name, listed.index(name)
        elif name.startswith(f"{paper}/records/{REPLAYS}/"):
            continue
        elif name.startswith(f"{paper}/records/") and "-seed" in name and name.endswith(".json"):
            config = Path(name).stem.rpartition("-seed")[0]
            if config not in found:
                found[config] = number, commit, f"{commit}:{name}"
    made = _made(top, [name for *_, name in found.values()])
    return {config: (number, made.get(name, commit)) for config, (number, commit, name) in found.items()}


def _made(top: Path, names: list[str]) -> dict[str, str]:
    """The commit that each record names, by the name of its blob, if the repository contains it."""
    made: dict[str, str] = {}
    for name, content in git.blobs(top, names).items():
        with contextlib.suppress(ValueError, KeyError, TypeError):
            made[name] = json.loads(content)["source"]["commit"]
    known = git.present(top, filter(git.is_commit, made.values()))
    return {name: commit for name, commit in made.items() if commit in known}


def _changed(claim: Claim, folder: Path, now: Rows, then: Rows) -> str:
    """The changed keys of a claim that its verdict depends on. Adding the metric's own unit is not a change."""
    if claim.id not in then:
        return "added to paper.toml after its first record"
    ours, theirs = now.get(claim.id, {}), then[claim.id]
    keys = [key for key in JUDGED if theirs.get(key) != ours.get(key)]
    if "unit" in keys and "unit" not in theirs and units.factor(claim.stated_unit, _metric_unit(claim, folder)) == 1:
        keys.remove("unit")
    return ", ".join(f"{key} {theirs.get(key, 'none')} -> {ours.get(key, 'none')}" for key in keys)


def _metric_unit(claim: Claim, folder: Path) -> str:
    """The unit of a claim's metric, from a record of its configs; empty if there is none."""
    stems = [Path(config).stem for config in claim.configs]
    for path in (path for stem in stems for path in sorted((folder / "records").glob(f"{stem}-seed*.json"))):
        with contextlib.suppress(BadInput):
            if found := record.read(path).measured(claim.test, claim.metric):
                return str(found.identity.get("unit", ""))
    return ""


@functools.cache
def _claims(top: Path, folder: Path, commit: str) -> Rows:
    """The claims in the `paper.toml` of a commit; empty if the commit has no such file."""
    name = f"{commit}:{folder.resolve().relative_to(top).as_posix()}/paper.toml"
    try:
        return _rows(git.blob(top, name).decode("utf-8-sig"))
    except (GitError, ValueError):
        return {}


def _rows(text: str) -> Rows:
    data = tomllib.loads(text)
    rows = {str(row.get("id")): row for kind in ("claim", "behaviour") for row in data.get(kind, ())}
    for table in data.get("table", ()):
        for kind in ("printed", "value"):
            if isinstance(table.get(kind), dict):
                rows |= {str(row["id"]): row for row in cells(table, kind)}
    return rows
