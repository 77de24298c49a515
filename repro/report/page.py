"""A paper with its records, verdicts and dependency checks; and the MyST text of its page.

The order of its sections: what does not agree, the results, how the outputs look and sound, how to run it, why the
numbers differ, where they come from.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, field, replace
from pathlib import Path

from repro import launch, record, verdict
from repro.claim import paper as papers
from repro.claim import units
from repro.claim.paper import Claim, Paper
from repro.record import Record, audit, determinism
from repro.record.determinism import Certificate
from repro.report import chosen, matrix, percent, prose, reviews
from repro.report.departures import Departures, departures
from repro.report.html.words import slug
from repro.report.outline import TEXT as TEXT
from repro.report.outline import WRITTEN as WRITTEN
from repro.report.repository import NOWHERE, Site
from repro.report.reviews import Review
from repro.rerun import counter_record, rot
from repro.rerun.counter_record import CounterRecord
from repro.verdict import Verdict

SMOKE = "configs/smoke.gin"


@dataclass(frozen=True)
class Page:
    """All that a paper's page shows. `root` is the relative address of the site's root, as seen from the document.

    `smoke` are the records of `smoke.gin`: they show that the program runs, and say nothing about a claim. If a claim
    names that config, its records are in `records` instead.
    """

    paper: Paper
    records: list[Record]
    verdicts: list[Verdict]
    smoke: list[Record] = field(default_factory=list)
    certificates: dict[str, list[Certificate]] = field(default_factory=dict)
    root: str = ""
    trials: list[rot.Trial] = field(default_factory=list)
    points: list[Record] = field(default_factory=list)  # the records of the sweeps, which no claim uses
    replays: list[CounterRecord] = field(default_factory=list)  # by other groups; no claim uses their numbers
    reviews: list[Review] = field(default_factory=list)
    late: dict[str, str] = field(default_factory=dict)  # what was changed in a claim after its record, by claim id
    site: Site = NOWHERE

    @property
    def name(self) -> str:
        """The name of the paper: its folder in `papers/`."""
        return self.paper.name

    @property
    def address(self) -> str:
        """The address of the page, relative to the document."""
        return f"{self.root}papers/{self.name}.html"

    @property
    def newest(self) -> str:
        """The time at which the newest record was finished; "" without records."""
        return max((found.finished for found in self.records), default="")

    @property
    def seconds(self) -> float:
        """The time that the runs of all records took, in seconds."""
        return sum(found.cost.get("seconds", 0.0) for found in self.records)

    @property
    def full(self) -> list[Claim]:
        """The claims whose own config has a record; of a comparison, both."""
        return [one for one in self.paper.claims if one.transcribed and self.ran(one)]

    def ran(self, claim: Claim) -> bool:
        """Whether a claim's own config has a record; of a comparison, both."""
        return claim.config in self.answered and (not claim.over or claim.over in self.answered)

    @property
    def tier(self) -> int:
        """3 if the experiment of one of the paper's claims has run; 2 if other runs are evidence; else 1."""
        if any(not (chosen.own(claim) or chosen.other(claim)) for claim in self.full):
            return 3
        pairs = [pair for claim in self.paper.claims for pair in claim.pairs]
        return 2 if self.full or any(proxy and name in self.answered for name, _, proxy in pairs) else 1

    def file(self, *parts: str) -> str:
        """The address of the site's copy of a file in the paper's folder."""
        return "/".join((f"{self.root}files/papers/{self.name}", *parts))

    def origin(self, found: Record) -> str:
        """The address of the place on the page that shows the origin of a record."""
        return f"{self.address}#{slug('record', found.stem)}"

    def place(self, claim: Claim) -> str:
        """The address of a claim's row."""
        return f"{self.address}#{slug('claim', claim.id)}"

    def unit(self, claim: Claim) -> str:
        """The unit of a claim's number: the one that it states, else the unit of its metric in any record."""
        if claim.stated_unit is not None:
            return units.sign(claim.stated_unit)
        return self._units.get(claim.metric, "")

    @functools.cached_property
    def _units(self) -> dict[str, str]:
        return {m.metric: str(m.identity.get("unit", "")) for found in self.records for m in found.measurements}

    @property
    def failed(self) -> list[Verdict]:
        """The verdicts that do not agree with the paper, including numbers that are better than claimed."""
        return [verdict for verdict in self.verdicts if verdict.outcome in chosen.DIFFERS]

    @property
    def curved(self) -> list[Record]:
        """The records that have a learning curve of at least two points."""
        return [found for found in self.records if any(len(points) > 1 for points in found.curves.values())]

    @property
    def looked(self) -> str:
        """The title of the section of examples: "Look and listen" if it has sounds, else "Look". "" if it is empty."""
        panels = [panel for found in self.records for one in found.examples for panel in one.get("panels", ())]
        return ("Look and listen" if any("sound" in panel for panel in panels) else "Look") if panels else ""

    @property
    def departures(self) -> Departures | None:
        """The departures from the paper that `report.md` lists; None if it has no such section."""
        return departures(self.told)

    @functools.cached_property
    def told(self) -> list[str]:
        """The lines of `report.md`."""
        path = self.paper.folder / "report.md"
        return prose.read(path) if path.is_file() else []

    @functools.cached_property
    def waiting(self) -> int:
        """The number of runs that the claims still need."""
        return len(launch.todo(self.paper, self.records))

    def rank(self, found: Record) -> tuple[int, int, str, int]:
        """The sort key of a record: a claim's own config first, then proxies, then other configs.

        Configs of one kind are in the order of the claims, those of the headline table first.
        """
        return *self._places.get(f"configs/{found.config}.gin", (2, 0)), found.config, found.seed

    def runs(self, claim: Claim) -> list[tuple[str, int]]:
        """(config, seed) of the runs that a claim asks for, and of the other records that its verdict uses."""
        made = [(name, one.seed) for name in claim.configs for one in self.by_config.get(name, ()) if not one.overrides]
        return list(dict.fromkeys([*claim.runs, *made])) if claim.runs else []

    @functools.cached_property
    def by_config(self) -> dict[str, list[Record]]:
        """The records of each config. The key is the config as a claim names it: `configs/NAME.gin`."""
        found: dict[str, list[Record]] = {}
        for one in self.records:
            found.setdefault(f"configs/{one.config}.gin", []).append(one)
        return found

    @functools.cached_property
    def _places(self) -> dict[str, tuple[int, int]]:
        """0 for a claim's own config or 1 for a proxy, and the place where the claims name it first; by config."""
        claims = [*chosen.headlines(self.paper), *self.paper.claims]
        own = dict.fromkeys(name for claim in claims for name in (claim.config, claim.over) if name)
        proxies = dict.fromkeys(name for claim in claims for name in claim.configs if name not in own)
        return {name: (kind, place) for kind, names in enumerate((own, proxies)) for place, name in enumerate(names)}

    @functools.cached_property
    def answered(self) -> frozenset[str]:
        """The configs, `configs/NAME.gin`, that have a record without `--set`."""
        return frozenset(f"configs/{found.config}.gin" for found in self.records if not found.overrides)


