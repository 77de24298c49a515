"""The tiers of a page: for how many claims the paper's experiment was run, and for how many another one.

docs/guide/concepts.md explains the tiers.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from repro import config as configs
from repro.claim.paper import Claim
from repro.launch import similarity
from repro.report import chosen, needed
from repro.report.html.markup import Markup, join, link
from repro.report.page import Page

TIERS = {
    1: ("T1", "smoke: the program runs, no claim is judged"),
    2: ("T2", "proxy: other data, a smaller network or a shorter training"),
    3: ("T3", "the paper's data and metric"),
}
"""The name and the definition of each tier. A page says what is different in its runs, see `tier`."""
OFTEN = {*similarity.ROUNDS, "passes"}
"""Settings of a model that do not change the network: how often it is trained, and with how many masks it is asked."""
EXPLAINED = "guide/concepts.html#tiers"
CHANGED = {"model": "a smaller network", "trainer": "a shorter training"}
"""What a proxy changes, if the parts of this kind have other values."""


def tier(page: Page) -> Markup:
    """For how many of the paper's claims each tier was reached, and what is different in the runs of T2."""
    claims = [one.claim for one in chosen.theirs(page.verdicts) or chosen.ours(page.verdicts)]
    reached = {number: [claim for claim in claims if of(page, claim) == number] for number in (3, 2)}
    told = [_part(page, number, found, len(claims)) for number, found in reached.items() if found]
    return join(told or [join([_name(page, 1), ": only the smoke test has run"])], "; ")


def of(page: Page, claim: Claim) -> int:
    """3 if the config of a claim has run and is the paper's experiment, 2 if it or a proxy has run; else 1."""
    if page.ran(claim):
        return 2 if chosen.other(claim) else 3
    return 2 if _proxies(page, claim) else 1


def _part(page: Page, number: int, claims: Sequence[Claim], whole: int) -> Markup:
    """`T3 for 2 of 9 claims: the paper's data and metric`, `T2 for 5 of 9 claims: other data, a shorter training`."""
    many = f"{'all ' if whole > 1 else ''}{whole}" if len(claims) == whole else f"{len(claims)} of {whole}"
    noun = "claim" if whole == 1 else "claims"
    whose = "course" if page.paper.kind == "course" else "paper"
    what = ", ".join(dict.fromkeys(one for claim in claims for one in changes(page, claim)))
    about = f"the {whose}'s data and metric" if number == 3 else what
    return join([_name(page, number), f" for {many} {noun}", f": {about}" if about else ""])


def _name(page: Page, number: int) -> Markup:
    code, definition = TIERS[number]
    return link(code, f"{page.root}{EXPLAINED}", title=definition)


def changes(page: Page, claim: Claim) -> list[str]:
    """What is different in the runs of a claim, in words: the data, the network, the training."""
    if page.ran(claim):
        return chosen.other(claim)
    found = [chosen.DATA] if chosen.data(claim) else []
    found += [
        what
        for own, proxy in _proxies(page, claim)
        for what in (
            *([chosen.DATA] if needed.of_configs(page, [own]) != needed.of_configs(page, [proxy]) else []),
            *_changed(needed.text(page, own), needed.text(page, proxy)),
        )
    ]
    return list(dict.fromkeys(found))


def _proxies(page: Page, claim: Claim) -> list[tuple[str, str]]:
    """(config of the claim, the proxy that has run in its place); of a comparison, for both sides."""
    rows = [(name, other) for name, other, proxy in claim.pairs if proxy and name in page.answered]
    return [pair for row in rows for pair in zip((claim.config, claim.over), row, strict=True) if all(pair)]


@functools.lru_cache(maxsize=4096)
def _changed(own: str, proxy: str) -> tuple[str, ...]:
    """What the config with the text `proxy` changes of that with the text `own`."""
    before, after = configs.values(own), configs.values(proxy)
    return tuple(words for kind, words in CHANGED.items() if _bound(before, kind) != _bound(after, kind))


def _bound(known: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    """The values of the parts of a kind by class, without how often a network is trained or asked."""
    found = similarity.reached(known, similarity.ROOTS[kind])
    return {
        part: {name: value for name, value in bound.items() if name.rpartition(".")[2] not in OFTEN}
        for part, bound in found
    }
