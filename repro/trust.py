"""Whether a record may decide a claim: made from a commit that exists, by a core that is known."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repro import cores, git, provenance
from repro.git import GitError


@dataclass(frozen=True)
class Trust:
    """What is known of the commits and cores of some records."""

    missing: frozenset[str]  # commits that the repository does not have
    core: str

    def fault(self, source: dict[str, Any], core: str) -> str:
        """Why a record with this source and core decides nothing; empty where it may."""
        commit = source.get("commit")
        if source.get("dirty"):
            return "made from code that was not committed"
        if not commit or source.get("dirty") is not False:
            return "made from an unknown commit"
        if commit in self.missing:
            return f"its commit {commit} does not exist in this repository"
        if core != self.core and cores.find(core, str(commit)) is None:
            return "made by another core (repro renew shows whether it gives the same numbers)"
        return ""

    def note(self, source: dict[str, Any], core: str) -> str:
        """What is to be said of a record that counts although its core has changed."""
        found = cores.find(core, str(source.get("commit"))) if core != self.core else None
        return str(found or "")


def of(folder: Path, commits: Iterable[Any]) -> Trust:
    """What the repository of `folder` knows of `commits`; without git nothing can be missing."""
    named = {commit for commit in commits if isinstance(commit, str) and commit.isalnum()}
    try:
        return Trust(frozenset(git.missing(folder, named)), provenance.core())
    except GitError:
        return Trust(frozenset(), provenance.core())
