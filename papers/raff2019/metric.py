"""The numbers that the paper's tables and text state, each of one item of `papers.raff2019.dataset`.

There is no model: the estimate is the inputs, a feature's value for each of A attempts. The target says to which group
each attempt belongs (`groups`), of which groups the item asks (`asked`; all where it is empty), and for a cell of a
contingency table which `level`. A p value is a number in [0, 1], without a correction for the number of tests.

The numbers of the tables are from a reading of the PDF in the author's repository.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from scipy import stats

from repro.registry import METRICS

Values = list[float] | list[str]
Target = dict[str, Any]


@METRICS.register
class PValue:
    """The p value of a feature's dependence on the groups (Table 1, and below each of Tables 5 to 19).

    Levels: chi-squared test of the contingency table. Numbers: Mann-Whitney U test of two groups (two-sided, normal
    approximation with corrections for ties and continuity), Kruskal-Wallis test of more.

    yates: correct 2 x 2 tables for continuity, as the paper does. statistic: Pearson's, the paper's, or the
    log-likelihood ratio (the G test).
    """

    def __init__(self, yates: bool = True, statistic: Literal["pearson", "log-likelihood"] = "pearson") -> None:
        self.yates, self.statistic = yates, statistic
        tests = f"chi-squared ({statistic}, {'with' if yates else 'without'} Yates), Mann-Whitney, Kruskal-Wallis"
        self.identity = identity("PValue", "", tests)

    def __call__(self, estimate: Values, target: Target, inputs: Values) -> float:
        if isinstance(inputs[0], str):
            table = contingency(inputs, target["groups"])
            return float(stats.chi2_contingency(table, correction=self.yates, lambda_=self.statistic).pvalue)
        samples = list(by_group(inputs, target).values())
        if len(samples) > 2:
            return float(stats.kruskal(*samples).pvalue)
        return float(stats.mannwhitneyu(*samples, alternative="two-sided", method="asymptotic").pvalue)


@METRICS.register
class Significant:
    """How many of all features have a p value below `alpha` (Table 1: ten of 26).

    test: the metric that gives the p value of one. correction: what p values are adjusted by for their number; the
    paper adjusts by nothing.
    """

    def __init__(
        self,
        test: Annotated[Any, METRICS],
        alpha: float = 0.05,
        correction: Literal["none", "bonferroni", "benjamini-hochberg"] = "none",
    ) -> None:
        self.test, self.alpha, self.correction = test, alpha, correction
        reference = f"p below {alpha}, correction: {correction}; {test.identity['reference']}"
        self.identity = identity("Significant", "features", reference, "count over features", "higher")

    def __call__(self, estimate: list[Values], target: list[Target], inputs: list[Values]) -> float:
        p = np.array([self.test(*item) for item in zip(estimate, target, inputs, strict=True)])
        if self.correction == "bonferroni":
            p = p * len(p)
        elif self.correction == "benjamini-hochberg":
            p = stats.false_discovery_control(p)
        return float((p < self.alpha).sum())


@METRICS.register
class Shapiro:
    """Shapiro-Wilk test that the values of the group asked for are normal (Table 3): its W in (0, 1], or its p."""

    def __init__(self, statistic: Literal["W", "p"]) -> None:
        self.statistic = statistic
        self.identity = identity(f"Shapiro {statistic}", "", "Shapiro-Wilk", better="higher")

    def __call__(self, estimate: Values, target: Target, inputs: Values) -> float:
        found = stats.shapiro(asked(inputs, target))
        return float(found.statistic if self.statistic == "W" else found.pvalue)


@METRICS.register
class Levene:
    """Levene's test that the groups have one variance (Table 4): F in [0, inf), the groups' degrees of freedom, or p.

    center: what deviations are taken from. The mean, as Levene has it, gives the paper's F; the median is Brown and
    Forsythe's variant, for data that are not symmetric.
    """

    def __init__(self, statistic: Literal["F", "df", "p"], center: Literal["mean", "median"] = "mean") -> None:
        self.statistic, self.center = statistic, center
        self.identity = identity(f"Levene {statistic}", "", f"Levene, deviations from the {center}")

    def __call__(self, estimate: Values, target: Target, inputs: Values) -> float:
        samples = list(by_group(inputs, target).values())
        if self.statistic == "df":
            return float(len(samples) - 1)
        found = stats.levene(*samples, center=self.center)
        return float(found.statistic if self.statistic == "F" else found.pvalue)


@METRICS.register
class Welch:
    """The p value of Welch's t test, two-sided: have two groups one mean, whatever their variances?"""

    def __init__(self) -> None:
        self.identity = identity("Welch", "", "Welch's t, two-sided")

    def __call__(self, estimate: Values, target: Target, inputs: Values) -> float:
        return float(stats.ttest_ind(*by_group(inputs, target).values(), equal_var=False).pvalue)


