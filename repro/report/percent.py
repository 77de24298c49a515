"""Shares in percent: a metric that is a share is shown in percent if the paper prints it in percent.

This is about the page only. Records, `paper.toml` and `repro verdict` keep the unit of the metric.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from repro.claim import Claim, Number, units
from repro.claim.paper import Paper
from repro.record import Record

PRINTED = re.compile(r"(\d+(?:\.\d+)?) ?%")
NUMBERS = ("value", "tolerance", "above", "below", "value_spread")  # of a claim: all in its unit


def metrics(claims: Iterable[Claim], records: Iterable[Record]) -> set[str]:
    """The metrics that are shown in percent. Their unit is a share, and a claim about them prints percent.

    A metric with `printed` shares keeps its unit, because these digits are shown as the paper prints them.
    """
    asked = list(claims)
    other = {one.metric for found in records for one in found.measurements if units.sign(_unit(one.identity))}
    digits = {claim.metric for claim in asked if claim.printed and not units.percent(claim.stated_unit)}
    return {claim.metric for claim in asked if _prints_percent(claim)} - other - digits


def _prints_percent(claim: Claim) -> bool:
    """Whether the claim states percent: as its unit, or in words with 100 times its number, as `97.5 %` for 0.975."""
    if units.percent(claim.stated_unit):
        return True
    stated = [value for value in (claim.value, claim.bound) if value is not None]
    return any(Decimal(hit) == 100 * Decimal(str(value)) for hit in PRINTED.findall(claim.says) for value in stated)


def read(paper: Paper, records: Iterable[Record]) -> Paper:
    """The paper as its page shows it: the claims about these metrics are in percent."""
    found = metrics(paper.claims, records)
    return replace(paper, claims=[_claim(claim) if claim.metric in found else claim for claim in paper.claims])


def _claim(claim: Claim) -> Claim:
    if units.percent(claim.stated_unit) or not claim.transcribed:
        return claim
    numbers = {name: getattr(claim, name) for name in NUMBERS}
    changed: dict[str, Any] = {name: _hundred(value) for name, value in numbers.items() if value is not None}
    return replace(claim, unit="%", **changed)


def _hundred(value: float) -> Number:
    return Number(f"{Decimal(str(value)).scaleb(2):f}")


def factor(paper: Paper, metric: str, unit: str) -> tuple[float, str]:
    """How the page shows a number of `metric`, which is in `unit`: the factor and the unit that is printed."""
    percent = any(claim.metric == metric and units.percent(claim.stated_unit) for claim in paper.claims)
    return (100.0, "%") if percent and not units.sign(unit) else (1.0, unit)


def _unit(identity: Mapping[str, object]) -> str:
    return str(identity.get("unit", ""))
