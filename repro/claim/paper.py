"""A paper's folder: the citation, the claims, the configs. Finding and reading one imports nothing of it.

    [paper]                                    [[claim]]
    title = "..."                              id = "abstract.sdr"
    authors = ["..."]                          says = "Improves the SDR by about 6 dB"
    year = 2016                                where = "abstract"
                                               config = "configs/wsj0_2mix.gin"
                                               metric = "SDRImprovement"
                                               value = 6.0
                                               tolerance = 0.5
                                               because = "the paper says 'about'"

`repro.claim` says what each key means; `repro.claim.paper_toml` reads and checks the file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from repro import HOME
from repro.claim import Cause, Features
from repro.claim import Claim as Claim
from repro.errors import BadInput, nearest, where

WRITTEN = "records"
"""The folder of a paper in which everything is written by commands: committed, but no change of the paper's code."""


@dataclass(frozen=True)
class Paper:
    """A plugin: the folder, the citation, the claims, and what is suspected where one was not reproduced."""

    name: str
    folder: Path
    title: Annotated[str, "the title of the paper"]
    authors: Annotated[list[str], "its authors, each as `First Last`"]
    year: Annotated[int, "the year of publication"]
    venue: Annotated[str, "where it was published"] = ""
    url: Annotated[str, "where it can be read"] = ""
    key: Annotated[str, "the key of its BibTeX entry; the folder's name where nothing is said"] = ""
    group: Annotated[str, "who reproduced it"] = ""
    summary: Annotated[str, "what the paper does, in one sentence of our own"] = ""
    abstract: Annotated[str, "what it does and finds, in a paragraph of our own"] = ""
    claims: list[Claim] = field(default_factory=list)
    causes: list[Cause] = field(default_factory=list)
    features: Features | None = None

    def claim(self, claim_id: str) -> Claim:
        for claim in self.claims:
            if claim.id == claim_id:
                return claim
        raise BadInput(f"no claim '{claim_id}'{nearest(claim_id, [c.id for c in self.claims])}", self.name)

    def causes_of(self, claim: Claim) -> list[Cause]:
        """What is suspected of a claim, named by its id or by that of its table."""
        return [cause for cause in self.causes if claim.id in cause.claims or (claim.table in cause.claims)]

    @property
    def configs(self) -> list[Path]:
        from repro.files import regular

        return regular.files(self.folder / "configs", "*.gin", regular.CONFIG)

    @property
    def runs(self) -> list[tuple[str, str, int]]:
        """(claim, config, seed) of every run that the claims and the ledger of causes ask for."""
        rows = [(claim.id, config, seed) for claim in self.claims for config, seed in claim.runs]
        for claim in self.claims:
            for cause in self.causes_of(claim):
                sides = [name for name in (cause.over, cause.config, cause.over_config) if name]
                rows += [(claim.id, name, seed) for name in sides for seed in range(claim.seeds)]
        return rows


def folders() -> dict[str, Path]:
    """Every folder with a `paper.toml` under any importable `papers` package, by name."""
    import papers
    from repro.files import regular

    found: dict[str, Path] = {}
    for root in filter(Path.is_dir, map(Path, papers.__path__)):
        for entry in sorted(root.iterdir()):
            if regular.present(entry / "paper.toml"):
                found.setdefault(entry.name, entry)
    return found


def find(name: str) -> Paper:
    """The paper called `name`."""
    known = folders()
    if name not in known:
        raise BadInput(f"no paper '{name}'{nearest(name, known)}")
    return read(known[name])


def every() -> list[Paper]:
    """Every paper, in the order of the names. Raises BadInput at the first that cannot be read."""
    return [read(folder) for _, folder in sorted(folders().items())]


def readable() -> tuple[list[Paper], list[BadInput]]:
    """Every paper that can be read, and what is wrong with the others: one broken paper must not hide the rest."""
    papers: list[Paper] = []
    faults: list[BadInput] = []
    for _, folder in sorted(folders().items()):
        try:
            papers.append(read(folder))
        except BadInput as error:
            faults.append(error)
    return papers, faults


def read(folder: Path) -> Paper:
    """Read and check `folder/paper.toml`. Raises BadInput naming file and line."""
    from repro.claim import paper_toml

    return paper_toml.read(folder)


def refuse_other_core(folder: Path) -> None:
    """Raise BadInput where `folder` is in a checkout with a core of its own, and another one's core is running."""
    running = HOME.resolve().parent
    place = folder.resolve()
    for root in (place, *place.parents):
        if (root / "repro" / "__init__.py").is_file() and (root / "papers").is_dir() and root != running:
            hint = f"expected the environment of {root} (there: make venv; source .venv/bin/activate)"
            raise BadInput(f"repro is installed from {running}, another checkout; {hint}", where(place))
