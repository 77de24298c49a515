"""What the group chose itself in a claim: a bound, data or a comparison that the paper does not have.

`where` says so: `Table 1; the bound is ours`, `the method; the data and the bound are ours`, `our own comparison`.
"""

from __future__ import annotations

import re

from repro.claim.paper import Claim

OURS = re.compile(r"(?P<what>\bthe [\w ]+) (?:is|are) ours\W*\Z")
ASKED = re.compile(r"(?i)\b(?:our own comparison|not in the paper|asked by us|the comparison is ours)\b")


def bound(claim: Claim) -> bool:
    """Whether the bound of a claim is the group's own."""
    return "bound" in _chosen(claim)


def data(claim: Claim) -> bool:
    """Whether the group tests the claim on data of its own choice."""
    return "data" in _chosen(claim)


def comparison(claim: Claim) -> bool:
    """Whether the paper does not make the comparison of a claim.

    >>> [comparison(Claim("a", "b", where, over="b.gin")) for where in ("our own comparison, on record 100", "Table 1")]
    [True, False]
    """
    return bool(claim.over and ASKED.search(claim.where))


def _chosen(claim: Claim) -> list[str]:
    hit = OURS.search(claim.where)
    return hit["what"].split() if hit else []
