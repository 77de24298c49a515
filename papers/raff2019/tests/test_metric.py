"""Tests of each statistic, compared with its formula, a published example, or an identity between two tests."""

from __future__ import annotations

import math
from statistics import fmean, variance
from typing import Any

import pytest
from scipy import special, stats

from papers.raff2019.dataset import Breakdown, Features, SyntheticAttempts, Together
from papers.raff2019.metric import (
    Difference,
    Dunn,
    Extreme,
    Levene,
    Mean,
    Papers,
    PValue,
    Shapiro,
    Share,
    Significant,
    Welch,
)
from repro.metrics import Identity
from repro.testing import check_metric

A, B, C = [1.0, 4.0, 4.0, 7.0, 9.0], [2.0, 2.0, 4.0, 5.0, 6.0, 8.0], [8.0, 9.0, 9.0, 11.0]
FEATURES = Features(SyntheticAttempts(), {"Pages": "Pages"}, by="Paper Readability", beside="Algo Difficulty")
TOPIC = Features(SyntheticAttempts(), {"Topic": "Primary Topic"})
PAIRS, GROUPS, CELLS = Breakdown(FEATURES, "pair"), Breakdown(FEATURES, "group"), Breakdown(TOPIC, "cell")


def grouped(*samples: list[Any], asked: tuple[str, ...] = ()) -> tuple[list[Any], dict[str, Any]]:
    """Values and target of the groups a, b and c."""
    names = [name for name, sample in zip("abc", samples, strict=False) for _ in sample]
    return [value for sample in samples for value in sample], {"groups": names, "asked": list(asked)}


def value(metric: Any, values: list[Any], target: dict[str, Any]) -> float:
    return float(metric(values, target, values))


def two_sided(z: float) -> float:
    """The probability of values beyond -|z| and |z| in the normal distribution."""
    return math.erfc(abs(z) / math.sqrt(2))


def ranks(values: list[float]) -> list[float]:
    return [sum(x < y for x in values) + (values.count(y) + 1) / 2 for y in values]


def ties(values: list[float]) -> int:
    return sum(values.count(x) ** 3 - values.count(x) for x in set(values))


@pytest.mark.parametrize(
    ("metric", "dataset"),
    [
        (PValue(), FEATURES),
        (PValue(), TOPIC),
        (Significant(PValue()), Together(FEATURES)),
        (Shapiro("W"), GROUPS),
        (Shapiro("p"), GROUPS),
        *((Levene(statistic), FEATURES) for statistic in ("F", "df", "p")),  # type: ignore[arg-type]
        (Welch(), Features(SyntheticAttempts(), {"Pages": "Pages"})),
        (Dunn(), PAIRS),
        (Mean("pages"), GROUPS),
        (Mean("pages", marginal=True), GROUPS),
        (Difference("pages"), PAIRS),
        (Papers(), CELLS),
        (Share(), GROUPS),
        (Extreme("first"), FEATURES),
    ],
    ids=lambda part: part.identity.name if hasattr(part, "identity") else "",
)
def test_battery(metric: Any, dataset: Any) -> None:
    inputs, target = dataset[0]
    check_metric(metric, inputs, target, inputs)


def test_variants_have_identities_of_their_own() -> None:
    variants = (
        [PValue(), PValue(yates=False), PValue(statistic="log-likelihood")],
        [Significant(PValue()), Significant(PValue(), correction="bonferroni"), Significant(PValue(yates=False))],
        [Levene("p"), Levene("p", center="median")],
        [Dunn(), Dunn(sides=1)],
        [Mean("pages"), Mean("pages", marginal=True)],
        [Difference("pages"), Difference("pages", decimals=2)],
    )
    for group in variants:
        assert len({metric.identity.name for metric in group}) == 1
        assert len({metric.identity.reference for metric in group}) == len(group)


