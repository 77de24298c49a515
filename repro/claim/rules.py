"""What a claim must not say: keys that are missing, that contradict each other, or that nothing could be judged by."""

from __future__ import annotations

import re
from decimal import Decimal

from repro.claim import NUMBER, Claim, units
from repro.errors import BadInput
from repro.files.toml_lines import Block

ID = r"[\w.+-]{1,200}"
SEEDS = 1000  # that a claim may need: more are a slip of the hand
SPREAD = 1e150  # its square is a number still
DIGITS = 330  # before or after the point of a printed number: a float has no more


def refuse(claim: Claim, at: Block) -> None:
    """Raise BadInput for a claim that cannot be meant or judged, with the line of the key that says so."""
    if not re.fullmatch(ID, claim.id):
        hint = "expected letters, digits and . - _ +, no blank, at most 200"
        raise BadInput(f"'id' is {claim.id!r:.80}; {hint}", at.place("id"))
    if claim.transcribed:
        _contradictions(claim, at)
        _unanswered(claim, at)
        _unjudgeable(claim, at)
        _unit(claim, at)
        _chance(claim, at)


def _chance(claim: Claim, at: Block) -> None:
    """What is said of the chance in a number is said of a number that has some."""
    for key in ("value_spread", "value_seeds"):
        if getattr(claim, key) is not None and claim.value is None:
            raise BadInput(f"claim '{claim.id}' has '{key}' and no 'value'", at.place(key))
    if claim.value_spread is not None and not 0 <= claim.value_spread <= SPREAD:
        hint = f"expected a number from 0 to {SPREAD:g}"
        raise BadInput(f"'value_spread' is {claim.value_spread}; {hint}", at.place("value_spread"))
    least = 1 if claim.value_spread is None else 2
    if claim.value_spread is not None and claim.value_seeds is None:
        hint = "expected 'value_seeds' too: over how many trainings the paper states it"
        raise BadInput(f"claim '{claim.id}' has a 'value_spread' alone; {hint}", at.place("value_spread"))
    if claim.value_seeds is not None and not least <= claim.value_seeds <= SEEDS:
        hint = f"expected a whole number from {least} to {SEEDS}"
        raise BadInput(f"'value_seeds' is {claim.value_seeds}; {hint}", at.place("value_seeds"))
    if claim.deterministic and claim.seeds != 1:
        hint = "expected 1, or no 'seeds'"
        raise BadInput(
            f"claim '{claim.id}' is deterministic and asks for {claim.seeds} seeds; {hint}", at.place("seeds")
        )
    if claim.deterministic and claim.value_seeds is not None:
        hint = "expected one of both: a method without chance has no spread"
        raise BadInput(f"claim '{claim.id}' is deterministic and has 'value_seeds'; {hint}", at.place("value_seeds"))
    if claim.printed and claim.items == "sampled":
        raise BadInput(f"claim '{claim.id}' is printed: its items are those of the paper", at.place("items"))


def _unanswered(claim: Claim, at: Block) -> None:
    """A claim names what answers it, or says why nothing can."""
    for key in ("config", "metric"):
        if claim.no_config and getattr(claim, key):
            raise BadInput(f"claim '{claim.id}' has both 'no_config' and '{key}'", at.place(key))
        if not claim.no_config and not getattr(claim, key):
            raise BadInput(f"claim '{claim.id}' has no '{key}' (nor 'no_config', the reason for it)", at.place())


def _unjudgeable(claim: Claim, at: Block) -> None:
    """A value needs its tolerance, a printed number must be one, and a mean needs at least one seed."""
    stated = {"tolerance": claim.tolerance, "because": claim.because or None}
    if claim.kind == "value" and claim.value is None:
        hint = "or 'over', 'above', 'below', 'printed'; or 'transcribed = false' until it is copied from the paper"
        raise BadInput(f"claim '{claim.id}' has no 'value' ({hint})", at.place())
    if claim.kind in ("value", "comparison") and claim.value is not None:
        for key in (key for key, value in stated.items() if value is None):
            raise BadInput(f"claim '{claim.id}' has a value and no '{key}'", at.place("value"))
    if claim.tolerance is not None and claim.value is None:
        raise BadInput(f"claim '{claim.id}' has a tolerance and no 'value'", at.place("tolerance"))
    if claim.tolerance is not None and not claim.tolerance >= 0:
        raise BadInput(f"'tolerance' is {claim.tolerance}; expected a number from 0", at.place("tolerance"))
    if len(claim.proxy_over) != (len(claim.proxy) if claim.over else 0):
        hint = "must name the other side of each proxy where there is 'over', and only there"
        raise BadInput(f"'proxy_over' {hint}", at.place("proxy_over"))
    if claim.over_test and not claim.over:
        raise BadInput("'over_test' names the test set of 'over', which is missing", at.place("over_test"))
    if not 1 <= claim.seeds <= SEEDS:
        raise BadInput(f"'seeds' is {claim.seeds}; expected a whole number from 1 to {SEEDS}", at.place("seeds"))
    if claim.printed and not (NUMBER.fullmatch(claim.printed) and max(map(abs, _exponents(claim))) <= DIGITS):
        hint = "expected a number as the paper prints it, as '0.037', '9.68e-25' or '63.5 %'"
        raise BadInput(f"'printed' is {claim.printed!r}; {hint}", at.place("printed"))


def _unit(claim: Claim, at: Block) -> None:
    """A unit is that of a number, and the same as in its print."""
    if claim.unit is not None and claim.number is None:
        raise BadInput(f"claim '{claim.id}' has a unit and no number", at.place("unit"))
    if hint := units.misspelt(claim.unit or ""):
        raise BadInput(f"'unit' is {claim.unit!r}{hint}", at.place("unit"))
    if claim.printed.endswith("%") and not (claim.unit is None or units.percent(claim.unit)):
        raise BadInput(f"'unit' is {claim.unit!r}, but 'printed' is {claim.printed!r}", at.place("unit"))


def _exponents(claim: Claim) -> tuple[int, int]:
    """The powers of ten of the first and of the last digit of the printed number."""
    number = Decimal(claim.printed.rstrip("% "))
    return number.adjusted(), int(number.as_tuple().exponent)


def _contradictions(claim: Claim, at: Block) -> None:
    """Two keys that cannot both be meant."""
    pairs = [("printed", other) for other in ("value", "over", "above", "below")]
    pairs += [("value", "above"), ("value", "below"), ("above", "below")]
    for one, other in pairs:
        if getattr(claim, one) not in ("", None) and getattr(claim, other) not in ("", None):
            raise BadInput(f"claim '{claim.id}' has both '{one}' and '{other}': two claims", at.place(other))
    if claim.over and claim.over == claim.config and not claim.over_test:
        raise BadInput(f"claim '{claim.id}' compares {claim.over} with itself", at.place("over"))
    if claim.config and claim.config in claim.proxy:
        raise BadInput(f"claim '{claim.id}' names its own config as its proxy", at.place("proxy"))