@functools.cache
def read(name: str, root: str = "", site: Site = NOWHERE) -> Page:
    """The page of the paper `name`. `root` is the relative address of the site's root.

    Raises BadInput if a file of the paper cannot be read.
    """
    return replace(_read(name), root=root, site=site)


@functools.cache
def _folders() -> dict[str, Path]:
    return papers.folders()


@functools.cache
def _read(name: str) -> Page:
    known = _folders()
    one = papers.read(known[name]) if name in known else papers.find(name)
    claimed = {config for _, config, _ in one.runs}
    found: dict[bool, list[Record]] = {False: [], True: []}
    for kept in record.of_paper(one.folder):
        found[kept.config == "smoke" and SMOKE not in claimed].append(kept)
    shown = percent.read(one, found[False])
    judged = verdict.judge_all(shown.claims, found[False])
    certificates, trials = determinism.every(one.folder), rot.of_paper(one.folder)
    points, late = record.of_points(one.folder) if one.sweeps else [], audit.late(one) or {}
    replayed, given = counter_record.of_paper(one, [*found[False], *found[True]]), reviews.of_paper(one.folder)
    return Page(shown, found[False], judged, found[True], certificates, "", trials, points, replayed, given, late)


def forget() -> None:
    """Empty the cache: the files may have changed since the last build of this process."""
    for cached in (read, _read, _folders):
        cached.cache_clear()


def plain(text: str) -> str:
    """`text` for MyST, with all punctuation escaped so that it is not markup."""
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", " ".join(text.split()))


def text(page: Page, below: Path) -> str:
    """The MyST text of the page. `below` is the folder of the file that will contain it."""
    gaps = f"## What does not agree\n\n```{{disagreements}} {page.name}\n```\n\n" if page.failed else ""
    titles = {
        "examples": page.looked,
        "confusion": "Confusion matrix" if matrix.among(page.records) else "",
        "behaviours": "Behaviour tests" if page.paper.behaviours else "",
        "curves": "Learning curves" if page.curved else "",
        "sweeps": "Sweeps" if page.paper.sweeps else "",
    }
    shown = "".join(f"## {title}\n\n```{{{one}}} {page.name}\n```\n\n" for one, title in titles.items() if title)
    return TEXT.format(
        written=WRITTEN,
        name=page.name,
        title=plain(page.paper.title),
        gaps=gaps,
        shown=shown,
        reviews=f"## Reviews\n\n```{{reviews}} {page.name}\n```\n\n" if page.reviews else "",
        report=prose.include(page.paper.folder / "report.md", below),
        tips=prose.include(page.paper.folder / "tips.md", below),
    )
