"""The statistics in the paper's tables and text, each for one item of `papers.raff2019.dataset`.

There is no model. The estimate is the input: the value of a feature for each attempt. The target has `groups`, the
group of each attempt, and `asked`, the groups that the item is about (empty: all groups). For a cell of a contingency
table it also has `level`. A p value is in [0, 1]. It is not corrected for the number of tests.

We read the PDF of the paper in the author's repository. The numbers of the tables are from there.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from scipy import stats

from repro.metrics import Identity
from repro.registry import METRICS

Values = list[float] | list[str]
Target = dict[str, Any]


@METRICS.register
class PValue:
    """p value of the dependence of a feature on the groups (Table 1; below each of Tables 5 to 19).

    Levels: chi-squared test of the contingency table. Numbers and two groups: two-sided Mann-Whitney U test, with the
    normal approximation and corrections for ties and continuity. Numbers and more groups: Kruskal-Wallis test.

    yates: Yates' continuity correction for 2 x 2 tables, as in the paper. statistic: Pearson's, as in the paper, or the
    log-likelihood ratio (G test).

        >>> round(PValue()(None, {"groups": ["No"] * 3 + ["Yes"] * 3}, [1, 2, 3, 7, 8, 9]), 3)
        0.081
    """

    def __init__(self, yates: bool = True, statistic: Literal["pearson", "log-likelihood"] = "pearson") -> None:
        self.yates, self.statistic = yates, statistic
        tests = f"chi-squared ({statistic}, {'with' if yates else 'without'} Yates), Mann-Whitney, Kruskal-Wallis"
        self.identity = identity("PValue", "", tests)

    def __call__(self, estimate: Values, target: Target, inputs: Values) -> float:
        if isinstance(inputs[0], str):  # Tables 5 to 19
            table = contingency(inputs, target["groups"])
            return float(stats.chi2_contingency(table, correction=self.yates, lambda_=self.statistic).pvalue)
        samples = list(by_group(inputs, target).values())
        if len(samples) > 2:
            return float(stats.kruskal(*samples).pvalue)
        return float(stats.mannwhitneyu(*samples, alternative="two-sided", method="asymptotic").pvalue)


@METRICS.register
class Significant:
    """Number of features with a p value below `alpha` (Table 1: ten of 26).

    test: the metric for the p value of one feature. correction: for the number of tests; the paper uses none.

        >>> target = {"groups": ["No"] * 4 + ["Yes"] * 4, "asked": []}
        >>> values = [[1, 2, 3, 4, 6, 7, 8, 9], [1, 2, 3, 4, 1, 2, 3, 4]]
        >>> Significant(PValue())(values, [target, target], values)
        1.0
    """

    def __init__(
        self,
        test: Annotated[Any, METRICS],
        alpha: float = 0.05,
        correction: Literal["none", "bonferroni", "benjamini-hochberg"] = "none",
    ) -> None:
        self.test, self.alpha, self.correction = test, alpha, correction
        reference = f"p below {alpha}, correction: {correction}; {test.identity.reference}"
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
    """Shapiro-Wilk test for normality of the values of one group (Table 3): W in (0, 1], or p.

    The group is that in `asked`. A small p means that the values are not normally distributed.

        >>> Shapiro("p")(None, {"groups": ["Yes"] * 5, "asked": ["Yes"]}, [1, 2, 3, 4, 99]) < 0.001
        True
    """

    def __init__(self, statistic: Literal["W", "p"]) -> None:
        self.statistic = statistic
        self.identity = identity(f"Shapiro {statistic}", "", "Shapiro-Wilk", better="higher")

    def __call__(self, estimate: Values, target: Target, inputs: Values) -> float:
        found = stats.shapiro(asked(inputs, target))
        return float(found.statistic if self.statistic == "W" else found.pvalue)


@METRICS.register
class Levene:
    """Levene's test for equal variances of the groups (Table 4): F in [0, inf), degrees of freedom of the groups, or p.

    center: "mean" (Levene) gives the F of the paper; "median" (Brown and Forsythe) is for data that are not symmetric.

        >>> Levene("F")(None, {"groups": ["No"] * 3 + ["Yes"] * 3}, [1, 2, 3, 11, 12, 13])
        0.0
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
    """p value of Welch's t test, two-sided, for equal means of two groups. The variances may differ.

    Example: two groups with equal means.

        >>> Welch()(None, {"groups": ["No", "No", "Yes", "Yes"]}, [1, 3, 0, 4])
        1.0
    """

    def __init__(self) -> None:
        self.identity = identity("Welch", "", "Welch's t, two-sided")

    def __call__(self, estimate: Values, target: Target, inputs: Values) -> float:
        return float(stats.ttest_ind(*by_group(inputs, target).values(), equal_var=False).pvalue)


