"""What the group chose itself: the bound, the data or the comparison of a claim; and which claims come first.

`where` says so: `Table 1; the bound is ours`, `the method; the data and the bound are ours`, `our own comparison`. It
also says whether the group tests the claim with networks or a training of its own: `Table 1; the training is ours`. For
material of a course, `source` may say it: `our own question; the course does not ask it`.

A claim is the group's *own* if its bound or its comparison is. The paper does not state it, so it cannot be
reproduced: it *holds* or *does not hold*, and is counted apart from the claims of the paper.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from repro.claim.paper import Claim, Paper
from repro.verdict import UNTRANSCRIBED, Verdict

OURS = re.compile(r"(?P<what>\bthe [\w, ]+) (?:is|are) ours\W*\Z")
ASKED = re.compile(r"(?i)\b(?:our own (?:comparison|question)|not in the paper|asked by us|the comparison is ours)\b")
DATA = "other data"
OTHER = {"data": DATA, "networks": "a smaller network", "training": "a shorter training"}
"""What `where` says is the group's own, and what that means for a reader."""
AGREES = ("reproduced", "trend holds", "last digit differs", "same conclusion")
"""The outcomes of a claim that agrees with the paper."""
DIFFERS = ("exceeded", "trend fails", "not reproduced")
"""The outcomes of a claim that does not agree. The others are open."""
QUOTED = re.compile(r"\{(?:claim|stated|verdict)\}`([^`/]+)`")  # the claims that a sentence quotes
HOLDS, FAILS = "holds", "does not hold"
MARK = "own: "
"""Before the outcome of an own claim."""


def bound(claim: Claim) -> bool:
    """Whether the bound of a claim is the group's own."""
    return "bound" in _chosen(claim)


def data(claim: Claim) -> bool:
    """Whether the group tests the claim on data of its own choice."""
    return DATA in other(claim)


def other(claim: Claim) -> list[str]:
    """What is not as in the paper in the claim's own config, in words: `other data`, `a shorter training`.

    >>> other(Claim("a", "b", "Table 1; the networks and the training are ours"))
    ['a smaller network', 'a shorter training']
    """
    return [words for what, words in OTHER.items() if what in _chosen(claim)]


def comparison(claim: Claim) -> bool:
    """Whether the paper does not make the comparison of a claim.

    >>> [comparison(Claim("a", "b", where, over="b.gin")) for where in ("our own comparison, on record 100", "Table 1")]
    [True, False]
    """
    return bool(claim.over and _asked(claim))


def own(claim: Claim) -> bool:
    """Whether the claim is the group's own: the paper states neither its bound nor its comparison.

    >>> [own(Claim("a", "b", where, above=1.0)) for where in ("the bound is ours", "Table 1; the data are ours")]
    [True, False]
    """
    return bound(claim) or _asked(claim)


def headlines(paper: Paper) -> list[Claim]:
    """The claims that the page shows first: those that `outcome` quotes, then the others marked `headline`.

    The quoted ones are in the order of the sentence. A claim of a `[[table]]` cannot be marked, so it has to be quoted.
    The group's own claims come last.
    """
    quoted = {name: place for place, name in reversed(list(enumerate(QUOTED.findall(paper.outcome))))}
    found = [claim for claim in paper.claims if claim.headline or claim.id in quoted]
    return sorted(found, key=lambda claim: (own(claim), quoted.get(claim.id, len(quoted))))


def outcome(verdict: Verdict) -> str:
    """The outcome as pages name it: an own claim holds or does not hold, because the paper does not state it."""
    if not own(verdict.claim):
        return verdict.outcome
    return HOLDS if verdict.outcome in AGREES else FAILS if verdict.outcome in DIFFERS else verdict.outcome


def theirs(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """The verdicts on the transcribed claims of the paper."""
    return [one for one in verdicts if one.outcome != UNTRANSCRIBED and not own(one.claim)]


def ours(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """The verdicts on the group's own claims."""
    return [one for one in verdicts if own(one.claim)]


def sums(verdicts: Iterable[Verdict]) -> tuple[int, int, int]:
    """How many verdicts agree, do not agree, and are open."""
    many = Counter(_side(one.outcome) for one in verdicts)
    return many[0], many[1], many[2]


def _side(name: str) -> int:
    return 0 if name in AGREES else 1 if name in DIFFERS else 2


def _asked(claim: Claim) -> bool:
    return bool(ASKED.search(claim.where) or ASKED.search(claim.source))


def _chosen(claim: Claim) -> list[str]:
    hit = OURS.search(claim.where)
    return re.findall(r"\w+", hit["what"]) if hit else []
