"""Write `.github/CODEOWNERS`: the core's folders, and each paper with the group in its `paper.toml`.

    make owners

A group is a team of the organisation, `Group A` is @ORGANISATION/group-a. If a group names accounts, as in
`Group A (@ann, @bob)`, these are the owners instead. The organisation is that of the line of `/repro/`.
"""

from __future__ import annotations

import re
from pathlib import Path

from repro.claim import paper
from repro.claim.paper import Paper

FILE = Path(__file__).with_name("CODEOWNERS")
PAPERS = Path(__file__).parents[1] / "papers"
START = "# The papers, written by `make owners` from the groups in paper.toml:\n"
CORE = "the repro authors"  # the group of the core's own papers


def text(before: str) -> str:
    """The new text of the file; what is above `START` stays as it is."""
    head = before.partition(START)[0]
    found = re.search(r"^/repro/\s+@([\w-]+)/", head, re.MULTILINE)
    if not found:
        raise SystemExit(f"{FILE.name}: no line `/repro/ @ORGANISATION/TEAM`")
    papers = [one for one in paper.every() if one.folder.parent.resolve() == PAPERS]
    rows = [f"{f'/papers/{one.name}/':<28} {owners(one, found[1])}" for one in papers if one.name != "template"]
    return head + START + "\n".join(rows) + "\n"


def owners(one: Paper, organisation: str) -> str:
    """The accounts that the group names, else its team."""
    if accounts := re.findall(r"@[\w/-]+", one.group):
        return " ".join(accounts)
    team = "core" if one.group in ("", CORE) else re.sub(r"[^a-z0-9]+", "-", one.group.lower()).strip("-")
    return f"@{organisation}/{team}"


if __name__ == "__main__":
    FILE.write_text(text(FILE.read_text(encoding="utf-8")), encoding="utf-8")
