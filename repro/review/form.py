"""Start the file of a weekly review: `papers/PAPER/reviews/DATE-GROUP.md`. `repro.report.reviews` has its form."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path

from repro import course
from repro.errors import BadInput, where
from repro.files import disk, regular
from repro.record import git
from repro.record.git import GitError
from repro.report import reviews
from repro.report.page import Page
from repro.rerun import counter_record
from repro.rerun.counter_record import CounterRecord

HINTS = {
    "What I ran": "Each command, and its result.",
    "What I could not run": "What, and why: time, data, a GPU. Or: none.",
    "Questions": "One box for each: `- [ ] Why is ...?` Or: none. The authors put an x into the box and answer below.",
    "What must change": "One box for each, before you would merge it: `- [ ] The claim ...` Or: none.",
}


def start(shown: Page, group: str) -> Path:
    """Write the form with today's date, the commit, and the replays that the group has stored. Returns its path.

    Raises BadInput if it exists already, if the group is that of the authors, or if there is no commit.
    """
    one = shown.paper
    counter_record.refuse_own(group, one)
    course.refuse_own(group, one.name)
    date = datetime.datetime.now(datetime.UTC).date().isoformat()
    path = one.folder / reviews.FOLDER / f"{date}-{counter_record.name(group)}.md"
    if regular.present(path):
        raise BadInput("exists already", where(path), expected="no file; edit this one")
    try:
        values = (group, counter_record.person(one.folder), date, git.head(one.folder))
    except GitError as error:
        raise BadInput(str(error), where(one.folder), expected="a paper that is committed") from None
    head = "\n".join(f"- **{name}** {value}" for name, value in zip(reviews.ITEMS, values, strict=True))
    ran = "".join(f"{line}\n" for line in _ran(shown, group))
    head += f"\n- **{reviews.DECISION}** {' or '.join(reviews.DECISIONS)}"  # the reviewer deletes one
    parts = [f"## {name}\n\n<!-- {hint} -->\n{ran if name == 'What I ran' else ''}" for name, hint in HINTS.items()]
    path.parent.mkdir(exist_ok=True)
    return disk.write(path, "\n".join([f"# Review of {one.name}\n", f"{head}\n", *parts]))


def _ran(shown: Page, group: str) -> Iterator[str]:
    for one in shown.replays:
        if counter_record.name(one.group) == counter_record.name(group):
            yield f"- `{command(shown, one)}`: {one.fault or ('agrees' if one.agrees else 'differs')}"


def command(shown: Page, one: CounterRecord) -> str:
    """The command that made a counter-record, without the group."""
    return f"repro replay papers/{shown.name}/records/{one.again.stem}.json"
