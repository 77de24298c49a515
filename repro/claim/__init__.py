"""The claims of a paper as data: Claim, Cause and Features. Each field is a key of `paper.toml`, with its meaning.

A claim has one of three kinds, which its keys decide:

- a **value**: `value` with `tolerance`;
- a **comparison**: `over` (another config), or `above` or `below` (a number);
- a **printed** number: `printed`, the digits that a deterministic result must round to.

A number that is not transcribed from the paper yet has `transcribed = false`, and it has no verdict.

`paper` finds papers. `paper_toml` reads `paper.toml`, with the checks in `rules` and the tables in `table`. `units`
compares and converts units. `behaviour` is what a model must do, and `sweep` is a search over settings; both are no
claims. `old_places` finds files that earlier versions wrote to other folders.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Any, Literal

NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?( ?%)?")


class Number(float):
    """A float that keeps its digits: `0.950` in paper.toml is printed as 0.950, not as 0.95.

    >>> str(Number("0.950")), Number("0.950") + 1
    ('0.950', 1.95)
    """

    text: str

    def __new__(cls, written: str | float) -> Number:
        made = super().__new__(cls, written)
        made.text = str(written).replace("_", "")
        return made

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Claim:
    """One number or comparison that the paper states, and the config that tests it."""

    id: Annotated[str, "a permanent name, because pages and reports link to it"]
    says: Annotated[str, "the claim in one sentence"]
    where: Annotated[str, "where the paper states it: table, row and column, or section"]
    metric: Annotated[str, "which metric"] = ""
    config: Annotated[str, "the config that tests the claim, as `configs/NAME.gin`"] = ""
    test: Annotated[str, "the name of one of the config's test sets"] = "test"
    item: Annotated[str, "one named item of that test set, if the claim is not about the mean of all items"] = ""
    value: Annotated[float | None, "the number, as the paper prints it; with `tolerance` and `because`"] = None
    tolerance: Annotated[
        float | None, "the accepted difference from the number; you choose it and commit it before the first record"
    ] = None
    because: Annotated[str, "the reason for that tolerance"] = ""
    unit: Annotated[
        str | None, "the unit of the number: `%`, `dB`, or `1` for a share; the default is the unit of the metric"
    ] = None
    over: Annotated[str, "another config: the claim is about the difference, `config` minus `over`"] = ""
    over_test: Annotated[str, "the test set of the other config, if it is a different one"] = ""
    above: Annotated[float | None, "our number (with `over`: the difference) must be above this number"] = None
    below: Annotated[float | None, "our number (with `over`: the difference) must be below this number"] = None
    printed: Annotated[
        str, "the digits that a deterministic result must round to, as printed: `0.037`, `9.68e-25`, `63.5 %`"
    ] = ""
    level: Annotated[
        float | None,
        "with `printed`: the number that decides the paper's conclusion, such as 0.05 for significance; if our number "
        "has other digits and is on the same side of it, the verdict is *same conclusion*",
    ] = None
    headline: Annotated[bool, "true for a claim that the page shows first; at most ten"] = False
    seeds: Annotated[
        int, "the number of seeds that a verdict needs; the default is 3, or 1 with `printed` or `deterministic`"
    ] = 3
    deterministic: Annotated[bool, "true if the method uses no randomness, so that one seed is enough"] = False
    items: Annotated[
        Literal["", "fixed", "sampled"],
        "which test items the number is about: `fixed`, exactly this test set (the default of a `value` if the config "
        "or `data` fixes the data); `sampled`, new items of the same kind (the default otherwise)",
    ] = ""
    value_spread: Annotated[
        float | None, "the standard deviation between trainings that the paper states; with `value_seeds`"
    ] = None
    value_seeds: Annotated[int | None, "the number of trainings that the paper's number is a mean of"] = None
    proxy: Annotated[
        list[str],
        "one config or several with other data, a smaller network or a shorter training, the weakest first",
    ] = field(default_factory=list)
    proxy_over: Annotated[list[str], "for a claim with `over`: the other config of each proxy"] = field(
        default_factory=list
    )
    identity: Annotated[
        dict[str, Any], "properties that the metric must have to be comparable, as `{ sample_rate = 8000 }`"
    ] = field(default_factory=dict)
    data: Annotated[str, "the fingerprint that the test data must have to be comparable"] = ""
    source: Annotated[str, "where you read the number, if not in the paper itself"] = ""
    transcribed: Annotated[bool, "false if the number is not copied from the paper yet, so it has no verdict"] = True
    no_config: Annotated[str, "the reason why no config can test the claim; replaces `config` and `metric`"] = ""
    table: str = ""  # the [[table]] that it comes from, with its row and column there
    row: str = ""
    column: str = ""
    line: int = 0

    @property
    def kind(self) -> str:
        """The kind of the claim: `value`, `comparison`, `printed` or `not transcribed`."""
        if not self.transcribed:
            return "not transcribed"
        if self.printed:
            return "printed"
        return "comparison" if self.over or self.bound is not None else "value"

    @property
    def bound(self) -> float | None:
        """The number that our number must be above or below; None if there is none."""
        return self.below if self.above is None else self.above

    @property
    def stated_unit(self) -> str | None:
        """The unit of the number in paper.toml; None if the claim does not state one."""
        return "%" if self.unit is None and self.printed.endswith("%") else self.unit

    @property
    def number(self) -> float | None:
        """The number of the claim: `printed`, `value`, or the bound; None if there is none."""
        if self.printed:
            return float(self.digits[0])
        return self.bound if self.value is None else self.value

    @property
    def stated(self) -> str:
        """The number of the paper, with the digits in paper.toml; "" if the claim states only an order."""
        return self.printed or next((str(one) for one in (self.value, self.bound) if one is not None), "")

    @property
    def accepted(self) -> tuple[Decimal, Decimal] | None:
        """The accepted range, `value` plus or minus `tolerance`. We choose it; it is not from the paper."""
        if self.value is None or self.tolerance is None:
            return None
        value, tolerance = Decimal(str(self.value)), Decimal(str(self.tolerance))
        return value - tolerance, value + tolerance  # decimal: 0.7 + 0.1 is exactly 0.8

    @property
    def accepts(self) -> str:
        """The accepted range in words: `0.58 to 1.32`; "" if there is none."""
        if self.accepted is None:
            return ""
        low, high = (f"{one:f}" if -6 < one.adjusted() < 16 or not one else f"{one:e}" for one in self.accepted)
        return f"exactly {low}" if low == high else f"{low} to {high}"

    @property
    def pairs(self) -> list[tuple[str, str, bool]]:
        """(config, other config or "", whether it is a proxy): first the claim's own config, then its proxies."""
        others = self.proxy_over or [""] * len(self.proxy)
        proxies = ((config, other, True) for config, other in zip(self.proxy, others, strict=True))
        return [(self.config, self.over, False), *proxies] if self.config else []

    @property
    def configs(self) -> list[str]:
        """All configs of the claim."""
        return list(dict.fromkeys(name for config, other, _ in self.pairs for name in (config, other) if name))

    @property
    def runs(self) -> list[tuple[str, int]]:
        """(config, seed) of every run that the claim needs, proxies first."""
        if not self.transcribed:
            return []
        proxies = [(config, other) for config, other, proxy in self.pairs if proxy]
        trend = [(name, seed) for pair in proxies for name in pair if name for seed in range(self.trend_seeds)]
        own = [(name, seed) for name in (self.config, self.over) if name for seed in range(self.seeds)]
        return list(dict.fromkeys(trend + own))

    @property
    def trend_seeds(self) -> int:
        """The number of seeds that a proxy needs; fewer than 3 do not show the variation between trainings."""
        return 1 if self.deterministic else 3

    @property
    def digits(self) -> tuple[Decimal, Decimal]:
        """The printed number, and one unit of its last digit: 9.68e-25 and 0.01e-25 for `9.68e-25`."""
        number = Decimal(self.printed.rstrip("% "))
        return number, Decimal(1).scaleb(int(number.as_tuple().exponent))