def test_chi_squared_is_the_sum_over_cells() -> None:
    """Two groups and three levels have two degrees of freedom. Then p = exp(-x / 2)."""
    table = {"a": {"x": 12, "y": 5, "z": 9}, "b": {"x": 4, "y": 14, "z": 7}}
    values, target = grouped(*([level for level, count in row.items() for _ in range(count)] for row in table.values()))
    cells = [
        (table[group][level], values.count(level) * target["groups"].count(group) / len(values))
        for group in "ab"
        for level in "xyz"
    ]
    pearson = sum((observed - expected) ** 2 / expected for observed, expected in cells)
    ratio = 2 * sum(observed * math.log(observed / expected) for observed, expected in cells)
    assert value(PValue(), values, target) == pytest.approx(math.exp(-pearson / 2))
    assert value(PValue(yates=False), values, target) == pytest.approx(math.exp(-pearson / 2))
    assert value(PValue(statistic="log-likelihood"), values, target) == pytest.approx(math.exp(-ratio / 2))


def test_two_by_two_is_corrected_for_continuity() -> None:
    a, b, c, d = 12, 5, 4, 14
    values, target = grouped(["x"] * a + ["y"] * b, ["x"] * c + ["y"] * d)
    size, margins = a + b + c + d, (a + b) * (c + d) * (a + c) * (b + d)
    corrected = size * (abs(a * d - b * c) - size / 2) ** 2 / margins
    plain = size * (a * d - b * c) ** 2 / margins
    assert value(PValue(), values, target) == pytest.approx(two_sided(math.sqrt(corrected)))
    assert value(PValue(yates=False), values, target) == pytest.approx(two_sided(math.sqrt(plain)))


def test_mann_whitney_counts_pairs() -> None:
    wins = sum((x > y) + (x == y) / 2 for x in A for y in B)
    n, m, size = len(A), len(B), len(A) + len(B)
    spread = math.sqrt(n * m / 12 * (size + 1 - ties(A + B) / (size * (size - 1))))
    z = (abs(wins - n * m / 2) - 0.5) / spread
    assert value(PValue(), *grouped(A, B)) == pytest.approx(two_sided(z))


def test_kruskal_wallis_is_the_spread_of_mean_ranks() -> None:
    values, target = grouped(A, B, C)
    size, ranked = len(values), ranks(values)
    h = 0.0
    for group in "abc":
        own = [rank for rank, name in zip(ranked, target["groups"], strict=True) if name == group]
        h += 12 / (size * (size + 1)) * len(own) * (fmean(own) - (size + 1) / 2) ** 2
    h /= 1 - ties(values) / (size**3 - size)
    assert value(PValue(), values, target) == pytest.approx(math.exp(-h / 2))  # two degrees of freedom


def test_dunn_of_two_groups_is_kruskal_wallis() -> None:
    """With only two groups, z squared equals H, also with ties."""
    values, target = grouped(A, B, asked=("a", "b"))
    assert value(Dunn(), values, target) == pytest.approx(stats.kruskal(A, B).pvalue)
    assert value(Dunn(sides=1), values, target) == pytest.approx(value(Dunn(), values, target) / 2)


def test_dunn_ranks_all_groups_together() -> None:
    values, target = grouped(A, B, C, asked=("b", "c"))
    size, ranked = len(values), ranks(values)
    own, other = ranked[len(A) : len(A) + len(B)], ranked[-len(C) :]
    spread = (size * (size + 1) / 12 - ties(values) / (12 * (size - 1))) * (1 / len(own) + 1 / len(other))
    assert value(Dunn(), values, target) == pytest.approx(two_sided((fmean(own) - fmean(other)) / math.sqrt(spread)))


def test_shapiro_wilk_gives_the_published_example() -> None:
    """Weights of 11 men, Shapiro and Wilk (1965): W = 0.79. The other group does not count."""
    men = [148.0, 154.0, 158.0, 160.0, 161.0, 162.0, 166.0, 170.0, 182.0, 195.0, 236.0]
    values, target = grouped(A, men, asked=("b",))
    assert value(Shapiro("W"), values, target) == pytest.approx(0.79, abs=0.005)
    assert value(Shapiro("p"), values, target) < 0.01
    normal = [special.ndtri((rank + 0.5) / 50) for rank in range(50)]
    assert value(Shapiro("W"), *grouped(normal, asked=("a",))) > 0.99
    assert value(Shapiro("p"), *grouped(normal, asked=("a",))) > 0.9


