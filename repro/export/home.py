"""The address of the repository with the paper's code, as other people can reach it."""

from __future__ import annotations

import re
from pathlib import Path

from repro.rerun import signatures

WEB = re.compile(r"https?://(?:[^@/\s]+@)?([^\s@]+?)(?:\.git)?/?")
SSH = re.compile(r"(?:ssh://)?git@([\w.-]+)[:/](?:\d+/)?([^\s@]+?)(?:\.git)?/?")
FIXME = "FIXME: "
"""The beginning of a value that nobody but the authors or the codechecker knows, as in the tools of CODECHECK."""


def repository(folder: Path) -> str:
    """The address of git's remote `origin`; empty if there is none."""
    return address(signatures.setting("remote.origin.url", folder))


def address(remote: str) -> str:
    """The web address of a remote, without a name or password; empty if it is a folder of this machine.

    >>> address("git@github.com:group/repro.git"), address("https://me:secret@host.org/repro"), address("/srv/repro")
    ('https://github.com/group/repro', 'https://host.org/repro', '')
    """
    if hit := WEB.fullmatch(remote):
        return f"https://{hit[1]}"
    hit = SSH.fullmatch(remote)
    return f"https://{hit[1]}/{hit[2]}" if hit else ""
