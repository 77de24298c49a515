"""Behaviour tests of a model: what must hold for a required share of the items of a test set.

A behaviour is not a claim of the paper. The group requires it of its own model, before it runs the model. `claim` makes
it a comparison, "the share is above `share`", so that runs, records and verdicts treat it like one. `repro.verdict`
judges it: it *holds* or *fails*.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Literal

from repro.claim import Claim
from repro.claim.rules import ID, SEEDS
from repro.errors import BadInput
from repro.files.toml_lines import Block

LEAST = 2  # seeds: with one, the spread between trainings is unknown


@dataclass(frozen=True)
class Behaviour:
    """One behaviour test: on the test set `test` of `config`, at least the share `share` of the items must pass."""

    id: Annotated[str, "a permanent name; no claim has the same"]
    says: Annotated[str, "what the model must do, in one sentence"]
    kind: Annotated[
        Literal["regression", "integration", "invariance", "directionality"],
        "`regression`: items that an earlier model got wrong, or a fixed list; `integration`: a small set collected by "
        "hand; `invariance`: a change of the input must not change the output; `directionality`: it must change the "
        "output in one direction",
    ]
    config: Annotated[str, "the config that measures it, as `configs/NAME.gin`"]
    test: Annotated[str, "the name of one of the config's test sets"]
    share: Annotated[float, "the share of the items that must pass: above 0, at most 1"]
    metric: Annotated[str, "a metric that is 1 for an item that passes and 0 for any other"] = "Passed"
    seeds: Annotated[int, "the number of seeds that a verdict needs, from 2"] = 3
    line: int = 0

    @property
    def claim(self) -> Claim:
        """The behaviour as a comparison: on exactly these items, the share is above `share`."""
        return Claim(
            id=self.id,
            says=self.says,
            where=self.kind,
            metric=self.metric,
            config=self.config,
            test=self.test,
            above=self.share,
            unit="1",
            items="fixed",
            seeds=self.seeds,
            line=self.line,
        )


def refuse(behaviour: Behaviour, at: Block) -> None:
    """Raise BadInput, with the line of the key, for an impossible id, share or number of seeds."""
    if not re.fullmatch(ID, behaviour.id):
        expected = "letters, digits and . - _ +, first a letter or a digit, no blank, at most 200 characters"
        raise BadInput(f"'id' is {behaviour.id!r:.80}", at.place("id"), expected=expected)
    if not 0 < behaviour.share <= 1:
        raise BadInput(f"'share' is {behaviour.share}", at.place("share"), expected="a number above 0, at most 1")
    if not LEAST <= behaviour.seeds <= SEEDS:
        expected = f"a whole number from {LEAST} to {SEEDS}"
        raise BadInput(f"'seeds' is {behaviour.seeds}", at.place("seeds"), expected=expected)
