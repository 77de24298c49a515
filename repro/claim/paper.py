"""Find papers and read their `paper.toml`: the citation and the claims. This imports no code of a paper.

    [paper]                                    [[claim]]
    title = "..."                              id = "abstract.sdr"
    authors = ["..."]                          says = "Improves the SDR by about 6 dB"
    year = 2016                                where = "abstract"
                                               config = "configs/wsj0_2mix.gin"
                                               metric = "SDRImprovement"
                                               value = 6.0
                                               tolerance = 0.5
                                               because = "the paper says 'about'"

`repro.claim` contains the meaning of each key; `repro.claim.paper_toml` reads and checks the file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from repro import HOME
from repro.claim import Cause, Features
from repro.claim import Claim as Claim
from repro.claim.behaviour import Behaviour
from repro.claim.sweep import Sweep
from repro.errors import BadInput, where

WRITTEN = "records"
"""The folder of a paper for the output of commands. It is committed, but it is not part of the paper's code."""


@dataclass(frozen=True)
class Paper:
    """One paper: its folder, citation, claims, suspected causes, sweeps, and the behaviours required of its models."""

    name: str
    folder: Path
    title: Annotated[str, "the title of the paper"]
    authors: Annotated[list[str], "its authors, each as `First Last`"]
    year: Annotated[int, "the year of publication"]
    venue: Annotated[str, "where it was published"] = ""
    url: Annotated[str, "the address of the paper"] = ""
    key: Annotated[str, "the key of its BibTeX entry; the default is the folder's name"] = ""
    group: Annotated[str, "who reproduced it"] = ""
    people: Annotated[list[str], "the members of the group, each as `First Last`"] = field(default_factory=list)
    kind: Annotated[
        Literal["paper", "course", "template"],
        "`course` if the numbers are from material of a course, `template` for an example; the default is `paper`",
    ] = "paper"
    text_read: Annotated[
        Literal["", "full paper", "parts", "abstract", "quoted elsewhere"],
        "which text of the paper you read: `quoted elsewhere` is a table of it in another text",
    ] = ""
    tuned_on: Annotated[
        Literal["", "nothing", "validation", "test"], "on which set you chose what the paper does not state"
    ] = ""
    outcome: Annotated[
        str, "what came out, in two sentences in plain words; `{claim}`, `{stated}` and `{verdict}` roles print numbers"
    ] = ""
    author_response: Annotated[str, "what the authors of the paper say about the reproduction"] = ""
    labels: dict[str, str] = field(default_factory=dict)
    summary: Annotated[str, "what the paper does, in one sentence of your own"] = ""
    abstract: Annotated[str, "what it does and finds, in a paragraph of your own"] = ""
    claims: list[Claim] = field(default_factory=list)
    causes: list[Cause] = field(default_factory=list)
    sweeps: list[Sweep] = field(default_factory=list)
    behaviours: list[Behaviour] = field(default_factory=list)
    features: Features | None = None

    def claim(self, claim_id: str) -> Claim:
        """The claim with this id. Raises BadInput if there is none, with the most similar id."""
        for claim in self.claims:
            if claim.id == claim_id:
                return claim
        raise BadInput(f"no claim '{claim_id}'", self.name, given=claim_id, known=[c.id for c in self.claims])

    def label(self, name: str) -> str:
        """The name of a config (`configs/NAME.gin` or `NAME`) or metric for readers: from `[labels]`, else its own."""
        own = name.removeprefix("configs/").removesuffix(".gin")
        return self.labels.get(own, own)

    @property
    def tested(self) -> list[tuple[str, Claim]]:
        """What needs runs and gets a verdict: ("claim", a claim) for each, and ("behaviour", the same as a claim)."""
        behaviours = [("behaviour", one.claim) for one in self.behaviours]
        return [*(("claim", claim) for claim in self.claims), *behaviours]

    @property
    def headlines(self) -> list[Claim]:
        """The claims that the page shows first."""
        return [claim for claim in self.claims if claim.headline]

    def causes_of(self, claim: Claim) -> list[Cause]:
        """The suspected causes of a claim: those that list its id or the id of its table."""
        return [cause for cause in self.causes if claim.id in cause.claims or (claim.table in cause.claims)]

    @property
    def configs(self) -> list[Path]:
        """The paths of the config files, in alphabetical order."""
        from repro.files import regular

        return regular.files(self.folder / "configs", "*.gin", regular.CONFIG)

    @property
    def runs(self) -> list[tuple[str, str, int]]:
        """(claim, config, seed) of every run that the claims, the behaviours and the suspected causes need."""
        rows = [(claim.id, config, seed) for _, claim in self.tested for config, seed in claim.runs]
        for claim in self.claims:
            for cause in self.causes_of(claim):
                sides = [name for name in (cause.over, cause.config, cause.over_config) if name]
                rows += [(claim.id, name, seed) for name in sides for seed in range(claim.seeds)]
        return rows


