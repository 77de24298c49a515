"""Judge behaviours: does the share of the items that pass reach the required share? This module reads no files.

The interval has the uncertainty between trainings only, because a behaviour is about exactly its test items. It *holds*
if the whole 95 % interval is at or above the required share, and *fails* if the whole interval is below. All other
outcomes are those of claims: inconclusive, not comparable, stale, not run. The interval ends at 0 and at 1.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from repro.claim.behaviour import Behaviour
from repro.record import Record
from repro.verdict import BEHAVED, Verdict, say, settling
from repro.verdict import judge_all as judge_claims
from repro.verdict.evidence import Evidence

DIGITS = 9  # of a share: the mean of 98 ones among 100 values is 0.98, whatever float rounding does


def judge_all(behaviours: Iterable[Behaviour], records: Iterable[Record]) -> list[Verdict]:
    """A verdict for each behaviour, in the same order. Its `claim` is the behaviour's.

    >>> from repro.record import Measurement
    >>> passed = {0: [1.0, 1.0, 1.0, 0.0], 1: [1.0, 1.0, 1.0, 0.0]}  # by seed: 1 for each item that passes
    >>> records = [
    ...     Record("paper", "a", seed, "digest", [Measurement("noise", "Passed", {"better": "higher"}, values)])
    ...     for seed, values in passed.items()
    ... ]
    >>> tests = [
    ...     Behaviour("n", "says", "invariance", "configs/a.gin", "noise", share, seeds=2) for share in (0.75, 0.9)
    ... ]
    >>> [one.outcome for one in judge_all(tests, records)]
    ['holds', 'fails']
    """
    behaviours = list(behaviours)
    found = judge_claims([one.claim for one in behaviours], records)
    return [_judge(behaviour, verdict) for behaviour, verdict in zip(behaviours, found, strict=True)]


def _judge(behaviour: Behaviour, found: Verdict) -> Verdict:
    own = found.judged
    if own is None or found.outcome == "stale" or own.unlike:
        return found
    if fault := _no_share(behaviour, own):
        return replace(found, outcome="not comparable", why=fault)
    own = _share(own)
    found = replace(found, judged=own, evidence=[own if one is found.judged else one for one in found.evidence])
    if settling.lacking_seeds(found.claim, own):
        return found
    low, high, share = (round(one, DIGITS) for one in (own.interval.low, own.interval.high, behaviour.share))
    note = f"{say(own)} pass, at least {behaviour.share} must"
    if low >= share or high < share:
        return replace(found, outcome=BEHAVED[low < share], why=note)
    return replace(found, outcome="inconclusive", why=f"{note}; {settling.in_words(found.claim, own)}")


def _share(own: Evidence) -> Evidence:
    """The evidence with an interval between 0 and 1: no share is outside, but Student's interval may be."""
    low, high = max(own.interval.low, 0.0), min(own.interval.high, 1.0)
    return replace(own, interval=replace(own.interval, low=low, high=high))


def _no_share(behaviour: Behaviour, own: Evidence) -> str:
    """Why the mean of the metric is not the share of the items that pass; "" if it is."""
    if own.identity.get("better") == "lower":
        return f"a lower {behaviour.metric} is better, so 1 is not an item that passes"
    wrong = {value for row in own.rows for value in row} - {0.0, 1.0}
    return f"{behaviour.metric} of an item is {min(wrong):g}, not 0 or 1" if wrong else ""
