"""A paper's folder and its `paper.toml`: what the paper claims, as data. Reading it imports nothing of the paper.

    [paper]
    title = "..."
    [[claim]]
    id = "abstract.sdr"
    says = "..."
    where = "abstract"
    config = "configs/wsj0_2mix.gin"
    metric = "SDRImprovement"
    value = 6.0
    tolerance = 0.5
    because = "the paper says 'about'"

Three kinds of claim, told by their keys: a **value** (`value` with `tolerance`), a **comparison** (`over`, another
config, or `above`, a number that our value must exceed), and a **printed** number (`printed`: what a deterministic
result must round to). A claim that nobody has read in the paper is `unread = true` and is never judged.
"""

from __future__ import annotations

import math
import re
import tomllib
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, get_type_hints

from repro.errors import BadInput, nearest

HEAD = re.compile(r"\s*\[\s*paper\s*\]")
CLAIM = re.compile(r"\s*\[\[\s*claim\s*\]\]")
PRINTED = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?( ?%)?$")


@dataclass(frozen=True)
class Claim:
    """One number or ordering that the paper states, and the config that answers it."""

    id: str
    says: str
    where: str
    metric: str = ""
    config: str = ""
    test: str = "test"  # which of the config's test sets
    value: float | None = None
    tolerance: float | None = None
    above: float | None = None
    over: str = ""
    printed: str = ""
    because: str = ""
    seeds: int = 3
    proxy: list[str] = field(default_factory=list)  # weakest first: the last one with a record is judged
    proxy_over: list[str] = field(default_factory=list)  # the other side of each proxy, where there is `over`
    source: str = ""
    unread: bool = False
    line: int = 0

    @property
    def kind(self) -> str:
        if self.unread:
            return "unread"
        if self.printed:
            return "printed"
        return "comparison" if self.over or self.above is not None else "value"

    @property
    def pairs(self) -> list[tuple[str, str, bool]]:
        """(config, the other side or "", is it a proxy), the claim's own first."""
        others = self.proxy_over or [""] * len(self.proxy)
        proxies = ((config, other, True) for config, other in zip(self.proxy, others, strict=True))
        return [(self.config, self.over, False), *proxies] if self.config else []

    @property
    def configs(self) -> list[str]:
        """Every config that bears on the claim."""
        return [name for config, other, _ in self.pairs for name in (config, other) if name]

    @property
    def runs(self) -> list[tuple[str, int]]:
        """(config, seed) of every run that the claim asks for, proxies first: a trend needs one seed."""
        if self.unread:
            return []
        trend = [(name, 0) for config, other, proxy in self.pairs if proxy for name in (config, other) if name]
        own = [(name, seed) for name in (self.config, self.over) if name for seed in range(self.seeds)]
        return trend + own


@dataclass(frozen=True)
class Paper:
    """A plugin: the folder, the citation and the claims."""

    name: str
    folder: Path
    title: str
    authors: list[str]
    year: int
    venue: str = ""
    url: str = ""
    key: str = ""
    group: str = ""
    summary: str = ""
    claims: list[Claim] = field(default_factory=list)

    def claim(self, claim_id: str) -> Claim:
        for claim in self.claims:
            if claim.id == claim_id:
                return claim
        raise BadInput(f"no claim '{claim_id}'{nearest(claim_id, [c.id for c in self.claims])}", self.name)

    @property
    def configs(self) -> list[Path]:
        return sorted((self.folder / "configs").glob("*.gin"))


def folders() -> dict[str, Path]:
    """Every folder with a `paper.toml` under any importable `papers` package, by name."""
    import papers

    found: dict[str, Path] = {}
    for root in filter(Path.is_dir, map(Path, papers.__path__)):
        for entry in sorted(root.iterdir()):
            if (entry / "paper.toml").is_file():
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
    path = folder / "paper.toml"
    try:
        text = path.read_text(encoding="utf-8")
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        line = re.search(r"at line (\d+)", str(error))
        raise BadInput(f"not TOML: {error}", f"{where(path)}:{line[1]}" if line else where(path)) from None
    if stray := set(data) - {"paper", "claim"}:
        raise BadInput(f"unknown table '{min(stray)}'; expected [paper] and [[claim]]", where(path))
    lines = [number for number, line in enumerate(text.splitlines(), 1) if CLAIM.match(line)]
    head, rows = data.get("paper", {}), data.get("claim", [])
    if not isinstance(head, dict) or not isinstance(rows, list) or len(rows) != len(lines):
        raise BadInput("expected one [paper] and each claim under its own [[claim]]", where(path))
    claims = [_claim(row, f"{where(path)}:{line}", line, folder) for row, line in zip(rows, lines, strict=True)]
    _refuse_twins(claims, path)
    return _make(Paper, head, _head_place(path, text), given={"name": folder.name, "folder": folder, "claims": claims})