@METRICS.register
class Dunn:
    """The p value of Dunn's test of the two groups asked for, after Kruskal-Wallis over all groups (Dunn 1964).

    z is the difference of the mean ranks over its standard error, corrected for ties. sides: 2, or 1 for the half.
    """

    def __init__(self, sides: Literal[1, 2] = 2) -> None:
        self.sides = sides
        self.identity = identity("Dunn", "", "Dunn, two-sided" if sides == 2 else "Dunn, one-sided")

    def __call__(self, estimate: Values, target: Target, inputs: Values) -> float:
        ranks = by_group(list(stats.rankdata(inputs)), target)
        one, other = (np.array(ranks[group]) for group in target["asked"])
        count, ties = len(inputs), np.unique(inputs, return_counts=True)[1]
        variance = count * (count + 1) / 12 - float((ties**3 - ties).sum()) / (12 * (count - 1))
        z = (one.mean() - other.mean()) / np.sqrt(variance * (1 / len(one) + 1 / len(other)))
        return float(self.sides * stats.norm.sf(abs(z)))


@METRICS.register
class Mean:
    """The mean of the group asked for, in `unit`.

    marginal: the marginal mean in place of the plain one, `values ~ group + beside` fitted by least squares and the
    levels of `beside` weighted equally.
    """

    def __init__(self, unit: str, marginal: bool = False) -> None:
        self.marginal = marginal
        reference = "marginal, of values ~ group + beside" if marginal else "the group's values"
        self.identity = identity("Mean", unit, reference, "mean over attempts", "higher")

    def __call__(self, estimate: Values, target: Target, inputs: Values) -> float:
        if not self.marginal:
            return float(np.mean(asked(inputs, target)))
        groups, levels = sorted(set(target["groups"])), sorted(set(target["beside"]))
        own = [np.equal(target["groups"], group) for group in groups]
        beside = [np.equal(target["beside"], level) - 1 / len(levels) for level in levels[1:]]
        means = np.linalg.lstsq(np.column_stack([*own, *beside]).astype(float), np.array(inputs, float), rcond=None)[0]
        return float(means[groups.index(target["asked"][0])])


@METRICS.register
class Difference:
    """The mean of the second group asked for less that of the first, in `unit`.

    decimals: to how many of them each mean is rounded first; not at all where nothing is said.
    """

    def __init__(self, unit: str, decimals: int | None = None) -> None:
        self.decimals = decimals
        reference = "the groups' means" if decimals is None else f"the groups' means, rounded to {decimals} decimals"
        self.identity = identity("Difference", unit, reference, "difference of means", "higher")

    def __call__(self, estimate: Values, target: Target, inputs: Values) -> float:
        groups = by_group(inputs, target)
        one, other = (float(np.mean(groups[group])) for group in target["asked"])
        if self.decimals is None:
            return other - one
        return round(other, self.decimals) - round(one, self.decimals)


@METRICS.register
class Papers:
    """How many attempts are in the group asked for, in all where none is; in a cell, those of its level alone."""

    def __init__(self) -> None:
        self.identity = identity("Papers", "papers", "attempts", "count over attempts", "higher")

    def __call__(self, estimate: Values, target: Target, inputs: Values) -> float:
        found = asked(inputs, target)
        return float(found.count(target["level"]) if "level" in target else len(found))


@METRICS.register
class Share:
    """The percentage of all attempts that are in the group asked for."""

    def __init__(self) -> None:
        self.identity = identity("Share", "%", "all attempts of the item", "share of attempts", "higher")

    def __call__(self, estimate: Values, target: Target, inputs: Values) -> float:
        return 100 * len(asked(inputs, target)) / len(inputs)


@METRICS.register
class Extreme:
    """The first or the last of the years that the attempts have."""

    def __init__(self, which: Literal["first", "last"]) -> None:
        self.which = which
        self.identity = identity(f"{which} year", "", "attempts", f"{which} over attempts", "higher")

    def __call__(self, estimate: Values, target: Target, inputs: Values) -> float:
        return float(min(inputs) if self.which == "first" else max(inputs))


def by_group(values: Values, target: Target) -> dict[str, list[Any]]:
    """The values of each group, the groups in the order of their names."""
    found: dict[str, list[Any]] = {group: [] for group in sorted(set(target["groups"]))}
    for value, group in zip(values, target["groups"], strict=True):
        found[group].append(value)
    return found


def asked(values: Values, target: Target) -> list[Any]:
    """The values of the groups asked for, of all where none is."""
    wanted = target["asked"] or target["groups"]
    return [value for value, group in zip(values, target["groups"], strict=True) if group in wanted]


def contingency(values: list[Any], groups: list[str]) -> np.ndarray:
    """How many attempts have each level in each group -> (groups, levels), both in the order of their names."""
    pairs = list(zip(groups, values, strict=True))
    return np.array([[pairs.count((g, v)) for v in sorted(set(values))] for g in sorted(set(groups))])


def identity(
    name: str, unit: str, reference: str, aggregation: str = "test over attempts", better: str = "lower"
) -> Any:
    """What must be equal before two values may be compared."""
    return {
        "name": name,
        "version": 1,
        "unit": unit,
        "better": better,
        "aggregation": aggregation,
        "reference": reference,
        "sample_rate": None,
        "permutation": None,
    }
