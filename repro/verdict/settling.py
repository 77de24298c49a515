"""How many more seeds would settle an inconclusive claim, as a number and in words. This module reads no files."""

from __future__ import annotations

from decimal import Decimal

from repro.claim import Claim
from repro.verdict.evidence import Evidence


def more_seeds(claim: Claim, found: Evidence) -> int:
    """How many more seeds would settle an inconclusive claim, if mean and spread do not change.

    0 if a hundred seeds would not settle it.
    """
    if lacking := lacking_seeds(claim, found):
        return lacking
    ours = found.compared
    return 0 if ours.low == ours.high else ours.seeds_to_settle(limit(claim, found))


def lacking_seeds(claim: Claim, found: Evidence) -> int:
    """How many more seeds are needed to estimate the spread between seeds."""
    least = claim.trend_seeds if found.proxy else min(2, claim.trend_seeds)
    return max(least - found.interval.seeds, 0)


def limit(claim: Claim, found: Evidence) -> float:
    """The number that the interval of an inconclusive claim contains: a bound, a border of the accepted range, or 0.

    0 if a difference is within the accepted range, but its sign is uncertain.
    """
    if claim.accepted is None or found.proxy:
        return bound(claim)
    (low, high), ours = claim.accepted, found.compared
    if low <= exact(ours.low) and exact(ours.high) <= high:
        return 0.0
    return min((float(low), float(high)), key=lambda edge: abs(edge - ours.mean))


def bound(claim: Claim) -> float:
    """The number that a comparison must be above or below; 0 if the claim states none."""
    return claim.bound or 0.0


def exact(value: float) -> Decimal:
    """The decimal number with the digits of `value`, because 0.1 as a float is not exactly 0.1."""
    return Decimal(repr(value))


def in_words(claim: Claim, found: Evidence) -> str:
    """How many more seeds would settle an inconclusive claim, and their cost; or why they would not."""
    ours, more = found.compared, more_seeds(claim, found)
    seeds = "1 more seed" if more == 1 else f"{more} more seeds"
    if lacking_seeds(claim, found):
        is_or_are = "is" if more == 1 else "are"
        return f"{seeds} {is_or_are} needed to estimate the spread between seeds{_cost(found, more)}"
    if ours.low == ours.high:
        return "it is exactly the bound, with no spread: more seeds would not settle it"
    if more:
        return f"{seeds} would settle it, if mean and spread stay as they are{_cost(found, more)}"
    if ours.item_variance <= ours.seed_variance / ours.seeds:
        return "the mean is so close to the border that a hundred seeds would not settle it"
    what = "the paper's own number is too uncertain" if ours.fixed else "more test items would"
    return f"a hundred seeds would not settle it: {what}"


def _cost(found: Evidence, seeds: int) -> str:
    """The time for more seeds on a machine like that of the records, in words; "" if no record has a time."""
    sides = [[record.cost.get("seconds", 0.0) for record in side] for side in (found.records, found.over) if side]
    minutes = seeds * sum(sum(side) / len(side) for side in sides) / 60
    return f" (about {max(minutes, 1):.0f} min of computing)" if minutes else ""
