"""What a verdict rests on, as a reader asks for it: our number, the configs and records behind it, what to type."""

from __future__ import annotations

from repro.paper import Claim
from repro.report import files
from repro.report.markup import Markup, join, link, tag
from repro.report.page import Page
from repro.report.words import number
from repro.verdict import Verdict, factor


def ours(verdict: Verdict) -> str:
    """Our number for a printed one, with nine digits and in the unit of the print; empty where there is none."""
    if verdict.judged is None:
        return ""
    found = verdict.judged
    return number(found.interval.mean * factor(verdict.claim, found.identity.get("unit", "")))


def links(page: Page, verdict: Verdict) -> Markup:
    """The configs that bear on the claim, and the records they have."""
    names = verdict.claim.configs
    configs = [link(name.removeprefix("configs/"), files.shown(page.file(name))) for name in names]
    stems = [found.stem for name in names for found in page.by_config.get(name, ())]
    records = [link(f"{stem}.json", page.file("records", f"{stem}.json")) for stem in stems]
    if not configs:
        return Markup("")
    told = [tag("strong", " Records: "), join(records, ", ")] if records else []
    return tag("p", tag("strong", "Configs: "), join(configs, ", "), *told)


def asked(page: Page, claim: Claim) -> list[str]:
    """What to type to make the records of a claim: proxies with one seed, its own configs with all."""
    seeds: dict[str, int] = {}
    for name, _ in claim.runs:
        seeds[name] = seeds.get(name, 0) + 1
    return [loop(f"repro run papers/{page.name}/{name} --seed", many) for name, many in seeds.items()]


def loop(once: str, seeds: int) -> str:
    """The command `once` with seed 0, or with each of several seeds."""
    return f"{once} 0" if seeds == 1 else f"for seed in $(seq 0 {seeds - 1}); do {once} $seed; done"
