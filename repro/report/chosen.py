"""What the group chose itself in a claim: a bound or data that the paper does not have.

`where` says so at its end: `Table 1; the bound is ours`, `the method; the data and the bound are ours`.
"""

from __future__ import annotations

import re

from repro.claim.paper import Claim

OURS = re.compile(r"(?P<what>\bthe [\w ]+) (?:is|are) ours\W*\Z")


def bound(claim: Claim) -> bool:
    """Whether the bound of a claim is the group's own."""
    return "bound" in _chosen(claim)


def data(claim: Claim) -> bool:
    """Whether the group tests the claim on data of its own choice."""
    return "data" in _chosen(claim)


def _chosen(claim: Claim) -> list[str]:
    hit = OURS.search(claim.where)
    return hit["what"].split() if hit else []
