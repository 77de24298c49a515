"""Who reviews whom in a week, who presents, and who is the scribe. This depends on the order of the groups alone.

Everything is a rotation, so that a group can check its duties by counting lines in `course.toml`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

WHAT = ("paper", "code")
"""What the two groups of a week present."""


@dataclass(frozen=True)
class Talk:
    """One presentation: `what` it is about (`paper` or `code`), the group that gives it, and the scribe's group."""

    what: str
    group: str
    scribe: str


def reviews(groups: Sequence[str], week: int) -> dict[str, str]:
    """The group that each group reviews. Every group reviews one other group and is reviewed by one.

    In week 1 a group reviews the next one in the list, in week 2 the one after it, and so on to the middle of the
    list; by then every pair has met once. Then the same pairs meet in the other direction: from the group before.

    >>> [reviews(["a", "b", "c", "d", "e"], week)["a"] for week in (1, 2, 3, 4, 5)]
    ['b', 'c', 'e', 'd', 'b']
    """
    many = len(groups)
    step = _steps(many)[(week - 1) % (many - 1)]
    return {group: groups[(place + step) % many] for place, group in enumerate(groups)}


def _steps(many: int) -> list[int]:
    """How many places after a group the one that it reviews is, by week. Opposite steps join the same pairs."""
    half = many // 2
    return [*range(1, half + 1), *range(many - 1, half, -1)]


def talks(groups: Sequence[str], week: int) -> list[Talk]:
    """The presentations of a week: of a paper, and of a code-base. Two groups after each of them is its scribe.

    The groups take turns, two each week. If their number is even, the two of a week exchange paper and code at each
    turn; if it is odd, this happens by itself.

    >>> for talk in talks(["a", "b", "c", "d"], 3):
    ...     print(talk)
    Talk(what='paper', group='b', scribe='d')
    Talk(what='code', group='a', scribe='c')
    """
    many, first = len(groups), 2 * (week - 1)
    places = [first, first + 1]
    if many % 2 == 0 and first // many % 2:
        places.reverse()
    later = min(2, many - 1)  # of two groups, each is the scribe of the other
    rows = (
        (what, groups[place % many], groups[(place + later) % many]) for what, place in zip(WHAT, places, strict=True)
    )
    return [Talk(*row) for row in rows]


def exchanged(given: Sequence[Talk], presenters: Mapping[str, str]) -> list[Talk]:
    """The same talks, but what is in `presenters` is presented by the group named there.

    That group and the one whose turn it was exchange all duties of the week. So nobody is the scribe of their own talk.
    """
    found = list(given)
    for number, what in enumerate(WHAT):
        here, there = found[number].group, presenters.get(what, found[number].group)
        other = {here: there, there: here}
        found = [replace(t, group=other.get(t.group, t.group), scribe=other.get(t.scribe, t.scribe)) for t in found]
    return found
