"""Check the keys of a claim: none is missing, no two contradict each other, and a verdict is possible."""

from __future__ import annotations

import re
from decimal import Decimal

from repro.claim import NUMBER, Claim, units
from repro.errors import BadInput
from repro.files.toml_lines import Block

ID = r"[^\W_][\w.+-]{0,199}"
SEEDS = 1000  # maximum number of seeds of a claim; more must be a typing error
SPREAD = 1e150  # the square of a larger number is infinite
DIGITS = 330  # maximum number of digits before or after the point of a printed number; enough for any float


def refuse(claim: Claim, at: Block) -> None:
    """Raise BadInput, with the line of the key, for a claim that contradicts itself or cannot get a verdict."""
    if not re.fullmatch(ID, claim.id):
        raise BadInput(
            f"'id' is {claim.id!r:.80}",
            at.place("id"),
            expected="letters, digits and . - _ +, first a letter or a digit, no blank, at most 200 characters",
        )
    if claim.transcribed:
        _contradictions(claim, at)
        _unanswered(claim, at)
        _unjudgeable(claim, at)
        _unit(claim, at)
        _chance(claim, at)


def _chance(claim: Claim, at: Block) -> None:
    """Check the keys about randomness: `value_spread`, `value_seeds`, `deterministic` and `items`."""
    for key in ("value_spread", "value_seeds"):
        if getattr(claim, key) is not None and claim.value is None:
            raise BadInput(f"claim '{claim.id}' has '{key}' and no 'value'", at.place(key))
    if claim.value_spread is not None and not 0 <= claim.value_spread <= SPREAD:
        raise BadInput(
            f"'value_spread' is {claim.value_spread}",
            at.place("value_spread"),
            expected=f"a number from 0 to {SPREAD:g}",
        )
    least = 1 if claim.value_spread is None else 2
    if claim.value_spread is not None and claim.value_seeds is None:
        raise BadInput(
            f"claim '{claim.id}' has only 'value_spread'",
            at.place("value_spread"),
            expected="'value_seeds' too: the number of trainings of the paper",
        )
    if claim.value_seeds is not None and not least <= claim.value_seeds <= SEEDS:
        raise BadInput(
            f"'value_seeds' is {claim.value_seeds}",
            at.place("value_seeds"),
            expected=f"a whole number from {least} to {SEEDS}",
        )
    if claim.deterministic and claim.seeds != 1:
        raise BadInput(
            f"claim '{claim.id}' is deterministic and asks for {claim.seeds} seeds",
            at.place("seeds"),
            expected="1, or no 'seeds'",
        )
    if claim.deterministic and claim.value_seeds is not None:
        raise BadInput(
            f"claim '{claim.id}' is deterministic and has 'value_seeds'",
            at.place("value_seeds"),
            expected="only one of them: a deterministic method has no spread",
        )
    if claim.printed and claim.items == "sampled":
        raise BadInput(f"claim '{claim.id}' is printed: its items are those of the paper", at.place("items"))


def _unanswered(claim: Claim, at: Block) -> None:
    """Check that a claim has `config` and `metric`, or `no_config`."""
    for key in ("config", "metric"):
        if claim.no_config and getattr(claim, key):
            raise BadInput(f"claim '{claim.id}' has both 'no_config' and '{key}'", at.place(key))
        if not claim.no_config and not getattr(claim, key):
            raise BadInput(
                f"claim '{claim.id}' has no '{key}'",
                at.place(),
                expected="it, also if only a proxy is run; or 'no_config', the reason why no config can test the claim",
            )


def _unjudgeable(claim: Claim, at: Block) -> None:
    """Check the keys that a verdict needs: `value` with `tolerance`, `printed`, `proxy_over`, `seeds`."""
    stated = {"tolerance": claim.tolerance, "because": claim.because or None}
    if claim.kind == "value" and claim.value is None:
        raise BadInput(
            f"claim '{claim.id}' has no 'value'",
            at.place(),
            expected="'value', 'over', 'above', 'below' or 'printed'; "
            "or 'transcribed = false' if the number is not copied from the paper yet",
        )
    if claim.kind in ("value", "comparison") and claim.value is not None:
        for key in (key for key, value in stated.items() if value is None):
            raise BadInput(f"claim '{claim.id}' has a value and no '{key}'", at.place("value"))
    if claim.tolerance is not None and claim.value is None:
        raise BadInput(f"claim '{claim.id}' has a tolerance and no 'value'", at.place("tolerance"))
    if claim.tolerance is not None and not claim.tolerance >= 0:
        raise BadInput(f"'tolerance' is {claim.tolerance}", at.place("tolerance"), expected="a number from 0")
    if len(claim.proxy_over) != (len(claim.proxy) if claim.over else 0):
        raise BadInput(
            f"'proxy_over' has the length {len(claim.proxy_over)}",
            at.place("proxy_over"),
            expected="one config for each proxy if the claim has 'over', and none otherwise",
        )
    if claim.over_test and not claim.over:
        raise BadInput("'over_test' names the test set of 'over', which is missing", at.place("over_test"))
    if not 1 <= claim.seeds <= SEEDS:
        raise BadInput(f"'seeds' is {claim.seeds}", at.place("seeds"), expected=f"a whole number from 1 to {SEEDS}")
    if claim.printed and not (NUMBER.fullmatch(claim.printed) and max(map(abs, _exponents(claim))) <= DIGITS):
        raise BadInput(
            f"'printed' is {claim.printed!r}",
            at.place("printed"),
            expected="a number as the paper prints it, such as '0.037', '9.68e-25' or '63.5 %'",
        )


def _unit(claim: Claim, at: Block) -> None:
    """Check that `unit` belongs to a number, has no typing error, and agrees with `printed`."""
    if claim.unit is not None and claim.number is None:
        raise BadInput(f"claim '{claim.id}' has a unit and no number", at.place("unit"))
    if units.misspelt(claim.unit or ""):
        raise BadInput(f"'unit' is {claim.unit!r}", at.place("unit"), given=claim.unit or "", known=units.NAMES)
    if claim.printed.endswith("%") and not (claim.unit is None or units.percent(claim.unit)):
        raise BadInput(f"'unit' is {claim.unit!r}, but 'printed' is {claim.printed!r}", at.place("unit"))


def _exponents(claim: Claim) -> tuple[int, int]:
    """The exponents (powers of ten) of the first and of the last digit of the printed number."""
    number = Decimal(claim.printed.rstrip("% "))
    return number.adjusted(), int(number.as_tuple().exponent)


def _contradictions(claim: Claim, at: Block) -> None:
    """Check that no two keys contradict each other."""
    pairs = [("printed", other) for other in ("value", "over", "above", "below")]
    pairs += [("value", "above"), ("value", "below"), ("above", "below")]
    if claim.level is not None and not claim.printed:
        raise BadInput(f"claim '{claim.id}' has a 'level' and no 'printed'", at.place("level"))
    for one, other in pairs:
        if getattr(claim, one) not in ("", None) and getattr(claim, other) not in ("", None):
            raise BadInput(f"claim '{claim.id}' has both '{one}' and '{other}'", at.place(other), expected="two claims")
    if claim.over and claim.over == claim.config and not claim.over_test:
        raise BadInput(f"claim '{claim.id}' compares {claim.over} with itself", at.place("over"))
    if claim.config and claim.config in claim.proxy:
        raise BadInput(
            f"claim '{claim.id}' names its own config as its proxy",
            at.place("proxy"),
            expected="in 'config' the paper's experiment, even if you cannot run it; in 'proxy' the smaller one",
        )