@METRICS.register
class Dunn:
    """p value of Dunn's test for two groups, after a Kruskal-Wallis test over all groups.

    The two groups are those in `asked`. z is the difference of the mean ranks divided by its standard error, corrected
    for ties. sides: 2, or 1 for half of the p value. Source: Dunn 1964.

        >>> target = {"groups": ["Low"] * 3 + ["Ok"] * 3 + ["Good"] * 3, "asked": ["Low", "Ok"]}
        >>> round(Dunn()(None, target, [1, 2, 3, 7, 8, 9, 4, 5, 6]), 4)
        0.0073
    """

    def __init__(self, sides: Literal[1, 2] = 2) -> None:
        self.sides = sides
        self.identity = identity("Dunn", "", "Dunn, two-sided" if sides == 2 else "Dunn, one-sided")

    def __call__(self, estimate: Values, target: Target, inputs: Values) -> float:
        ranks = by_group(list(stats.rankdata(inputs)), target)
        one, other = (np.array(ranks[group]) for group in target["asked"])
        count, ties = len(inputs), np.unique(inputs, return_counts=True)[1]
        variance = count * (count + 1) / 12 - float((ties**3 - ties).sum()) / (12 * (count - 1))
        z = (one.mean() - other.mean()) / np.sqrt(variance * (1 / len(one) + 1 / len(other)))  # Dunn 1964
        return float(self.sides * stats.norm.sf(abs(z)))


@METRICS.register
class Mean:
    """Mean of one group, in `unit`.

    The group is that in `asked`. marginal: the marginal mean instead of the plain mean. It fits `values ~ group +
    beside` by least squares and weights the levels of `beside` equally.

        >>> Mean("pages")(None, {"groups": ["No", "Yes", "Yes"], "asked": ["Yes"]}, [1, 2, 3])
        2.5
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
    """Difference of two means in `unit`: the second group in `asked` minus the first.

    decimals: number of decimals to which each mean is rounded first; None: no rounding.

        >>> Difference("pages")(None, {"groups": ["No", "Yes", "Yes"], "asked": ["No", "Yes"]}, [1, 2, 3])
        1.5
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
    """Number of attempts in the groups in `asked`, or in all groups; for a cell, only those with its level.

    Example: a cell of a contingency table, as in Tables 2 and 5 to 19.

        >>> target = {"groups": ["Yes", "Yes", "No"], "asked": ["Yes"], "level": "Book"}
        >>> Papers()(None, target, ["Book", "Journal", "Book"])
        1.0
    """

    def __init__(self) -> None:
        self.identity = identity("Papers", "papers", "attempts", "count over attempts", "higher")

    def __call__(self, estimate: Values, target: Target, inputs: Values) -> float:
        found = asked(inputs, target)
        return float(found.count(target["level"]) if "level" in target else len(found))


@METRICS.register
class Share:
    """Percentage of all attempts that are in the groups in `asked`.

    Example:

        >>> Share()(None, {"groups": ["Yes", "Yes", "Yes", "No"], "asked": ["Yes"]}, [1, 2, 3, 4])
        75.0
    """

    def __init__(self) -> None:
        self.identity = identity("Share", "%", "all attempts of the item", "share of attempts", "higher")

    def __call__(self, estimate: Values, target: Target, inputs: Values) -> float:
        return 100 * len(asked(inputs, target)) / len(inputs)


@METRICS.register
class Extreme:
    """The first or the last year of the attempts.

    Example:

        >>> Extreme("first")(None, {}, [2001, 1984, 2017])
        1984.0
    """

    def __init__(self, which: Literal["first", "last"]) -> None:
        self.which = which
        self.identity = identity(f"{which} year", "", "attempts", f"{which} over attempts", "higher")

    def __call__(self, estimate: Values, target: Target, inputs: Values) -> float:
        return float(min(inputs) if self.which == "first" else max(inputs))


def by_group(values: Values, target: Target) -> dict[str, list[Any]]:
    """The values of the attempts in each group, by the name of the group."""
    found: dict[str, list[Any]] = {group: [] for group in sorted(set(target["groups"]))}
    for value, group in zip(values, target["groups"], strict=True):
        found[group].append(value)
    return found


def asked(values: Values, target: Target) -> list[Any]:
    """The values of the groups in `asked`; of all groups if it is empty."""
    wanted = target["asked"] or target["groups"]
    return [value for value, group in zip(values, target["groups"], strict=True) if group in wanted]


def contingency(values: list[Any], groups: list[str]) -> np.ndarray:
    """The contingency table (groups, levels): number of attempts per group and level, both sorted by name."""
    pairs = list(zip(groups, values, strict=True))
    return np.array([[pairs.count((g, v)) for v in sorted(set(values))] for g in sorted(set(groups))])


def identity(
    name: str,
    unit: str,
    reference: str,
    aggregation: str = "test over attempts",
    better: Literal["higher", "lower"] = "lower",
) -> Identity:
    """An identity with other defaults than `repro.metrics.Identity`: most metrics here are p-values of a test."""
    return Identity(name, better, unit, aggregation=aggregation, reference=reference)
