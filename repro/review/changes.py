"""What has changed in the folder of a paper since an earlier commit: files, claims, configs, numbers and verdicts.

Everything is read as text. No code of the paper is imported.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

from repro import config as configs
from repro.claim import paper
from repro.claim.paper import Paper
from repro.config import bindings
from repro.errors import BadInput, where
from repro.files import regular
from repro.record import as_committed, git, paths
from repro.record.git import GitError
from repro.report import reviews
from repro.report.html.words import count
from repro.rerun import diff
from repro.verdict import verdicts_json

KINDS = {"paper.toml": "claims", "configs": "configs", "tests": "tests", "records": "records", "reviews": "reviews"}
"""The kind of a file, by the first part of its path; every other `.py` is code, and the rest is text."""
SHOWN = 8  # names of one kind
LONGEST = 80  # characters of a value


def base(one: Paper, since: str | None) -> str:
    """The commit to compare with: where HEAD left `since`, else that of the last review; empty if there is none.

    Raises BadInput if git does not know it, or if the paper is not in a repository.
    """
    last = reviews.of_paper(one.folder)[-1:]
    if since is None and not last:
        return ""
    try:
        top = git.top(one.folder)
    except GitError as error:
        raise BadInput(str(error), where(one.folder), expected="git, and a clone of the repository") from None
    try:
        if since is not None:
            return git.call(top, "merge-base", "--end-of-options", since, "HEAD").decode().strip()
        git.call(top, "cat-file", "-e", f"{last[0].commit}^{{commit}}")
    except GitError as error:
        place = where(last[0].path) if since is None else f"--since {since}"
        known = git.call(top, "for-each-ref", "--format=%(refname:short)").decode().split() if since else []
        raise BadInput(str(error), place, expected="a commit of this clone", given=since or "", known=known) from None
    return last[0].commit


@contextmanager
def before(one: Paper, commit: str) -> Iterator[Path]:
    """The folder of the paper at a commit, in a temporary folder; it does not exist if the paper was not there."""
    with tempfile.TemporaryDirectory(prefix="repro-review-") as home:
        top = git.top(one.folder)
        name = one.folder.resolve().relative_to(top).as_posix()
        git.write(top, commit, Path(home), [name])
        yield Path(home) / name


def files(old: Path, new: Path) -> Iterator[str]:
    """One line for each kind of file, with the files that differ."""
    kinds: dict[str, list[str]] = {}
    then, now = _listed(old), _listed(new)
    for name in sorted({*then, *now}):
        if then.get(name) != now.get(name):
            note = " (new)" if name not in then else " (deleted)" if name not in now else ""
            kinds.setdefault(_kind(name), []).append(name + note)
    for kind, names in sorted(kinds.items()):
        yield f"{kind}: {listed(names, 'file')}"


def listed(names: Sequence[str], noun: str) -> str:
    """A few names, or how many there are."""
    return ", ".join(names) if len(names) <= SHOWN else count(len(names), noun)


def _listed(folder: Path) -> dict[str, str]:
    """The blob id of each file of a folder, without those that Python, git or an editor hides."""
    found = (path for path in folder.rglob("*") if path.is_file())
    names = {path.relative_to(folder): path for path in found}
    shown = {name: path for name, path in names.items() if not any(p.startswith((".", "__")) for p in name.parts[:-1])}
    return {name.as_posix(): as_committed.blob_of(path) for name, path in shown.items() if name.name[0] != "."}


def _kind(name: str) -> str:
    first = name.partition("/")[0]
    return KINDS.get(first, "code" if name.endswith(".py") else "texts and data")


def claims(old: Path, one: Paper) -> Iterator[str]:
    """One line for each claim or behaviour that was added, deleted or changed."""
    then = {claim.id: claim for _, claim in paper.read(old).tested} if (old / "paper.toml").is_file() else {}
    for _, claim in one.tested:
        if claim.id not in then:
            yield f"{claim.id}: new"
            continue
        pairs = (
            (field.name, getattr(then[claim.id], field.name), getattr(claim, field.name)) for field in fields(claim)
        )
        changed = [f"{key} {_short(was)} -> {_short(now)}" for key, was, now in pairs if was != now and key != "line"]
        if changed:
            yield f"{claim.id}: {', '.join(changed)}"
    yield from (f"{name}: deleted" for name in then if name not in {claim.id for _, claim in one.tested})


def settings(old: Path, one: Paper) -> Iterator[tuple[str, str]]:
    """(config, what it binds differently) for each config that existed before."""
    for path in one.configs:
        then = old / "configs" / path.name
        if then.is_file():
            rows = bindings.differences(configs.read(then).text, configs.read(path).text)
            if rows:
                said = ", ".join(f"{row.name} {_short(row.one)} -> {_short(row.other)}" for row in rows)
                yield path.stem, said


def numbers(old: Path, new: Path) -> Iterator[str]:
    """What became of each record: new, deleted, other numbers (and why), or the same numbers."""
    then, now = ({path.name: path for path in paths(folder)} for folder in (old, new))
    same: dict[str, list[str]] = {}
    for name in sorted({*then, *now}):
        stem = name.removesuffix(".json")
        if name not in then or name not in now:
            same.setdefault("new" if name in now else "deleted", []).append(stem)
        elif then[name].read_bytes() != now[name].read_bytes():
            found = diff.diff(str(then[name]), str(now[name]))
            if not found.results:
                same.setdefault(f"made again, bit-identical{_why(found)}", []).append(stem)
            for one in found.results:
                yield f"{stem}: {one.name}: {_mean(one.one)} -> {_mean(one.other)} {one.unit}{_why(found)}"
    yield from (f"{said}: {listed(stems, 'record')}" for said, stems in same.items())


def _why(found: diff.Diff) -> str:
    """What else differs between two records: what may be the reason of another number."""
    rows = {name: rows for name, rows in found.sections.items() if rows and name != "history"}
    said = [f"{name} ({', '.join(str(row.name) for row in rows[:3])})" for name, rows in rows.items()]
    return f"; differs: {', '.join(said)}" if said else "; nothing else differs"


def _mean(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.6g}"


def verdicts(old: Path, new: Path) -> Iterator[str]:
    """One line for each claim or behaviour whose committed verdict has changed."""
    then, now = (verdicts_json.read(one) if regular.present(one / verdicts_json.FILE) else {} for one in (old, new))
    for name in dict.fromkeys([*now, *then]):
        if then.get(name) != now.get(name):
            yield f"{name}: {then.get(name, 'none')} -> {now.get(name, 'none')}"


def _short(value: Any) -> str:
    text = " ".join(str("none" if value is None or value == "" else value).split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
