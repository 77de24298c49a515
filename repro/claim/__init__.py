"""What a paper claims, as data: Claim, Cause and Features. Each key of `paper.toml` is a field here, with its meaning.

Three kinds of claim, told by their keys: a **value** (`value` with `tolerance`), a **comparison** (`over`, another
config, or `above` or `below`, a number), and a **printed** number (`printed`: what a deterministic result must round
to). A number that is not transcribed from the paper yet has `transcribed = false` and no verdict.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Any, Literal

NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?( ?%)?")


class Number(float):
    """A number with the digits it is written with: `0.950` of paper.toml is printed as 0.950, not as 0.95."""

    text: str

    def __new__(cls, written: str | float) -> Number:
        made = super().__new__(cls, written)
        made.text = str(written).replace("_", "")
        return made

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Claim:
    """One number or ordering that the paper states, and the config that answers it."""

    id: Annotated[str, "a name that stays: pages and prose link to it"]
    says: Annotated[str, "the claim in one sentence"]
    where: Annotated[str, "where the paper states it: table, row and column, or section"]
    metric: Annotated[str, "which metric"] = ""
    config: Annotated[str, "the config that answers it, as `configs/NAME.gin`"] = ""
    test: Annotated[str, "on which of the config's test sets"] = "test"
    item: Annotated[str, "one named item of that test set, where the claim is not about their mean"] = ""
    value: Annotated[float | None, "the number, as the paper prints it; with `tolerance` and `because`"] = None
    tolerance: Annotated[float | None, "how far ours may be from it: our choice, committed before the first record"] = (
        None
    )
    because: Annotated[str, "the reason for that tolerance"] = ""
    unit: Annotated[
        str | None, "the unit of the number as it is written here: `%`, `dB`, `1` for a share; else that of the metric"
    ] = None
    over: Annotated[str, "another config: the claim is about the difference, `config` less `over`"] = ""
    over_test: Annotated[str, "the test set of the other side, where it is another one"] = ""
    above: Annotated[float | None, "a number that ours (with `over`: the difference) must exceed"] = None
    below: Annotated[float | None, "a number that ours (or the difference) must stay under"] = None
    printed: Annotated[str, "what a deterministic result must round to, as printed: `0.037`, `9.68e-25`, `63.5 %`"] = ""
    seeds: Annotated[
        int, "how many seeds a verdict needs: 3 where nothing is said, 1 where `printed` or `deterministic`"
    ] = 3
    deterministic: Annotated[bool, "true where the method draws nothing at random: its number needs one seed"] = False
    items: Annotated[
        Literal["", "fixed", "sampled"],
        "what the number is about: `fixed`, this very test set (the default of a `value` on data that the config "
        "or `data` pins); `sampled`, new items of the same kind (all else)",
    ] = ""
    value_spread: Annotated[
        float | None, "the standard deviation between trainings that the paper states; with `value_seeds`"
    ] = None
    value_seeds: Annotated[int | None, "over how many trainings the paper's number is a mean"] = None
    proxy: Annotated[
        list[str],
        "configs with other data, a smaller network or a shorter training, the weakest first (or one)",
    ] = field(default_factory=list)
    proxy_over: Annotated[list[str], "the other side of each proxy, for a claim with `over`"] = field(
        default_factory=list
    )
    identity: Annotated[
        dict[str, Any], "what the metric must be for ours to be comparable, as `{ sample_rate = 8000 }`"
    ] = field(default_factory=dict)
    data: Annotated[str, "the fingerprint that the test data must have for ours to be comparable"] = ""
    source: Annotated[str, "where the number was read, if not in the paper itself"] = ""
    transcribed: Annotated[bool, "false for a number of the paper that nobody has copied yet: it has no verdict"] = True
    no_config: Annotated[str, "why no config can answer it, in place of `config` and `metric`"] = ""
    table: str = ""  # the [[table]] it was written in, with its row and column there
    row: str = ""
    column: str = ""
    line: int = 0

    @property
    def kind(self) -> str:
        if not self.transcribed:
            return "not transcribed"
        if self.printed:
            return "printed"
        return "comparison" if self.over or self.bound is not None else "value"

    @property
    def bound(self) -> float | None:
        """The number that ours must exceed or stay under."""
        return self.below if self.above is None else self.above

    @property
    def stated_unit(self) -> str | None:
        """The unit in which the number is written; None where the claim does not say."""
        return "%" if self.unit is None and self.printed.endswith("%") else self.unit

    @property
    def number(self) -> float | None:
        """The number that is written: printed, a value, or a bound."""
        if self.printed:
            return float(self.digits[0])
        return self.bound if self.value is None else self.value

    @property
    def stated(self) -> str:
        """The number of the paper, as paper.toml writes it; empty where only an order is claimed."""
        return self.printed or next((str(one) for one in (self.value, self.bound) if one is not None), "")

    @property
    def accepted(self) -> tuple[Decimal, Decimal] | None:
        """The range that we accept around `value`. It is ours, not the paper's."""
        if self.value is None or self.tolerance is None:
            return None
        value, tolerance = Decimal(str(self.value)), Decimal(str(self.tolerance))
        return value - tolerance, value + tolerance  # 0.7 + 0.1 is 0.8, which two floats are not

    @property
    def accepts(self) -> str:
        """That range in words: `0.58 to 1.32`; empty where there is none."""
        if self.accepted is None:
            return ""
        low, high = (f"{one:f}" if -6 < one.adjusted() < 16 or not one else f"{one:e}" for one in self.accepted)
        return f"exactly {low}" if low == high else f"{low} to {high}"

    @property
    def pairs(self) -> list[tuple[str, str, bool]]:
        """(config, the other side or "", is it a proxy), the claim's own first."""
        others = self.proxy_over or [""] * len(self.proxy)
        proxies = ((config, other, True) for config, other in zip(self.proxy, others, strict=True))
        return [(self.config, self.over, False), *proxies] if self.config else []

    @property
    def configs(self) -> list[str]:
        """Every config that bears on the claim."""
        return list(dict.fromkeys(name for config, other, _ in self.pairs for name in (config, other) if name))

    @property
    def runs(self) -> list[tuple[str, int]]:
        """(config, seed) of every run that the claim asks for, proxies first."""
        if not self.transcribed:
            return []
        proxies = [(config, other) for config, other, proxy in self.pairs if proxy]
        trend = [(name, seed) for pair in proxies for name in pair if name for seed in range(self.trend_seeds)]
        own = [(name, seed) for name in (self.config, self.over) if name for seed in range(self.seeds)]
        return list(dict.fromkeys(trend + own))

    @property
    def trend_seeds(self) -> int:
        """How many seeds a trend needs: of fewer than three nobody knows the chance in the training."""
        return 1 if self.deterministic else 3

    @property
    def digits(self) -> tuple[Decimal, Decimal]:
        """The printed number, and one unit of its last digit: `9.68e-25` is 9.68E-25 and 0.01E-25."""
        number = Decimal(self.printed.rstrip("% "))
        return number, Decimal(1).scaleb(int(number.as_tuple().exponent))