def _head_place(path: Path, text: str) -> str:
    lines = [number for number, line in enumerate(text.splitlines(), 1) if HEAD.match(line)]
    return f"{where(path)}:{lines[0] if lines else 1}"


def _claim(row: dict[str, Any], place: str, line: int, folder: Path) -> Claim:
    for key in ("proxy", "proxy_over"):
        if isinstance(row.get(key), str):
            row[key] = [row[key]]
    claim = _make(Claim, row, place, given={"line": line})
    if claim.unread:
        return claim
    for key in ("config", "metric"):
        if not getattr(claim, key):
            raise BadInput(f"claim '{claim.id}' has no '{key}'", place)
    _refuse_unjudgeable(claim, place)
    for name in claim.configs:
        if not re.fullmatch(r"configs/[^/]+\.gin", name):
            raise BadInput(f"claim '{claim.id}' names {name}; expected configs/<name>.gin", place)
        if not (folder / name).is_file():
            known = [f"configs/{path.name}" for path in (folder / "configs").glob("*.gin")]
            raise BadInput(f"claim '{claim.id}' names {name}, which does not exist{nearest(name, known)}", place)
    return claim


def _refuse_unjudgeable(claim: Claim, place: str) -> None:
    """A value needs its tolerance, a printed number must be one, and a mean needs at least one seed."""
    whole = claim.tolerance is not None and claim.because
    if claim.kind == "value" and (claim.value is None or not whole):
        raise BadInput(f"claim '{claim.id}' needs value, tolerance and because (or over, above, printed)", place)
    if claim.kind == "comparison" and claim.value is not None and not whole:
        raise BadInput(f"claim '{claim.id}' compares with a value: it needs tolerance and because", place)
    if claim.tolerance is not None and not claim.tolerance >= 0:
        raise BadInput(f"'tolerance' is {claim.tolerance}; expected a number from 0", place)
    if len(claim.proxy_over) != (len(claim.proxy) if claim.over else 0):
        raise BadInput(
            "'proxy_over' must name the other side of each proxy where there is 'over', and only there", place
        )
    if claim.seeds < 1:
        raise BadInput(f"'seeds' is {claim.seeds}; expected a whole number from 1", place)
    if claim.printed and not PRINTED.match(claim.printed):
        raise BadInput(f"'printed' is {claim.printed!r}; expected a number as the paper prints it, as '63.5 %'", place)


def _refuse_twins(claims: list[Claim], path: Path) -> None:
    seen: dict[str, Claim] = {}
    for claim in claims:
        if claim.id in seen:
            raise BadInput(
                f"claim id '{claim.id}' stands already in line {seen[claim.id].line}", f"{where(path)}:{claim.line}"
            )
        seen[claim.id] = claim


def _make(cls: type, row: dict[str, Any], place: str, given: dict[str, Any]) -> Any:
    """`cls(**row, **given)` after checking names, presence and types of the keys in `row`."""
    hints = get_type_hints(cls)
    known = {f.name: f for f in fields(cls) if f.name not in given}
    for key, value in row.items():
        if key not in known:
            raise BadInput(f"unknown key '{key}'{nearest(key, known)}", place)
        if not _fits(value, hints[key]):
            raise BadInput(f"'{key}' is {value!r}; expected {_name(hints[key])}", place)
    for name, spec in known.items():
        if name not in row and spec.default is MISSING and spec.default_factory is MISSING:
            raise BadInput(f"missing key '{name}'", place)
    return cls(**row, **given)


def _fits(value: Any, hint: Any) -> bool:
    if hint == list[str]:
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    if isinstance(value, float) and not math.isfinite(value):
        return False
    allowed = (float, int) if hint in (float, float | None) else hint
    return isinstance(value, allowed) and (not isinstance(value, bool) or hint is bool)


def _name(hint: Any) -> str:
    return {
        float | None: "a number",
        int: "a whole number",
        str: "a text",
        bool: "true or false",
        list[str]: "a list of texts",
    }.get(hint, str(hint))


def where(path: Path) -> str:
    """`path` as one would type it from here: relative where it lies below the working directory."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
