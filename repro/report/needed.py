"""The data sets of the catalogue that a config reads, and what a claim needs that nobody can download.

A config reads a data set if it builds the data set's reader, directly or through other parts, or if `experiment.data`
names the data set. Parts that only change what they read (wrappers) are not data sets. Configs are read as text.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from repro import config as configs
from repro.claim.paper import Claim
from repro.data import catalogue
from repro.data.catalogue import DataSet
from repro.errors import BadInput
from repro.launch import similarity
from repro.report import chosen, naming
from repro.report.html.words import count
from repro.report.page import Page
from repro.verdict import Verdict

DATA = "experiment.data"
LONG = 75  # characters of the title of a data set
OPEN = re.compile(r"(?i)(CC[ -]|CC0|MIT|BSD|Apache|ODC|GPL|public domain|none)")
"""How the licence of a data set begins if it is open, or if its makers state none."""


def of_configs(page: Page, names: list[str]) -> list[DataSet]:
    """The data sets that these configs (`configs/NAME.gin`) of a paper read, in the order of the configs."""
    found = (one for name in names for one in _of_text(text(page, name)))
    return list({one.name: one for one in found}.values())


def text(page: Page, name: str) -> str:
    """The text of a config with its includes. A valid record has it; else the files are read.

    Empty if they cannot be read: a run of the config reports the error.
    """
    kept = next((found.text for found in page.by_config.get(name, ()) if not (found.stale or found.overrides)), "")
    return kept or _read(page.paper.folder, name)


@functools.cache
def _read(folder: Path, name: str) -> str:
    try:
        return configs.read(folder / name).text
    except BadInput:
        return ""


def of_paper(page: Page) -> list[DataSet]:
    """The data sets that the claims and the suspected causes of a paper need."""
    return of_configs(page, list(dict.fromkeys(config for _, config, _ in page.paper.runs)))


@functools.cache
def _of_text(text: str) -> tuple[DataSet, ...]:
    """The data sets that the config with this text reads."""
    known = configs.values(text)
    stated = known.get(DATA)
    named = {str(value).partition("/")[0] for value in stated.values()} if isinstance(stated, dict) else set()
    bound = dict(similarity.reached(known, [name for name in known if name.startswith("experiment.")]))
    found = tuple(one for one in _catalogue().values() if one.name in named or _read_by(one, bound))
    return found or tuple(one for one in _catalogue().values() if _imported(one, text))


def _imported(one: DataSet, text: str) -> bool:
    """Whether a config without a known reader imports the module of a paper that reads this data set."""
    module = one.reader.partition(":")[0]
    return module.startswith("papers.") and re.search(rf"(?m)^import {re.escape(module)}$", text) is not None


def forget() -> None:
    """Empty the caches: the files may have changed."""
    _of_text.cache_clear()
    _read.cache_clear()
    _catalogue.cache_clear()


@functools.cache
def _catalogue() -> dict[str, DataSet]:
    return catalogue.readable()[0]


def _read_by(one: DataSet, bound: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether the parts of a config, each with its bound values, read the data set.

    Several data sets may have one reader. Then the arguments that all variants of a data set have decide: if it has
    some, the config must bind one of them; if it has none, the config must not bind those of another one everywhere.
    """
    reader = one.reader.partition(":")[2]
    values = next((given for part, given in bound.items() if part.rpartition(".")[2] == reader), None)
    if values is None:
        return False
    given = {(name.rpartition(".")[2], repr(value)): "/" not in name for name, value in values.items()}
    if own := _fixed(one):
        return not own.isdisjoint(given)
    others = {pair for other in _catalogue().values() if other.reader == one.reader for pair in _fixed(other)}
    return not any(given.get(pair) for pair in others)


def _fixed(one: DataSet) -> set[tuple[str, str]]:
    """The arguments of the reader that are the same for all variants of a data set with several variants."""
    rows = [{(name, repr(value)) for name, value in each.arguments.items()} for each in one.variants.values()]
    return set.intersection(*rows) if len(rows) > 1 else set()


def short(one: DataSet) -> str:
    """The title of a data set for one line: a long one ends at its first comma or colon.

    >>> from types import SimpleNamespace
    >>> short(SimpleNamespace(title="LibriSpeech at 8 kHz, one utterance of each of 251 speakers of train-clean-100"))
    'LibriSpeech at 8 kHz'
    """
    return re.split("[:,] ", one.title)[0] if len(one.title) > LONG else one.title


def lacking(page: Page, claim: Claim) -> list[DataSet]:
    """The data sets of a claim's own config that cannot be downloaded. Empty if the config has a record."""
    names = [name for name in (claim.config, claim.over) if name]
    if not names or all(name in page.by_config for name in names):
        return []
    return [one for one in of_configs(page, names) if not one.files]


def chips(page: Page) -> dict[str, str]:
    """What each claim that is not run needs, by the id of the claim: `needs wsj0-2mix (licence)`.

    A claim without a record is left out if its data can be downloaded.
    """
    return {verdict.claim.id: said for verdict in page.verdicts if (said := chip(page, verdict))}


def word(page: Page, verdict: Verdict) -> str:
    """The outcome of a claim for readers: what it needs, if it is not run and its `chip` says it.

    That of an own claim begins with `own: `.
    """
    return f"{chosen.MARK if chosen.own(verdict.claim) else ''}{chip(page, verdict) or chosen.outcome(verdict)}"


def chip(page: Page, verdict: Verdict) -> str:
    """What a claim that is not run needs: data that cannot be downloaded, or more seeds if some have run; else ""."""
    if verdict.outcome != "not run":
        return ""
    if found := lacking(page, verdict.claim):
        return f"needs {found[0].name} ({'by hand' if OPEN.match(found[0].licence) else 'licence'})"
    more = verdict.claim.seeds - max(seeds_run(verdict), default=verdict.claim.seeds)
    return f"needs {count(more, 'more seed')}" if more > 0 else ""


def seeds_run(verdict: Verdict) -> list[int]:
    """How many seeds the claim's own config has; empty if it has not run."""
    return [one.interval.seeds for one in verdict.evidence if not one.proxy]


def how(page: Page, verdict: Verdict) -> str:
    """How to get what the `chip` of a claim names."""
    found = lacking(page, verdict.claim)
    said = "; ".join(f"{one.title}: {one.obtain} (licence: {one.licence})" for one in found)
    return said or naming.why(page, verdict)


def other_data(page: Page, claim: Claim, proxies: list[str]) -> bool:
    """Whether proxies of a claim may read other data than its config: not if both read the same data sets."""
    own = of_configs(page, [claim.config])
    return not own or any(of_configs(page, [name]) != own for name in proxies)