@dataclass(frozen=True)
class Cause:
    """A suspected cause for claims that were not reproduced, with the one-factor config that tests it."""

    claims: Annotated[list[str], "the ids of the claims that it may explain (or of a whole table)"]
    says: Annotated[str, "the suspicion in one sentence: what differs from the paper"]
    config: Annotated[str, "the config that changes this one factor"]
    over: Annotated[str, "the config it changes; the claim's own where nothing is said"] = ""
    over_config: Annotated[str, "for a claim with `over`: the config that changes the factor on that other side"] = ""
    line: int = 0

    def unchanged(self, claim: Claim) -> bool:
        """Whether the configs of the cause are those that it changes: then it tests nothing."""
        return self.config == (self.over or claim.config) and self.over_config in ("", claim.over)


@dataclass(frozen=True)
class Features:
    """What Raff (2019) found to matter for reproduction: his ten significant features of this paper, scored by hand."""

    readability: Annotated[Literal["", "Low", "Ok", "Good", "Excellent"], "how many reads it took to follow"] = ""
    rigor: Annotated[Literal["", "Theory", "Balance", "Empirical"], "what the paper leans on"] = ""
    algorithm_difficulty: Annotated[Literal["", "Low", "Medium", "High"], "how hard the method is to build"] = ""
    pseudo_code: Annotated[Literal["", "No", "Step-Code", "Yes", "Code-Like"], "how the method is written down"] = ""
    hyperparameters_specified: Annotated[Literal["", "No", "Partial", "Yes"], "are all values in the paper"] = ""
    compute_needed: Annotated[Literal["", "Desktop", "GPU", "Server", "Cluster"], "what its experiments need"] = ""
    authors_reply: Annotated[Literal["", "N/A", "No", "Yes"], "did the authors answer; N/A: not asked"] = ""
    primary_topic: Annotated[str, "the field, as `Deep Learning`"] = ""
    equations_per_page: Annotated[float | None, "numbered or displayed equations per page"] = None
    tables_per_page: Annotated[float | None, "tables per page"] = None