@dataclass(frozen=True)
class Cause:
    """A suspected cause: why claims may not be reproduced, and a config that changes one factor to test it."""

    claims: Annotated[
        list[str], "the ids of the claims that it may explain; the id of a table stands for all its claims"
    ]
    says: Annotated[str, "the suspicion in one sentence: what differs from the paper"]
    config: Annotated[str, "the config that changes this one factor"]
    over: Annotated[str, "the config before the change; the default is the claim's own config"] = ""
    over_config: Annotated[str, "for a claim with `over`: the config that changes the factor in that other config"] = ""
    line: int = 0

    def unchanged(self, claim: Claim) -> bool:
        """Whether the cause changes no config of the claim, so that it tests nothing."""
        return self.config == (self.over or claim.config) and self.over_config in ("", claim.over)


@dataclass(frozen=True)
class Features:
    """Ten features of a paper that Raff (2019) found significant for reproduction. You rate them by hand."""

    readability: Annotated[
        Literal["", "Low", "Ok", "Good", "Excellent"], "how easy it is to understand: the fewer reads, the better"
    ] = ""
    rigor: Annotated[Literal["", "Theory", "Balance", "Empirical"], "whether it argues by theory or by experiment"] = ""
    algorithm_difficulty: Annotated[Literal["", "Low", "Medium", "High"], "how hard the method is to implement"] = ""
    pseudo_code: Annotated[Literal["", "No", "Step-Code", "Yes", "Code-Like"], "the form of its pseudo-code"] = ""
    hyperparameters_specified: Annotated[
        Literal["", "No", "Partial", "Yes"], "whether the paper states all hyperparameters"
    ] = ""
    compute_needed: Annotated[
        Literal["", "Desktop", "GPU", "Server", "Cluster"], "the hardware that its experiments need"
    ] = ""
    authors_reply: Annotated[Literal["", "N/A", "No", "Yes"], "whether the authors replied; N/A: not asked"] = ""
    primary_topic: Annotated[str, "the field, as `Deep Learning`"] = ""
    equations_per_page: Annotated[float | None, "numbered or displayed equations per page"] = None
    tables_per_page: Annotated[float | None, "tables per page"] = None
