"""The scores of one test item, next to its example; and whether the item is typical of its test set.

An item is *typical* if at least a quarter of all items are better, and at least a quarter are worse.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median

from repro.record import Measurement, Record
from repro.report import matrix, percent, possible
from repro.report.html.words import count, number
from repro.report.page import Page

FEW = 4  # test items: with fewer, no item is called typical


def scores(page: Page, found: Record, test: str, item: int) -> list[str]:
    """The item's value in each metric of its test set, the metrics of claims first: `SDR improvement 7.6 dB`.

    A metric that is only 0 or 1 is left out: the example shows whether the answer is right.
    """
    measured = [one for one in _measured(page, found, test) if not right_or_wrong(one) and item < len(one.values)]
    return [f"{page.paper.label(one.metric)} {shown(page, one, one.values[item])}" for one in measured]


def standing(page: Page, found: Record, test: str, item: int) -> str:
    """Where the item is among all items, in the first metric of `scores`; "" if that says nothing."""
    one = _scored(page, found, test)
    return place(one.values, item, _higher(one)) if one is not None and item < len(one.values) else ""


def chosen(page: Page, found: Record) -> dict[int, str]:
    """The examples to look at first, as places in the list, with the reason: typical, best and worst.

    Empty if there is one example, or if no metric says which these are.
    """
    tests = {str(example.get("test", "test")) for example in found.examples}
    one = _scored(page, found, min(tests, default=""))
    items = [int(example.get("item", 0)) for example in found.examples]
    if one is None or len(tests) > 1 or len(items) < 2 or max(items) >= len(one.values):
        return {}
    values, middle, sign = [one.values[item] for item in items], median(one.values), 1 if _higher(one) else -1
    places, named = range(len(items)), dict[int, str]()
    whom = _whom(found, one)
    named[min(places, key=lambda n: abs(values[n] - middle))] = "nearest to the median"
    named.setdefault(max(places, key=lambda n: sign * values[n]), f"the best of {whom}")
    named.setdefault(min(places, key=lambda n: sign * values[n]), f"the worst of {whom}")
    return named


def _whom(found: Record, one: Measurement) -> str:
    """Among which items the best and the worst example are: all, if the run chose the examples by this metric."""
    every = found.examples[0].get("by") == one.metric
    return f"all {len(one.values)}" if every else f"these {len(found.examples)}"


def order(page: Page, found: Record, named: Mapping[int, str]) -> str:
    """How the examples are ordered, as a sentence; "" if none is `named`."""
    one = _scored(page, found, str(found.examples[0].get("test", "test")))
    if one is None or not named:
        return ""
    whom = f"the one nearest to the median of all items, and the best and the worst of {_whom(found, one)}"
    return f"First, by {page.paper.label(one.metric)}: {whom}. "


def place(values: Sequence[float], item: int, higher: bool) -> str:
    """`typical`, or the quarter of `values` in which the item is, or `the worst`; "" for few items.

    >>> place([1.0, 2.0, 3.0, 4.0, 5.0], 2, True), place([1.0, 2.0, 3.0, 4.0, 5.0], 0, True)
    ('typical: in the middle half of 5 items', 'the worst of 5 items')
    """
    below, above = (sum(value < values[item] for value in values), sum(value > values[item] for value in values))
    worse, better = (below, above) if higher else (above, below)
    many = count(len(values), "item")
    if len(values) < FEW or not (worse or better):
        return ""
    if not worse or not better:
        return f"the {'best' if worse else 'worst'} of {many}"
    if min(worse, better) >= len(values) / 4:
        return f"typical: in the middle half of {many}"
    return f"in the {'worst' if worse < better else 'best'} quarter of {many}"


def summary(page: Page, found: Record) -> str:
    """How the examples were chosen, and the results of all items of their test set."""
    test = str(found.examples[0].get("test", "test"))
    items = [int(example.get("item", 0)) for example in found.examples]
    every = [one for one in found.measurements if one.test == test]
    if not every:
        return ""
    whole = count(len(every[0].values), "test item")
    by, first = found.examples[0].get("by"), "the first " if items == list(range(len(items))) else ""
    how = f"spread from the worst to the best in {page.paper.label(by)}" if by else "not chosen by their results"
    said = f"They are {first}{len(items)} of {whole}, {how}."
    measured = _measured(page, found, test)
    if not measured:
        return said
    return f"{said} {_wrong(found, measured[0]) if right_or_wrong(measured[0]) else _range(page, measured[0])}"


def _wrong(found: Record, one: Measurement) -> str:
    """How many of all items, and of the examples, have a wrong answer."""
    bad = 0.0 if _higher(one) else 1.0
    answers = [panel for example in found.examples for panel in example.get("panels", ()) if "truth" in panel]
    wrong = sum(str(panel.get("answer")) != str(panel["truth"]) for panel in answers)
    none = " None of the examples is one of them: no wrong answer was recorded." if answers and not wrong else ""
    return f"Of all items, {100 * one.values.count(bad) / len(one.values):.3g} % have a wrong answer.{none}"


def _range(page: Page, one: Measurement) -> str:
    ends = sorted((min(one.values), max(one.values)), reverse=not _higher(one))
    worst, middle, best = (shown(page, one, value) for value in (ends[0], median(one.values), ends[1]))
    return f"{page.paper.label(one.metric)} of all items: worst {worst}, median {middle}, best {best}."


def shown(page: Page, one: Measurement, value: float) -> str:
    """A value of a metric, with its unit."""
    by, unit = percent.factor(page.paper, one.metric, str(one.identity.get("unit", "")))
    return f"{number(float(f'{by * value:.3g}'))} {unit}".rstrip()


def right_or_wrong(one: Measurement) -> bool:
    """Whether each value is 0 or 1, as of an accuracy."""
    return set(one.values) <= {0.0, 1.0}


def _higher(one: Measurement) -> bool:
    return one.identity.get("better") != "lower"


def _scored(page: Page, found: Record, test: str) -> Measurement | None:
    """The first metric of a test set that is more than right or wrong; None if there is none."""
    return next((one for one in _measured(page, found, test) if not right_or_wrong(one)), None)


def _measured(page: Page, found: Record, test: str) -> list[Measurement]:
    """The metrics of a test set that give each item a score, those of claims first."""
    asked = {claim.metric for claim in page.paper.claims}
    scored = [one for one in found.measurements if one.test == test and not _of_the_whole(one)]
    return sorted(scored, key=lambda one: one.metric not in asked)


def _of_the_whole(one: Measurement) -> bool:
    """Whether the values are no scores of items, but only together say something."""
    return matrix.is_cell(one) or str(one.identity.get("aggregation", "")).startswith(possible.WHOLE)