@pytest.mark.parametrize(("center", "middle"), [("mean", fmean), ("median", lambda x: sorted(x)[len(x) // 2])])
def test_levene_is_a_t_test_of_deviations(center: Any, middle: Any) -> None:
    """For two groups, F is the square of t with pooled variance."""
    odd = [*B, 30.0]
    one, other = ([abs(x - middle(sample)) for x in sample] for sample in (A, odd))
    n, m = len(one), len(other)
    pooled = ((n - 1) * variance(one) + (m - 1) * variance(other)) / (n + m - 2)
    f = (fmean(one) - fmean(other)) ** 2 / (pooled * (1 / n + 1 / m))
    assert value(Levene("F", center), *grouped(A, odd)) == pytest.approx(f)
    assert value(Levene("p", center), *grouped(A, odd)) == pytest.approx(special.fdtrc(1, n + m - 2, f))
    assert value(Levene("df", center), *grouped(A, odd)) == 1 and value(Levene("df"), *grouped(A, B, C)) == 2


def test_welch_has_its_own_degrees_of_freedom() -> None:
    a, c = variance(A) / len(A), variance(C) / len(C)
    t = (fmean(A) - fmean(C)) / math.sqrt(a + c)
    freedom = (a + c) ** 2 / (a**2 / (len(A) - 1) + c**2 / (len(C) - 1))
    assert value(Welch(), *grouped(A, C)) == pytest.approx(2 * special.stdtr(freedom, -abs(t)))


def test_marginal_means_do_not_depend_on_who_is_beside_whom() -> None:
    """If values are a sum of two effects, the marginal mean is one effect plus the plain mean of the other."""
    own, beside = {"a": 1.0, "b": 5.0}, {"u": 0.0, "v": 3.0, "w": 9.0}
    pairs = [("a", "u")] * 5 + [("a", "v")] + [("a", "w")] + [("b", "u")] + [("b", "w")] * 4
    values = [own[group] + beside[level] for group, level in pairs]
    for group, effect in own.items():
        target = {"groups": [g for g, _ in pairs], "beside": [level for _, level in pairs], "asked": [group]}
        plain = fmean(x for x, (g, _) in zip(values, pairs, strict=True) if g == group)
        assert value(Mean("", marginal=True), values, target) == pytest.approx(effect + 4.0)
        assert value(Mean(""), values, target) == pytest.approx(plain) != pytest.approx(effect + 4.0)


def test_a_difference_may_be_of_rounded_means() -> None:
    values, target = grouped([0.004, 0.004], [1.006, 1.006], asked=("a", "b"))
    assert value(Difference("pages"), values, target) == pytest.approx(1.002)
    assert value(Difference("pages", decimals=2), values, target) == pytest.approx(1.01)


def test_cells_add_up_to_groups_and_groups_to_all() -> None:
    papers, share = Papers(), Share()
    cells = sum(value(papers, *CELLS[index]) for index in range(len(CELLS)))
    groups = sum(value(papers, *GROUPS[index]) for index in range(len(GROUPS)))
    assert cells == groups == value(papers, *FEATURES[0]) == 60
    assert value(share, *GROUPS[0]) == pytest.approx(100 * value(papers, *GROUPS[0]) / 60)


def test_years_are_first_and_last() -> None:
    assert value(Extreme("first"), *grouped(A, C)) == 1 and value(Extreme("last"), *grouped(A, C)) == 11


@pytest.mark.parametrize(("correction", "expected"), [("none", 4), ("benjamini-hochberg", 3), ("bonferroni", 2)])
def test_corrections_leave_fewer_features(correction: Any, expected: int) -> None:
    """With five p values, Bonferroni's limit is 0.01. Those of Benjamini and Hochberg are 0.01, 0.02, 0.03, ..."""

    def given(estimate: float, target: object, inputs: float) -> float:
        return inputs

    given.identity = Identity("given", better="lower", reference="given")  # type: ignore[attr-defined]
    p = [0.02, 0.6, 0.001, 0.045, 0.009]
    assert Significant(given, correction=correction)(p, [{}] * 5, p) == expected  # type: ignore[arg-type]