def folders() -> dict[str, Path]:
    """The folders of all papers, by name: each folder in a package `papers` that contains a `paper.toml`."""
    import papers
    from repro.files import regular

    found: dict[str, Path] = {}
    for root in filter(Path.is_dir, map(Path, papers.__path__)):
        for entry in sorted(root.iterdir()):
            if regular.present(entry / "paper.toml"):
                found.setdefault(entry.name, entry)
    return found


def own_folders() -> list[Path]:
    """The folders of all papers of this project, by name.

    In a checkout these are all papers. The papers that an installed `repro` contains are of another project; they
    count only if there is no other one.
    """
    found = [folder for _, folder in sorted(folders().items())]
    if (HOME.parent / "pyproject.toml").is_file():  # a checkout
        return found
    return [folder for folder in found if folder.parent != HOME.parent / "papers"] or found


def find(name: str) -> Paper:
    """The paper in the folder `name`. Raises BadInput with the nearest name if there is none.

    >>> find("template").name
    'template'
    """
    return read(folder_of(name))


def folder_of(name: str) -> Path:
    """The folder of the paper `name`; its files are not read. Raises BadInput with the nearest name if there is none.

    >>> folder_of("template").name
    'template'
    """
    known = folders()
    if name not in known:
        refuse_unstarted(name)
        raise BadInput(f"no paper '{name}'", given=name, known=known)
    return known[name]


def refuse_unstarted(name: str) -> None:
    """Raise BadInput if there is a folder `papers/NAME` without a `paper.toml`."""
    import papers

    for root in map(Path, papers.__path__):
        if name.isidentifier() and (root / name).is_dir():
            raise BadInput("no paper.toml", where(root / name), expected="a paper.toml in the folder of a paper")


def every() -> list[Paper]:
    """All papers, sorted by name. Raises BadInput for the first one that cannot be read."""
    return [read(folder) for _, folder in sorted(folders().items())]


def readable() -> tuple[list[Paper], list[BadInput]]:
    """All papers that can be read, and the errors of the others. So one broken paper does not hide the rest."""
    papers: list[Paper] = []
    faults: list[BadInput] = []
    for _, folder in sorted(folders().items()):
        try:
            papers.append(read(folder))
        except BadInput as error:
            faults.append(error)
    return papers, faults


def read(folder: Path) -> Paper:
    """The paper in `folder`: calls `repro.claim.paper_toml.read`, which reads and checks `paper.toml`.

    Raises BadInput with file and line for a wrong key or value.

    >>> found = read(folders()["template"])
    >>> found.claims[0].id, found.claims[0].kind
    ('fit.error', 'value')
    """
    from repro.claim import paper_toml

    return paper_toml.read(folder)


def refuse_other_core(folder: Path) -> None:
    """Raise BadInput if `folder` is in a checkout with its own `repro`, but that of another checkout is running."""
    running = HOME.resolve().parent
    place = folder.resolve()
    for root in (place, *place.parents):
        if (root / "repro" / "__init__.py").is_file() and (root / "papers").is_dir() and root != running:
            raise BadInput(
                f"repro is installed from {running}, another checkout",
                where(place),
                expected=f"the environment of {root} (there: make venv; source .venv/bin/activate)",
            )
